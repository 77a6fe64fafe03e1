"""WebVTT (W3C): cues with speakers, and nothing else. No NOTE, STYLE or header fields, which some apps refuse."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from stablecast.captions.layout import lines_of
from stablecast.model import Cue

LINE_CHARS = 37
MEDIA_TYPE = "text/vtt"


def text(cues: Iterable[Cue]) -> str:
    """The cues as a WebVTT file, each in a voice span of its speaker. Whatever the words, they stay text."""
    blocks = []
    for cue in cues:
        words = clean(cue.text)
        lines = "\n".join(lines_of(words.split(), LINE_CHARS) or (words,))
        speaker = _escaped(clean(cue.speaker))
        blocks.append(f"{clock(cue.start_ms)} --> {clock(cue.end_ms)}\n<v {speaker}>{_escaped(lines)}</v>\n")
    return "\n".join(("WEBVTT\n", *blocks))


def clean(words: str) -> str:
    """`words` on one line, without control characters and lone surrogates, which no file in UTF-8 should hold."""
    kept = (char for char in words if char.isspace() or unicodedata.category(char) not in ("Cc", "Cs"))
    return " ".join("".join(kept).split())


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clock(time_ms: int, point: str = ".") -> str:
    """01:02:03.004, the form of both WebVTT and, with a comma, SubRip."""
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"
