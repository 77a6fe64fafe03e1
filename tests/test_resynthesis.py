"""Resynthesis: what the donors say, how a voice is put together, and that it grows with nothing."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import recordings
import signals
from stablecast.model import Waveform
from stablecast.tools.models import load
from stablecast.voice import donors
from stablecast.voice.characters import DEFAULTS
from stablecast.voice.donors import BANDS, STEPS, WIDTH, Donor, Said, mixed
from stablecast.voice.draws import SECRET_BYTES, draw_from
from stablecast.voice.network import BLOCKS, content
from stablecast.voice.residue import residue
from stablecast.voice.resynthesis import (
    LEVEL,
    LOUDEST,
    freed,
    hear,
    respoken,
    resynthesise,
    spoken_by,
    study,
    usually,
)

RATE = 24_000
HAZEL = DEFAULTS["hazel"]
RNG = np.random.default_rng(5)


def some_draw(seed: int):  # type: ignore[no-untyped-def]
    return draw_from(bytes([seed]) * SECRET_BYTES, HAZEL)


# --- donors --------------------------------------------------------------------------------------------------------------


def test_every_character_has_a_donor_that_ships() -> None:
    """And every donor fits the network."""
    shipped = load()
    assert {character.donor for character in DEFAULTS.values()} <= set(shipped.donors)
    outputs = tuple(RNG.standard_normal((7, 512)).astype(np.float32) for _ in range(max(BLOCKS) + 1))
    hidden = shipped.ear.network(content(outputs))
    assert {donor.matrix.shape for donor in shipped.donors.values()} == {(hidden.shape[1] + 1, WIDTH)}
    assert len(hidden) == 7


def test_donors_mix_in_proportion() -> None:
    """Half of one and half of another says what lies between; all of one says what that one says."""
    one, two = (Donor(RNG.standard_normal((5, WIDTH)).astype(np.float32)) for _ in range(2))
    hidden = RNG.standard_normal((3, 4)).astype(np.float32)
    between = mixed({"one": one, "two": two}, {"one": 0.5, "two": 0.5}).says(hidden)
    np.testing.assert_allclose(between.bands, (one.says(hidden).bands + two.says(hidden).bands) / 2, atol=1e-5)
    np.testing.assert_array_equal(
        mixed({"one": one, "two": two}, {"one": 1.0}).says(hidden).bands, one.says(hidden).bands
    )


def test_a_character_is_half_its_own_donor_and_half_the_draw() -> None:
    """Two draws mix differently, two characters speak with different donors under one draw."""
    pool = load().donors
    first, second = spoken_by(pool, HAZEL, some_draw(1)), spoken_by(pool, HAZEL, some_draw(2))
    assert np.abs(first.matrix - second.matrix).max() > 0.05
    own = pool[HAZEL.donor].matrix
    nearest = min(pool, key=lambda name: float(np.square(first.matrix - pool[name].matrix).sum()))
    assert nearest == HAZEL.donor
    assert np.abs(first.matrix - own).max() > 0.05
    assert np.abs(spoken_by(pool, DEFAULTS["ash"], some_draw(1)).matrix - first.matrix).max() > 0.05


def test_a_donor_survives_its_file() -> None:
    """To the precision of the file, half a float."""
    donor = Donor(RNG.standard_normal((5, WIDTH)).astype(np.float32))
    np.testing.assert_allclose(donors.from_bytes(donors.to_bytes(donor), 4).matrix, donor.matrix, rtol=1e-3, atol=1e-4)


ENDLESS = Donor(np.full((5, WIDTH), np.inf, np.float32))


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"PK\x03\x04 nothing", donors.to_bytes(ENDLESS)])
def test_what_is_no_donor_is_refused(data: bytes) -> None:
    """Whatever the bytes are: a ValueError, and nothing in them is run."""
    with pytest.raises(ValueError, match="not a donor"):
        donors.from_bytes(data, 4)
    with pytest.raises(ValueError, match="network"):
        donors.from_bytes(donors.to_bytes(Donor(np.zeros((5, WIDTH), np.float32))), 5)


@pytest.mark.slow
def test_a_donor_learns_what_it_was_made_from() -> None:
    """A vowel heard as one thing and a noise heard as another: the donor says each for each."""
    rate = 16_000
    vowel = signals.vowel(120, signals.VOWELS["a"], 40, rate)
    noise = signals.noise(40, rate, rms_dbfs=signals.dbfs(vowel))

    def heard(samples: np.ndarray) -> np.ndarray:
        steps = len(samples) // (rate // 50)
        rough = [float(np.abs(np.diff(s, n=2)).mean()) for s in np.array_split(samples, max(steps, 1))]
        return np.array(
            [[1.0, 0.0] if r < np.abs(np.diff(noise, n=2)).mean() / 2 else [0.0, 1.0] for r in rough], np.float32
        )

    made = donors.fit([Waveform.of(vowel, rate), Waveform.of(noise, rate)], lambda _: heard)
    said = made.says(np.float32([[1, 0], [0, 1]]))
    assert (said.voicing[:STEPS] > 0).all()
    assert (said.voicing[STEPS:] < 0).all()
    low, high = slice(0, BANDS // 3), slice(2 * BANDS // 3, 50)
    tilt = said.bands[:, low].mean(axis=1) - said.bands[:, BANDS // 2 :].mean(axis=1)
    assert tilt[0] > tilt[STEPS] + 1, (low, high)


def test_too_little_makes_no_donor() -> None:
    """Less than a minute of sound is refused, with what there was."""
    with pytest.raises(ValueError, match="needs 60 s"):
        donors.fit(
            [Waveform.of(signals.speechlike(5, RATE), RATE)],
            lambda _: lambda samples: np.zeros((len(samples) * 50 // RATE, 3), np.float32),
        )


def test_clearer_raises_contrast_and_nothing_else() -> None:
    """Detail along the spectrum and movement in time grow; the mean of a band, breath and voicing stay."""
    smooth = np.exp(-np.square(np.arange(-20, 21)) / 8)
    bands = np.apply_along_axis(np.convolve, 1, RNG.standard_normal((400, BANDS)), smooth, "same")
    said = Said(bands, RNG.standard_normal((400, 12)), RNG.standard_normal(400))
    made = said.clearer
    assert np.diff(made.bands, axis=1).std() > 1.2 * np.diff(said.bands, axis=1).std()
    assert np.diff(made.bands, axis=0).std() > 1.2 * np.diff(said.bands, axis=0).std()
    assert made.bands.mean() == pytest.approx(said.bands.mean(), abs=0.05)
    np.testing.assert_array_equal(made.breaths, said.breaths)
    np.testing.assert_array_equal(made.voicing, said.voicing)


def listened(samples, ear):  # type: ignore[no-untyped-def]
    """One piece that is all there is of its speaker."""
    heard = hear(samples, RATE, ear)
    return freed(heard, usually([heard]), ear.network)


# --- the voice -----------------------------------------------------------------------------------------------------------


def test_no_frame_is_louder_than_speech_should_be() -> None:
    """A shout, a knock on the table and a whisper come out within what a listener is ready for; nothing is louder than it."""
    speech = signals.speechlike(6, RATE)
    speech[3 * RATE : 3 * RATE + 2400] += 0.8
    ear, donor = load().ear, spoken_by(load().donors, HAZEL, some_draw(1))
    heard = listened(speech, ear)
    speaker = study([heard], donor)
    assert speaker is not None
    frames = respoken(heard, speaker, donor, HAZEL, some_draw(1), 0.4, RATE, 0.0)
    level = np.log(frames.power.mean(axis=1))
    assert level.max() <= LEVEL + LOUDEST + 0.01
    loud = level[level > np.percentile(level, 60)]
    assert LEVEL - 2 < loud.mean() < LEVEL + 2


def test_the_register_is_the_characters_and_not_the_speakers() -> None:
    """A low and a high speaker come out at one pitch, given one draw; their melody is flattened, not copied."""
    medians, ear, donor = [], load().ear, spoken_by(load().donors, HAZEL, some_draw(1))
    for f0_hz in (95.0, 240.0):
        heard = listened(signals.speechlike(6, RATE, f0_hz=f0_hz), ear)
        speaker = study([heard], donor)
        assert speaker is not None
        frames = respoken(heard, speaker, donor, HAZEL, some_draw(1), 0.4, RATE, 0.0)
        medians.append(float(np.median(frames.f0_hz[frames.f0_hz > 0])))
    assert medians[0] == pytest.approx(medians[1], rel=0.05)
    drawn_st = some_draw(1).register_st
    assert medians[0] == pytest.approx(HAZEL.register_hz * 2 ** (drawn_st / 12), rel=0.06)


def test_what_a_speaker_always_sounds_like_is_taken_out() -> None:
    """Two recordings whose content differs by a constant are heard alike, and without that step they are not."""
    ear, heard = load().ear, hear(signals.speechlike(6, RATE), RATE, load().ear)
    other = replace(heard, content=heard.content + RNG.standard_normal(heard.content.shape[1]).astype(np.float32))

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).mean())

    plain = apart(ear.network(heard.content), ear.network(other.content))
    left = [freed(one, usually([one]), ear.network).hidden for one in (heard, other)]
    assert apart(left[0], left[1]) < 0.5 * plain


def test_pauses_are_quiet() -> None:
    """What is 30 dB under the voice in the source, a room, is far under it in the result."""
    speech, rng = signals.speechlike(8, RATE), np.random.default_rng(1)
    speech[3 * RATE : 5 * RATE] = 0
    noisy = speech + (signals.amplitude(signals.dbfs(speech) - 32) * rng.standard_normal(len(speech))).astype(
        np.float32
    )
    made = resynthesise(Waveform.of(noisy, RATE), HAZEL, some_draw(3), models=load(), melody=0.4).read()
    pause = made[round(3.3 * RATE) : round(4.7 * RATE)]
    assert signals.dbfs(pause) < signals.dbfs(made) - 45


def test_one_recording_twice_is_two_voices(shared_speech: Path) -> None:
    """Under two draws nothing common is found by the search that finds 3 % of one recording in another."""
    own = Waveform.of(recordings.take(sorted(shared_speech.rglob("*.flac"))[0]), RATE)
    one, two = (resynthesise(own, HAZEL, some_draw(k), models=load(), melody=0.4).read() for k in (1, 2))
    assert residue([one], [two]).found < 12
    assert residue([one], [two + 0.03 * one]).found > 12


@pytest.mark.slow
def test_memory_does_not_grow_with_the_recording() -> None:
    """Ten minutes and forty take the same, to within a tenth."""
    minute = signals.speechlike(60, RATE)
    models = load()

    def peak(minutes: int) -> int:
        long = Waveform(RATE, minutes * len(minute), lambda: (minute for _ in range(minutes)))
        tracemalloc.start()
        made = resynthesise(long, HAZEL, some_draw(1), models=models, melody=0.4)
        assert sum(len(block) for block in made.blocks()) == long.length
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(40) < 1.1 * peak(10)
