"""The attack on a new voice: it recognises whom a plain change does not hide, and hardly ever anybody else."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import soxr

import signals
from stablecast.model import Alias, AnonymisedAudio, Method, RedactedAudio, SourceAudio, Span, Waveform
from stablecast.stages.attack import MARGIN, RESIDUE, SEARCH_MARGIN, Attacked, AttackParams, attack
from stablecast.stages.revoice import RevoiceParams, revoice
from stablecast.tools import containers, ffmpeg, models, verifier
from stablecast.voice.attack import SEMITONES, WARPS, shifted, standing, tries, warped
from stablecast.voice.characters import DEFAULTS
from stablecast.voice.draws import draw_from
from stablecast.voice.pitch import shift
from stablecast.voice.residue import residue

RATE = 16_000
ALIAS = Alias("Robin")
SPEECH = signals.speechlike(12, RATE, seed=6)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def attacked(source: Waveform, cut: Waveform, method: Method = Method.NORMALISE) -> Attacked:
    """What the attack comes to, with the verifier and the cohort that ship."""
    audio = AnonymisedAudio(ALIAS, cut, (), method)
    return attack(SourceAudio(ALIAS, source), audio, AttackParams(), embedder=verifier.load(), cohort=verifier.cohort())


# --- what is tried -----------------------------------------------------------------------------------------------------------


def test_everything_is_tried_once() -> None:
    """The voice as it is, every semitone of an octave up and down, and each warp; all of it speech, none of it equal."""
    made = list(tries(SPEECH))
    assert made[0] is SPEECH
    assert len(made) == len(SEMITONES) + len(WARPS) == 33
    assert len({(len(one), float(np.sum(np.square(one)))) for one in made}) == 33


def test_a_shift_moves_a_tone() -> None:
    """An octave up is twice the frequency in half the time."""
    up = shifted(signals.tone(440, 2, RATE), 12)
    assert len(up) == pytest.approx(RATE, abs=1)
    assert np.abs(np.fft.rfft(up)).argmax() == pytest.approx(880, abs=1)


def test_a_shift_is_undone_by_its_opposite() -> None:
    """What somebody did in semitones is undone in semitones."""
    again = shifted(shifted(SPEECH, 5), -5)[: len(SPEECH)]
    assert np.corrcoef(again, SPEECH[: len(again)])[0, 1] > 0.99


def test_a_warp_moves_formants_and_leaves_the_pitch() -> None:
    """Vowels go up or down in the spectrum as a whole; the harmonics stay where they were; a warp of 1 changes nothing."""
    sound = signals.vowel(100, signals.VOWELS["a"], 2, RATE)
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    middles = []
    for ratio in (0.82, 1.0, 1.2):
        power = np.abs(np.fft.rfft(warped(sound, ratio))) ** 2 * (hz > 400)
        middles.append(np.sum(hz * power) / np.sum(power))
        assert hz[power.argmax()] % 100 == 0
    assert middles[0] < 0.9 * middles[1] < 0.9 * 0.9 * middles[2]
    np.testing.assert_allclose(warped(sound, 1.0), sound, atol=1e-9)


# --- standing ----------------------------------------------------------------------------------------------------------------


def test_a_speaker_is_ranked_by_their_best_try_as_everybody_is() -> None:
    """Who is alike only after the third try is found only by the search; the cohort's tries count too."""
    draw = np.random.default_rng(1)
    cohort, speaker, tried = (
        unit(draw.normal(size=(80, 64))),
        unit(draw.normal(size=64)),
        unit(draw.normal(size=(5, 64))),
    )
    tried[3] = unit(speaker + 0.3 * tried[3])
    assert standing(tried[:3], speaker, cohort).margin < MARGIN
    assert standing(tried, speaker, cohort).rank == 1
    assert standing(tried, speaker, cohort).margin > SEARCH_MARGIN
    assert standing(tried, speaker, np.vstack([cohort, speaker])).rank == 2


def test_chance_is_hardly_ever_recognised() -> None:
    """Speakers who are unrelated to the cut are spread over all ranks, and refused in at most one case of a hundred."""
    draw = np.random.default_rng(2)
    found = [standing(*(unit(draw.normal(size=size)) for size in ((1, 64), 64, (80, 64)))) for _ in range(1000)]
    assert np.mean([one.rank for one in found]) == pytest.approx(41, abs=3)  # the middle of 81; ±0.7 by chance
    assert np.mean([one.rank == 1 and one.margin >= MARGIN for one in found]) <= 0.01


# --- the gate ----------------------------------------------------------------------------------------------------------------


def test_a_cut_that_was_never_revoiced_is_refused() -> None:
    """The speaker's own voice is recognised, and is found under itself."""
    own = Waveform.of(SPEECH, RATE)
    found = attacked(own, own)
    assert (found.rank, found.recognised, found.left, found.passed) == (1, True, True, False)


def test_where_nobody_speaks_there_is_nothing_to_attack() -> None:
    """A silent track passes, and says why by its rank."""
    nobody = Waveform.of(np.zeros(3 * RATE), RATE)
    assert attacked(nobody, nobody) == Attacked(Method.NORMALISE, 0, 80, recognised=False, left=False, shown=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("span", "uncut"), [(Span(0.5, 1.0, ALIAS), False), (Span(0.5, 1.01, ALIAS), True), (Span(9, 99, ALIAS), True)]
)
def test_a_place_where_words_were_taken_out_is_silent(span: Span, uncut: bool) -> None:
    """A hundredth of a second of anything in a span is told, in whichever block it lies."""
    quiet = np.where(np.arange(len(SPEECH)) // (RATE // 2) == 1, 0, 0.001 * np.sign(SPEECH)).astype(np.float32)
    cut = Waveform.of(quiet, RATE)
    audio = AnonymisedAudio(ALIAS, cut, (span,), Method.NORMALISE)
    source = SourceAudio(ALIAS, Waveform.of(SPEECH, RATE))
    found = attack(source, audio, AttackParams(), embedder=verifier.load(), cohort=verifier.cohort())
    assert found.uncut is uncut
    assert not (uncut and found.passed)


def test_nothing_is_kept_that_would_help_to_recognise_anybody() -> None:
    """Verdicts and ranks: no vector, no score, no time."""
    assert {field.type for field in fields(Attacked)} == {"Method", "int", "bool"}


@pytest.mark.parametrize("laxer", [{"margin": 2.6}, {"search_margin": 3.1}, {"residue": 13.0}, {"pieces": 9}])
def test_the_gate_cannot_be_made_laxer(laxer: dict[str, float]) -> None:
    """Settings make it stricter; a refusal begins with the field's name."""
    with pytest.raises(ValueError, match=f"^{next(iter(laxer))} "):
        AttackParams(**laxer)  # type: ignore[arg-type]


# --- the gate, on real speech ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people(shared_speech: Path) -> list[Waveform]:
    """Two people reading, ten seconds each."""
    return [joined(folder) for folder in sorted(shared_speech.iterdir())[3:5]]


def joined(folder: Path) -> Waveform:
    pieces = []
    for path in sorted(folder.glob("*.flac")):
        with path.open("rb") as file:
            blocks = ffmpeg.decode(file, containers.sniff(file), rate_hz=24_000, limits=ffmpeg.Limits(60))
            pieces += [block.mean(axis=1) for block in blocks]
    return Waveform.of(np.concatenate(pieces)[: 10 * 24_000], 24_000)


@pytest.mark.slow
def test_a_plain_shift_is_undone(people: list[Waveform]) -> None:
    """T74: four semitones down: nobody is recognised at once by everybody, and everybody is by the search."""
    for person in people:
        assert attacked(person, shift(person, -4)).recognised


@pytest.mark.slow
@pytest.mark.parametrize("method", [Method.RESYNTHESIS, Method.NORMALISE])
def test_three_per_cent_of_the_original_is_found_under_a_new_voice(people: list[Waveform], method: Method) -> None:
    """In the new voice itself nothing is found, by a search that was shown to find."""
    for number, person in enumerate(people):
        new, own = revoiced(person, method, number).read(), person.read()
        leak = 10**-1.5 * np.linalg.norm(new) / np.linalg.norm(own) * own
        mixed = attacked(person, Waveform.of(new + leak, 24_000), method)
        assert (mixed.left, mixed.passed) == (True, False)
        clean = residue(*([soxr.resample(one, 24_000, 16_000)] for one in (own, new)))
        assert clean.found < RESIDUE < clean.control


def revoiced(person: Waveform, method: Method, number: int) -> Waveform:
    audio, character = RedactedAudio(ALIAS, person, ()), DEFAULTS["hazel"]
    draw = draw_from(bytes([number]) * 32, character)
    return revoice(audio, RevoiceParams(method), character=character, draw=draw, models=models.load()).waveform


@pytest.mark.slow
def test_somebody_else_is_not_recognised(people: list[Waveform]) -> None:
    """Another person's recording in place of the cut is as unlike as a voice can be made; their own is not."""
    one, other = people
    assert attacked(one, other).passed
    assert attacked(one, one).recognised
