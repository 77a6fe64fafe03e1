"""What is left of a removed word at the edge of where it was: the end of a name, a few figures of a number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import ratio

from stablecast.redaction.matching import everyday
from stablecast.redaction.reading import Token, as_written, in_digits, sound

LEAST, LEAST_EVERYDAY = (
    3,
    4,
)  # sounds of a scrap that tells something; an everyday word has to have more, it may be chance
SHARE = 0.35  # of the removed word's sounds that a scrap has at least
ALIKE = 70  # of 100: two spellings so alike are one word that was heard twice
SCRAPS = 3  # tokens in which one scrap may be heard


def remains(heard: Sequence[str], removed: Iterable[str], kept: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Runs (first, last) of `heard` that sound like the beginning or the end of one of `removed` and like none of `kept`.

    `heard` is what was recognised right beside a place where words were taken out; `kept` is what was left in around it.
    Sounds are compared, not letters, with one difference allowed from four sounds on (five in an everyday word). Everyday
    words among `removed` leave no scrap that tells anything.
    """
    telling = {_code(token.text) for token in _tokens([word for word in removed if not everyday(word)])}
    known = [token.text for token in _tokens(list(kept))]
    strange = [token for token in _tokens(heard) if not any(_same(token.text, text) for text in known)]
    for start, token in enumerate(strange):
        scrap, last = "", token.first
        for other in strange[start : start + SCRAPS]:
            if other.first > last + 1:
                break
            scrap, last = scrap + other.text, other.last
            if any(_scrap_of(scrap, whole) for whole in telling):
                yield token.first, last


def _tokens(words: Sequence[str]) -> list[Token]:
    return in_digits(as_written(words))


def _code(text: str) -> str:
    return text if text.isdecimal() else sound(text)


def _same(one: str, other: str) -> bool:
    return _code(one) == _code(other) or ratio(one, other) >= ALIKE


def _scrap_of(text: str, whole: str) -> bool:
    said, least = _code(text), LEAST_EVERYDAY if everyday(text) else LEAST
    if len(said) < max(least, SHARE * len(whole)) or len(said) > len(whole) + 1:
        return False
    if whole.startswith(said) or whole.endswith(said):
        return True
    sizes = range(len(said) - 1, len(said) + 2)
    ends = (end for size in sizes for end in (whole[:size], whole[-size:]))
    return len(said) > least and any(OSA.distance(said, end) <= 1 for end in ends)
