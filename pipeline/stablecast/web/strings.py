"""What the pages say, one file a language: `strings/en.toml` is complete, another may have less and borrows from it."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

FIRST: Final = "en"


@functools.cache
def languages() -> tuple[str, ...]:
    """The languages there are strings in, English first."""
    folder = resources.files("stablecast.web") / "strings"
    found = sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))
    return (FIRST, *(language for language in found if language != FIRST))


@functools.cache
def table(language: str) -> Mapping[str, str]:
    """The strings of a language, by dotted key."""
    text = (resources.files("stablecast.web") / "strings" / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat("", tomllib.loads(text)))


def _flat(prefix: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        pairs += _flat(f"{prefix}{key}.", value) if isinstance(value, dict) else [(f"{prefix}{key}", str(value))]
    return pairs


def text(language: str, key: str, **values: object) -> str:
    """A string in a language, else in English, with `{name}` filled in. Raises KeyError for a key that English lacks."""
    found = table(language).get(key) if language in languages() else None
    said = table(FIRST)[key] if found is None else found
    return said.format(**values) if values else said  # a script fills in what is left in braces
