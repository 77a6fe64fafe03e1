"""What people decide about an episode's words, every version of it: sealed beside the record, under a short lock of its own.

So words are edited while a run works. What the stages read, the inputs `corrections` and `edits`, follows when a run begins,
and the record then says which of these files it follows (`Record.decided`). Every write is a new file with the next number, and
the older one is gone; the number alone tells, without a key, that something was decided since.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from stablecast.errors import IntegrityFailure
from stablecast.model import Correction, Edit, Slug
from stablecast.store import locks, seal
from stablecast.store.seal import EpisodeKeys
from stablecast.store.workspace import Workspace

T = TypeVar("T")

WAIT_S = 5.0  # for somebody else's save
_NAME = "history"
_DIGITS = 8
_FILE = re.compile(rf"{_NAME}-([0-9]{{{_DIGITS}}})\.age")


@dataclass(frozen=True, slots=True)
class Mark:
    """A correction, and the account that made it; "" where nobody knows."""

    correction: Correction
    by: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a version has that its parent has not, and the other way round: places in the pools of `History`."""

    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One change of what was decided."""

    number: int
    parent: int  # the version it was made from: 0 is what there was before any
    at: datetime
    by: str  # account id, or "operator"
    marks: Change
    edits: Change
    paragraph: str = ""  # where in the words; "" for a stretch of time
    undoes: int = 0  # the version whose change it takes back
    redoes: int = 0  # the version whose change it makes again


@dataclass(frozen=True)
class History:
    """The sealed file `history`: every version there was, and which one counts. Marks and edits are kept once each."""

    marks: tuple[Mark, ...] = ()
    edits: tuple[Edit, ...] = ()
    versions: tuple[Version, ...] = ()
    current: int = 0
    first_marks: tuple[int, ...] = field(default=())  # of version 0
    first_edits: tuple[int, ...] = field(default=())

    @cached_property
    def _by_number(self) -> dict[int, Version]:
        return {version.number: version for version in self.versions}

    def version(self, number: int) -> Version | None:
        """The version of this number; None for 0 and for one there is not."""
        return self._by_number.get(number)

    def chain(self, number: int | None = None) -> tuple[Version, ...]:
        """The changes that lead to a version (None: the one that counts), oldest first."""
        found: list[Version] = []
        version = self.version(self.current if number is None else number)
        while version is not None:
            found.append(version)
            version = self.version(version.parent)
        return tuple(reversed(found))

    def marks_at(self, number: int | None = None) -> tuple[int, ...]:
        """Which marks count in a version, oldest first."""
        return _after(self.first_marks, (version.marks for version in self.chain(number)))

    def edits_at(self, number: int | None = None) -> tuple[int, ...]:
        """Which edits count in a version, oldest first."""
        return _after(self.first_edits, (version.edits for version in self.chain(number)))

    def corrections(self) -> tuple[Correction, ...]:
        """The corrections that count."""
        return tuple(self.marks[index].correction for index in self.marks_at())

    def current_edits(self) -> tuple[Edit, ...]:
        """The edits that count."""
        return tuple(self.edits[index] for index in self.edits_at())


def _after(first: tuple[int, ...], changes: Iterator[Change]) -> tuple[int, ...]:
    kept = dict.fromkeys(first)
    for change in changes:
        for index in change.removed:
            kept.pop(index, None)
        kept |= dict.fromkeys(change.added)
    return tuple(kept)


def newest(workspace: Workspace, slug: Slug) -> int:
    """The number of the newest file of decisions; 0 where there is none. Needs no key."""
    return max(_numbers(workspace, slug), default=0)


def read(workspace: Workspace, slug: Slug, number: int, keys: EpisodeKeys) -> History:
    """The file of this number. Raises IntegrityFailure where it is missing, damaged or another one."""
    return seal.read_value(_path(workspace, slug, number), _role(number), History, keys)


def write(workspace: Workspace, slug: Slug, number: int, history: History, keys: EpisodeKeys) -> None:
    """Put a file of decisions in the place of the older ones. Only while holding the lock."""
    kept = _path(workspace, slug, number)
    seal.write_value(kept, _role(number), history, keys)
    for old in kept.parent.glob(f"{_NAME}-*.age"):
        if old != kept:
            old.unlink()


@contextlib.contextmanager
def lock(workspace: Workspace) -> Iterator[None]:
    """Nobody else decides meanwhile. Raises Locked after `WAIT_S`. Who also needs the lock `work` takes that one first."""
    with locks.exclusive(workspace.lock("words"), wait_s=WAIT_S):
        yield


def steady(read_newest: Callable[[], T]) -> T:
    """What `read_newest` gives, tried once more: a save may take the older file away between the look and the reading."""
    try:
        return read_newest()
    except IntegrityFailure:
        return read_newest()


def _numbers(workspace: Workspace, slug: Slug) -> Iterator[int]:
    folder = workspace.words(slug)
    for name in os.listdir(folder) if folder.is_dir() else ():  # noqa: PTH208  asked twice of every episode in a run
        if found := _FILE.fullmatch(name):
            yield int(found[1])


def _path(workspace: Workspace, slug: Slug, number: int) -> Path:
    return workspace.human(slug, f"{_NAME}-{number:0{_DIGITS}}")


def _role(number: int) -> str:
    return f"{_NAME}/{number}"
