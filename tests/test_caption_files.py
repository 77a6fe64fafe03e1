"""Every caption file, read back by a parser that is not ours, holds the same cues: text, times and speakers."""

from __future__ import annotations

import html
import itertools
import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import PurePosixPath

import webvtt
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from stablecast.captions import srt, transcript, vtt
from stablecast.captions.cues import cues_of
from stablecast.captions.files import files
from stablecast.captions.fitting import fitted
from stablecast.captions.plain import clean
from stablecast.captions.profiles import CaptionParams, Shape, profile
from stablecast.model import Alias, Cue, PublicTranscript, PublicWord
from stablecast.paragraphs import paragraphs
from stablecast.studio import evidence
from transcripts import transcript as generated

ASH, KIT = Alias("Ash"), Alias("Kit")
WIDE, SRT = profile(Shape.LANDSCAPE), profile(Shape.SRT)

TAGS = {"html", "head", "meta", "title", "body", "main", "h1", "cite", "time", "p", "span"}
HOSTILE = st.sampled_from(
    [
        "-->",
        "00:00:01.000 --> 00:00:02.000",
        "<v Amina>",
        "</v>",
        "<b>",
        "&amp;",
        "&lt;script&gt;",
        "<script>alert(1)</script>",
        "NOTE",
        "STYLE",
        "WEBVTT",
        "1",
        "{\\an8}",
        "Kit:",
        "Ash: yes",
        "\u202etxet\u202c",
        "\u2067שלום\u2069",
        "كنت خائفا",
        "ኣብ መጀመርታ",
        "می‌خواهم",  # with a joiner that Persian is written with
        "👩🏾\u200d🎓",
        "🇬🇧",
        "e\u0301" * 30,
        "x" * 90,
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "\ud800",
        "\uffff",
        "]]>",
        '"',
        "'",
    ]
)
TEXT = st.lists(st.one_of(HOSTILE, st.text(max_size=12)), min_size=1, max_size=12).map(" ".join)
SPEAKERS = st.sampled_from(["Ash", "Kit", "Speaker 1", 'K<i>t & "co" -->', "עדי"])


@st.composite
def tracks(draw: st.DrawFn) -> tuple[Cue, ...]:
    """Cues as the model holds them: clean text, in order, on the grid; what they say is anything."""
    made, at = [], 0
    for _ in range(draw(st.integers(1, 5))):
        text = clean(draw(TEXT))
        start, length = at + draw(st.integers(0, 9)), draw(st.integers(2, 14))
        at = start + length
        if text:
            made.append(Cue(start * 500, at * 500, Alias(draw(SPEAKERS)), text))
    return tuple(made)


def spaced(cues: tuple[Cue, ...], width: int) -> tuple[Cue, ...]:
    """Words over the line's width have a gap where they were cut: the one change a format makes to text."""
    shape = replace(WIDE, line_chars=width, lines=99)
    return tuple(each.cue for each in fitted(cues, shape))


def ms(stamp: str) -> int:
    hours, minutes, seconds = stamp.replace(",", ".").split(":")
    return int(hours) * 3_600_000 + int(minutes) * 60_000 + round(float(seconds) * 1000)


@given(tracks())
def test_vtt_round_trip(cues: tuple[Cue, ...]) -> None:
    """WebVTT, read by webvtt-py: each cue in the voice of its speaker."""
    read = webvtt.from_string(vtt.text(cues)).captions
    found = tuple(
        Cue(ms(c.start), ms(c.end), Alias(html.unescape(c.voice or "")), " ".join(html.unescape(c.text).split()))
        for c in read
    )
    assert found == spaced(cues, WIDE.line_chars)


@given(tracks())
def test_srt_round_trip(cues: tuple[Cue, ...]) -> None:
    """SubRip, read by webvtt-py: the label at a change of speaker, and the cues as they fit; what looked like markup is not."""
    written = srt.text(cues)
    read = webvtt.from_buffer(StringIO(written), format="srt").captions if cues else []
    shown = tuple(each.cue for each in fitted(map(srt.harmless, cues), SRT))
    aliases, speaker, found = {cue.speaker for cue in shown}, Alias(""), []
    # a cue that is cut before such words looks like a label to whoever reads SubRip, which has no other way to say who speaks
    assume(not any(cue.text.startswith(f"{alias}:") for cue in shown for alias in aliases))
    for caption in read:
        text = " ".join(caption.raw_text.split())
        label = next((alias for alias in aliases if text.startswith(f"{alias}:")), None)
        if label is not None:
            speaker, text = label, text.removeprefix(f"{label}:").strip()
        found.append(Cue(ms(caption.start), ms(caption.end), speaker, text))
    assert tuple(found) == shown
    assert not set("<{}") & set(written)
    assert all(len(line) <= 32 for line in written.splitlines() if "-->" not in line)


@given(tracks())
def test_json_round_trip(cues: tuple[Cue, ...]) -> None:
    """Podcasting 2.0 JSON: a segment a cue, to the letter."""
    read = json.loads(transcript.as_json(cues).encode())
    assert set(read) == {"version", "segments"}
    assert read["version"] == "1.0.0"
    found = tuple(
        Cue(round(s["startTime"] * 1000), round(s["endTime"] * 1000), Alias(s["speaker"]), s["body"])
        for s in read["segments"]
    )
    assert found == cues
    assert all(set(segment) == {"speaker", "startTime", "endTime", "body"} for segment in read["segments"])


@given(tracks())
def test_html_round_trip(cues: tuple[Cue, ...]) -> None:
    """HTML, read by lxml as XML and as HTML: the same cues, and no element but ours."""
    page = transcript.as_html(cues, language="en", title="A <b>title</b> & \u202emore")
    for root in (
        etree.fromstring(page.encode(), etree.XMLParser(resolve_entities=False, no_network=True, recover=False)),
        etree.fromstring(page.encode(), etree.HTMLParser(encoding="utf-8", no_network=True)),
    ):
        assert {str(element.tag) for element in root.iter()} <= TAGS
        speaker, found = "", []
        for element in root.iter("cite", "span"):
            text = "".join(map(str, element.itertext()))
            if element.tag == "cite":
                speaker = text.removesuffix(":")
                continue
            start, end = (round(float(element.get(f"data-{name}") or "") * 1000) for name in ("start", "end"))
            found.append(Cue(start, end, Alias(speaker), text))
        assert tuple(found) == cues
        assert root.findtext(".//h1") == "A <b>title</b> & more"


@given(tracks())
def test_text_round_trip(cues: tuple[Cue, ...]) -> None:
    """Plain text: a paragraph a line, who says it first, and every word."""
    read = [tuple(line.split(": ", 1)) for line in transcript.as_text(cues).split("\n") if line]
    expected = [(p[0].speaker, " ".join(cue.text for cue in p)) for p in paragraphs(cues)]
    assert read == expected


def test_what_we_make_round_trips_whole() -> None:
    """Cues from words, hostile ones too, are exactly what an app reads: nothing is left for the writers to mend."""
    for seed in range(25):
        said, duration_s = generated(seed)
        cues = cues_of(said, 0, duration_s, CaptionParams())
        read = webvtt.from_string(vtt.text(cues)).captions
        assert [
            (ms(c.start), ms(c.end), html.unescape(c.voice or ""), " ".join(html.unescape(c.text).split()))
            for c in read
        ] == [(cue.start_ms, cue.end_ms, cue.speaker, cue.text) for cue in cues]
        assert all(len(line) <= 37 for c in read for line in html.unescape(c.text).splitlines())


@given(st.lists(st.floats(-0.19, 0.19), min_size=17, max_size=17))
def test_times_stay_at_phrase_level_in_every_file(shifts: list[float]) -> None:
    """T78: when each word was said changes no byte of any file, as long as the phrases begin and end when they did."""
    text = "I could not read the bus times, so I walked everywhere with Kit's big old umbrella over my head, singing."
    words = [PublicWord(word, i * 0.4, i * 0.4 + 0.3, ASH, word.endswith(".")) for i, word in enumerate(text.split())]
    cues = cues_of(PublicTranscript("en", tuple(words)), 2, 30, CaptionParams())
    ends = list(itertools.accumulate(len(cue.text.split()) for cue in cues))
    fixed = {0, *ends, *(end - 1 for end in ends)}
    moved = [
        word if i in fixed else replace(word, start_s=word.start_s + shift, end_s=word.end_s + shift)
        for i, (word, shift) in enumerate(zip(words, itertools.cycle(shifts), strict=False))
    ]

    def written(said: list[PublicWord]) -> list[bytes]:
        cues = cues_of(PublicTranscript("en", tuple(said)), 2, 30, CaptionParams())
        stem = PurePosixPath("captions/a")
        return [f.data for f in files(cues, language="en", title="", stem=stem, params=CaptionParams())]

    assert written(moved) == written(words)
    for start, end in re.findall(r"(\S+) --> (\S+)", written(words)[0].decode()):
        assert ms(start) % 500 == ms(end) % 500 == 0


def test_every_format_of_a_track() -> None:
    """Five files beside each other, best first, in the language of the track; the bytes depend on the cues alone."""
    cues = (Cue(500, 2000, ASH, "Yes & no."), Cue(2000, 4000, KIT, "Why?"))
    made = files(cues, language="ar", title="What helped", stem=PurePosixPath("captions/a-1b"), params=CaptionParams())
    assert [(str(file.path), file.media_type) for file in made] == [
        ("captions/a-1b.vtt", "text/vtt"),
        ("captions/a-1b.srt", "application/x-subrip"),
        ("captions/a-1b.json", "application/json"),
        ("captions/a-1b.html", "text/html"),
        ("captions/a-1b.txt", "text/plain"),
    ]
    by_suffix = {file.path.suffix: file.data.decode() for file in made}
    assert by_suffix[".txt"] == "Ash: Yes & no.\n\nKit: Why?\n"
    assert '<html lang="ar">' in by_suffix[".html"]
    assert "default-src 'none'" in by_suffix[".html"]
    assert '<cite dir="auto">Kit:</cite>' in by_suffix[".html"]
    assert '<time datetime="PT2S">0:02</time>' in by_suffix[".html"]
    assert made == files(
        cues, language="ar", title="What helped", stem=PurePosixPath("captions/a-1b"), params=CaptionParams()
    )


def test_an_alias_that_fills_the_line_is_cut_in_srt() -> None:
    """A label never takes the room of the words; WebVTT names the speaker whole."""
    long = Alias("A name that somebody chose because they like long names")
    (shown,) = fitted((Cue(0, 2000, long, "Hello."),), SRT)
    assert shown.lines == ("A name that somebody chose bec…:", "Hello.")
    assert f"<v {long}>" in vtt.text((Cue(0, 2000, long, "Hello."),))


def test_evidence_finds_a_name_between_tags() -> None:
    """A protected word in any format of the words is found, though a tag stands right before it."""
    cues = (Cue(500, 2000, ASH, "Amina"), Cue(2000, 4000, ASH, "came & went."))
    for file in files(cues, language="en", title="T", stem=PurePosixPath("captions/a"), params=CaptionParams()):
        assert evidence._holds(file.media_type, file.data, "Amina"), file.media_type
        assert not evidence._holds(file.media_type, file.data, "Casterbridge")
