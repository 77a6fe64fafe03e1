"""What in a row of words may identify somebody: numbers, dates, places and names, as this audience says them. Proposals only."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from stablecast.redaction.common import COMMON
from stablecast.redaction.matching import likely
from stablecast.redaction.reading import RADIO, as_written, fold, in_digits, spelled


class Kind(enum.StrEnum):
    """What a find may be. The first that fits names a proposal, so the order is from the surest to the least sure."""

    EMAIL = "e-mail or web address"
    HANDLE = "handle"
    NHS = "NHS number"
    NATIONAL_INSURANCE = "National Insurance number"
    HOME_OFFICE = "Home Office or tribunal reference"
    POSTCODE = "postcode"
    PHONE = "telephone number"
    BIRTH = "date of birth"
    AGE = "age"
    ADDRESS = "address"
    SCHOOL = "school"
    HOSTEL = "hostel or home"
    COURT = "court, police or care"
    ROUTE = "route"
    DATE = "date"
    REFERENCE = "number"
    PROTECTED = "like a protected word"
    SPELLED = "spelled out"
    NAME = "name"
    PLACE = "place"
    ORGANISATION = "organisation"
    GROUP = "nationality, faith or people"
    PROPER = "name of something"
    UNKNOWN = "unknown word"


ORDER = tuple(Kind)
BY_SENSE = frozenset({Kind.NAME, Kind.PLACE, Kind.ORGANISATION, Kind.GROUP, Kind.PROPER, Kind.UNKNOWN})  # not by a form


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """The words `first` to `last` (inclusive) may identify somebody, for a reason that quotes none of them."""

    first: int
    last: int
    kind: Kind
    reason: str


class Finder(Protocol):
    """Something that has read a lot and knows names when it sees them."""

    @property
    def identity(self) -> str:
        """Which models and which versions: what a proposal depends on."""
        ...

    def find(self, words: Sequence[str]) -> tuple[Found, ...]:
        """What in some English words may identify somebody."""
        ...


# fmt: off
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_MONTH = frozenset({*_MONTHS, "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"})
_DAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} | {
    f"{day}days" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")})
NEUTRAL = _DAYS | frozenset(_MONTHS) | frozenset("""
    i im ive id ill mum mom mummy dad daddy mama papa god ok okay tv uk nhs english british christmas whatsapp google youtube
    internet office uber netflix facebook instagram snapchat tiktok zoom covid yeah yes no mr mrs ms dr
""".split())  # noqa: SIM905  written with a capital by everybody, and telling nothing
_TITLES = frozenset("""
    mr mrs ms miss mister madam dr doctor auntie aunty uncle pastor imam reverend sheikh rabbi judge sir
""".split())  # noqa: SIM905
_RELATIONS = frozenset("""
    friend mate cousin sister brother husband wife boyfriend girlfriend partner son daughter nephew niece neighbour uncle aunt
    caseworker worker solicitor lawyer barrister teacher tutor officer nurse guardian advocate interpreter mentor manager named
    called
""".split())  # noqa: SIM905
_SCHOOL = frozenset("""
    school college academy university nursery uni primary secondary grammar
""".split())  # noqa: SIM905
_HOSTEL = frozenset("""
    hostel hotel shelter refuge guesthouse lodge foyer house home inn accommodation centre center project
""".split())  # noqa: SIM905
_COURT = frozenset("""
    court tribunal station prison hospital surgery clinic
""".split())  # noqa: SIM905
_STREET = frozenset("""
    street road avenue lane drive terrace square crescent gardens estate tower towers flats park market mosque church temple
    gurdwara library bridge airport beach
""".split())  # noqa: SIM905
_GENERIC = frozenset("""
    primary secondary high grammar boarding sixth form foster care childrens children youth shopping police bus train railway
    county crown family youth magistrates high supreme detention removal immigration asylum mental health community local
    night summer sunday language art law medical safe council private religious football main side student nursing town detached
    semi leisure sports job drop in day reception hair contact
""".split())  # noqa: SIM905
_INSIDE = frozenset("""
    of the st saint for and
""".split())  # noqa: SIM905
_PLATFORMS = frozenset("""
    insta instagram snap snapchat tiktok whatsapp twitter facebook discord telegram username handle gamertag
""".split())  # noqa: SIM905
_ENDINGS = frozenset("""
    com co uk org net gov ac me io info edu
""".split())  # noqa: SIM905
_GLUE = frozenset({"dot", "underscore", "dash", "hyphen", "at"})
_UNITS = frozenset("""
    minute minutes hour hours day days week weeks month months times pounds pound people percent miles mile metres other more of
    oclock am pm kids children floors streets metre kilometres
""".split())  # noqa: SIM905
_BEING = frozenset({"was", "am", "im", "is", "shes", "hes", "only", "just", "were", "be"})
_BIRTH = frozenset({"born", "birthday", "birth", "dob", "birthdate"})
_REFERENCES = frozenset("""
    number reference ref code pin account card passport case claim port arc uan room flat sort licence nrm
""".split())  # noqa: SIM905
_OFFICIAL = frozenset("""
    home office asylum claim case port tribunal appeal appeals arc uan nrm immigration visa reference ref brp
""".split())  # noqa: SIM905
_FILLERS = frozenset({"um", "uh", "er", "erm", "dash", "hyphen", "space", "slash", "stroke"})
_VEHICLES = frozenset({"bus", "buses", "tram", "route", "coach"})
_COUNTED = COMMON - {"the", "number", "a", "bus", "buses", "took", "take", "on"}
_TRAVEL = frozenset({"train", "bus", "coach", "ferry", "boat", "plane", "flight", "tram", "lorry"})
# fmt: on

_SENTENCE_END = re.compile(r"[.?!…:]['\"”’)]*$")
_CODE_PART = re.compile(r"[a-z]{1,4}\d+[a-z]{0,3}|\d+[a-z]{1,3}")
_EMAIL = re.compile(r"\S@\S+\.\w|^@\w|\w\.(?:com|org|net|info|co\.uk|org\.uk|ac\.uk|gov\.uk)\b|\bwww\.", re.IGNORECASE)
_SLASHED = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-](?:\d{2}|\d{4})\b|\d{4}-\d{2}-\d{2}")
_CODES = (
    (re.compile(r"[a-z]{2}\d{6}[a-d]"), Kind.NATIONAL_INSURANCE),  # HMRC bars some letters; ears confuse just those
    (re.compile(r"[a-z]{1,2}\d[a-z\d]?\d[abd-hjlnp-uw-z]{2}"), Kind.POSTCODE),  # Royal Mail: outward and inward code
    (re.compile(r"(?:pa|hu|ia|ea|da|aa|dc|va)\d{5}(?:20\d\d)?|gwf\d{9}|[a-z]\d{7,8}"), Kind.HOME_OFFICE),
    (re.compile(r"[a-z]{2}\d{2}[a-z]{3}|[a-z]{1,3}\d{4,}[a-z]{0,2}"), Kind.REFERENCE),  # number plates, files, cards
)
_OUTWARD = re.compile(r"[A-Z]{1,2}\d{1,2}[A-Z]?[.,?!;:]*")  # also a road (A61, M1) or a room


def recognise(words: Sequence[str], protected: Sequence[str] = ()) -> tuple[Found, ...]:
    """What in `words` may identify somebody: all that our own recognisers see, overlapping, in order.

    Numbers and dates are read as digits first, however they were spoken or written. `protected` words are looked for more
    loosely than `matching.find` does, in case the recogniser misheard one. No word is quoted in a reason.
    """
    text = _Text(words)
    found = {hit for recogniser in _RECOGNISERS for hit in recogniser(text)}
    for first, last in likely(words, protected):
        found.add(Found(first, last, Kind.PROTECTED, "it sounds a little like a protected word"))
    return tuple(sorted(found))


class _Text:
    """The words of one speaker, as written and as read with numbers as digits."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.written = as_written(words)
        self.read = in_digits(self.written, whole=True)
        self.texts = [token.text for token in self.read]

    def at(self, index: int) -> str:
        return self.texts[index] if 0 <= index < len(self.texts) else ""

    def found(self, start: int, stop: int, kind: Kind, reason: str) -> Found:
        """Tokens `start` to `stop`, exclusive."""
        return Found(self.read[start].first, self.read[stop - 1].last, kind, reason)

    def capital(self, index: int) -> bool:
        """Whether a token's word is written with a capital."""
        return 0 <= index < len(self.read) and _capital(self.words[self.read[index].first])

    def starts(self, index: int) -> bool:
        """Whether a token begins a sentence, where a capital says nothing."""
        first = self.read[index].first
        return first == 0 or bool(_SENTENCE_END.search(self.words[first - 1]))

    def named(self, index: int) -> bool:
        """Whether a token can be a part of a name: a capital within a sentence, or no everyday word."""
        word = self.at(index)
        if not word or word.isdecimal() or word in NEUTRAL:
            return False
        return (self.capital(index) and not self.starts(index)) or (word not in COMMON and word not in _GENERIC)

    def near(self, start: int, stop: int, cues: frozenset[str], before: int, after: int = 0) -> bool:
        """Whether a cue stands close before or after some tokens."""
        around = (*self.texts[max(0, start - before) : start], *self.texts[stop : stop + after])
        return any(text in cues for text in around)


def _capital(word: str) -> bool:
    letter = next((char for char in word if char.isalnum()), "")
    return letter.isupper()


# --- numbers ------------------------------------------------------------------------------------------------------------


def _runs(text: _Text, part: Callable[[int], bool]) -> Iterator[tuple[int, int]]:
    """The stretches of tokens that are `part`, hesitations between them allowed."""
    index = 0
    while index < len(text.read):
        if not part(index):
            index += 1
            continue
        stop = after = index + 1
        while after < len(text.read) and (part(after) or text.at(after) in _FILLERS):
            after += 1
            stop = after if part(after - 1) else stop
        yield index, stop
        index = stop


def _numbers(text: _Text) -> Iterator[Found]:
    for start, stop in _runs(text, lambda index: text.at(index).isdecimal()):
        digits = "".join(t for t in text.texts[start:stop] if t.isdecimal())
        if 9 <= len(digits) <= 12 and digits[0] == "0" and digits[1] != "0":  # a digit too many or too few is misheard
            yield text.found(start, stop, Kind.PHONE, "about as many digits as a UK telephone number, and 0 first")
        elif 11 <= len(digits) <= 15 and digits.startswith(("44", "0044")):
            yield text.found(start, stop, Kind.PHONE, "a telephone number with the UK's prefix")
        elif len(digits) == 10 and _nhs(digits):
            yield text.found(start, stop, Kind.NHS, "ten digits with the check digit of an NHS number")
        elif text.near(start, stop, frozenset({"nhs"}), 6) and len(digits) >= 6:
            yield text.found(start, stop, Kind.NHS, "a number said after NHS")
        elif len(digits) == 16 or (text.near(start, stop, _OFFICIAL, 5) and len(digits) >= 6):
            yield text.found(start, stop, Kind.HOME_OFFICE, "a long number near words about an official case")
        elif len(digits) >= 6:
            yield text.found(start, stop, Kind.REFERENCE, "a long number read out")
        elif len(digits) >= 3 and text.near(start, stop, _REFERENCES, 4):
            yield text.found(start, stop, Kind.REFERENCE, "a number said after a word such as code or reference")


def _nhs(digits: str) -> bool:
    """NHS Data Dictionary: weights 10 to 2, modulo 11."""
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return check % 11 == int(digits[9]) and check != 10


def _codes(text: _Text) -> Iterator[Found]:
    """Letters and digits mixed: postcodes, National Insurance, Home Office references, number plates."""

    def letters(index: int) -> str:
        token = text.at(index)
        if token in RADIO and len(token) > 1:
            return RADIO[token]
        word = text.words[text.read[index].first]
        return token if len(token) == 1 or (len(token) <= 3 and word.isupper()) else ""

    def part(index: int) -> bool:
        token = text.at(index)
        return token.isdecimal() or bool(_CODE_PART.fullmatch(token)) or bool(letters(index))

    for start, stop in _runs(text, part):
        parts = ["" if text.at(i) in _FILLERS else letters(i) or text.at(i) for i in range(start, stop)]
        for first in range(len(parts)):
            for last in range(first, min(len(parts), first + 16)):
                code = "".join(parts[first : last + 1])
                for pattern, kind in _CODES:
                    if not parts[first] or not parts[last] or not pattern.fullmatch(code):
                        continue
                    official = kind is Kind.REFERENCE and text.near(start, stop, _OFFICIAL, 6)
                    said = Kind.HOME_OFFICE if official else kind
                    yield text.found(
                        start + first, start + last + 1, said, f"letters and digits of the form of: {said}"
                    )
    for index, token in enumerate(text.read):
        word = text.words[token.first]
        if _OUTWARD.fullmatch(word):
            yield text.found(index, index + 1, Kind.POSTCODE, "the first half of a postcode, or a road or room")


# --- dates and ages -----------------------------------------------------------------------------------------------------


def _dates(text: _Text) -> Iterator[Found]:
    for index in range(len(text.read)):
        stop = _date(text, index)
        if stop:
            born = text.near(index, stop, _BIRTH, 8, 6)
            kind, about = (Kind.BIRTH, "a date near a word about birth") if born else (Kind.DATE, "a date")
            yield text.found(index, stop, kind, about)
        elif (year := _years(text, index)) and text.near(index, year, _BIRTH, 4):
            yield text.found(index, year, Kind.BIRTH, "a year after a word about birth")
    for index, word in enumerate(text.words):
        if _SLASHED.search(word):
            around = {fold(w).strip() for w in text.words[max(0, index - 8) : index + 6]}
            kind = Kind.BIRTH if around & _BIRTH else Kind.DATE
            yield Found(index, index, kind, "a date in figures")


def _date(text: _Text, index: int) -> int:
    """Where a date that begins with this token ends; 0 where none does."""
    stop = index
    if _day(text.at(index)):  # "3 (of) March"
        stop = index + 1 + (text.at(index + 1) == "of")
        if text.at(stop) not in _MONTH:
            return 0
        stop += 1
    elif text.at(index) in _MONTH:  # "March (the) 3", "March 2004"
        stop = index + 1 + (text.at(index + 1) == "the")
        if not _day(text.at(stop)) and not (stop == index + 1 and _year(text.at(stop))):
            return 0
        stop += 1
    else:
        return 0
    if text.at(stop) in _UNITS:  # "I may three times"
        return 0
    if text.at(stop) in ("of", "in"):
        return _years(text, stop + 1) or stop
    return _years(text, stop) or stop


def _years(text: _Text, index: int) -> int:
    """Where a year ends that begins with this token; 0 where none does. "Nineteen ninety nine" is read in two pieces."""
    if _year(text.at(index)):
        return index + 1
    century, rest = text.at(index), "".join(text.texts[index + 1 : index + 2])
    if century not in ("19", "20") or not rest.isdecimal():
        return 0
    if len(rest) == 1 and text.at(index + 2).isdecimal() and len(text.at(index + 2)) == 1:
        return index + 3  # "twenty oh four"
    return index + 2 if len(rest) == 2 else 0


def _day(token: str) -> bool:
    return token.isdecimal() and len(token) <= 2 and 1 <= int(token) <= 31


def _year(token: str) -> bool:
    return token.isdecimal() and len(token) == 4 and 1900 <= int(token) <= 2099


def _ages(text: _Text) -> Iterator[Found]:
    reason = "an age"
    for index in range(len(text.read)):
        if not text.at(index).isdecimal() or len(text.at(index)) > 2:
            continue
        age, before, after = int(text.at(index)), text.at(index - 1), text.at(index + 1)
        if after in ("years", "year", "yrs", "months") and text.at(index + 2) == "old":
            yield text.found(index, index + 3, Kind.AGE, reason)
        elif before in ("aged", "age", "turned", "turning") or (before == "of" and text.at(index - 2) == "age"):
            yield text.found(index, index + 1, Kind.AGE, reason)
        elif after == "birthday":
            yield text.found(index, index + 2, Kind.AGE, reason)
        elif 5 <= age <= 40 and before in _BEING and after not in _UNITS:
            yield text.found(index, index + 1, Kind.AGE, reason)


# --- places -------------------------------------------------------------------------------------------------------------

_KEPT = (
    (_SCHOOL, Kind.SCHOOL, "a school or college with its name"),
    (_HOSTEL, Kind.HOSTEL, "a hostel, hotel, home or centre with its name"),
    (_COURT, Kind.COURT, "a court, police station or place of care with its name"),
    (_STREET, Kind.ADDRESS, "a street or public place with its name"),
)


def _places(text: _Text) -> Iterator[Found]:
    for index in range(len(text.read)):
        for cues, kind, reason in _KEPT:
            if text.at(index) not in cues:
                continue
            start = _back(text, index)
            stop = index + 1
            if text.at(stop) == "of":
                stop += 1 + (text.at(stop + 1) == "the")
                stop = _forward(text, stop) if text.named(stop) else index + 1
            if start < index or stop > index + 1:
                if kind is Kind.ADDRESS and text.at(start - 1).isdecimal():
                    start -= 1
                yield text.found(start, stop, kind, reason)
    for index in range(len(text.read) - 1):
        room = text.at(index) in ("flat", "room", "apartment", "unit") and text.at(index + 1).isdecimal()
        if room or (text.at(index) == "number" and text.at(index - 1) == "house" and text.at(index + 1).isdecimal()):
            yield text.found(index, index + 2, Kind.ADDRESS, "the number of a flat, house or room")


def _back(text: _Text, index: int) -> int:
    """Where the name that ends before a word such as "college" begins; `index` where it has none."""
    start, named = index, index
    while start > 0 and index - start < 5 and not text.starts(start):
        word = text.at(start - 1)
        if text.named(start - 1):
            named = start - 1
        elif word not in _GENERIC and word not in _INSIDE:
            break
        start -= 1
    return named


def _forward(text: _Text, index: int, most: int = 3) -> int:
    """The end of the name that begins with token `index`."""
    stop = index
    while stop < len(text.read) and stop - index < most and text.named(stop):
        stop += 1
        if _SENTENCE_END.search(text.words[text.read[stop - 1].last]):
            break
    return stop


def _routes(text: _Text) -> Iterator[Found]:
    for index in range(len(text.read)):
        word, reason = text.at(index), "a bus or tram by its number"
        if word in _VEHICLES:
            start = index - 1
            while len(text.at(start)) == 1 and text.at(start - 1).isdecimal():  # "three eight oh bus"
                start -= 1
            if _route("".join(text.texts[max(0, start) : index])) and text.at(start - 1) not in _COUNTED:
                yield text.found(start, index + 1, Kind.ROUTE, reason)
            after = index + 1 + (text.at(index + 1) == "number")
            if _route(text.at(after)) and text.at(after + 1) not in _UNITS:
                yield text.found(index, after + 1, Kind.ROUTE, reason)
        if word == "line" and text.named(index - 1):
            yield text.found(_back(text, index), index + 1, Kind.ROUTE, "a railway line by its name")
        if word == "platform" and text.at(index + 1).isdecimal():
            yield text.found(index, index + 2, Kind.ROUTE, "a platform by its number")
        if word in ("to", "from") and text.near(index, index + 1, _TRAVEL, 5) and text.named(index + 1):
            yield text.found(index + 1, _forward(text, index + 1), Kind.ROUTE, "where a journey began or ended")


def _route(token: str) -> bool:
    return bool(re.fullmatch(r"[a-z]?\d{1,3}[a-z]?", token)) and not token.startswith("0")


# --- addresses read aloud -----------------------------------------------------------------------------------------------


def _addresses(text: _Text) -> Iterator[Found]:
    for index, word in enumerate(text.words):
        if _EMAIL.search(word):
            yield Found(index, index, Kind.EMAIL, "an e-mail address, a handle or a web address")
    for index in range(1, len(text.read)):
        if text.at(index) == "dot" and text.at(index + 1) in _ENDINGS:
            start, stop = index - 1, index + 2
            while start > 1 and text.at(start - 1) in _GLUE:
                start -= 2
            while start > 1 and _piece(text, start - 1):  # "amina 0 4 at", "a m at"
                start -= 1
            while text.at(stop) == "dot" and text.at(stop + 1) in _ENDINGS:
                stop += 2
            yield text.found(max(0, start), stop, Kind.EMAIL, "an e-mail or web address read aloud")
        elif text.at(index) in ("underscore", "gmail", "hotmail", "outlook", "yahoo", "icloud"):
            start, stop = max(0, index - 2), min(len(text.read), index + 2)
            yield text.found(start, stop, Kind.HANDLE, "a part of an address or handle read aloud")
        if text.at(index - 1) in _PLATFORMS and text.at(index) in ("is", "its", "was", "name", "called", "at"):
            start = stop = index + 1 + (text.at(index + 1) in ("is", "at"))
            while stop < len(text.read) and stop - start < 3 and (stop == start or _piece(text, stop)):
                stop += 1
            if stop > start and text.at(start) not in COMMON:
                yield text.found(start, stop, Kind.HANDLE, "what follows the name of a platform")


def _piece(text: _Text, index: int) -> bool:
    token = text.at(index)
    return bool(token) and (token.isdecimal() or len(token) == 1 or token in _GLUE or token not in COMMON)


# --- names --------------------------------------------------------------------------------------------------------------


def _introduced(text: _Text) -> Iterator[Found]:
    for index in range(len(text.read)):
        before, word = text.at(index - 1), text.at(index)
        told = (word in ("is", "was") and before == "name") or word in ("names", "named", "called")
        told |= word == "me" and before in ("call", "called", "calls")
        told |= word in ("is", "was") and before in ("surname", "nickname")
        if told or word in _TITLES or word in _RELATIONS:
            stop = _forward(text, index + 1)
            if stop == index + 1 and told and word in ("is", "was", "me") and text.capital(index + 1):
                stop = index + 2
            if stop > index + 1:
                yield text.found(index + 1, stop, Kind.NAME, "said where a name is said")


def _capitals(text: _Text) -> Iterator[Found]:
    """Capitals inside a sentence: recognisers write names so, and little else."""
    index = 0
    while index < len(text.read):
        stop = index
        while stop < len(text.read) and text.capital(stop) and not text.starts(stop) and _tells(text.at(stop)):
            stop += 1
            if _SENTENCE_END.search(text.words[text.read[stop - 1].last]):
                break
        if stop > index:
            yield text.found(index, stop, Kind.PROPER, "written with a capital inside a sentence")
        index = max(stop, index + 1)


def _tells(token: str) -> bool:
    return len(token) > 1 and token not in NEUTRAL and not token.isdecimal()


def _letters(text: _Text) -> Iterator[Found]:
    for run in spelled(text.written):
        if sum(len(token.text) for token in run) >= 4:
            yield Found(run[0].first, run[-1].last, Kind.SPELLED, "letters read out one by one")


_RECOGNISERS = (_numbers, _codes, _dates, _ages, _places, _routes, _addresses, _introduced, _capitals, _letters)
