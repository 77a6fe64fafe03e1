"""SubRip, for apps that fail on WebVTT: two lines of 32 characters (Podcasting 2.0), the speaker's name when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stablecast.captions.layout import break_cost, lines_of
from stablecast.captions.vtt import clean, clock
from stablecast.model import Cue

LINE_CHARS = 32
MEDIA_TYPE = "application/x-subrip"

# SubRip has no escapes, and players take these for markup, and "-->" for a time
_LOOKALIKES = str.maketrans("<>{}", "‹›()")


def text(cues: Iterable[Cue]) -> str:
    """The cues as a SubRip file. A cue whose text is too long for its two lines becomes two or more, sharing its time."""
    blocks = []
    for number, cue in enumerate(_fitting(cues), 1):
        lines = "\n".join(lines_of(cue.text.split(), LINE_CHARS) or (cue.text,))
        start, end = clock(cue.start_ms, ","), clock(cue.end_ms, ",")
        blocks.append(f"{number}\n{start} --> {end}\n{lines}\n")
    return "\n".join(blocks)


def _fitting(cues: Iterable[Cue]) -> Iterator[Cue]:
    speaker = ""
    for cue in cues:
        named = "" if cue.speaker == speaker else f"{cue.speaker}: "
        speaker = cue.speaker
        yield from _halves(replace(cue, text=clean(named + cue.text).translate(_LOOKALIKES)))


def _halves(cue: Cue) -> Iterator[Cue]:
    words, length_ms = cue.text.split(), cue.end_ms - cue.start_ms
    if len(words) < 2 or length_ms < 2 or lines_of(words, LINE_CHARS) is not None:
        yield cue
        return

    def cost(at: int) -> float:
        return break_cost(words[at - 1], words[at]) + 8 * abs(len(" ".join(words[:at])) / len(cue.text) - 0.5)

    at = min(range(1, len(words)), key=cost)
    # Half the time each, not by the words: when a word is said stays unpublished
    middle_ms = cue.start_ms + length_ms // 2
    yield from _halves(replace(cue, end_ms=middle_ms, text=" ".join(words[:at])))
    yield from _halves(replace(cue, start_ms=middle_ms, text=" ".join(words[at:])))
