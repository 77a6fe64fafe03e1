"""WebVTT (W3C): cues with speakers, and nothing else. No NOTE, STYLE or header fields, which some apps refuse."""

from __future__ import annotations

from collections.abc import Iterable

from stablecast.captions.fitting import words_of
from stablecast.captions.layout import lines_of
from stablecast.captions.plain import clean
from stablecast.captions.profiles import Profile, Shape, profile
from stablecast.model import Cue

MEDIA_TYPE = "text/vtt"


def text(cues: Iterable[Cue], measures: Profile | None = None) -> str:
    """The cues as a WebVTT file, each in a voice span of its speaker. Whatever the words, they stay text."""
    measures = measures or profile(Shape.LANDSCAPE)
    blocks = []
    for cue in cues:
        words = words_of(cue.text, measures)
        if not words:
            continue
        lines = _escaped("\n".join(lines_of(words, measures.line_chars, measures.lines) or (" ".join(words),)))
        speaker = _escaped(clean(cue.speaker))
        said = f"<v {speaker}>{lines}</v>" if speaker else lines
        blocks.append(f"{clock(cue.start_ms)} --> {clock(cue.end_ms)}\n{said}\n")
    return "\n".join(("WEBVTT\n", *blocks))


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clock(time_ms: int, point: str = ".") -> str:
    """01:02:03.004, the form of both WebVTT and, with a comma, SubRip."""
    seconds, ms = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"
