"""The loudness a gain and the limiter will lead to, foreseen from an outline, is what the meter then reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import signals
from stablecast.loudness.foresight import foreseen, gain_for
from stablecast.loudness.limiter import limit
from stablecast.loudness.meter import integrated, measure, survey
from stablecast.model import Dbtp, Lufs, Waveform

RATE_HZ = 44_100
CEILING = Dbtp(-1.5)


def spoken(seconds: float = 12) -> Waveform:
    return Waveform.of(signals.speechlike(seconds, RATE_HZ, 4), RATE_HZ)


def test_a_survey_says_what_the_meter_says() -> None:
    """Level, true peak and range; and the outline by itself is as loud as the programme."""
    measured, outline = survey(spoken())
    told = measure(spoken())
    assert (measured.mono, measured.true_peak, measured.range_lu) == pytest.approx(
        (told.mono, told.true_peak, told.range_lu), abs=1e-9
    )
    assert outline.loudness() == pytest.approx(told.mono, abs=1e-9)


@pytest.mark.parametrize("gain_db", [-30.0, -7.0, 0.0, 5.0, 30.0])
def test_a_gain_alone_is_foreseen_exactly(gain_db: float) -> None:
    """Also where the gates take other blocks than they did before."""
    samples = np.concatenate(
        [signals.speechlike(6, RATE_HZ, 4) * signals.amplitude(down_db) for down_db in (0, -25, -50)]
    )
    _, outline = survey(Waveform.of(samples, RATE_HZ))
    after = integrated(Waveform.of(samples * signals.amplitude(gain_db), RATE_HZ))
    assert foreseen(outline, gain_db) == pytest.approx(after, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "gain_db", "within_lu"),
    [(signals.speechlike, 6.0, 0.1), (signals.speechlike, 14.0, 0.25), (signals.plosives, 10.0, 0.5)],
)
def test_what_the_limiter_takes_is_foreseen_nearly(
    make: Callable[[float, int, int], NDArray[np.floating]], gain_db: float, within_lu: float
) -> None:
    """Near enough that one reading is saved; and a good part of what it takes, or the forecast would be idle."""
    programme = Waveform.of(make(12, RATE_HZ, 4), RATE_HZ)
    _, outline = survey(programme)
    loud = Waveform.of(programme.read() * np.float32(signals.amplitude(gain_db)), RATE_HZ)
    limited = Waveform(RATE_HZ, loud.length, lambda: limit(loud.blocks(), RATE_HZ, CEILING))
    after, told = integrated(limited), foreseen(outline, gain_db, CEILING, 80)
    assert told == pytest.approx(after, abs=within_lu)
    assert foreseen(outline, gain_db) - after > 2 * abs(told - after)


def test_the_gain_for_a_target_leads_there() -> None:
    """With and without a limiter in the way, and to what cannot be reached the nearest that is finite."""
    _, outline = survey(spoken())
    target = Lufs(-19.0)
    assert foreseen(outline, gain_for(outline, target)) == pytest.approx(target, abs=1e-5)
    assert foreseen(outline, gain_for(outline, target, CEILING), CEILING) == pytest.approx(target, abs=1e-3)
    assert gain_for(outline, target, CEILING) > gain_for(outline, target)
    assert np.isfinite(gain_for(outline, target, Dbtp(-60.0)))
