"""Levelling: the target is met by one gain and a limiter, or honestly refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import signals
from stablecast.errors import GateClosed
from stablecast.loudness.meter import measure
from stablecast.model import Block, Dbtp, Master, Programme, Timeline, Waveform
from stablecast.stages.master import MasterParams, master, mono_target, relevel

RATE_HZ = 44_100
PARAMS = MasterParams()
CEILING = PARAMS.true_peak_dbtp - PARAMS.headroom_db


def mastered(samples: NDArray[np.floating], params: MasterParams = PARAMS) -> Master:
    return master(Programme(Waveform.of(samples, RATE_HZ), Timeline(1.5)), params)


@pytest.mark.parametrize(
    ("kind", "level_db"),
    [("speech", -18), ("speech", 0), ("speech", 14), ("plosives", -6), ("plosives", 0), ("plosives", 14)],
)
def test_the_master_is_at_the_target_under_the_ceiling(kind: str, level_db: float) -> None:
    """Within 0.05 LU of −16 LUFS dual-mono, at most 0.05 dB over the ceiling, however loud the programme was."""
    make = {"speech": signals.speechlike, "plosives": signals.plosives}[kind]
    after = measure(mastered(make(12, RATE_HZ, 4) * signals.amplitude(level_db)).waveform)
    assert after.dual_mono == pytest.approx(-16, abs=0.05)
    assert after.true_peak <= CEILING + 0.05


def test_without_a_limiter_in_the_way_levelling_is_one_multiplication() -> None:
    """Every sample, loud or quiet, is the programme's times the same gain: nothing is levelled dynamically."""
    steady = signals.tone(300, 5, RATE_HZ, peak_dbfs=-40) * np.repeat([1.0, 0.5, 1.0, 0.7, 1.0], RATE_HZ)
    made = mastered(steady)
    ratio = np.float32(signals.amplitude(made.gain_db))
    np.testing.assert_array_equal(made.waveform.read(), steady.astype(np.float32) * ratio)


def test_what_a_gain_lifts_over_the_absolute_gate_counts_as_well() -> None:
    """A quiet recording with a hum below −70 LUFS: raised, the hum moves the relative gate, and a murmur passes it."""
    levels_dbfs = [-45.0] * 10 + [-57.2] * 4 + [-71.5] * 6
    steady = np.concatenate([signals.tone(997, 1, RATE_HZ, peak_dbfs=level + 0.7) for level in levels_dbfs])
    alone = measure(Waveform.of(steady, RATE_HZ)).mono
    made = mastered(steady)
    assert measure(made.waveform).dual_mono == pytest.approx(-16, abs=0.05)
    assert made.gain_db - (mono_target(PARAMS) - alone) > 1  # the difference of the two figures would not have done


@pytest.mark.parametrize(("make", "most"), [(signals.speechlike, 1), (signals.plosives, 2)])
def test_what_a_limiter_takes_away_is_made_up_for_in_few_readings(
    make: Callable[[float, int, int], NDArray[np.floating]], most: int
) -> None:
    """A programme is read once to be measured, and then seldom: one gain is tried where it is speech, two where it pops."""
    whole, readings = Waveform.of(make(12, RATE_HZ, 4), RATE_HZ), list[int]()

    def blocks() -> Iterator[Block]:
        readings.append(1)
        return whole.blocks()

    made = master(Programme(Waveform(RATE_HZ, whole.length, blocks), Timeline()), PARAMS)
    assert made.before.true_peak + made.gain_db > CEILING + 1  # the limiter has something to do
    assert 1 + 1 <= len(readings) <= 1 + most


def test_a_gain_that_is_allowed_is_not_refused_for_a_bold_guess() -> None:
    """The search may not step over `max_gain_db` where the gain that is needed lies under it."""
    speech = signals.speechlike(12, RATE_HZ, 4)
    needed = mastered(speech).gain_db
    assert mastered(speech, replace(PARAMS, max_gain_db=needed + 0.02)).gain_db <= needed + 0.02


def test_quiet_passages_keep_their_distance_when_peaks_are_limited() -> None:
    """Away from peaks the limiter's programme is still the source times one gain."""
    speech = signals.speechlike(12, RATE_HZ, 4)
    made = mastered(speech)
    gains = made.waveform.read()[speech != 0] / speech[speech != 0]
    ratio = signals.amplitude(made.gain_db)
    assert np.median(gains) == pytest.approx(ratio, rel=1e-6)
    assert gains.max() <= ratio * (1 + 1e-5)


def test_mono_and_dual_mono_differ_by_three_lu() -> None:
    """The same target counted once asks for 3.01 LU more than counted twice."""
    once = replace(PARAMS, dual_mono=False)
    assert mono_target(once) - mono_target(PARAMS) == pytest.approx(3.01, abs=0.01)
    assert measure(mastered(signals.speechlike(8, RATE_HZ, 1), once).waveform).mono == pytest.approx(-16, abs=0.05)


def test_where_the_speech_starts_is_carried_on() -> None:
    """Captions and chapters are placed by it."""
    assert mastered(signals.speechlike(3, RATE_HZ, 1)).timeline == Timeline(1.5)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(RATE_HZ), signals.noise(2, RATE_HZ, rms_dbfs=-90)])
def test_silence_is_refused(samples: NDArray[np.floating]) -> None:
    """Nothing, zeros or hiss below the gate cannot be brought to a target."""
    with pytest.raises(GateClosed, match="silent"):
        mastered(samples)


def test_what_is_too_quiet_is_refused_and_a_little_louder_is_not() -> None:
    """More than `max_gain_db` would publish noise; the message says how much was needed."""
    steady = signals.vowel(140, signals.VOWELS["o"], 3, RATE_HZ)
    level = measure(Waveform.of(steady, RATE_HZ)).mono
    allowed = mono_target(PARAMS) - PARAMS.max_gain_db - level
    with pytest.raises(GateClosed, match=r"needs 31\.0 dB"):
        mastered(steady * signals.amplitude(allowed - 1))
    made = mastered(steady * signals.amplitude(allowed + 1))
    assert made.gain_db == pytest.approx(PARAMS.max_gain_db - 1, abs=0.2)


def test_a_programme_of_knocks_is_refused_rather_than_crushed() -> None:
    """Where peaks are all there is, no gain gets loud enough under the ceiling, and the figures are told."""
    knocks = np.zeros(10 * RATE_HZ)
    knocks[:: 2 * RATE_HZ] = 0.9
    knocks += signals.noise(10, RATE_HZ, rms_dbfs=-75)
    with pytest.raises(GateClosed, match=r"under -1\.8 dBTP|ceiling of -1\.8 dBTP"):
        mastered(knocks)


def test_relevelling_keeps_length_and_ceiling() -> None:
    """The helper that corrects for an encoder changes neither time nor the limit."""
    speech = Waveform.of(signals.speechlike(5, RATE_HZ, 1), RATE_HZ)
    louder = relevel(speech, 12.0, Dbtp(-3.0), PARAMS)
    assert len(louder.read()) == louder.length == speech.length
    assert measure(louder).true_peak <= -3 + 0.05
