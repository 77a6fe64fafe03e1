"""Cues as paragraphs, for everything that shows the words to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stablecast.model import Cue

PAUSE_MS: Final = 2_000  # a silence this long starts a new paragraph
FULL_CHARS: Final = 420  # after so many, the next full stop does


def clock(time_s: float) -> str:
    """A time as it stands beside a paragraph: 1:02, or 1:02:03."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def paragraphs(cues: Sequence[Cue]) -> Iterator[list[Cue]]:
    """The cues in runs of one speaker, parted at pauses and, where a run is long, at the end of a sentence."""
    paragraph: list[Cue] = []
    for cue in cues:
        if paragraph:
            last = paragraph[-1]
            full = sum(len(each.text) for each in paragraph) >= FULL_CHARS and last.text.rstrip().endswith(
                (".", "?", "!")
            )
            if cue.speaker != last.speaker or cue.start_ms - last.end_ms >= PAUSE_MS or full:
                yield paragraph
                paragraph = []
        paragraph.append(cue)
    if paragraph:
        yield paragraph
