"""Where a line of text may break: after punctuation, before a conjunction, never inside a name or a phrase that is one.

After the BBC Subtitle Guidelines 1.2 and the Netflix Timed Text Style Guide (English).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
_ARTICLES = frozenset(("a", "an", "the"))
_NUMBERS = frozenset((
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy",
    "eighty", "ninety", "hundred", "thousand", "million", "half", "several",
))
_UNITS = frozenset((
    "am", "centimetre", "centimetres", "cm", "day", "days", "degree", "degrees", "euro", "euros", "foot", "feet", "gram",
    "grams", "hour", "hours", "hundred", "kg", "kilo", "kilometre", "kilometres", "kilos", "km", "m", "mile", "miles", "million",
    "metre", "metres", "minute", "minutes", "month", "months", "o'clock", "p", "pence", "per", "percent", "pm", "pound",
    "pounds", "quid", "second", "seconds", "thousand", "time", "times", "week", "weeks", "year", "years",
))
_TITLES = frozenset(("dr.", "mr.", "mrs.", "ms.", "prof.", "st.", "dr", "mr", "mrs", "ms", "miss", "prof", "st", "sir"))
# fmt: on
_CLOSERS = "\"'”’»)]"
_QUOTES = "\"'“‘«(["

END, PAUSE, PHRASE, ANYWHERE, AWKWARD = 0.0, 0.5, 1.0, 2.0, 3.0
TORN = 60.0  # more than a dozen cues cost: a name is torn only where nothing else fits


def break_cost(before: str, after: str | None) -> float:
    """How much a break between two words disturbs a reader: 0 at the end of a sentence, `TORN` inside a name."""
    if after is None or ends_sentence(before):
        return END
    if before.rstrip(_CLOSERS).endswith((",", ";", ":", "–", "—", "،")):
        return PAUSE
    if belong_together(before, after):
        return TORN
    if before.casefold() in _LEANERS:
        return AWKWARD
    return PHRASE if after.casefold() in _OPENERS else ANYWHERE


def belong_together(before: str, after: str) -> bool:
    """Whether two words are one name, an article and its noun, or a number and what it counts (English)."""
    one, other = before.lstrip(_QUOTES), after.rstrip(_CLOSERS + ".,;:?!…")
    first, second = one.casefold(), other.casefold()
    if first in _TITLES:
        return other[:1].isupper()
    if not one or not other or one[-1] in ".,;:?!…–—،؟" + _CLOSERS:
        return False
    if first in _ARTICLES:
        return True
    if _counts(first) and (second in _UNITS or _counts(second)):
        return True
    return one[0].isupper() and other[0].isupper() and "i" not in (first.split("'")[0], second.split("'")[0])


def _counts(word: str) -> bool:
    return word in _NUMBERS or word.lstrip("£$€").replace(",", "").replace(".", "").isdecimal()


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with this word, by its punctuation."""
    bare = word.rstrip(_CLOSERS)
    return bare.endswith((".", "?", "!", "…", "。", "؟", "።", "।")) and bare.casefold() not in _TITLES


@dataclass(frozen=True, slots=True)
class Laid:
    """Text on lines, and how much their breaks disturb."""

    lines: tuple[str, ...]
    cost: float


def lines_of(words: Sequence[str], width: int, most: int = 2) -> tuple[str, ...] | None:
    """The words on at most `most` lines of `width` characters, at the least disturbing break; None where they do not fit.

    A single word longer than a line has the line to itself: `pieces` is for those.
    """
    found = laid_out(words, width, most)
    return None if found is None else found.lines


def laid_out(words: Sequence[str], width: int, most: int) -> Laid | None:
    """`lines_of`, with the cost."""
    whole = " ".join(words)
    if len(whole) <= width or len(words) == 1:
        return Laid((whole,), 0.0) if whole else Laid((), 0.0)
    if most < 2 or len(whole) > (width + 1) * most + max(map(len, words)):
        return None
    best: Laid | None = None
    first = ""
    for at in range(1, len(words)):
        first = f"{first} {words[at - 1]}" if first else words[0]
        if len(first) > width and at > 1:
            break
        rest = laid_out(words[at:], width, most - 1)
        if rest is None:
            continue
        uneven = abs(len(first) - len(rest.lines[0])) / width  # two lines of one length are read with least movement
        cost = break_cost(words[at - 1], words[at]) + 2 * uneven + rest.cost
        if best is None or cost < best.cost:
            best = Laid((first, *rest.lines), cost)
    return best


def pieces(word: str, width: int) -> Iterator[str]:
    """A word longer than a line in pieces that fit one, cut after a hyphen or slash where there is one in reach.

    A letter is never parted from its accents, nor an emoji from what is joined to it, unless that alone is over `width`.
    """
    while len(word) > width:
        at = next((n for n in range(width, width // 2, -1) if word[n - 1] in "-/_.@"), width)
        while at > 1 and _joined(word, at):
            at -= 1
        if _joined(word, at):
            at = width
        yield word[:at]
        word = word[at:]
    if word:
        yield word


def _joined(word: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before it."""
    one, other = word[at - 1], word[at]
    return (
        unicodedata.category(other) in ("Mn", "Mc", "Me")
        or other in "\u200d\ufe0e\ufe0f"
        or one == "\u200d"
        or "\U0001f3fb" <= other <= "\U0001f3ff"  # skin tones
        or (_flag(one) and _flag(other))
    )


def _flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff" or "\U000e0020" <= char <= "\U000e007f"
