"""Takes a stranger's decoded sound in: one channel, within limits, or a sentence that says why not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stablecast.errors import InputRefused
from stablecast.model import Block

VERSION = 1

_DAMAGED = (
    "part of the recording is missing: copy it again from the recorder, or, if this is the only copy, "
    "open it in an audio editor, listen to it and save it as WAV"
)


@dataclass(frozen=True, slots=True)
class IngestParams:
    """What is taken in, and how it is kept."""

    rate_hz: int = 24_000  # everything after ingest runs at this rate
    max_duration_s: float = 6 * 3600.0  # of all files of one speaker together
    max_bytes: int = 16 * 1024**3  # of the file; its decoded length is what max_duration_s limits
    min_duration_s: float = 1.0  # shorter is a slip of the finger
    shortfall_s: float = 0.05  # less than one FLAC frame: how much shorter than declared still counts as whole
    silence_dbfs: float = -60.0  # a recording that never peaks above this is silent
    phase_cancel_db: float = 15.0  # how much the mean of left and right may lose against each alone
    max_peak: float = 8.0  # times full scale: beyond it the samples are not sound
    max_clipped: float = 0.01  # share of samples over full scale


def mono(
    blocks: Iterator[NDArray[np.float32]], params: IngestParams, *, declared_duration_s: float | None
) -> Iterator[Block]:
    """The mean of left and right, block by block, within ±1; `blocks` hold stereo samples of shape (n, 2) at `rate_hz`.

    Raises InputRefused at once for samples that are no sound or beyond the longest duration, and at the end for a recording
    that is too short, shorter than declared, silent, cancelled by its own channels or far too loud: keep nothing before the
    end. Lossy decoders overshoot full scale by a little; that is clipped. A recording in floating point that lives above
    full scale is refused, because clipping would spoil it.
    """
    too_long = f"the recording is longer than {params.max_duration_s / 3600:g} hours: cut it into parts and add each"
    if declared_duration_s is not None and declared_duration_s > params.max_duration_s:
        raise InputRefused(too_long)
    length = clipped = 0
    peak = both = apart = 0.0  # `both`: energy of the mean; `apart`: mean energy of the channels
    for block in blocks:
        if block.ndim != 2 or block.shape[1] != 2:
            raise ValueError(f"stereo samples have the shape (n, 2), not {block.shape}")
        if not len(block):
            continue
        if not np.abs(block).max() <= params.max_peak:  # so written, NaN is refused too
            raise InputRefused("these samples are not sound: export the recording again as WAV, 16 or 24 bit")
        length += len(block)
        if length > params.max_duration_s * params.rate_hz:
            raise InputRefused(too_long)
        left, right = block[:, 0], block[:, 1]
        mean = 0.5 * (left + right)
        both += float(np.dot(mean, mean))
        apart += 0.5 * float(np.dot(left, left) + np.dot(right, right))
        loud = np.abs(mean)
        peak = max(peak, float(loud.max()))
        clipped += int(np.count_nonzero(loud > 1))
        np.clip(mean, -1, 1, out=mean)
        mean.setflags(write=False)
        yield mean

    duration_s = length / params.rate_hz
    if not length:
        raise InputRefused("there is no sound in this file: choose the recording itself")
    if declared_duration_s is not None and duration_s < declared_duration_s - params.shortfall_s:
        raise InputRefused(_DAMAGED)
    if duration_s < params.min_duration_s:
        raise InputRefused(f"the recording is shorter than {params.min_duration_s:g} s: choose the recording itself")
    if apart > both * 10 ** (params.phase_cancel_db / 10):
        raise InputRefused(
            "left and right cancel each other, because one is the other turned upside down: "
            "keep only one of the two channels in an audio editor, and add that"
        )
    if peak == 0 or 20 * math.log10(peak) < params.silence_dbfs:
        raise InputRefused(
            "the recording is silent from start to end: check that this is the right file and the right track"
        )
    if clipped > params.max_clipped * length:
        raise InputRefused(
            "the recording is far too loud for its format: lower its level in an audio editor, and add that"
        )
