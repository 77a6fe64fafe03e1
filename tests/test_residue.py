"""The search for the original under a new voice: it finds a thirtieth of it, a second of it, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

import signals
from stablecast.stages.attack import RESIDUE
from stablecast.voice.residue import LITTLE, RATE_HZ, Residue, residue

OURS = signals.speechlike(70, RATE_HZ, seed=4)
THEIRS = signals.speechlike(70, RATE_HZ, seed=5, f0_hz=190.0)


def searched(source: np.ndarray, cut: np.ndarray, size: int = 10**9) -> Residue:
    """The search, with the cut in blocks of `size`."""
    blocks = [cut[at : at + size].astype(np.float32) for at in range(0, len(cut), size)]
    return residue([source.astype(np.float32)], blocks)


def test_nothing_is_found_where_nothing_was_left() -> None:
    """Two unrelated voices; and the control shows that something would have been."""
    found = searched(OURS, THEIRS)
    assert found.found < 0.7 * RESIDUE
    assert found.control > 1.5 * RESIDUE


@pytest.mark.parametrize("share", [LITTLE, -LITTLE, 2 * LITTLE])
@pytest.mark.parametrize("delay", [0, 320])
def test_a_little_of_all_of_it_is_found(share: float, delay: int) -> None:
    """3 % of the original, upright or inverted, in time or 20 ms late."""
    assert searched(OURS, THEIRS + share * np.roll(OURS, delay)).found > RESIDUE


@pytest.mark.parametrize("start_s", [3, 29.5, 68])
def test_one_second_that_was_left_as_it_was_is_found(start_s: float) -> None:
    """Wherever it is: at the end, or over the edge of two stretches."""
    cut, place = THEIRS.copy(), slice(round(start_s * RATE_HZ), round((start_s + 1) * RATE_HZ))
    cut[place] = OURS[place]
    assert searched(OURS, cut).found > RESIDUE


def test_blocks_make_no_difference() -> None:
    """The result depends on samples alone."""
    assert searched(OURS, THEIRS, 12_345) == searched(OURS, THEIRS)


@pytest.mark.parametrize(("source", "cut"), [(0 * OURS, THEIRS), (OURS, 0 * THEIRS), (OURS[:0], THEIRS[:0])])
def test_nothing_is_found_in_silence(source: np.ndarray, cut: np.ndarray) -> None:
    """There is nothing to look for, or nowhere to look; the numbers are numbers."""
    assert searched(source, cut) == Residue(0.0, 0.0)


def test_the_control_fails_where_the_search_is_blind() -> None:
    """A hum under its band is a source that the search cannot see: then it must not say that all is well."""
    hum = signals.tone(50, 20, RATE_HZ)
    assert searched(hum, THEIRS[: len(hum)]).control < RESIDUE


def test_a_short_recording_is_searched_too() -> None:
    """Five seconds are enough; a tenth of one is shorter than a frame, and no error."""
    short = 5 * RATE_HZ
    assert searched(OURS[:short], OURS[:short]).found > 10 * RESIDUE
    assert searched(OURS[:short], THEIRS[:short]).found < RESIDUE
    assert searched(OURS[:1600], THEIRS[:1600]).found < RESIDUE
