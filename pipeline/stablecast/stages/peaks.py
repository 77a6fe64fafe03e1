"""The shape of the finished sound, small enough to be drawn at once, and where each time of the recording is heard in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stablecast.frames import framed
from stablecast.model import Master, Timeline

VERSION = 1

PER_SECOND = 20  # two hours are 144,000 numbers: fine enough to see a word, light enough for one answer
FULL_SCALE = 127


@dataclass(frozen=True, slots=True)
class Peaks:
    """The loudest sample of each stretch of the master, from 0 to 127 of full scale, one byte each."""

    per_second: int
    duration_s: float
    timeline: Timeline
    values: bytes


def peaks(master: Master) -> Peaks:
    """The peaks of a master: of the anonymised sound alone, never of a recording."""
    rate_hz = master.waveform.rate_hz
    size = max(1, rate_hz // PER_SECOND)

    def loudest() -> Iterator[int]:
        for frame in framed(master.waveform.blocks(), size):
            yield round(min(1.0, float(np.abs(frame).max())) * FULL_SCALE)

    return Peaks(PER_SECOND, master.waveform.duration_s, master.timeline, bytes(loudest()))
