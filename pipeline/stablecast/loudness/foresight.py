"""How loud a programme will be behind a gain and the limiter, worked out from its outline, without touching a sample."""

from __future__ import annotations

import numpy as np

from stablecast.loudness.meter import SLOTS, Outline
from stablecast.model import Dbtp, Lufs

_SLOT_MS = 100 / SLOTS
_PASSES = 20
_SAME_LU = 1e-6  # what the arithmetic may differ by
_FURTHEST_DB = 240.0  # from silence to full scale, and twice that: further no gain is looked for
_WORTH = 0.25  # LU at least that a decibel of gain is taken to bring: the steps stay finite where the limiter takes nearly all


def foreseen(outline: Outline, gain_db: float, ceiling: Dbtp | None = None, release_ms: float = 80.0) -> Lufs:
    """The integrated loudness after `gain_db` and, with a `ceiling`, a limiter at it.

    Without one it is exact. With one it was within 0.05 LU for speech: a slot is as loud as its largest reduction leaves it, and
    peaks between samples do not count.
    """
    ratio = 10 ** (gain_db / 20)
    if ceiling is None:
        return outline.loudness(ratio)
    with np.errstate(divide="ignore"):
        excess = np.maximum(0.0, 1 - 10 ** (ceiling / 20) / (ratio * outline.peaks.astype(np.float64)))
        reach = np.concatenate([[0.0], excess, [0.0]])
        held = np.maximum(np.maximum(reach[:-2], reach[2:]), excess)
        # d[n] = max(held[n], decay · d[n−1]), as a running maximum of logarithms
        fall = np.arange(len(held)) * (_SLOT_MS / release_ms)
        reduction = np.exp(np.maximum.accumulate(np.log(held) + fall) - fall)
    return outline.loudness(ratio * (1 - reduction))


def gain_for(outline: Outline, target: Lufs, ceiling: Dbtp | None = None, release_ms: float = 80.0) -> float:
    """The gain in dB after which `foreseen` is at `target`.

    Without a limiter that is more than their difference: what is raised over the absolute gate moves the relative one. Where a
    gate stands just at a block no gain may be exact, and under a low ceiling none may be enough; the nearest is returned.
    """
    off_lu = target - outline.loudness()
    gain_db, before, worth, tries = float(off_lu), (0.0, float(off_lu)), 1.0, []
    for _ in range(_PASSES):
        off_lu = target - foreseen(outline, gain_db, ceiling, release_ms)
        tries.append((abs(off_lu), gain_db))
        if abs(off_lu) < _SAME_LU:
            break
        if gain_db != before[0]:
            worth = min(1.0, max(_WORTH, (before[1] - off_lu) / (gain_db - before[0])))
        before = gain_db, off_lu
        gain_db = min(max(gain_db + off_lu / worth, -_FURTHEST_DB), _FURTHEST_DB)
    return min(tries)[1]
