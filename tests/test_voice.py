"""The voice: WORLD a piece at a time, draws, characters, and what `normalise` and `pitch` do to a signal with a known answer."""

from __future__ import annotations

import tomllib
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

import signals
from stablecast import codecs
from stablecast.model import Block, Waveform
from stablecast.voice.characters import DEFAULTS, characters
from stablecast.voice.draws import EQ_HZ, KNOTS_HZ, Draw, draw_from
from stablecast.voice.normalise import normalise
from stablecast.voice.pitch import shift
from stablecast.voice.shape import cepstra, limited, read_at, spectra
from stablecast.voice.world import (
    F0_CEIL_HZ,
    LONGEST_S,
    OVERLAP_S,
    PARTS,
    Piece,
    analyse,
    pieces,
    rendered,
    synthesise,
    telling,
)

RATE = 24_000
HAZEL, ROWAN, ASH = (DEFAULTS[name] for name in ("hazel", "rowan", "ash"))
PLAIN = Draw(0.0, 0.0, (0.0,) * (len(KNOTS_HZ) - 2), (0.0,) * len(EQ_HZ), 0.0, 0.0, ((5.0, 0.0),) * 3, (1.0,), 1)


def median_f0(samples: np.ndarray) -> float:
    """The middle of the voiced frames' f0, in hertz."""
    f0 = analyse(samples, RATE).f0_hz
    return float(np.median(f0[f0 > 0]))


def formants(samples: np.ndarray) -> np.ndarray:
    """The two highest places of the mean envelope between 200 and 3000 Hz, in hertz."""
    frames = analyse(samples, RATE)
    mean = np.log(frames.power[frames.f0_hz > 0]).mean(axis=0)
    hz = np.linspace(0, RATE / 2, len(mean))
    inner = np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] > mean[2:])) + 1
    inner = inner[(hz[inner] > 200) & (hz[inner] < 3000)]
    return np.sort(hz[inner[np.argsort(-mean[inner])[:2]]])


def reblocked(samples: np.ndarray, sizes: list[int]) -> Iterator[Block]:
    """`samples` in blocks of the given sizes, again and again."""
    at, turn = 0, 0
    while at < len(samples):
        size = sizes[turn % len(sizes)]
        yield samples[at : at + size]
        at, turn = at + size, turn + 1


# --- WORLD -----------------------------------------------------------------------------------------------------------


@given(sizes=st.lists(st.integers(1, 70_000), min_size=1, max_size=6))
def test_pieces_do_not_depend_on_blocks(sizes: list[int]) -> None:
    """However a stream is blocked, the same pieces come out, and together they are the stream."""
    samples = np.random.default_rng(1).standard_normal(45_000)
    rate = 500  # 90 s
    whole = list(pieces(iter([samples]), rate))
    again = list(pieces(reblocked(samples, [max(size, 40) for size in sizes]), rate))
    assert [p.start for p in whole] == [p.start for p in again]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole, again, strict=True))
    assert len(whole) > 3
    back = np.concatenate(list(rendered(iter(again), rate, lambda piece: piece.samples)))
    np.testing.assert_allclose(back, samples, atol=1e-6)


def test_cuts_are_made_where_it_is_quiet() -> None:
    """A pause of a quarter of a second between 10 and 20 s is where the stream is cut."""
    samples = signals.noise(40, RATE)
    samples[13 * RATE : 13 * RATE + RATE // 4] *= 0.01
    second = list(pieces(iter([samples]), RATE))[1]
    assert 13 <= second.start / RATE + OVERLAP_S <= 13.25


def test_a_join_of_different_pieces_does_not_click() -> None:
    """Two pieces that came back at different levels meet in a slope, not in a step."""
    found = pieces(iter([np.ones(30 * RATE)]), RATE)
    joined = np.concatenate(list(rendered(found, RATE, lambda p: p.samples * (1.0 if p.start else 0.2))))
    assert np.abs(np.diff(joined)).max() < 0.002


def test_a_process_that_loses_samples_is_refused() -> None:
    """Captions and spans hold only while every piece keeps its length."""
    with pytest.raises(ValueError, match="came back with"):
        list(rendered(iter([Piece(0, np.zeros(100))]), RATE, lambda piece: piece.samples[:-1]))


def test_taking_apart_and_putting_together_keeps_a_vowel() -> None:
    """WORLD alone keeps f0, formants, level and length."""
    vowel = signals.vowel(140, signals.VOWELS["a"], 2, RATE)
    out = synthesise(analyse(vowel, RATE), len(vowel))
    assert len(out) == len(vowel)
    assert median_f0(out) == pytest.approx(140, rel=0.01)
    np.testing.assert_allclose(formants(out), formants(vowel), rtol=0.05)
    assert signals.dbfs(out) == pytest.approx(signals.dbfs(vowel), abs=1)


def test_noise_keeps_its_level_and_is_as_the_draw_says() -> None:
    """White noise comes back as loud, by the same generator as the same samples, by another as unrelated ones."""
    noise = signals.noise(3, RATE)
    frames = analyse(noise, RATE)
    frames = replace(frames, f0_hz=np.zeros_like(frames.f0_hz))
    one, again, other = (synthesise(frames, len(noise), draw_from(bytes([k]) * 32, HAZEL).noise(7)) for k in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert signals.dbfs(one) == pytest.approx(signals.dbfs(noise), abs=0.7)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert not np.array_equal(one, synthesise(frames, len(noise), draw_from(bytes([1]) * 32, HAZEL).noise(8)))


def test_memory_of_a_stream_is_that_of_some_pieces() -> None:
    """Over four hours no piece is longer than 20 s and no more than eight are kept to judge the speaker by."""
    rate, hours = 2000, 4
    minute = signals.noise(60, rate).astype(np.float32)
    long = Waveform(rate, 60 * hours * len(minute), lambda: (minute for _ in range(60 * hours)))
    tracemalloc.start()
    kept = list(telling(long))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(kept) == PARTS
    assert max(len(piece.samples) for piece in kept) <= (LONGEST_S + 2 * OVERLAP_S) * rate
    assert peak < 8 * rate * 60 * (PARTS + 4)  # bytes: far under the 230 MB of the whole


# --- draws -----------------------------------------------------------------------------------------------------------


@given(secret=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32))
def test_a_draw_is_its_secret(secret: bytes, other: bytes) -> None:
    """The same secret and character give the same draw; any other give one that differs in everything."""
    one = draw_from(secret, HAZEL)
    assert one == draw_from(secret, HAZEL)
    for different in (draw_from(secret, ASH), *([draw_from(other, HAZEL)] if other != secret else [])):
        assert one.tract != different.tract
        assert not set(one.eq_db) & set(different.eq_db)
        assert not set(one.knots) & set(different.knots)


def test_draws_are_wide() -> None:
    """Over many secrets a draw fills its whole range and favours neither side."""
    many = [draw_from(bytes([n, n // 256]) * 16, HAZEL) for n in range(256)]
    tract = np.array([draw.tract for draw in many])
    assert np.ptp(tract) > 0.48
    assert abs(tract.mean()) < 0.04
    assert np.ptp([draw.register_st for draw in many]) > 6.7


def test_a_draw_shows_nothing() -> None:
    """Neither secret nor numbers are in what a log or a traceback would print."""
    draw = draw_from(bytes(range(32)), HAZEL)
    assert repr(draw) == str(draw) == f"{draw}" == "Draw(…)"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_short_secret_is_refused(length: int) -> None:
    """A secret has 32 bytes: fewer could be tried out."""
    with pytest.raises(ValueError, match="32 bytes"):
        draw_from(bytes(length), HAZEL)


# --- characters ------------------------------------------------------------------------------------------------------


def test_the_example_file_says_what_is_built_in() -> None:
    """config/voices.toml in the repository and the built-in characters are the same."""
    table = tomllib.loads((Path(__file__).parents[1] / "config" / "voices.toml").read_text(encoding="utf-8"))
    assert set(table) == set(DEFAULTS)
    assert characters(table) == characters({}) == DEFAULTS


def test_characters_are_clearly_different() -> None:
    """Each has a donor of its own, a register 2.5 semitones and more from the next, a lower one the bigger one, plain words."""
    ordered = sorted(DEFAULTS.values(), key=lambda character: character.register_hz)
    assert len(ordered) >= 4
    assert min(np.diff([12 * np.log2(c.register_hz) for c in ordered])) > 2.5
    assert all(np.diff([c.tract for c in ordered]) >= 0.03)
    assert len({c.donor for c in ordered}) == len({c.words for c in ordered}) == len(ordered)
    assert all(c.words for c in ordered)


def test_a_show_adds_its_own_character() -> None:
    """A new table is a new character; the built-in ones stay."""
    found = characters({"willow": {"register_hz": 180, "tract": 1.02}})
    assert found["willow"].register_hz == 180.0
    assert set(found) == {*DEFAULTS, "willow"}


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"register_hz": 150.0, "tract": 1.0, "colour": "red"}, ("willow", "colour")),
        ({"register_hz": "low", "tract": 1.0}, ("willow", "register_hz")),
        ({"register_hz": True, "tract": 1.0}, ("willow", "register_hz")),
        ({"register_hz": 40.0, "tract": 1.0}, ("willow", "register_hz")),
        ({"register_hz": 150.0, "tract": 2.0}, ("willow", "tract")),
        ({"register_hz": 150.0}, ("willow", "tract")),
        ({"register_hz": 150.0, "tract": 1.0, "name": "oak"}, ("willow", "name")),
        ("low", ("willow",)),
    ],
)
def test_what_is_no_character_is_refused_by_name(entry: object, where: tuple[str, ...]) -> None:
    """Unknown keys, wrong types, missing and absurd values are refused with the key that leads to them."""
    with pytest.raises(codecs.Misfit) as refused:
        characters({"willow": entry})
    assert refused.value.where == where


# --- the new spectrum ------------------------------------------------------------------------------------------------


def test_cepstra_draw_a_smooth_spectrum_again() -> None:
    """A spectrum of slow waves on the mel axis survives the way there and back."""
    bins = np.linspace(0, RATE / 2, 513)
    known = np.random.default_rng(3).standard_normal((4, 12)) / np.arange(1, 13)
    spectrum = spectra(known, bins)
    np.testing.assert_allclose(cepstra(spectrum, RATE, 12), known, atol=0.02)


@given(tract=st.floats(-0.3, 0.3))
def test_a_tract_moves_formants_by_its_ratio(tract: float) -> None:
    """A formant at 1 kHz is read from where it was: e^−tract lower."""
    assert read_at(np.array([1000.0]), PLAIN, tract)[0] == pytest.approx(1000 * np.exp(-tract))


@given(st.lists(st.floats(-50, 50), min_size=1))
def test_the_limiter_never_lets_a_sample_through(samples: list[float]) -> None:
    """Everything comes out within 0.98, and what is under 0.7 comes out unchanged."""
    given_ = np.array(samples)
    out = limited(given_)
    assert np.abs(out).max() <= 0.98
    np.testing.assert_array_equal(out[np.abs(given_) <= 0.7], given_[np.abs(given_) <= 0.7])


# --- normalise -------------------------------------------------------------------------------------------------------


def spoken(samples: np.ndarray, draw: Draw = PLAIN, character: str = "hazel", melody: float = 0.4) -> Block:
    """`samples` through `normalise`, in memory."""
    return normalise(Waveform.of(samples, RATE), DEFAULTS[character], draw, melody=melody).read()


@pytest.mark.parametrize("f0_hz", [95.0, 140.0, 260.0])
@pytest.mark.parametrize("name", ["hazel", "rowan", "ash"])
def test_everybody_ends_on_the_characters_register(f0_hz: float, name: str) -> None:
    """However low or high somebody speaks, the median f0 that comes out is the character's plus the draw's."""
    vowel = signals.vowel(f0_hz, signals.VOWELS["e"], 3, RATE)
    out = spoken(vowel, replace(PLAIN, register_st=2.0), name)
    assert median_f0(out) == pytest.approx(DEFAULTS[name].register_hz * 2 ** (2 / 12), rel=0.04)


def test_the_draw_moves_formants() -> None:
    """The same speech under two draws of the tract has its spectrum moved by the ratio between them."""
    rate = RATE
    speech = signals.speechlike(6, rate, seed=4)

    def mean(tract: float) -> np.ndarray:
        frames = analyse(spoken(speech, replace(PLAIN, tract=tract)), rate)
        voiced = frames.f0_hz > 0
        rows = np.log(frames.power[voiced])
        return rows - rows.mean(axis=0)  # what moves: the formants, not the mean

    low, high = mean(-0.12), mean(0.12)
    count = min(len(low), len(high))
    hz = np.linspace(0, rate / 2, low.shape[1])
    steps = np.linspace(-0.5, 0.5, 51)
    at = np.linspace(400, 3500, 200)
    fit = [
        sum(
            np.corrcoef(np.interp(at, hz, low[k]), np.interp(at * np.exp(step), hz, high[k]))[0, 1]
            for k in range(0, count, 7)
        )
        for step in steps
    ]
    assert steps[int(np.argmax(fit))] == pytest.approx(0.24, abs=0.07)


def test_the_new_voice_is_in_time() -> None:
    """Every sample of length is kept, and the energy rises and falls when the source's does, within 10 ms."""
    speech = signals.speechlike(25, RATE, seed=5)
    out = spoken(speech, draw_from(bytes(32), HAZEL))
    assert len(out) == len(speech)
    width = RATE // 200

    def envelope(x: np.ndarray) -> np.ndarray:
        energy = np.log(np.square(x[: len(x) // width * width]).reshape(-1, width).mean(axis=1) + 1e-6)
        return np.convolve(energy - energy.mean(), np.hanning(9), "same")

    lags = np.arange(-40, 41)
    a, b = envelope(speech), envelope(out)
    scores = [np.dot(a[40:-40], np.roll(b, -lag)[40:-40]) for lag in lags]
    assert abs(lags[int(np.argmax(scores))]) <= 2


def test_pauses_become_quiet() -> None:
    """Room tone 40 dB under the speech comes out more than 60 dB under it."""
    speech = signals.speechlike(8, RATE, seed=6).astype(np.float64)
    speech[3 * RATE : 4 * RATE] = 0
    room = signals.noise(8, RATE, rms_dbfs=signals.dbfs(speech) - 40, seed=9)
    out = spoken(speech + room)
    pause = out[round(3.1 * RATE) : round(3.9 * RATE)]
    assert signals.dbfs(pause) < signals.dbfs(out) - 60


@pytest.mark.parametrize("gain_db", [-20.0, 0.0, 6.0])
def test_speech_comes_out_at_its_level(gain_db: float) -> None:
    """Faint or loud, speech comes out near −23 dBFS with its peaks under 0.98."""
    out = spoken(np.clip(signals.speechlike(6, RATE, seed=7) * signals.amplitude(gain_db), -1, 1))
    width = RATE // 50
    energy = np.square(out[: len(out) // width * width].astype(np.float64)).reshape(-1, width).mean(axis=1)
    speech = energy > np.percentile(energy, 95) / 10**1.6
    assert 10 * np.log10(energy[speech].mean()) == pytest.approx(-23, abs=2)
    assert np.abs(out).max() < 0.98


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(1),
        np.ones(1),
        np.zeros(2 * RATE),
        np.full(RATE, 0.5),
        signals.noise(2, RATE, rms_dbfs=-10),
        signals.noise(2, RATE, rms_dbfs=-90),
        signals.tone(440, 2, RATE),
        signals.tone(60, 2, RATE),
        signals.speechlike(0.3, RATE),
        signals.resonated(signals.noise(2, RATE, rms_dbfs=-30), signals.VOWELS["a"], RATE),
        np.sign(signals.tone(150, 1, RATE)),
    ],
    ids=[
        *("nothing", "one-zero", "one-sample", "silence", "offset", "noise"),
        *("hiss", "sine", "hum", "short", "whisper", "clipped"),
    ],
)
def test_whatever_comes_in_numbers_come_out(samples: np.ndarray) -> None:
    """Nothing that a microphone gives makes anything but finite samples under full scale, as many as came in."""
    out = spoken(samples, draw_from(b"\1" * 32, HAZEL))
    assert len(out) == len(samples)
    assert np.isfinite(out).all()
    assert np.abs(out).max(initial=0) < 0.98
    if not samples.any():
        assert not out.any()


def test_hiss_is_not_raised_to_speech() -> None:
    """A track on which nobody speaks does not come out as loud as one on which somebody does."""
    assert signals.dbfs(spoken(signals.noise(2, RATE, rms_dbfs=-65))) < -35


def test_the_recordings_own_colour_is_gone() -> None:
    """A dull microphone, which takes off more than 10 dB from 300 Hz to 3 kHz, sounds like one that is not."""
    speech = signals.speechlike(5, RATE, seed=8).astype(np.float64)
    dull = lfilter([0.2], [1, -0.8], speech)

    def mean(x: np.ndarray) -> np.ndarray:
        frames = analyse(x, RATE)
        rows = np.log(frames.power[frames.f0_hz > 0][:, 13:130]) * 10 / np.log(10)  # 300 Hz to 3 kHz
        return rows.mean(axis=0) - rows.mean()

    before, after = (mean(dull) - mean(speech)).std(), (mean(spoken(dull)) - mean(spoken(speech))).std()
    assert before > 3
    assert after < before / 2


@pytest.mark.slow
def test_twice_the_length_takes_no_more_memory() -> None:
    """Rendering six minutes peaks where rendering three does."""
    minute = signals.speechlike(60, RATE, seed=1)

    def peak(minutes: int) -> int:
        long = Waveform(RATE, minutes * len(minute), lambda: (minute for _ in range(minutes)))
        tracemalloc.start()
        for _ in normalise(long, HAZEL, PLAIN, melody=0.4).blocks():
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(6) < 1.15 * peak(3)


# --- pitch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("semitones", [-4.0, 3.0])
def test_pitch_moves_f0_and_formants_by_the_ratio(semitones: float) -> None:
    """A plain shift is one ratio for everything: which is why it can be undone."""
    vowel = signals.vowel(150, signals.VOWELS["a"], 2, RATE)
    out = shift(Waveform.of(vowel, RATE), semitones).read()
    ratio = 2 ** (semitones / 12)
    assert len(out) == len(vowel)
    assert median_f0(out) == pytest.approx(150 * ratio, rel=0.01)
    np.testing.assert_allclose(formants(out), formants(vowel) * ratio, rtol=0.08)
    assert median_f0(out) < F0_CEIL_HZ
