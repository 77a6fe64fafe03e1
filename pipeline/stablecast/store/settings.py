"""TOML into frozen Params: what is unknown or of the wrong type is refused with its file, key and line."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stablecast import codecs
from stablecast.codecs import Misfit
from stablecast.errors import UsageRefused

T = typing.TypeVar("T")


def load(kind: type[T], path: Path) -> T:
    """The settings file `path` as a `kind`; a file that is not there is all defaults. Raises UsageRefused."""
    return typing.cast(T, checked(path, lambda table: codecs.read(kind, table)))


def checked(path: Path, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What `read` makes of the table in `path`; its refusal gets the file, key and line. Raises UsageRefused."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as unreadable:
        raise UsageRefused(f"{path.name}: cannot be read as UTF-8 text") from unreadable
    return understood(path.name, text, read)


def understood(name: str, text: str, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What `read` makes of the table in `text`, the contents of a file called `name`. Raises UsageRefused likewise."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise UsageRefused(f"{name}: {broken}") from broken
    except RecursionError:
        raise UsageRefused(f"{name}: brackets within brackets, too deep to be read") from None
    try:
        return read(table)
    except Misfit as misfit:
        line = line_of(text, misfit.where)
        place = f"{name}, line {line}" if line else name
        raise UsageRefused(f"{place}: {'.'.join(misfit.where)} {misfit.problem}") from misfit


def line_of(text: str, where: tuple[str, ...]) -> int | None:
    """The line (from 1) on which the key `where` is set, or the longest beginning of it that is written there.

    TOML's own reader is asked: the statement that sets a key ends with the first line up to which the text can be read and
    has that key, and begins after the last line up to which it could be read before.
    """
    lines = text.split("\n")
    depth, found, began = 0, None, 1
    for number in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("\n".join(lines[:number]) + "\n")
        except tomllib.TOMLDecodeError:
            continue  # inside a value of several lines
        written = _written(table, where)
        if written > depth:
            depth, found = written, began
        began = number + 1
    return found


def _written(table: Any, where: tuple[str, ...]) -> int:
    """How many of the keys `where` lead somewhere in `table`."""
    for depth, key in enumerate(where):
        if isinstance(table, list) and key.isdigit() and int(key) < len(table):
            table = table[int(key)]
        elif isinstance(table, dict) and key in table:
            table = table[key]
        else:
            return depth
    return len(where)
