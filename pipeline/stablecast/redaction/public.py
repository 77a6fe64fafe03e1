"""What may be read of one speaker's words, with times that place them in captions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stablecast.model import REDACTED, Alias, PublicWord, Word
from stablecast.redaction.spans import Place, believable


@dataclass(frozen=True, slots=True)
class Said:
    """A word as it stands, where it may sound, and whether it is taken out or ends a segment."""

    word: Word
    place: Place
    removed: bool
    ends_segment: bool


def public_words(speaker: Alias, said: Iterable[Said]) -> list[PublicWord]:
    """The words in the order they were said, with times that never go back; a run of removed ones is one `REDACTED`."""
    public: list[PublicWord] = []
    latest_s = 0.0
    for one in said:
        at = believable(one.word) or one.place
        latest_s = start_s = max(latest_s, at.start_s)
        text = REDACTED if one.removed else one.word.text
        word = PublicWord(text, start_s, max(start_s, at.end_s), speaker, one.ends_segment)
        if one.removed and public and public[-1].text == REDACTED:
            end_s = max(public[-1].end_s, word.end_s)
            public[-1] = replace(public[-1], end_s=end_s, ends_segment=one.ends_segment)
        else:
            public.append(word)
    return public
