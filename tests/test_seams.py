"""A word heard again where Whisper begins anew is said once; whatever may have been said twice stays, and is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.model import Alias, Block, Segment, SourceAudio, Suspicion, Waveform, Word
from stablecast.redaction.seams import SCRAP_S, Mended, mended
from stablecast.stages.redact import RedactParams, redact
from stablecast.stages.transcribe import RATE_HZ, Recognised, TranscribeParams, transcribe
from stablecast.tools import openai_whisper, whisper

ASH = Alias("Ash")


def segment(*words: Word) -> Segment:
    return Segment(words[0].start_s or 0.0, words[-1].end_s or 0.0, words, -0.2, 0.1)


def seam(last: str, first: str, *, gap_s: float = 0.0, lasts_s: float = 0.1, probability: float = 0.5) -> list[Segment]:
    """Two segments that meet at 28.4 s: "each" and `last`, then `first` and "She helped"."""
    start_s = 28.4 + gap_s
    again = Word(first, start_s, start_s + lasts_s, probability)
    before = segment(Word("each", 27.5, 28.0, 0.96), Word(last, 28.0, 28.4, 0.99))
    return [before, segment(again, Word("She", 29.2, 29.6, 0.9), Word("helped", 29.6, 29.9, 0.9))]


def texts(made: Mended) -> list[str]:
    return [word.text for each in made.segments for word in each.words]


def test_the_rest_of_a_word_is_that_word() -> None:
    """One word in the time of both, so that what takes it out takes out all of it; every other word is as it was."""
    parts = seam("time.", "time.")
    made = mended(parts, {1})
    assert texts(made) == ["each", "time.", "She", "helped"]
    assert made.doubts == ()
    first, second = made.segments
    assert (first.words[-1].start_s, first.words[-1].end_s, first.end_s) == (28.0, 28.5, 28.5)
    assert (second.start_s, second.words) == (29.2, parts[1].words[1:])
    assert texts(mended(seam("time", "time."), {1}))[1] == "time."  # the sentence ended there
    assert texts(mended(seam("the", "The"), {1}))[1] == "the"  # a window begins as a sentence does
    alone = [parts[0], segment(parts[1].words[0])]
    assert texts(mended(alone, {1})) == ["each", "time."]


@pytest.mark.parametrize(
    ("last", "first", "how"),
    [
        ("time.", "time.", {"lasts_s": 0.25}),  # long enough to be said
        ("time.", "time.", {"gap_s": 0.1}),  # a breath between them
        ("time.", "time.", {"lasts_s": 0.0}),  # nobody knows where it is
        ("Li", "Li", {}),  # a name may be one word twice
        ("Anna.", "anna", {}),
        ("anna", "Anna", {}),  # no everyday word
        ("a", "a", {}),  # a name may be spelled out
        ("six", "six", {}),
        ("0", "0", {}),  # a number is not the same with one figure less
        ("a1", "a1", {}),
        ("سارة", "سارة", {}),  # no script but some tells names by capitals
        ("time.", "him.", {"probability": 0.01}),  # what Whisper did make of it: nobody said that
    ],
)
def test_when_in_doubt_it_stays_and_is_told(last: str, first: str, how: dict[str, float]) -> None:
    """A dropped name is a leak: not a word goes, and a person is told where to listen."""
    parts = seam(last, first, **how)
    made = mended(parts, {1})
    assert made.segments == tuple(parts)
    (doubt,) = made.doubts
    assert doubt.suspicion is Suspicion.SEAM
    assert doubt.start_s == 28.0
    assert doubt.end_s == pytest.approx(28.4 + how.get("gap_s", 0.0) + how.get("lasts_s", 0.1))


def test_a_word_without_a_time_stays_and_is_told() -> None:
    """It may be anywhere, so it may be another one."""
    parts = [segment(Word("time.", 28.0, 28.4, 0.9)), Segment(28.4, 29.0, (Word("time.", None, None, 0.0),), -0.2, 0.1)]
    made = mended(parts, {1})
    assert made.segments == tuple(parts)
    assert [(doubt.start_s, doubt.end_s) for doubt in made.doubts] == [(28.0, 28.4)]


def test_only_a_seam_is_mended() -> None:
    """Within a window Whisper hears in order, and people do say a word twice."""
    parts = seam("no.", "no.")
    assert mended(parts, ()) == Mended(tuple(parts))
    assert mended(seam("time.", "It", probability=0.3), {1}).doubts == ()  # the next sentence, as nearly always


@given(
    st.lists(st.lists(st.sampled_from(["no", "time.", "Li", "0", "…"]), min_size=1, max_size=3), max_size=5),
    st.sets(st.integers(0, 5)),
    st.sampled_from([0.05, 0.15, SCRAP_S + 0.02]),
)
def test_nothing_that_was_said_is_lost(texts_: list[list[str]], seams: set[int], each_s: float) -> None:
    """Whatever was heard: every moment of a word is still a moment of the same word."""
    at, parts = 0.0, list[Segment]()
    for row in texts_:
        words = [Word(text, at + each_s * k, at + each_s * (k + 1), 0.5) for k, text in enumerate(row)]
        at += each_s * len(row)
        parts.append(segment(*words))
    made = mended(parts, seams)
    left = [word for each in made.segments for word in each.words]
    for word in (word for each in parts for word in each.words):
        assert any(
            one.text == word.text and one.start_s <= word.start_s and word.end_s <= one.end_s  # type: ignore[operator]
            for one in left
        )
    assert all(each.words and each.start_s <= each.end_s for each in made.segments)


# --- from the recogniser to the redaction -------------------------------------------------------------------------------


class Twice:
    """A recogniser that hears "rachel" once more where it begins anew."""

    identity = "twice"

    def __init__(self, seams: tuple[int, ...]) -> None:
        self.seams = seams

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        return Recognised("en", tuple(seam("rachel", "rachel.")), self.seams)

    def translate(self, samples: Block, *, language: str) -> Recognised:
        raise NotImplementedError


def test_what_takes_out_the_word_takes_out_what_was_left_of_it() -> None:
    """Heard once, silent as long as when it was heard twice; and it is the recogniser that says where it began anew."""
    audio = SourceAudio(ASH, Waveform.of(np.full(30 * RATE_HZ, 0.1), RATE_HZ))
    one, two = (transcribe(audio, TranscribeParams(), recogniser=Twice(seams)) for seams in ((1,), ()))
    assert [len(said.words) for said in (one, two)] == [4, 5]
    spans = [redact((said,), ("Rachel",), (), RedactParams()).spans for said in (one, two)]
    assert [(s.start_s, s.end_s) for s in spans[0]] == [(s.start_s, s.end_s) for s in spans[1]]


def heard(text: str, start_s: float, end_s: float, seek: int) -> SimpleNamespace:
    word = SimpleNamespace(word=f" {text}", start=start_s, end=end_s, probability=0.9)
    return SimpleNamespace(
        text=text, seek=seek, start=start_s, end=end_s, words=[word], avg_logprob=-0.2, no_speech_prob=0.1
    )


HEARD = [
    heard("each", 0.0, 0.4, 0),
    heard("time", 0.4, 0.8, 0),
    heard("time", 0.8, 0.9, 80),
    heard("She", 1.0, 1.2, 80),
]


def test_faster_whisper_says_where_it_began_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment from another window than the one before it; the first of all is no seam."""
    engine = SimpleNamespace(
        transcribe=lambda *_, **__: (HEARD, SimpleNamespace(language="en")),
        model=SimpleNamespace(is_multilingual=True, sampled=False),
    )
    monkeypatch.setattr(whisper, "_engine", lambda *_: engine)
    made = whisper.FasterWhisper(TranscribeParams()).recognise(np.ones(RATE_HZ, np.float32), language="en")
    assert made.seams == (2,)


def test_openai_whisper_says_where_it_began_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, in that engine's terms."""
    segments = [{**vars(each), "words": [vars(word) for word in each.words]} for each in HEARD]
    library = SimpleNamespace(transcribe=lambda *_, **__: {"segments": segments, "language": "en"})
    torch = SimpleNamespace(manual_seed=lambda _: None, set_num_threads=lambda _: None)
    monkeypatch.setattr(openai_whisper, "_model", lambda *_: SimpleNamespace(is_multilingual=True))
    monkeypatch.setattr(openai_whisper, "_libraries", lambda: (torch, library))
    monkeypatch.setattr(openai_whisper, "_device", lambda _: "cpu")
    ears = openai_whisper.OpenAIWhisper(TranscribeParams(vad_threshold=0))
    made = ears.recognise(np.ones(2 * RATE_HZ, np.float32), language="en")
    assert made.seams == (2,)
