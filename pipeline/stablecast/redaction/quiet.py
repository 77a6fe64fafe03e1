"""How loud a recording is from moment to moment, coarsely: enough to end a removal where nobody is in the middle of a sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stablecast.frames import Frame, framed

STEP_S = 0.01
AROUND = np.ones(3) / 3  # a quiet place is quiet for 30 ms, or it is a zero crossing
AS_QUIET = 2.0  # times the power (3 dB) that still counts as quiet as the quietest: then the nearer place is better

_FRAMES = 500  # steps that are squared at a time


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The mean square of each 10 ms of a recording, from its start."""

    power: NDArray[np.float64]


def levels_of(blocks: Iterable[Frame], rate_hz: int) -> Levels:
    """The levels of a recording, in one reading and 30 MB an hour."""
    size = max(1, round(STEP_S * rate_hz))
    found = [np.zeros(0)]
    for frame in framed(blocks, size * _FRAMES):
        whole = np.pad(frame.astype(np.float64), (0, -len(frame) % size))
        found.append(np.square(whole).reshape(-1, size).mean(axis=1))
    return Levels(np.nan_to_num(np.concatenate(found), posinf=np.finfo(np.float64).max))


def together(some: Sequence[Levels]) -> Levels:
    """The levels of recordings that were made at the same time."""
    power = np.zeros(max((len(levels.power) for levels in some), default=0))
    for levels in some:
        power[: len(levels.power)] += levels.power
    return Levels(power)


def quietest(levels: Levels, from_s: float, to_s: float) -> float:
    """The quietest time between two, in either order; of several about as quiet, the one nearest to `from_s`.

    `from_s` itself where the recording has ended or there is no step between the two.
    """
    low, high = sorted((from_s, to_s))
    first, last = int(np.ceil(low / STEP_S - 0.5)), int(np.floor(high / STEP_S - 0.5))
    first, last = max(0, first), min(last, len(levels.power) - 1)
    if first > last:
        return from_s
    near = levels.power[max(0, first - 1) : last + 2]
    smooth = np.convolve(
        np.pad(near, (int(first == 0), int(last + 2 > len(levels.power))), mode="edge"), AROUND, mode="valid"
    )
    times = (np.arange(first, last + 1) + 0.5) * STEP_S
    quiet = times[smooth <= AS_QUIET * smooth.min()]
    return float(quiet[np.argmin(np.abs(quiet - from_s))])
