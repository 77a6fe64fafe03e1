"""What the pages say, one TOML file a language. English is complete; another language may lack keys and then says it in English."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final

ENGLISH: Final = "en"
RIGHT_TO_LEFT: Final = frozenset(("ar", "fa", "ckb", "he", "ps", "ug", "ur", "yi"))


@dataclass(frozen=True, slots=True)
class Language:
    """A language the pages can speak: its tag, and its name in itself."""

    tag: str
    name: str

    @property
    def direction(self) -> str:
        return "rtl" if self.tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


@functools.cache
def languages() -> tuple[Language, ...]:
    """All there are, English first."""
    tags = sorted(
        file.name.removesuffix(".toml")
        for file in resources.files("stablecast.web.strings").iterdir()
        if file.name.endswith(".toml")
    )
    tags.sort(key=lambda tag: tag != ENGLISH)
    return tuple(Language(tag, strings(tag)["language"]) for tag in tags)


@functools.cache
def strings(tag: str) -> Mapping[str, str]:
    """One file, flat: `yours.listen.play` is key `play` of table `yours.listen`."""
    text = (resources.files("stablecast.web.strings") / f"{tag}.toml").read_text("utf-8")
    return MappingProxyType(dict(_flat(tomllib.loads(text), "")))


def language(wanted: Iterable[str]) -> Language:
    """The first of `wanted` (tags, best first, such as a browser's list) that there is; else English."""
    known = {found.tag: found for found in languages()}
    for tag in wanted:
        for candidate in (tag.lower(), tag.lower().partition("-")[0]):
            if candidate in known:
                return known[candidate]
    return known[ENGLISH]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, as a template calls them: `t("frame.skip")`, `t("yours.away", name=…)`."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Raises KeyError for a key that English lacks: a bug that a test finds."""
        said = strings(self.language.tag).get(key) or strings(ENGLISH)[key]
        return said.format_map(values) if values else said

    def under(self, prefix: str) -> Mapping[str, str]:
        """All of a table, by the last part of its keys: what a script on the page may have to say."""
        start = prefix + "."
        keys = [key for key in strings(ENGLISH) if key.startswith(start)]
        return {key.removeprefix(start): self(key) for key in keys}


def _flat(table: Mapping[str, object], before: str) -> Iterable[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield before + key, str(value)
