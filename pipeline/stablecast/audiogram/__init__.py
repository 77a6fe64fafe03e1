"""A film of an episode, for places that take only films: its cover, the waveform of its sound, its captions in the picture."""
