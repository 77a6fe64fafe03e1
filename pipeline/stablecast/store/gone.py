"""The list of episodes that were withdrawn: one copy in the show folder, one beside the keyring, where no backup reaches.

It holds ids and no word. A show that is put back from an old backup learns from it what must never be public again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stablecast import codecs
from stablecast.errors import IntegrityFailure
from stablecast.store import files


@dataclass(frozen=True, slots=True)
class Gone:
    """An episode that was withdrawn."""

    episode: str  # its id
    slug: str
    public_id: str
    guid: str
    erased: bool  # everything of it is destroyed


def read(path: Path) -> frozenset[Gone]:
    """What a list names; nothing where there is none. Raises IntegrityFailure when it is damaged."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return frozenset()
    try:
        return frozenset(codecs.parsed(Gone, line) for line in lines)
    except ValueError as damaged:
        raise IntegrityFailure(
            "the list of withdrawn episodes is damaged; remove it, and the other copy of it is taken"
        ) from damaged


def union(lists: Iterable[Iterable[Gone]]) -> tuple[Gone, ...]:
    """All that any of `lists` names, once each."""
    found: dict[str, Gone] = {}
    for each in (gone for some in lists for gone in some):
        known = found.get(each.episode)
        found[each.episode] = each if known is None or each.erased else known
    return tuple(found[episode] for episode in sorted(found))


def write(path: Path, gone: Iterable[Gone]) -> None:
    """Replace a list."""
    files.write(path, b"".join(codecs.canonical(each) + b"\n" for each in gone))
