"""What a show knows of one episode on disk: its id, and which sealed inputs it is made from."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stablecast import codecs
from stablecast.errors import IntegrityFailure, UsageRefused
from stablecast.model import Alias, Correction, Digest, Edit, Slug, Turn
from stablecast.stages.find import Answer
from stablecast.store import files, seal, settings
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.workspace import Workspace

FORMAT = 1
RECORD = "episode.toml"


@dataclass(frozen=True, slots=True)
class Record:
    """episode.toml: written by the commands, readable by a person; nothing in it tells who speaks or what is said."""

    format: int
    id: str
    content_note: bool = False  # whether somebody wrote one; what it says is sealed with the details
    inputs: Mapping[str, Stored] = field(default_factory=dict)  # "source/1", "details", … → where and what they are
    characters: Mapping[str, str] = field(default_factory=dict)  # track → the character somebody chose for it
    decided: int = (
        0  # which file of decisions (`store.decisions`) `corrections` and `edits` follow; 0 before there was one
    )
    version: int = 0  # and which version of them
    divided: Mapping[str, int] = field(default_factory=dict)  # number of a recording → its blocks, where it is long

    @property
    def tracks(self) -> int:
        return sum(name.startswith("source/") for name in self.inputs)

    @property
    def shared(self) -> bool:
        """Whether all tracks are turns in one recording."""
        return "turns" in self.inputs

    @property
    def edited(self) -> bool:
        """Whether people wrote anything in place of recognised words."""
        return "edits" in self.inputs

    @property
    def answered(self) -> bool:
        """Whether somebody left in what was proposed to be taken out."""
        return "answers" in self.inputs

    def source(self, track: int) -> int:
        """The number of the sealed recording that a track is taken from."""
        return 1 if self.shared else track

    @property
    def blocks(self) -> tuple[int, ...]:
        """In how many blocks each track is recognised. Settled when it was added: its length is sealed."""
        return tuple(self.divided.get(str(self.source(track)), 1) for track in range(1, self.tracks + 1))


@dataclass(frozen=True, slots=True)
class Track:
    """One speaker's recording. Sealed: the names of the files it came from are kept nowhere else."""

    speaker: Alias
    file_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tracks:
    """The sealed input `tracks`."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Protected:
    """The sealed input `protected`: words that must never be heard or read."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corrections:
    """The sealed input `corrections`: what people decided by hand, oldest first."""

    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Edits:
    """The sealed input `edits`: what people wrote in place of recognised words. Missing where nobody did."""

    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """The sealed input `answers`: which proposals people left in, oldest first. There once somebody did."""

    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Turns:
    """The sealed input `turns` of an episode with one recording of several people."""

    found: tuple[Turn, ...]  # when it was added; they cover the recording
    voices: int  # how many were told apart then
    changes: tuple[Turn, ...] = ()  # by hand, oldest first


def read(workspace: Workspace, slug: Slug) -> Record:
    """The record of an episode. Raises UsageRefused when there is no such episode, IntegrityFailure when it is damaged."""
    path = workspace.episode(slug) / RECORD
    if not path.is_file():
        raise UsageRefused(f"there is no episode called {slug}; see `stablecast status` for those there are")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as damaged:  # nobody writes it but us
        raise IntegrityFailure(f"{slug}: {RECORD}: cannot be read as UTF-8 text") from damaged
    try:
        record = _understood(text)
    except UsageRefused as damaged:
        raise IntegrityFailure(f"{slug}: {damaged}") from damaged
    if record.format != FORMAT:
        raise IntegrityFailure(
            f"{slug}: {RECORD} is of format {record.format}, which this version does not know; use a newer one"
        )
    known = {
        name: stored for name, stored in record.inputs.items() if name != "history"
    }  # `store.decisions` has it now
    return dataclasses.replace(record, inputs=known)


@functools.lru_cache(maxsize=2048)  # every command asks several times of each episode
def _understood(text: str) -> Record:
    record: Record = settings.understood(RECORD, text, lambda table: codecs.read(Record, table))
    return record


def write(workspace: Workspace, slug: Slug, record: Record) -> None:
    """Replace the record in one step: this is the moment at which new inputs count."""
    lines = [
        "# Written by stablecast. The digests are keyed: they mean nothing without the episode's key.",
        f"format = {record.format}",
        f"id = {json.dumps(record.id)}",
        f"content_note = {json.dumps(record.content_note)}",
        f"decided = {record.decided}",
        f"version = {record.version}",
    ]
    if record.characters:
        lines += ["", "[characters]", *(f'"{track}" = "{name}"' for track, name in sorted(record.characters.items()))]
    if record.divided:
        lines += ["", "[divided]", *(f'"{number}" = {blocks}' for number, blocks in sorted(record.divided.items()))]
    for name, stored in sorted(record.inputs.items()):
        lines += ["", f"[inputs.{json.dumps(name)}]", f'digest = "{stored.digest}"', f'sealed = "{stored.sealed}"']
    files.write(workspace.episode(slug) / RECORD, ("\n".join(lines) + "\n").encode())


def put_input(workspace: Workspace, slug: Slug, name: str, value: object, keys: EpisodeKeys) -> tuple[str, Stored]:
    """Seal one input written by a person. It counts once it stands in the record."""
    version = _digest(name, value, keys)
    stored = seal.write_value(workspace.human(slug, _versioned(name, version)), name, value, keys)
    return name, Stored(version, stored.sealed)


def get_input(
    workspace: Workspace, slug: Slug, record: Record, name: str, kind: type[codecs.T], keys: EpisodeKeys
) -> codecs.T:
    """The value of a sealed input. Raises IntegrityFailure when it is not the one in the record."""
    stored = record.inputs.get(name)
    if stored is None:
        raise IntegrityFailure(f"{slug}: {RECORD} lacks an input; restore the show from its backup")
    try:
        value = seal.read_value(workspace.human(slug, _versioned(name, stored.digest)), name, kind, keys)
    except IntegrityFailure as damaged:
        raise IntegrityFailure(f"{slug}: {damaged}") from damaged
    if _digest(name, value, keys) != stored.digest:
        raise IntegrityFailure(
            f"{slug}: a sealed file is not the one that was put there; restore the show from its backup"
        )
    return value


def with_inputs(record: Record, *stored: tuple[str, Stored]) -> Record:
    """The record with some inputs added or replaced."""
    return dataclasses.replace(record, inputs={**record.inputs, **dict(stored)})


def revise(
    workspace: Workspace, slug: Slug, record: Record, values: Mapping[str, object], keys: EpisodeKeys, **others: Any
) -> Record:
    """Put newer sealed inputs in the place of those that the record names; they count together, in one step.

    `others` are other fields of the record that change with them.
    """
    stored = [put_input(workspace, slug, name, value, keys) for name, value in values.items()]
    changed = dataclasses.replace(with_inputs(record, *stored), **others)
    write(workspace, slug, changed)
    drop_old_inputs(workspace, slug, changed)
    return changed


def human_inputs(workspace: Workspace, slug: Slug, record: Record) -> dict[str, Path]:
    """Where the sealed inputs that people wrote lie, by name: all that the record names but recordings and draws."""
    return {
        name: workspace.human(slug, _versioned(name, stored.digest))
        for name, stored in record.inputs.items()
        if name.partition("/")[0] not in ("source", "draw")
    }


def drop_old_inputs(workspace: Workspace, slug: Slug, record: Record) -> None:
    """Remove sealed inputs that the record no longer names."""
    for name, kept in human_inputs(workspace, slug, record).items():
        for path in kept.parent.glob(f"{name}-*.age"):
            if path != kept:
                path.unlink()


def _digest(name: str, value: object, keys: EpisodeKeys) -> Digest:
    return keys.digest(name.encode() + b"\n" + codecs.canonical(value))


def _versioned(name: str, digest: str) -> str:
    return f"{name}-{digest[:16]}"
