"""Captions a person can read, in files that every app can, with times too coarse to match a voice by."""

# ruff: noqa: SIM905  sentences read better as sentences

from __future__ import annotations

import html
import itertools
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.captions import chapters as chapters_file
from stablecast.captions import srt, vtt
from stablecast.captions.layout import lines_of
from stablecast.captions.plain import clean
from stablecast.errors import UsageRefused
from stablecast.model import REDACTED, Alias, Chapter, Cue, PublicTranscript, PublicWord, Timeline
from stablecast.stages.caption import CaptionParams, caption, chapters_of, cues_of

ASH, KIT = Alias("Ash"), Alias("Kit")
PARAMS = CaptionParams()
VTT_CUE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n<v ([^<>\n]+)>([^<>]+)</v>\n")
SRT_CUE = re.compile(r"(\d+)\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n((?:.+\n)+)")


def public(text: str, *, speaker: Alias = ASH, start_s: float = 0.0, each_s: float = 0.4) -> PublicTranscript:
    """The words one after the other; a sentence's end ends a segment."""
    words = text.split()
    return PublicTranscript(
        "en",
        tuple(
            PublicWord(word, start_s + i * each_s, start_s + (i + 1) * each_s, speaker, word.endswith("."))
            for i, word in enumerate(words)
        ),
    )


def words_of(cues: tuple[Cue, ...], speaker: Alias) -> list[str]:
    return [word for cue in cues if cue.speaker == speaker for word in cue.text.split()]


@st.composite
def conversations(draw: st.DrawFn) -> PublicTranscript:
    """One or two people who talk fast and slowly, pause, and interrupt each other."""
    tracks = []
    for speaker in (ASH, KIT)[: draw(st.integers(1, 2))]:
        time_s, words = draw(st.floats(0, 3)), []
        for text in draw(
            st.lists(st.sampled_from(["a", "and", "house,", "because", "yes.", "interpreter", REDACTED]), max_size=60)
        ):
            time_s += draw(st.sampled_from([0.0, 0.0, 0.0, 0.3, 2.0]))
            length_s = draw(st.sampled_from([0.05, 0.2, 0.5, 5.0]))
            words.append(PublicWord(text, time_s, time_s + length_s, speaker, text.endswith(".")))
            time_s += length_s
        tracks += words
    return PublicTranscript("en", tuple(sorted(tracks, key=lambda word: word.start_s)))


@given(conversations(), st.sampled_from([0.0, 4.5, 7.25]), st.floats(0, 90))
def test_the_laws_of_cues(said: PublicTranscript, opening_s: float, after_s: float) -> None:
    """No word lost, sorted, apart, inside the file; where there is time to read: on the grid, 1–7 s, at most 20 cps."""
    duration_s = opening_s + max((word.end_s for word in said.words), default=0) + after_s + 0.01
    cues = cues_of(said, opening_s, duration_s, PARAMS)
    for speaker in (ASH, KIT):
        assert words_of(cues, speaker) == [word.text for word in said.words if word.speaker == speaker]
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(cues))
    assert all(cue.end_ms <= duration_s * 1000 for cue in cues)
    assert all(lines_of(cue.text.split(), 37) is not None for cue in cues)
    need_s = sum(max(1.0, 0.5 * -(-len(cue.text) // 10)) for cue in cues)
    if need_s <= duration_s - 0.5:
        assert all(cue.start_ms % 500 == 0 and cue.end_ms % 500 == 0 for cue in cues)
        assert all(1000 <= cue.end_ms - cue.start_ms <= 7000 for cue in cues)
        assert all(len(cue.text) <= 20 * (cue.end_ms - cue.start_ms) / 1000 for cue in cues)
        assert all(
            b.start_ms - a.end_ms == 0 or b.start_ms - a.end_ms >= 1000 or a.end_ms - a.start_ms == 7000
            for a, b in itertools.pairwise(cues)
        )


@given(conversations())
def test_a_cue_is_near_what_it_says(said: PublicTranscript) -> None:
    """With time to spare a cue starts at most a quarter of a second early, and late only while others are being read."""
    duration_s = max((word.end_s for word in said.words), default=0) + 120
    cues = cues_of(said, 0, duration_s, PARAMS)
    firsts = {speaker: iter([w for w in said.words if w.speaker == speaker]) for speaker in (ASH, KIT)}
    free_ms = 0
    for cue in cues:
        first, *_ = [next(firsts[cue.speaker]) for _ in cue.text.split()]
        assert cue.start_ms >= first.start_s * 1000 - 250
        assert cue.start_ms <= max(free_ms, first.start_s * 1000 + 250)
        free_ms = cue.end_ms


@given(st.lists(st.floats(-0.19, 0.19), min_size=19, max_size=19))
def test_times_never_tell_a_word(shifts: list[float]) -> None:
    """T78: the rhythm of the words inside a cue leaves no trace: only where a phrase starts and ends counts, to half a second."""
    said = public(
        "I could not read the bus times, so I walked everywhere. My shoes were always wet when it rained.", start_s=1
    )
    inner = [
        word if i in (0, 10, 11, 18) else replace(word, start_s=word.start_s + shift, end_s=word.end_s + shift)
        for i, (word, shift) in enumerate(zip(said.words, shifts, strict=True))
    ]
    moved = PublicTranscript("en", tuple(sorted(inner, key=lambda word: word.start_s)))
    assert len(cues_of(said, 5, 30, PARAMS)) == 2
    assert cues_of(moved, 5, 30, PARAMS) == cues_of(said, 5, 30, PARAMS)


def test_breaks_fall_where_a_reader_pauses() -> None:
    """After punctuation and before a conjunction, not between an article and its noun."""
    text = "She wrote every step down for me, and when I did not understand, she found an interpreter who stayed until the end."
    cues = cues_of(public(text), 0, 60, PARAMS)
    assert [cue.text for cue in cues] == [
        "She wrote every step down for me, and when I did not understand,",
        "she found an interpreter who stayed until the end.",
    ]
    assert lines_of("I stayed with a family because the house".split(), 30) == (
        "I stayed with a family",
        "because the house",
    )


def test_a_new_speaker_gets_a_new_cue() -> None:
    """Words of two people never share a cue, and an interruption does not tear a sentence apart."""
    ash, kit = public("We waited a long time for that letter."), public("Yes.", speaker=KIT, start_s=1.3)
    both = PublicTranscript("en", tuple(sorted((*ash.words, *kit.words), key=lambda word: word.start_s)))
    cues = cues_of(both, 0, 20, PARAMS)
    assert [(cue.speaker, cue.text) for cue in cues] == [(ASH, "We waited a long time for that letter."), (KIT, "Yes.")]


def test_a_gap_under_a_second_is_closed_and_a_longer_one_stays() -> None:
    """Captions do not flicker, and do not stand there when nobody speaks."""
    first, near = (
        public("It was quiet that night.", each_s=0.5),
        public("Nobody shouted at us.", start_s=2.9, each_s=0.5),
    )
    far = public("There was soup.", start_s=12, each_s=0.5)
    cues = cues_of(PublicTranscript("en", first.words + near.words + far.words), 0, 30, PARAMS)
    assert cues[0].end_ms == cues[1].start_ms
    assert cues[2].start_ms - cues[1].end_ms >= 1000


def test_more_words_than_time_still_makes_captions() -> None:
    """In a file too short to read along, the cues share it: nothing lost, nothing outside."""
    cues = cues_of(public("far too many words for a file as short as this one is. " * 4, each_s=0.01), 0, 1.3, PARAMS)
    assert cues[-1].end_ms <= 1300
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(cues))
    with pytest.raises(ValueError, match="without length"):
        cues_of(public("words"), 0, 0, PARAMS)


def test_an_hour_of_captions_takes_seconds() -> None:
    """Cutting is linear in the words: ten thousand of them cost a number of layouts that fits in a test."""
    hour = public("so we walked along the river and talked about nothing much, which was good. " * 700, each_s=0.36)
    assert len(cues_of(hour, 0, 3700, PARAMS)) > 700


@pytest.mark.parametrize(
    "wrong", [{"grid_s": 0.0}, {"shortest_s": 8.0}, {"aim_cps": 30.0}, {"line_chars": 3}, {"lines": 9}]
)
def test_params_nobody_can_keep_are_refused(wrong: dict[str, float]) -> None:
    """Contradictions in the settings are refused when they are read."""
    with pytest.raises(ValueError, match=r"."):
        CaptionParams(**wrong)  # type: ignore[arg-type]


# --- files ------------------------------------------------------------------------------------------------------------

NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            ["-->", "<v", "</v>", "&amp;", "NOTE", "STYLE", "00:00:01.000", "1", "{\\an8}", "\x00", "\ud800"]
        ),
        st.text(max_size=9),
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
CUES = st.lists(st.tuples(st.integers(1, 20), st.sampled_from(["Ash", "K<i>t", "A & B -->"]), NASTY), max_size=5)


def cues_from(made: list[tuple[int, str, str]]) -> tuple[Cue, ...]:
    ends = list(itertools.accumulate((length for length, _, _ in made), initial=0))
    return tuple(
        Cue(a * 500, b * 500, Alias(speaker), text)
        for (a, b), (_, speaker, text) in zip(itertools.pairwise(ends), made, strict=True)
    )


@given(CUES)
def test_vtt_stays_well_formed_whatever_is_said(made: list[tuple[int, str, str]]) -> None:
    """Arrows, tags and keywords in the words stay words; what a parser reads back is what was said."""
    cues = cues_from([(n, s, t) for n, s, t in made if clean(t)])
    written = vtt.text(cues)
    written.encode()
    head, _, rest = written.partition("\n\n")
    assert head.strip() == "WEBVTT"
    found = VTT_CUE.findall(rest)
    assert "\n".join(f"{a} --> {b}\n<v {s}>{t}</v>\n" for a, b, s, t in found) == rest
    assert [html.unescape(t).split() for _, _, _, t in found] == [clean(cue.text).split() for cue in cues]
    assert [html.unescape(s) for _, _, s, _ in found] == [cue.speaker for cue in cues]


@given(CUES)
def test_srt_stays_well_formed_whatever_is_said(made: list[tuple[int, str, str]]) -> None:
    """Numbered from 1, one arrow a cue, no markup; names stand where the speaker changes."""
    cues = cues_from([(n, s, t) for n, s, t in made if clean(t)])
    written = srt.text(cues)
    written.encode()
    found = SRT_CUE.findall(written)
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
    assert "\n".join(f"{n}\n{a} --> {b}\n{t}" for n, a, b, t in found) == written
    assert written.count("-->") == len(found)
    assert not set("<{}") & set("".join(t for *_, t in found))


def test_srt_lines_are_short_and_share_the_cues_time() -> None:
    """Two lines of 32; a full WebVTT cue becomes two cues that lie exactly in its time, each with what reading it takes."""
    text = "They said that it is your life, so you begin, and I thought: this time."
    found = SRT_CUE.findall(
        srt.text((Cue(1000, 6000, ASH, text), Cue(6000, 8000, ASH, "Yes."), Cue(8000, 9000, KIT, "Yes.")))
    )
    assert [(a, b) for _, a, b, _ in found] == [
        ("00:00:01,000", "00:00:03,000"),
        ("00:00:03,000", "00:00:06,000"),
        ("00:00:06,000", "00:00:08,000"),
        ("00:00:08,000", "00:00:09,000"),
    ]
    assert all(len(line) <= 32 for *_, lines in found for line in lines.splitlines())
    assert " ".join(" ".join(t.split()) for *_, t in found) == f"Ash: {text} Yes. Kit: Yes."


def test_vtt_is_plain() -> None:
    """The file as a listener's app gets it, to the byte."""
    cues = (Cue(500, 2000, ASH, "Yes & no."), Cue(3_723_500, 3_725_000, KIT, REDACTED))
    assert vtt.text(cues) == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:02.000\n<v Ash>Yes &amp; no.</v>\n\n"
        "01:02:03.500 --> 01:02:05.000\n<v Kit>[removed]</v>\n"
    )


# --- chapters ---------------------------------------------------------------------------------------------------------


def placed(*chapters: tuple[float, str]) -> list[tuple[float, str]]:
    made = chapters_of(
        tuple(Chapter(*c) for c in chapters), timeline=Timeline(5.0), duration_s=100.0, title="Small things"
    )
    return [(chapter.start_s, chapter.title) for chapter in made]


def test_chapters_move_with_the_opening() -> None:
    """Source time becomes file time, sorted; the first covers the opening; what lies beyond the end is dropped."""
    assert placed() == [(0.0, "Small things")]
    assert placed((40, "Work"), (0, "Arriving")) == [(0.0, "Arriving"), (45.0, "Work")]
    assert placed((40, " Work ")) == [(0.0, "Small things"), (45.0, "Work")]
    assert placed((0, "Arriving"), (95, "Too late")) == [(0.0, "Arriving")]
    assert placed((10, "First"), (10, "Second")) == [(0.0, "Small things"), (15.0, "Second")]


def test_a_chapter_without_a_title_is_refused() -> None:
    """A listener would see a blank line."""
    with pytest.raises(UsageRefused):
        placed((0, "  "))


def test_chapters_file() -> None:
    """Podcasting 2.0 JSON chapters 1.2.0."""
    made = json.loads(chapters_file.text((Chapter(0, "One"), Chapter(61.5, "Two \x00"))))
    assert made == {
        "version": "1.2.0",
        "chapters": [{"startTime": 0, "title": "One"}, {"startTime": 61.5, "title": "Two"}],
    }


def test_the_stage_puts_both_together() -> None:
    """Captions hold the language, cues in file time, and chapters."""
    made = caption(
        public("Hello there."), timeline=Timeline(5), duration_s=20, chapters=(), title="Small things", params=PARAMS
    )
    assert made.language == "en"
    assert made.cues == (Cue(5000, 6000, ASH, "Hello there."),)
    assert made.chapters == (Chapter(0.0, "Small things"),)
