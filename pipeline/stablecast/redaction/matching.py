"""Where protected words are said: by spelling and by sound, whole, split, spelled out, or in digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from stablecast.errors import UsageRefused
from stablecast.redaction.common import COMMON
from stablecast.redaction.reading import Token, as_written, consonants, fold, in_digits, sound, spelled

_SUFFIXES = ("", "s", "es")  # plurals, and possessives heard without an apostrophe
_SHORT = 4  # up to this many letters a likeness is chance rather than a name
_LONG = 9  # from so many letters on a likeness is hardly chance, even in everyday words: "middle mark" is Middlemarch
_LONGEST_EXTRA = 4  # letters a window may have more than what it is compared with


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """The words `first` to `last` (inclusive) say protected word number `protected`."""

    first: int
    last: int
    protected: int


@dataclass(frozen=True, slots=True)
class _Needle:
    """One thing to look for."""

    letters: str
    written: str  # its words, with a space between them
    exact: frozenset[str]
    sound: str
    consonants: str
    protected: int
    distance: int  # edits that are still the same word


@dataclass(frozen=True, slots=True)
class _Window:
    """Consecutive tokens read as one."""

    letters: str
    written: str
    first: int
    last: int
    tokens: int
    common: bool  # nothing but everyday words


def covered(words: Sequence[str], protected: Sequence[str]) -> frozenset[int]:
    """The numbers of the words that `find` finds, counting from 0. Raises UsageRefused likewise."""
    return frozenset(i for match in find(words, protected) for i in range(match.first, match.last + 1))


def find(words: Sequence[str], protected: Sequence[str]) -> tuple[Match, ...]:
    """Every place in `words` where one of `protected` is said, in order. Places may touch and overlap.

    Case, accents, punctuation, plurals and possessives do not matter, nor where one word ends and the next begins; each
    uncommon word of a protected phrase counts by itself. A likeness (a letter or two off, the same sound) counts unless it is
    made of everyday words, which count when they have exactly the letters, or from five letters on the sound, or from nine
    letters on any likeness. A name of up to
    four letters is not found across everyday words ("in a" is not Ina). Writing systems are not converted into one another:
    a name said in two scripts has to be listed in both.

    Raises UsageRefused for a protected word without a letter or digit: it could never be found.
    """
    tokens = as_written(words)
    written, numeric = [], []
    for number, phrase in enumerate(protected):
        parts = as_written([phrase])
        if not parts:
            raise UsageRefused(
                "a protected word has neither a letter nor a digit, so it can never be found; write it out"
            )
        written.append(_needle([part.text for part in parts], number))
        if len(parts) > 1:
            written += (_needle([part.text], number) for part in parts if _alone(part.text))
        digits = "".join(part.text for part in in_digits(parts))
        if any(char.isdecimal() for char in digits):
            numeric.append(_number_needle(_as_digits(digits), number))
    longest = max((len(needle.letters) for needle in (*written, *numeric)), default=0) + _LONGEST_EXTRA
    found = _search(_windows(tokens, longest), written)
    for run in spelled(tokens):
        found |= _search(_windows(run, longest), written)
    if numeric:
        found |= _search(_windows(in_digits(tokens), longest, digits=True), numeric)
    return tuple(sorted(_widest(found)))


def everyday(word: str) -> bool:
    """Whether `word` is an everyday English word."""
    return fold(word).replace(" ", "") in COMMON


def _alone(part: str) -> bool:
    return len(part) > 2 and part not in COMMON and not part.isdecimal()


def _needle(words: Sequence[str], protected: int) -> _Needle:
    letters = "".join(words)
    exact = frozenset(letters + suffix for suffix in _SUFFIXES)
    size = len(letters)
    distance = 0 if size <= _SHORT else 1 if size < 8 else 2 if size < 12 else 3
    return _Needle(letters, " ".join(words), exact, sound(letters), consonants(letters), protected, distance)


def _number_needle(digits: str, protected: int) -> _Needle:
    exact = {digits}
    if digits.startswith("0") and len(digits) > 8:  # a telephone number, with the United Kingdom's prefix before it
        exact |= {prefix + digits[1:] for prefix in ("", "44", "0044", "440")}
    distance = 0 if len(digits) < 6 else 1 if len(digits) < 9 else 2
    return _Needle(digits, digits, frozenset(exact), "", "", protected, distance)


def _as_digits(letters: str) -> str:
    return letters.replace("o", "0")  # a postcode's O and zero sound, and are often written, alike


def _windows(tokens: Sequence[Token], longest: int, *, digits: bool = False) -> Iterator[_Window]:
    """All runs of tokens with at most `longest` letters, and every single token."""
    for start in range(len(tokens)):
        letters, common, single = "", True, True
        for stop in range(start, len(tokens)):
            token = tokens[stop]
            letters += _as_digits(token.text) if digits else token.text
            if stop > start and len(letters) > longest:
                break
            common &= token.text in COMMON
            single &= len(token.text) == 1
            size = stop - start + 1
            written = " ".join(token.text for token in tokens[start : stop + 1])
            yield _Window(letters, written, tokens[start].first, token.last, size, common and not (single and size > 1))


def _search(windows: Iterable[_Window], needles: Sequence[_Needle]) -> set[Match]:
    """Where a window says a needle, but for windows that hold a better place of the same needle: those are only wider."""
    likeness: list[dict[tuple[int, int], int]] = [{} for _ in needles]
    for window in windows:
        place, stems = (window.first, window.last), _stems(window.letters)
        for needle, best in zip(needles, likeness, strict=True):
            unlike = _unlike(needle, window, stems)
            if unlike is not None:
                best[place] = min(unlike, best.get(place, unlike))
    return {
        Match(*place, needle.protected)
        for needle, best in zip(needles, likeness, strict=True)
        for place, unlike in best.items()
        if not any(best.get(inner, unlike + 1) <= unlike for inner in _within(*place))
    }


def _within(first: int, last: int) -> Iterator[tuple[int, int]]:
    """All smaller places in a place."""
    return ((i, j) for i in range(first, last + 1) for j in range(i, last + 1) if (i, j) != (first, last))


def _widest(found: set[Match]) -> Iterator[Match]:
    """The matches that lie in no other match of the same protected word."""
    reach: dict[int, int] = {}
    for match in sorted(found, key=lambda match: (match.first, -match.last)):
        if match.last > reach.get(match.protected, -1):
            reach[match.protected] = match.last
            yield match


@dataclass(frozen=True, slots=True)
class _Stem:
    """A window's letters, with or without the s of a plural or possessive."""

    letters: str
    sound: str
    consonants: str


def _stems(letters: str) -> tuple[_Stem, ...]:
    forms = (letters, letters[:-1]) if letters.endswith("s") and len(letters) > _SHORT else (letters,)
    return tuple(_Stem(form, sound(form), consonants(form)) for form in forms)


def _contained(needle: _Needle, window: _Window) -> bool:
    """Whether a needle stands inside one longer word, as in an address or a handle."""
    enough = len(needle.letters) > _SHORT or (len(needle.letters) > 1 and not needle.letters.isascii())
    return enough and window.tokens == 1 and needle.letters in window.letters


def _unlike(needle: _Needle, window: _Window, stems: Sequence[_Stem]) -> int | None:
    """How far a window is from saying a needle: 0 for its letters, 1 for its sound, more for edits, None for another word."""
    short = len(needle.letters) <= _SHORT
    if window.written == needle.written:  # "A Do" is heard as two everyday words, and is the name
        return 0
    if window.letters in needle.exact or _contained(needle, window):
        by_chance = short and window.common and (window.tokens > 1 or window.letters != needle.letters)
        return None if by_chance else 0  # "in a" is not Ina, "this" is not two of Thi
    if len(needle.letters) < 3 or (short and window.common):
        return None
    likely = (_likeness(needle, stem, common=window.common) for stem in stems)
    return min((unlike for unlike in likely if unlike is not None), default=None)


def _likeness(needle: _Needle, stem: _Stem, *, common: bool) -> int | None:
    if abs(len(stem.letters) - len(needle.letters)) > _LONGEST_EXTRA:
        return None
    if needle.sound and stem.sound == needle.sound:
        return 1
    if common and len(needle.letters) < _LONG:
        return None
    edits = OSA.distance(needle.letters, stem.letters, score_cutoff=3)
    if edits <= needle.distance:
        return 1 + edits
    if (
        len(needle.consonants) > 1
        and stem.consonants == needle.consonants
        and edits <= len(needle.letters) - 3
        and edits <= 2
    ):
        return 1 + edits
    if min(len(needle.sound), len(stem.sound)) > _SHORT and OSA.distance(needle.sound, stem.sound, score_cutoff=1) <= 1:
        return 3
    return None


def likely(words: Sequence[str], protected: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Single words, first and last, that may be one of `protected` badly misheard: too loose to act on, enough to ask.

    A word counts that is no everyday word, and has the same consonants, or nearly the same sound: one letter in four may differ.
    """
    parts = {part.text for phrase in protected for part in as_written([phrase]) if _alone(part.text)}
    sounds = {(part, sound(part), consonants(part)) for part in parts}
    near = []
    for token in as_written(words):
        if len(token.text) < 3 or token.text in COMMON or token.text.isdecimal():
            continue
        told, hard = sound(token.text), consonants(token.text)
        if any(
            (len(hard) > 1 and hard == skeleton)
            or OSA.distance(told, code, score_cutoff=len(code) // 4) <= len(code) // 4
            for _, code, skeleton in sounds
        ):
            near.append((token.first, token.last))
    return tuple(near)
