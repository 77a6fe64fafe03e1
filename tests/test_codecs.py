"""Values and their one JSON text: what goes in comes out, and what does not fit is refused by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast import codecs
from stablecast.codecs import Misfit
from stablecast.engine.plan import Receipt
from stablecast.model import (
    Alias,
    Approval,
    Captions,
    Cause,
    Chapter,
    Cue,
    Cut,
    Details,
    Digest,
    Method,
    PublicEpisode,
    PublicTranscript,
    PublicWord,
    Redaction,
    Role,
    Segment,
    Span,
    Transcript,
    Word,
)

TEXT = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ALIASES = TEXT.map(Alias)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map(Digest)
PATHS = st.lists(st.text("abc-.é ", min_size=1, max_size=6), min_size=1, max_size=3).map(lambda p: PurePosixPath(*p))
MOMENTS = st.datetimes(timezones=st.just(UTC))


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


def ordered(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(numbers, numbers).filter(lambda pair: pair[0] != pair[1]).map(sorted)


TIMES = ordered(st.floats(0, 1e6))
WORDS = st.builds(
    lambda text, times, probability: Word(text, times[0], times[1], probability),
    TEXT,
    st.none().map(lambda _: (None, None)) | TIMES,
    NUMBERS,
)
SEGMENTS = st.builds(Segment, NUMBERS, NUMBERS, few(WORDS), NUMBERS, NUMBERS)
SPANS = st.builds(lambda t, *rest: Span(*t, *rest), TIMES, ALIASES, st.sampled_from(Cause), few(TEXT))
PUBLIC_WORDS = st.builds(PublicWord, TEXT, NUMBERS, NUMBERS, ALIASES, st.booleans())
CUES = st.builds(lambda t, who, text: Cue(t[0], t[1], who, text), ordered(st.integers(0, 10**8)), ALIASES, TEXT)
CHAPTERS = st.builds(Chapter, NUMBERS, TEXT)
DETAILS = st.builds(Details, TEXT, TEXT, TEXT, few(TEXT), few(CHAPTERS), st.booleans())
EPISODES = st.builds(
    PublicEpisode, TEXT, TEXT, DETAILS, NUMBERS, TEXT, PATHS, st.integers(), TEXT, PATHS, PATHS, PATHS, few(CUES)
)
VALUES = st.one_of(
    st.builds(Transcript, ALIASES, TEXT, few(SEGMENTS)),
    st.builds(Redaction, few(SPANS), st.builds(PublicTranscript, TEXT, few(PUBLIC_WORDS))),
    st.builds(Captions, TEXT, few(CUES), few(CHAPTERS)),
    st.builds(Receipt, TEXT, DIGESTS, st.dictionaries(TEXT, DIGESTS, max_size=3), DIGESTS, DIGESTS, TEXT),
    st.builds(Approval, st.sampled_from(Role), TEXT, DIGESTS, MOMENTS),
    st.builds(Cut, DIGESTS, EPISODES, st.dictionaries(PATHS, DIGESTS), st.integers(), st.sampled_from(Method)),
)


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    """Reading what was written gives the same value, for every kind of thing that is sealed or received."""
    assert codecs.parsed(type(value), codecs.canonical(value)) == value


@given(VALUES)
def test_there_is_one_text_of_a_value(value: Any) -> None:
    """The canonical text does not depend on how a value was made: digests are taken over it."""
    text = codecs.canonical(value)

    assert codecs.canonical(codecs.parsed(type(value), text)) == text
    assert codecs.canonical(json.loads(text)) == text


def test_the_canonical_text_has_sorted_keys_no_spaces_and_plain_letters() -> None:
    """RFC 8785 in what concerns us: keys in order, nothing between tokens, UTF-8 unescaped."""
    assert (
        codecs.canonical({"ü": 1, "a": [1.5, None, True], "B": "é"}) == '{"B":"é","a":[1.5,null,true],"ü":1}'.encode()
    )


def test_the_order_in_which_a_mapping_was_filled_does_not_show() -> None:
    """Equal mappings have equal texts."""
    assert codecs.canonical({"b": 1, "a": 2}) == codecs.canonical({"a": 2, "b": 1})


def test_a_file_name_that_is_not_utf_8_survives() -> None:
    """A recording may be called anything the file system allows; Python gives such a name lone surrogates."""
    name = b"caf\xe9.wav".decode("utf-8", "surrogateescape")

    assert codecs.parsed(Details, codecs.canonical(Details(name))) == Details(name)


def test_a_time_comes_back_in_utc() -> None:
    """The same instant, told in UTC."""
    given_at = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=5)))
    back = codecs.read(datetime, codecs.plain(given_at))

    assert (back, back.tzinfo) == (given_at, UTC)


# --- what does not fit ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inner:
    """Stands for a stage's Params."""

    gain_db: float = 0.0
    count: int = 1
    on: bool = False
    name: str = ""
    method: Method = Method.NORMALISE
    names: tuple[str, ...] = ()
    pair: tuple[int, str] = (1, "")
    maybe: str | None = None
    by_name: Mapping[str, int] = field(default_factory=dict)
    day: date = date(2026, 1, 1)
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    path: PurePosixPath = field(default_factory=PurePosixPath)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count is 0 or more")
        if self.gain_db > 99:
            raise ValueError("that is far too loud")


@dataclass(frozen=True, slots=True)
class Outer:
    """Stands for the settings of a show."""

    needed: int
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()


def refusal(value: object) -> Misfit:
    with pytest.raises(Misfit) as caught:
        codecs.read(Outer, value)
    return caught.value


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("gain_db", "1", ()),
        ("gain_db", True, ()),
        ("gain_db", float("nan"), ()),
        ("gain_db", float("inf"), ()),
        ("gain_db", 10**400, ()),
        ("count", 1.0, ()),
        ("count", True, ()),
        ("count", None, ()),
        ("on", 1, ()),
        ("name", 1, ()),
        ("name", None, ()),
        ("method", "loud", ()),
        ("method", 3, ()),
        ("names", "text", ()),
        ("names", ["a", 1], ("1",)),
        ("pair", [1], ()),
        ("pair", [1, 2], ("1",)),
        ("maybe", 1, ()),
        ("by_name", [], ()),
        ("by_name", {"a": "b"}, ("a",)),
        ("day", 1, ()),
        ("day", "soon", ()),
        ("at", 1, ()),
        ("at", "soon", ()),
        ("path", 1, ()),
    ],
)
def test_a_wrong_type_is_refused_by_the_path_of_its_keys(key: str, value: object, where: tuple[str, ...]) -> None:
    """Wherever a value lies, the refusal leads to it; nothing is ever bent to fit."""
    assert refusal({"needed": 1, "inner": {key: value}}).where == ("inner", key, *where)
    assert refusal({"needed": 1, "many": [{}, {key: value}]}).where == ("many", "1", key, *where)


def test_an_unknown_key_is_refused_and_the_known_ones_are_named() -> None:
    """A misspelt setting never passes silently for the default."""
    refused = refusal({"needed": 1, "inner": {"gain": 1}})

    assert refused.where == ("inner", "gain")
    assert "gain_db" in refused.problem


def test_a_missing_key_is_named() -> None:
    """What has no default must be there."""
    assert refusal({"inner": {}}).where == ("needed",)


@pytest.mark.parametrize("value", [[], "text", 3, None])
def test_a_table_is_needed_where_a_record_is(value: object) -> None:
    """A scalar or a list is no record."""
    assert refusal({"needed": 1, "inner": value}).where == ("inner",)


def test_a_class_that_refuses_its_value_is_told_with_its_key() -> None:
    """A refusal that begins with a field's name leads to that field; any other to the whole record."""
    assert (refusal({"needed": 1, "inner": {"count": -1}}).where) == ("inner", "count")
    assert refusal({"needed": 1, "inner": {"gain_db": 100}}).where == ("inner",)


def test_a_whole_number_is_a_number() -> None:
    """TOML writes 3 for 3.0; the value is a float all the same."""
    read = codecs.read(Inner, {"gain_db": 3}).gain_db

    assert (read, type(read)) == (3.0, float)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_hold_is_not_written(number: float) -> None:
    """What could not be read again is refused when it is written, not when it is needed."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        codecs.canonical([number])


@given(VALUES, st.data())
def test_losing_any_key_that_has_no_default_is_refused(value: Any, data: st.DataObject) -> None:
    """No half of a value passes for the whole."""
    table = codecs.plain(value)
    needed = [f.name for f in dataclasses.fields(value) if f.default is f.default_factory is dataclasses.MISSING]
    name = data.draw(st.sampled_from(needed))
    del table[name]

    with pytest.raises(Misfit) as caught:
        codecs.read(type(value), table)
    assert caught.value.where == (name,)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_value_raise_value_error_alone(data: bytes) -> None:
    """Readers of receipts and sealed files catch ValueError: nothing else may come out."""
    with pytest.raises(ValueError):  # noqa: PT011 - whichever of them
        codecs.parsed(Receipt, data)
