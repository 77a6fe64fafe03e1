"""config/wording.toml: words that put a label on a young person, found in what staff write. Never in what anybody said."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from stablecast.findings import Finding, Severity

FILE: Final = "config/wording.toml"

_KEY: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One label: the words for it, what to say instead, and why."""

    words: tuple[str, ...]
    instead: str
    why: str
    unless: tuple[str, ...] = ()  # phrases in which it is left alone

    def __post_init__(self) -> None:
        for name in ("instead", "why"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; a warning that helps nobody had better not be there")
        if not self.words:
            raise ValueError("words is empty; name at least one")
        for name in ("words", "unless"):
            if not all(_WORD.search(folded(phrase)) for phrase in getattr(self, name)):
                raise ValueError(f"{name} has one without a letter; take it out")


@dataclass(frozen=True, slots=True)
class Labels:
    """The file."""

    words: Mapping[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(_KEY.fullmatch(key) for key in self.words):
            raise ValueError("words has a key that is not small letters, digits and inner hyphens; rename it")


def findings(texts: Iterable[tuple[str, str]], labels: Labels) -> Iterator[Finding]:
    """A warning for each label in each of `texts`, which are pairs of a place ("title") and what staff wrote there.

    A message quotes the list, never the text. Of two finds, one inside the other, the longer counts.
    """
    for place, text in texts:
        for key, phrase in _found(folded(text), labels):
            entry = labels.words[key]
            message = f'"{phrase}": rather {entry.instead}. {entry.why}'
            yield Finding(f"wording.{key}", Severity.WARNING, FILE, place, message)


def folded(text: str) -> str:
    """The words of a text in small letters with single spaces between; hyphens part words, apostrophes do not."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    return " ".join(_WORD.findall(plain))


def _found(text: str, labels: Labels) -> Iterator[tuple[str, str]]:
    hits: list[tuple[int, int, str, str]] = []
    for key, entry in labels.words.items():
        kept = [match.span() for phrase in entry.unless for match in _pattern(folded(phrase)).finditer(text)]
        for phrase in entry.words:
            for match in _pattern(folded(phrase)).finditer(text):
                if not any(start <= match.start() and match.end() <= end for start, end in kept):
                    hits.append((match.start(), match.end(), key, phrase))
    told: set[str] = set()
    for start, end, key, phrase in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
        inside = any(a <= start and end <= b and (a, b) != (start, end) for a, b, _, _ in hits)
        if not inside and key not in told:
            told.add(key)
            yield key, phrase


@functools.cache
def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase as whole words, each with the endings that English gives it."""
    return re.compile(r"(?<!\S)" + " ".join(_forms(word) for word in phrase.split()) + r"(?!\S)")


def _forms(word: str) -> str:
    if len(word) < 4 or "'" in word:
        return re.escape(word)
    if word.endswith("e"):
        return re.escape(word[:-1]) + "(?:e|es|ed|ing|e's|es')"
    if word.endswith("y") and word[-2] not in "aeiou":
        return re.escape(word[:-1]) + "(?:y|ies|ied|ying|y's|ies')"
    return re.escape(word) + "(?:s|es|ed|ing|'s|s')?"
