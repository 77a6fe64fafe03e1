"""An episode's words as a file that people can edit: WebVTT, or Markdown with a label before each speaker's words.

In both, `[[` and `]]` stand around what has to be taken out; a backslash takes from the next character what it means here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import webvtt
from webvtt.errors import MalformedFileError

from stablecast.errors import UsageRefused
from stablecast.model import Alias
from stablecast.redaction.editing import Written
from stablecast.redaction.spans import clock

ADVICE = (
    "These are the words as they were recognised, names among them: delete this file when it is imported.",
    "Write what is really said. Put [[double brackets]] around what has to be taken out. Leave the labels as they are.",
)
_SPECIAL = re.compile(r"([\\\[\]*]|\s)")
_HEADING = re.compile(r"\*\*(?P<alias>.+)\*\* \((?:\d+:)?\d+:\d\d\.\d\)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+(?P<alias>[^>]+)>(?P<text>.*)", re.DOTALL)
_TAG = re.compile(r"</?[^>]*>")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What one speaker says in one piece, in the time of the recording."""

    speaker: Alias
    start_s: float
    end_s: float
    words: tuple[Written, ...]


def markdown(episode: str, paragraphs: Iterable[Paragraph]) -> str:
    """The words as Markdown: a label with a time, and what is said below it."""
    lines = [f"# {episode}", "", *ADVICE, ""]
    for said in paragraphs:
        lines += [f"**{_escaped(said.speaker)}** ({clock(said.start_s)})", "", _text(said.words), ""]
    return "\n".join(lines)


def vtt(paragraphs: Iterable[Paragraph]) -> str:
    """The words as WebVTT, a cue for each paragraph."""
    lines = ["WEBVTT", "", "NOTE", *ADVICE, ""]
    for said in paragraphs:
        end_s = max(said.end_s, said.start_s + 0.001)
        voice = html.escape(said.speaker, quote=False)
        text = html.escape(_text(said.words), quote=False)
        lines += [f"{_stamp(said.start_s)} --> {_stamp(end_s)}", f"<v {voice}>{text}</v>", ""]
    return "\n".join(lines)


def read_markdown(text: str) -> dict[Alias, tuple[Written, ...]]:
    """Each speaker's words in the order of the file. Raises UsageRefused where the file is not of that form."""
    said: dict[Alias, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line.strip())
        if heading:
            lines = said.setdefault(Alias(_plain(heading["alias"])), [])
        elif lines is not None:
            lines.append(line)
    return {speaker: _words(lines) for speaker, lines in said.items()}


def read_vtt(text: str) -> dict[Alias, tuple[Written, ...]]:
    """Each speaker's words in the order of the file. Raises UsageRefused where the file is not of that form."""
    try:
        cues = webvtt.from_string(text).captions
    except MalformedFileError as malformed:
        raise UsageRefused("this is not a WebVTT file; export the words again and edit that file") from malformed
    said: dict[Alias, list[str]] = {}
    for number, cue in enumerate(cues, 1):
        voice = _VOICE.fullmatch(cue.raw_text.strip())
        if not voice or "<v" in voice["text"]:
            raise UsageRefused(f"cue {number} does not begin with one label such as <v Robin>; put it back")
        alias = Alias(html.unescape(voice["alias"]).strip())
        said.setdefault(alias, []).append(html.unescape(_TAG.sub("", voice["text"])))
    return {speaker: _words(lines) for speaker, lines in said.items()}


def _text(words: Sequence[Written]) -> str:
    parts = []
    for index, word in enumerate(words):
        opens = word.marked and not (index and words[index - 1].marked)
        closes = word.marked and not (index + 1 < len(words) and words[index + 1].marked)
        parts.append("[[" * opens + _escaped(word.text) + "]]" * closes)
    return " ".join(parts)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _words(lines: Iterable[str]) -> tuple[Written, ...]:
    return tuple(word for line in lines for word in _of_line(line))


def _of_line(line: str) -> Iterator[Written]:
    """The words of a line. Marks end with it: one that is not closed is more likely a slip than a wish."""
    text, marked, inside, at = "", False, False, 0
    while at < len(line):
        two = line[at : at + 2]
        if two in ("[[", "]]"):
            if inside == (two == "[["):
                raise _unpaired()
            inside, at = not inside, at + 2
        elif line[at].isspace():
            if text:
                yield Written(text, marked)
            text, marked, at = "", False, at + 1
        else:
            at += line[at] == "\\" and at + 1 < len(line)
            text, marked, at = text + line[at], marked or inside, at + 1
    if inside:
        raise _unpaired()
    if text:
        yield Written(text, marked)


def _unpaired() -> UsageRefused:
    return UsageRefused(
        "a [[ is without its ]] in the same line, or the other way round; close it and import the file again"
    )


def _stamp(time_s: float) -> str:
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
