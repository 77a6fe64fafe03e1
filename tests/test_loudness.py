"""The meter against the standards' own signals and ffmpeg's meter; the limiter against its promises."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import ebur128
import signals
from stablecast.frames import framed, with_margins
from stablecast.loudness.limiter import limit
from stablecast.loudness.meter import FLOOR_DB, integrated, k_weighting, measure
from stablecast.loudness.true_peak import HALF, Interpolator
from stablecast.model import Block, Dbtp, Loudness, Waveform

RATE_HZ = 48_000

Samples = NDArray[np.floating]


def metered(samples: Samples, rate_hz: int = RATE_HZ) -> Loudness:
    return measure(Waveform.of(samples, rate_hz))


def steps(*levels: tuple[float, float]) -> Samples:
    """A 1 kHz sine that holds each (peak dBFS, seconds) in turn."""
    return np.concatenate([signals.tone(1000, seconds, RATE_HZ, peak_dbfs=level) for level, seconds in levels])


def cut(samples: Samples, cuts: list[int]) -> Iterator[Block]:
    """The samples in blocks that end at `cuts`."""
    return (block for block in np.split(samples.astype(np.float32), sorted(cuts)) if len(block))


def limited(samples: Samples, ceiling: float, rate_hz: int = RATE_HZ, **times_ms: float) -> Block:
    return np.concatenate(list(limit(iter([samples.astype(np.float32)]), rate_hz, Dbtp(ceiling), **times_ms)))


cut_points = st.lists(st.integers(1, 120_000), max_size=12)
seeds = st.integers(0, 2**32 - 1)


# --- frames ---------------------------------------------------------------------------------------------------------


@given(length=st.integers(1, 400), cuts=st.lists(st.integers(1, 400), max_size=8), size=st.integers(1, 90))
def test_frames_are_the_same_samples_on_a_fixed_grid(length: int, cuts: list[int], size: int) -> None:
    """Every frame but the last has the size, and nothing is lost, added or moved."""
    samples = np.arange(length, dtype=np.float32)
    frames = list(framed(cut(samples, cuts), size))
    assert [len(frame) for frame in frames[:-1]] == [size] * (len(frames) - 1)
    assert 1 <= len(frames[-1]) <= size
    np.testing.assert_array_equal(np.concatenate(frames), samples)


@given(length=st.integers(1, 400), size=st.integers(5, 90), margin=st.integers(0, 5), hold=st.booleans())
def test_margins_are_what_stands_next_to_a_frame(length: int, size: int, margin: int, hold: bool) -> None:
    """A frame with margins is a slice of the whole padded signal, however short the last frame is."""
    samples = np.arange(1, length + 1, dtype=np.float32)
    padded = np.pad(samples, margin, mode="edge" if hold else "constant")
    windows = list(with_margins(framed([samples], size), margin, hold=hold))
    for place, window in enumerate(windows):
        np.testing.assert_array_equal(window, padded[place * size : place * size + len(window)])
    assert sum(len(window) - 2 * margin for window in windows) == length


# --- the meter ------------------------------------------------------------------------------------------------------


def test_k_weighting_is_the_standards_at_48_khz() -> None:
    """The biquads derived for any rate are those BS.1770-5 prints in tables 1 and 2."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, high_pass], atol=1e-12)


@pytest.mark.parametrize(
    ("levels", "lufs"),
    [
        pytest.param([(-23, 20)], -23, id="case 1"),
        pytest.param([(-33, 20)], -33, id="case 2"),
        pytest.param([(-36, 10), (-23, 60), (-36, 10)], -23, id="case 3: relative gate"),
        pytest.param([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23, id="case 4: both gates"),
        pytest.param([(-26, 20), (-20, 20.1), (-26, 20)], -23, id="case 5"),
    ],
)
def test_integrated_loudness_of_ebu_tech_3341(levels: list[tuple[float, float]], lufs: float) -> None:
    """The compliance signals of EBU Tech 3341, whose two equal channels are our dual-mono, read within 0.1 LU."""
    assert metered(steps(*levels)).dual_mono == pytest.approx(lufs, abs=0.1)


@pytest.mark.parametrize(
    ("divisor", "phase_deg", "peak", "dbtp"),
    [
        pytest.param(4, 0.0, 0.50, -6.0, id="case 15"),
        pytest.param(4, 45.0, 0.50, -6.0, id="case 16: samples read 3 dB less"),
        pytest.param(6, 60.0, 0.50, -6.0, id="case 17"),
        pytest.param(8, 67.5, 0.50, -6.0, id="case 18"),
        pytest.param(4, 45.0, 1.41, 3.0, id="case 19: above full scale, samples below"),
    ],
)
def test_true_peak_of_ebu_tech_3341(divisor: int, phase_deg: float, peak: float, dbtp: float) -> None:
    """Sines that hide their peaks between samples read within +0.2 and −0.4 dB."""
    sine = peak * signals.tone(RATE_HZ / divisor, 1, RATE_HZ, phase_deg=phase_deg)
    ramp = np.linspace(0, 1, RATE_HZ // 10)
    sine[: len(ramp)] *= ramp
    sine[-len(ramp) :] *= ramp[::-1]
    assert dbtp - 0.4 <= metered(sine).true_peak <= dbtp + 0.2


@pytest.mark.parametrize(
    ("levels", "range_lu"),
    [
        pytest.param((-20, -30), 10, id="case 1"),
        pytest.param((-20, -15), 5, id="case 2"),
        pytest.param((-40, -20), 20, id="case 3"),
        pytest.param((-50, -35, -20, -35, -50), 15, id="case 4"),
    ],
)
def test_loudness_range_of_ebu_tech_3342(levels: tuple[float, ...], range_lu: float) -> None:
    """The compliance signals of EBU Tech 3342 read within 1 LU."""
    assert metered(steps(*((level, 20) for level in levels))).range_lu == pytest.approx(range_lu, abs=1)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("kind", ["speech", "plosives"])
def test_the_meter_agrees_with_ffmpegs(kind: str, rate_hz: int) -> None:
    """At any rate our readings and those of an independent meter differ by less than a listener could notice."""
    samples = {"speech": signals.speechlike, "plosives": signals.plosives}[kind](20, rate_hz, 7)
    ours, theirs = metered(samples, rate_hz), ebur128.of_samples(samples, rate_hz)
    assert ours.dual_mono == pytest.approx(theirs.dual_mono, abs=0.1)
    assert ours.true_peak == pytest.approx(theirs.true_peak, abs=0.2)
    assert ours.range_lu == pytest.approx(theirs.range_lu, abs=0.3)


@pytest.mark.parametrize("length", [0, 1, 20_000, 96_000])
def test_silence_reads_the_floor(length: int) -> None:
    """Silence has a finite loudness and peak, and no range."""
    assert metered(np.zeros(length)) == Loudness(FLOOR_DB, FLOOR_DB, 0.0)


def test_what_is_too_short_has_a_peak_but_no_loudness() -> None:
    """One gating block is 400 ms: less than that cannot be called loud."""
    short = metered(signals.tone(1000, 0.35, RATE_HZ, peak_dbfs=-6))
    assert short.mono == FLOOR_DB
    assert short.true_peak == pytest.approx(-6, abs=0.2)


def test_loudness_follows_gain() -> None:
    """6 dB more is 6 LU and 6 dBTP more, and the range stays."""
    speech = signals.speechlike(10, RATE_HZ, 3)
    quiet, loud = metered(speech * signals.amplitude(-6)), metered(speech)
    assert loud.mono - quiet.mono == pytest.approx(6, abs=1e-3)
    assert loud.true_peak - quiet.true_peak == pytest.approx(6, abs=1e-3)
    assert loud.range_lu == pytest.approx(quiet.range_lu, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(cuts=cut_points)
def test_measuring_in_pieces_is_measuring_the_whole(cuts: list[int]) -> None:
    """However audio arrives, every figure is the same to the last bit."""
    speech = signals.speechlike(2.5, RATE_HZ, 5)
    pieces = Waveform(RATE_HZ, len(speech), lambda: cut(speech, cuts))
    assert measure(pieces) == metered(speech)
    assert integrated(pieces) == metered(speech).mono


@settings(max_examples=25, deadline=None)
@given(seed=seeds, rate_hz=st.sampled_from([8_000, 16_000, 44_100, 96_000]))
def test_what_the_meter_does_not_interpolate_could_not_have_been_the_peak(seed: int, rate_hz: int) -> None:
    """Leaving out rows that are too small to matter gives the peak of interpolating everything."""
    draw = np.random.default_rng(seed)
    samples = (draw.standard_normal(6_000) * np.repeat(draw.uniform(0, 1, 60) ** 3, 100)).astype(np.float32)
    everything = Interpolator.at(rate_hz).peaks(np.pad(samples, HALF), 0.0).max()
    assert metered(samples, rate_hz).true_peak == pytest.approx(20 * np.log10(everything), abs=1e-4)


def test_no_value_between_samples_outgrows_the_bound() -> None:
    """The signal that lines up with a filter's signs reaches `growth`, and none passes it."""
    interpolator = Interpolator.at(RATE_HZ)
    worst = np.sign(interpolator.matrix.T).astype(np.float32)
    assert np.abs(worst @ interpolator.matrix).max() == pytest.approx(interpolator.growth, rel=1e-5)


# --- the limiter ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=seeds,
    drive_db=st.floats(-6, 40),
    ceiling=st.floats(-12, -0.1),
    rate_hz=st.sampled_from([16_000, 44_100, 48_000]),
    kind=st.sampled_from(["noise", "clicks", "square", "plosives"]),
)
def test_no_true_peak_gets_over_the_ceiling(
    seed: int, drive_db: float, ceiling: float, rate_hz: int, kind: str
) -> None:
    """Noise, single clicks, clipped noise or pops, driven up to 40 dB too hot, end at most 0.05 dB over the ceiling."""
    draw = np.random.default_rng(seed)
    samples = {
        "noise": lambda: draw.standard_normal(12_345),
        "clicks": lambda: np.where(draw.uniform(size=12_345) > 0.999, 1.0, 0.0),
        "square": lambda: np.sign(draw.standard_normal(12_345)),
        "plosives": lambda: signals.plosives(0.6, rate_hz, seed),
    }[kind]() * signals.amplitude(drive_db)
    out = limited(samples, ceiling, rate_hz)
    assert len(out) == len(samples)
    assert metered(out, rate_hz).true_peak <= ceiling + 0.05


@given(ceiling=st.floats(-3, 0))
@settings(max_examples=5, deadline=None)
def test_what_is_under_the_ceiling_comes_back_bit_for_bit(ceiling: float) -> None:
    """A limiter with nothing to do does nothing."""
    speech = signals.speechlike(2, RATE_HZ, 2)
    assert metered(speech).true_peak < ceiling
    np.testing.assert_array_equal(limited(speech, ceiling), speech)


def test_samples_far_from_a_peak_are_untouched() -> None:
    """Before the look-ahead and after the release every sample is bit for bit what came in."""
    samples = signals.noise(4, RATE_HZ, rms_dbfs=-30).astype(np.float32)
    samples[RATE_HZ] = 2.0
    changed = np.flatnonzero(limited(samples, -1) != samples)
    assert RATE_HZ - 0.006 * RATE_HZ <= changed[0] < RATE_HZ < changed[-1] < 2 * RATE_HZ + RATE_HZ


def test_a_peak_stays_where_it_was() -> None:
    """There is no delay: the loudest sample of the output is the loudest of the input."""
    samples = signals.noise(1, RATE_HZ, rms_dbfs=-40)
    samples[31_234] = 4.0
    assert np.argmax(np.abs(limited(samples, -1))) == 31_234


def test_the_gain_moves_without_clicks() -> None:
    """Under a steady tone beside a click the gain takes no step larger than the look-ahead's window allows."""
    level = np.full(RATE_HZ, 0.1, np.float32)
    level[RATE_HZ // 2] = 8.0
    gain = limited(level, -1, lookahead_ms=5) / level
    assert gain.min() < 0.15
    assert np.abs(np.diff(gain)).max() <= 2 / (0.005 * RATE_HZ)


@settings(max_examples=15, deadline=None)
@given(cuts=cut_points)
def test_limiting_in_pieces_is_limiting_the_whole(cuts: list[int]) -> None:
    """However audio arrives, the limited samples are the same to the last bit."""
    hot = signals.plosives(2.5, RATE_HZ, 5) * 4
    pieces = np.concatenate(list(limit(cut(hot, cuts), RATE_HZ, Dbtp(-1))))
    np.testing.assert_array_equal(pieces, limited(hot, -1))


@pytest.mark.parametrize("times_ms", [(0, 80), (101, 80), (5, 0.5)])
def test_impossible_times_are_a_callers_bug(times_ms: tuple[float, float]) -> None:
    """A limiter without look-ahead, or with hardly any release, is refused before it clicks."""
    with pytest.raises(ValueError, match="no such limiter"):
        limited(np.zeros(10), -1, lookahead_ms=times_ms[0], release_ms=times_ms[1])
