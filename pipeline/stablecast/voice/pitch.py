"""A plain shift of pitch and formants, only to hear the difference: 25 tries undo it, so it never protects anybody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stablecast.model import Waveform
from stablecast.voice.shape import limited
from stablecast.voice.world import Piece, Rows, analyse, pieces, rendered, synthesise


def shift(waveform: Waveform, semitones: float) -> Waveform:
    """`waveform` with f0 and formants times 2^(semitones/12), in the source's timing and length."""
    ratio, rate = 2 ** (semitones / 12), waveform.rate_hz

    def shifted(piece: Piece) -> Rows:
        frames = analyse(piece.samples, rate)
        bins = frames.power.shape[1]
        place = np.minimum(np.arange(bins) / ratio, bins - 1)
        low = np.minimum(place.astype(int), bins - 2)
        part = place - low

        def moved(rows: Rows) -> Rows:
            out: Rows = rows.take(low, axis=1) * (1 - part) + rows.take(low + 1, axis=1) * part
            return out

        new = replace(
            frames, f0_hz=frames.f0_hz * ratio, power=moved(frames.power), aperiodicity=moved(frames.aperiodicity)
        )
        return limited(synthesise(new, len(piece.samples)))

    return waveform.through(lambda blocks: rendered(pieces(blocks, rate), rate, shifted))
