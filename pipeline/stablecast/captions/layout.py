"""Where a line of text may break: after punctuation, before a conjunction, never inside a word.

After the BBC Subtitle Guidelines 1.2 and the Netflix Timed Text Style Guide (English).
"""

from __future__ import annotations

from collections.abc import Sequence

# fmt: off
_OPENERS = frozenset((  # begin a phrase: better to break before them
    "about", "after", "although", "and", "at", "because", "before", "but", "by", "for", "from", "if", "in", "into", "of", "on",
    "or", "since", "so", "that", "then", "though", "to", "unless", "until", "when", "where", "which", "while", "who", "with",
    "without",
))
_LEANERS = frozenset((  # lean on the next word: worse to break after them
    "a", "am", "an", "and", "are", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had",
    "has", "have", "he", "her", "his", "i", "in", "is", "it", "its", "may", "might", "must", "my", "no", "not", "of", "on", "or",
    "our", "she", "should", "that", "the", "their", "these", "they", "this", "those", "to", "very", "was", "we", "were", "will",
    "with", "would", "you", "your",
))
# fmt: on
_CLOSERS = "\"'”’»)]"

END, PAUSE, PHRASE, ANYWHERE, AWKWARD = 0.0, 0.5, 1.0, 2.0, 3.0


def break_cost(before: str, after: str | None) -> float:
    """How much a break between two words disturbs a reader: 0 at the end of a sentence, 3 between "the" and its noun."""
    if after is None or ends_sentence(before):
        return END
    if before.rstrip(_CLOSERS).endswith((",", ";", ":", "–", "—", "،")):
        return PAUSE
    if before.casefold() in _LEANERS:
        return AWKWARD
    return PHRASE if after.casefold() in _OPENERS else ANYWHERE


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with this word, by its punctuation."""
    return word.rstrip(_CLOSERS).endswith((".", "?", "!", "…", "。", "؟", "።", "।"))


def lines_of(words: Sequence[str], width: int, most: int = 2) -> tuple[str, ...] | None:
    """The words on at most `most` lines of `width` characters, at the least disturbing break; None where they do not fit.

    A single word longer than a line has the line to itself.
    """
    whole = " ".join(words)
    if len(whole) <= width or len(words) == 1:
        return (whole,) if whole else ()
    if most < 2:
        return None
    best: tuple[float, tuple[str, ...]] | None = None
    for at in range(1, len(words)):
        first = " ".join(words[:at])
        if len(first) > width and at > 1:
            break
        rest = lines_of(words[at:], width, most - 1)
        if rest is None:
            continue
        uneven = abs(len(first) - len(rest[0])) / width  # two lines of one length are read with least movement
        cost = break_cost(words[at - 1], words[at]) + 2 * uneven
        if best is None or cost < best[0]:
            best = cost, (first, *rest)
    return best[1] if best else None
