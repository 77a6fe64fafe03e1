"""Which words must not be heard, and the stretches of time they take."""
