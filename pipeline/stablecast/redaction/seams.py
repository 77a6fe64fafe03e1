"""Where Whisper stops hearing and begins again: about every half minute, a tenth of a second before or after a word's end.

What is left of that word is then heard a second time, as the same word or as one that nobody said. What is surely the same
word becomes one, in the time of both; of the rest a person is told. Nothing is dropped that somebody may have said.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from stablecast.model import Doubt, Segment, Suspicion, Word
from stablecast.redaction.common import COMMON
from stablecast.redaction.doubts import plain
from stablecast.redaction.reading import as_written, in_digits
from stablecast.redaction.spans import believable

INSTANT_S: Final = 0.05  # two frames of Whisper's: what is heard again begins just where the word before is said to end
SCRAP_S: Final = 0.2  # 28 of 33 wrong words at a seam lasted no longer (docs/words.md)
UNLIKELY: Final = 0.1  # probability; real words just after a seam had 0.1 and more


@dataclass(frozen=True, slots=True)
class Mended:
    """The segments, with no word twice that was surely said once, and where that may be so."""

    segments: tuple[Segment, ...]
    doubts: tuple[Doubt, ...] = ()


def mended(segments: Sequence[Segment], seams: Collection[int]) -> Mended:
    """One speaker's segments, of which those with the numbers `seams` were the first that were heard anew.

    Two words at a seam are one utterance where they are the same, in small letters, and the second begins in the instant in
    which the first ends and is too short to be said. The one that stays covers the time of both, so whatever takes it out
    takes out both. A letter, a figure, a word with a capital or in a script without small letters may be a part of a name or
    a number: it stays. The second may have a capital where it is an everyday word, for it is the first that was heard.
    """
    kept, found = list[Segment](), list[Doubt]()
    for number, segment in enumerate(segments):
        if number in seams and kept and kept[-1].words and segment.words:
            before, after = kept[-1].words[-1], segment.words[0]
            if _once(before, after):
                kept[-1] = _with_last(kept[-1], before, after)
                if len(segment.words) == 1:
                    continue
                segment = replace(segment, start_s=_start(segment.words[1], segment), words=segment.words[1:])
            else:
                found += _doubted(kept[-1], segment)
        kept.append(segment)
    return Mended(tuple(kept), tuple(found))


def _once(before: Word, after: Word) -> bool:
    """Whether two words at a seam surely are one."""
    text = plain(before.text)
    small = before.text.islower() and (after.text.islower() or text in COMMON)  # a window may begin as a sentence does
    return text == plain(after.text) and small and _no_name(text) and _rest(before, after)


def _no_name(text: str) -> bool:
    """Whether a word is no letter of a name read out, and no figure of a number."""
    return (
        len(text) > 1 and text.isalpha() and not any(token.text.isdecimal() for token in in_digits(as_written([text])))
    )


def _rest(before: Word, after: Word) -> bool:
    """Whether the second word is just what was left of the first."""
    first, second = believable(before), believable(after)
    if first is None or second is None:
        return False
    meet = abs(second.start_s - first.end_s) <= INSTANT_S
    return meet and second.end_s - second.start_s <= SCRAP_S and believable(_joined(before, after)) is not None


def _joined(before: Word, after: Word) -> Word:
    ends = [time for time in (before.end_s, after.end_s) if time is not None]
    return replace(before, text=before.text + ("" if _stop(before.text) else _stop(after.text)), end_s=max(ends))


def _stop(text: str) -> str:
    """The punctuation a word ends with."""
    said = len(text)
    while said and unicodedata.category(text[said - 1])[0] == "P":
        said -= 1
    return text[said:]


def _with_last(segment: Segment, before: Word, after: Word) -> Segment:
    one = _joined(before, after)
    return replace(segment, end_s=max(segment.end_s, one.end_s or 0.0), words=(*segment.words[:-1], one))


def _start(word: Word, segment: Segment) -> float:
    return segment.start_s if word.start_s is None else word.start_s


def _doubted(left: Segment, right: Segment) -> Iterator[Doubt]:
    before, after = left.words[-1], right.words[0]
    same = plain(before.text) == plain(after.text) != ""
    unlikely = after.probability < UNLIKELY and _rest(before, after)
    if same or unlikely:
        start_s = left.end_s if before.start_s is None else before.start_s
        end_s = _start(after, right) if after.end_s is None else after.end_s
        yield Doubt(start_s, max(start_s, end_s), Suspicion.SEAM)
