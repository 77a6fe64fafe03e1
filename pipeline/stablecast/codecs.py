"""Frozen dataclasses as JSON and back, by their type hints alone; anything that does not fit is refused by name.

The same reader serves sealed results, receipts and the TOML settings, so that a value has one form everywhere.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import sys
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Any

T = typing.TypeVar("T")


class Misfit(ValueError):
    """A value that the type does not take. `where` is the path of keys that leads to it."""

    def __init__(self, where: tuple[str, ...], problem: str) -> None:
        super().__init__(f"{'.'.join(where) or 'the value'}: {problem}")
        self.where = where
        self.problem = problem


def plain(value: object) -> Any:
    """`value` as JSON's own types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(item) for item in items]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePosixPath):
        return value.as_posix()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"no JSON form for {type(value).__name__}")


def canonical(value: object) -> bytes:
    """The one JSON text of `value`: sorted keys, no spaces, UTF-8. What digests are taken over.

    Raises ValueError for a number that is not finite: JSON has no form for it.
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")  # a file name that is not UTF-8 reaches us with lone surrogates


def parsed(kind: type[T], data: bytes) -> T:
    """The value of type `kind` that `canonical` wrote. Raises ValueError, of which Misfit is one."""
    try:
        return typing.cast(T, read(kind, json.loads(data)))
    except RecursionError:
        raise ValueError("brackets within brackets, too deep to be read") from None


Where = tuple[str, ...]
Reader = Callable[[Any, Where], Any]


def read(kind: Any, value: Any, where: Where = ()) -> Any:
    """`value`, made of JSON's or TOML's types, as a `kind`. Raises Misfit naming the key that does not fit."""
    return _reader(kind)(value, where)


@functools.cache
def _reader(kind: Any) -> Reader:
    """What reads a `kind`: looked up once, for thousands of receipts are read when a show is opened."""
    while isinstance(kind, typing.NewType):
        kind = kind.__supertype__
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return functools.partial(_record, kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(argument for argument in arguments if argument is not type(None)))
        if type(None) not in arguments:
            return inner
        return lambda value, where: None if value is None else inner(value, where)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return functools.partial(_items, _reader(arguments[0]))
        return functools.partial(_several, tuple(map(_reader, arguments)))
    if origin in (Mapping, dict) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return functools.partial(_table, _reader(arguments[0]), _reader(arguments[1]))
    return functools.partial(_scalar, kind)


def _items(read_item: Reader, value: Any, where: Where) -> Any:
    if not isinstance(value, list):
        raise Misfit(where, "needs a list")
    return tuple(read_item(item, (*where, str(i))) for i, item in enumerate(value))


def _several(readers: tuple[Reader, ...], value: Any, where: Where) -> Any:
    if not isinstance(value, list):
        raise Misfit(where, "needs a list")
    if len(readers) != len(value):
        raise Misfit(where, f"needs {len(readers)} values")
    pairs = zip(readers, value, strict=True)
    return tuple(read_item(item, (*where, str(i))) for i, (read_item, item) in enumerate(pairs))


def _table(read_key: Reader, read_item: Reader, value: Any, where: Where) -> Any:
    if not isinstance(value, dict):
        raise Misfit(where, "needs a table")
    return {read_key(k, where): read_item(item, (*where, k)) for k, item in value.items()}


@functools.cache
def _fields(kind: type) -> tuple[dict[str, Reader], tuple[str, ...]]:
    """What reads each field of a dataclass, and which must be given."""
    hints, fields = typing.get_type_hints(kind), [f for f in dataclasses.fields(kind) if f.init]
    nothing = dataclasses.MISSING
    needed = tuple(f.name for f in fields if f.default is nothing and f.default_factory is nothing)
    return {f.name: _reader(hints[f.name]) for f in fields}, needed


def _record(kind: type, value: Any, where: Where) -> Any:
    if not isinstance(value, dict):
        raise Misfit(where, "needs a table")
    fields, needed = _fields(kind)
    for key in value:
        if key not in fields:
            raise Misfit((*where, key), f"is not a setting; known here: {', '.join(sorted(fields))}")
    given = {key: fields[key](item, (*where, key)) for key, item in value.items()}
    for name in needed:
        if name not in given:
            raise Misfit((*where, name), "is missing")
    try:
        return kind(**given)
    except ValueError as refused:
        # A class that refuses one of its values says so in a sentence that begins with the name of the field.
        key, _, problem = str(refused).partition(" ")
        raise Misfit((*where, key), problem) if key in fields else Misfit(where, str(refused)) from refused


_NAMES = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
_WRITTEN: dict[type, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    PurePosixPath: PurePosixPath,
}


def _scalar(kind: Any, value: Any, where: Where) -> Any:
    if kind is str and type(value) is str:  # by far the commonest
        return value
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError as unknown:
            raise Misfit(where, f"is one of {', '.join(str(member.value) for member in kind)}") from unknown
    if kind in _WRITTEN:
        try:
            written = _WRITTEN[kind](value)
        except (TypeError, ValueError) as unfit:
            raise Misfit(where, f"needs a {kind.__name__} as text") from unfit
        return written.astimezone(UTC) if kind is datetime else written
    if kind is float and type(value) in (int, float):
        if not abs(value) <= sys.float_info.max:  # so that "not a number" is refused as well
            raise Misfit(where, "needs a number that is not infinite")
        return float(value)
    if kind in _NAMES:
        if type(value) is not kind:
            raise Misfit(where, f"needs {_NAMES[kind]}")
        return value
    if kind is object:
        return value
    raise TypeError(f"no reader for {kind!r}")
