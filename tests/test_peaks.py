"""The drawn sound: as loud as what is heard, at the time at which it is heard."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stablecast.model import Dbtp as Peak
from stablecast.model import Loudness, Lufs, Master, Timeline, Waveform
from stablecast.stages.peaks import FULL_SCALE, PER_SECOND, peaks

RATE = 44_100


def master(samples: np.ndarray, rate: int = RATE) -> Master:
    return Master(Waveform.of(samples, rate), Timeline(1.0), 0.0, Loudness(Lufs(-19.0), Peak(-1.0), 5.0))


def test_a_click_is_drawn_where_it_is_heard() -> None:
    """One sample of half scale in five seconds of silence: one peak, of half the height, in the right twentieth."""
    samples = np.zeros(5 * RATE, np.float32)
    samples[round(3.26 * RATE)] = -0.5

    drawn = peaks(master(samples))

    assert len(drawn.values) == 5 * PER_SECOND
    assert [index for index, value in enumerate(drawn.values) if value] == [int(3.26 * PER_SECOND)]
    assert max(drawn.values) == round(FULL_SCALE / 2)
    assert (drawn.duration_s, drawn.timeline.opening_s) == (5.0, 1.0)


@given(st.integers(1, 3000), st.integers(1, 30_000), st.floats(-4.0, 4.0, width=32))
def test_every_sound_has_a_peak_for_each_stretch(length: int, rate: int, level: float) -> None:
    """Never one too few or too many, and never above full scale, at any rate and length."""
    drawn = peaks(master(np.full(length, level, np.float32), rate))

    assert len(drawn.values) == -(-length // max(1, rate // PER_SECOND))
    assert set(drawn.values) == {round(min(1.0, abs(level)) * FULL_SCALE)}
