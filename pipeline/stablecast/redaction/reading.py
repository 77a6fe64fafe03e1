"""The ways a row of words can be read: as written, spelled out letter by letter, and with numbers as digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jellyfish

_APOSTROPHES = "'’‘ʼʻʹʿʾ`´＇"
_POSSESSIVE = re.compile(rf"[{_APOSTROPHES}]s(?!\w)", re.IGNORECASE)
_JOINED = dict.fromkeys(map(ord, _APOSTROPHES))
_PLAIN = str.maketrans(
    {"đ": "d", "ð": "d", "ɗ": "d", "ł": "l", "ø": "o", "ɔ": "o", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe"}
    | {"þ": "th", "ə": "e", "ɛ": "e", "ŋ": "ng", "ɓ": "b", "ƙ": "k", "ƴ": "y", "ة": "ه", "ى": "ي", "ـ": None}
)

_FILLERS = frozenset({"um", "uh", "er", "erm", "and", "then"})
_TIMES = {"double": 2, "triple": 3, "treble": 3}
# fmt: off
RADIO = {word: word[0] for word in (
    "alpha", "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "juliett", "kilo",
    "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey", "whisky",
    "xray", "yankee", "zulu",
)}

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ZEROS = ("oh", "o", "nought", "naught", "nil")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
# fmt: on
_DIGITS = {word: value for value, word in enumerate(_UNITS)} | dict.fromkeys(_ZEROS, 0)
_NUMBERS = (
    _DIGITS
    | {word + end: value for value, word in enumerate(_TEENS, 10) for end in ("", "th")}
    | {word: 10 * value for value, word in enumerate(_TENS, 2)}
    | {word: value for value, word in enumerate(_ORDINALS, 1)}
    | {"twelfth": 12, "twentieth": 20, "thirtieth": 30}
)
_BETWEEN_NUMBERS = frozenset({"of", "the", "and"})
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")


@dataclass(frozen=True, slots=True)
class Token:
    """Letters and digits, folded, that stand in the words `first` to `last`."""

    text: str
    first: int
    last: int


def fold(text: str) -> str:
    """`text` as it is compared: no case, accents, apostrophes or invisible characters; digits as 0–9; else spaces."""
    kept = []
    for char in unicodedata.normalize("NFKD", text.translate(_JOINED).casefold()).casefold().translate(_PLAIN):
        category = unicodedata.category(char)
        if category == "Nd":
            kept.append(str(unicodedata.decimal(char)))
        elif category in ("Mn", "Me", "Cf"):
            continue
        else:
            kept.append(char if char.isalnum() or category == "Mc" else " ")
    return "".join(kept)


def as_written(words: Sequence[str]) -> list[Token]:
    """Every run of letters and digits as one token, without the 's of a possessive."""
    return [
        Token(part, index, index)
        for index, word in enumerate(words)
        for part in fold(_POSSESSIVE.sub("", word)).split()
    ]


def spelled(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The runs in which single letters are said: "A. M.", "double N", "M for mother", "mike india", "um" between them."""
    run: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        letter, used = _letter(tokens, at)
        if letter:
            run.append(Token(letter, token.first, tokens[at + used - 1].last))
        elif not (run and token.text in _FILLERS):
            if len(run) > 1:
                yield run
            run = []
        at += used
    if len(run) > 1:
        yield run


def _letter(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """The letter spelled at `at`, if one is, and the number of tokens that took."""
    texts = [token.text for token in tokens[at : at + 4]]
    times = _TIMES.get(texts[0], 1)
    if times > 1 and len(texts) > 1 and len(texts[1]) == 1:
        return texts[1] * times, 2
    letter = texts[0] if len(texts[0]) == 1 else RADIO.get(texts[0], "")
    for as_in in (["for"], ["as", "in"], ["like"]):
        told = 1 + len(as_in)
        if letter and texts[1:told] == as_in and len(texts) > told and texts[told].startswith(letter):
            return letter, told + 1
    return letter, 1


def in_digits(tokens: Sequence[Token], *, whole: bool = False) -> list[Token]:
    """Number words as digits: "oh seven double-oh" 0 7 00, "twenty third" 23, "nine hundred and one" 901.

    The little words that join numbers are left out, but for a reading that is `whole`.
    """
    read: list[Token] = []
    at = 0
    while at < len(tokens):
        number, used = _number(tokens, at)
        ordinal = _ORDINAL.fullmatch(tokens[at].text)
        if used:
            read.append(Token(number, tokens[at].first, tokens[at + used - 1].last))
        elif ordinal:
            read.append(Token(ordinal[1], tokens[at].first, tokens[at].last))
        elif whole or tokens[at].text not in _BETWEEN_NUMBERS:
            read.append(tokens[at])
        at += used or 1
    return read


def with_numerals(words: Sequence[str]) -> tuple[list[str], list[tuple[int, int]]]:
    """The words with what is said of numbers in figures, and for each the first and last word it stands for.

    "the third of March" is "the 3 of March"; every other word stays as it is written.
    """
    tokens = in_digits(as_written(words), whole=True)
    figures = {t.first: t for t in tokens if t.text.isdecimal() and not any(c.isdigit() for c in words[t.first])}
    read, place, at = list[str](), list[tuple[int, int]](), 0
    while at < len(words):
        token = figures.get(at)
        last = at if token is None else token.last
        read.append(words[at] if token is None else token.text)
        place.append((at, last))
        at = last + 1
    return read, place


def _number(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """The digits said from `at` on as one number, and the number of tokens that took; 0 where none is said."""

    def text(index: int) -> str:
        return tokens[index].text if index < len(tokens) else ""

    times = _TIMES.get(text(at))
    if times:
        one = str(_DIGITS.get(text(at + 1), text(at + 1)))  # a digit, or a letter of a postcode
        return (one * times, 2) if len(one) == 1 else ("", 0)
    if text(at) not in _NUMBERS:
        return "", 0
    value, used = _NUMBERS[text(at)], 1
    if value >= 20 and value % 10 == 0 and 0 < _NUMBERS.get(text(at + 1), 0) < 10:
        value, used = value + _NUMBERS[text(at + 1)], 2
    for scale, size in (("thousand", 1000), ("hundred", 100)):
        if text(at + used) != scale or not value:
            continue
        value, used = value * size, used + 1
        joined = text(at + used) == "and"
        # "nine hundred one" is 900 1 when somebody reads out a telephone number; "two thousand four" is a year
        if joined or scale == "thousand":
            rest, more = _number(tokens, at + used + joined)
            if more and rest.isdecimal() and int(rest) < size:
                value, used = value + int(rest), used + joined + more
        break
    return str(value), used


# --- sound ------------------------------------------------------------------------------------------------------------

# How recognisers of English write names they have never seen: one sound, many spellings. In order.
_SOUNDS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"xh|dj|zh", "j"),
        (r"^x", "sh"),
        (r"^kn|^ng", "n"),
        (r"^wr", "r"),
        (r"y", "i"),
        (r"ph", "f"),
        (r"gh(?![aeiou])", ""),
        (r"([bdgkt])h", r"\1"),
        (r"tch|ch", "C"),
        (r"sch|sh", "S"),
        (r"ck|c(?![eiC])|q", "k"),
        (r"c", "s"),
        (r"ku(?=[aeiou])|kw", "kv"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"z", "s"),
        (r"ee|ea|ie|ii", "i"),
        (r"oo|ou|uu", "u"),
        (r"ai|ei", "e"),
        (r"au|av(?![aeiou])", "o"),
        (r"h", ""),
        (r"(?<=..[^aeiou])e$", ""),
        (r"(.)\1+", r"\1"),
    )
)


def sound(letters: str) -> str:
    """A code that is equal where two spellings are likely to be one sound: Aisha, Aysha; Mohammed, Mohamed; Chloe, Kloe."""
    for pattern, replacement in _SOUNDS:
        letters = pattern.sub(replacement, letters)
    return letters


def consonants(letters: str) -> str:
    """Metaphone (Philips 1990): the consonants of an English reading, vowels left out but for the first."""
    return jellyfish.metaphone(letters)
