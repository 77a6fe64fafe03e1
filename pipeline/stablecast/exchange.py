"""What a stage is made from and what it gives, by way of a storage that the command and the workers see: any that fsspec knows.

In the storage lie sealed files alone, each in a folder with a random name and under its own fingerprint, SHA-256: whoever fetches
one looks whether it is that one. So half a file, another one or an older one is refused, and to send one again does no harm. Who
made what of what, the record of an episode and its receipts, travels with the task.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from stablecast.engine.pipeline import Production
from stablecast.engine.plan import Node, Receipt
from stablecast.engine.settings import ClusterParams
from stablecast.errors import IntegrityFailure, UsageRefused
from stablecast.model import Digest, Slug
from stablecast.store import episode, files, receipts, seal
from stablecast.store.episode import RECORD, Record
from stablecast.store.seal import EpisodeKeys
from stablecast.store.workspace import Workspace
from stablecast.targets import credentials as opening
from stablecast.targets import remote
from stablecast.targets.credentials import Credentials
from stablecast.targets.params import TargetParams
from stablecast.targets.remote import Absent, Halt, Remote, Unreachable

NAME = "the storage"
SILENCE_S = 30.0
TRIES_S = (0.0, 1.0, 5.0)  # after how long it is tried again when a connection breaks off
PASSPORT = "run"  # in a run's folder while the run lasts
CONFIG = "config"  # in it: sealed copies of the show's own stings and donors

T = TypeVar("T")


def never() -> None:
    """Halts nothing."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A storage, and what opens it."""

    params: TargetParams
    secrets: Credentials = field(repr=False)

    def do(self, work: Callable[[Remote], T]) -> T:
        """Do something harmless to repeat in a connection of its own, again where it breaks off. Raises Unreachable, GateClosed."""
        for attempt, wait_s in enumerate(TRIES_S, 1):
            time.sleep(wait_s)
            try:
                with remote.opened(NAME, self.params, self.secrets, timeout_s=SILENCE_S, private=True) as place:
                    return work(place)
            except Absent:
                raise
            except Unreachable:
                if attempt == len(TRIES_S):
                    raise
        raise AssertionError


def params_of(params: ClusterParams) -> TargetParams:
    """The storage that the settings name. Raises UsageRefused."""
    try:
        return TargetParams(
            url=params.storage,
            credentials=params.storage_credentials,
            host_key=params.storage_host_key,
            endpoint=params.storage_endpoint,
            region=params.storage_region,
        )
    except ValueError as unfit:
        raise UsageRefused(f"--storage or storage in [cluster]: {unfit}") from unfit


def storage(params: TargetParams, show: Path) -> Storage:
    """The storage with what opens it, which lies outside of `show`. Raises UsageRefused, EnvironmentFailure, GateClosed."""
    if params.scheme == "file" and remote.folder_of(params).is_relative_to(show.resolve()):
        raise UsageRefused("the storage lies in the show folder; name a folder outside of it")
    return Storage(params, opening.credentials(NAME, params, show, kept_by="keyring set stablecast URL"))


# --- what a stage needs -----------------------------------------------------------------------------------------------


def sealed_files(
    workspace: Workspace, slug: Slug, record: Record, known: Mapping[str, Receipt], node: Node
) -> dict[Path, Digest]:
    """The sealed files that a stage is made from, each with its fingerprint."""
    human = episode.human_inputs(workspace, slug, record)
    found: dict[Path, Digest] = {}
    for name in node.inputs:
        kind, _, number = name.partition("/")
        if kind == "source":
            track = record.source(int(number))
            found[workspace.source(slug, track)] = record.inputs[f"source/{track}"].sealed
        elif name in human:
            found[human[name]] = record.inputs[name].sealed
        elif name in known:
            found[workspace.work(slug, name, known[name].key)] = known[name].sealed
    return found


def config_files(production: Production, node: Node) -> tuple[str, ...]:
    """The files of config/ that a stage reads: stings, and the show's own donors where a voice is drawn."""
    stings = [
        getattr(production.settings.stings, name.partition("/")[2]) for name in node.inputs if name in production.stings
    ]
    drawn = any(name.startswith("draw/") for name in node.inputs)
    return (*stings, *(f"donors/{name}.donor" for name in production.donors if drawn))


@dataclass(frozen=True, slots=True)
class Parcel:
    """What travels with a task, so that a worker can find and check what the stage is made from."""

    run: str  # the run's folder in the storage
    folder: str  # and the episode's in it
    record: bytes = field(repr=False)  # episode.toml
    receipts: tuple[Receipt, ...]
    config: Mapping[str, Digest]  # the fingerprints of their sealed copies
    keys: EpisodeKeys  # that these are sealed with, of this run alone

    def place(self, name: str, *, of: str = "") -> PurePosixPath:
        """Where a file of the episode, or of `of`, lies in the storage."""
        return PurePosixPath(self.run, of or self.folder, name)


# --- the command's end ------------------------------------------------------------------------------------------------


@dataclass
class _Shelf:
    """What lies in the storage of one episode."""

    folder: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: threading.Lock = field(default_factory=threading.Lock)
    there: set[Digest] = field(default_factory=set)


class Sender:
    """The command's end, for one run of a show. Its methods may be called by several threads."""

    def __init__(self, storage: Storage, workspace: Workspace, run: str, scratch: Path, halt: Halt) -> None:
        self._storage, self._workspace, self._run, self._scratch, self._halt = storage, workspace, run, scratch, halt
        self._keys = EpisodeKeys.fresh()
        self._config: dict[str, Digest] = {}
        self._shelves: dict[str, _Shelf] = {}
        self._lock = threading.Lock()

    def parcel(self, slug: Slug, node: Node, production: Production) -> Parcel:
        """What travels with a task; all that the stage needs is in the storage then. Raises what reading and sending raise."""
        workspace = self._workspace
        record = episode.read(workspace, slug)
        text = (workspace.episode(slug) / RECORD).read_bytes()
        known = receipts.read_all(workspace.receipts(slug))
        needed = sealed_files(workspace, slug, record, known, node)
        shelf = self._shelf(slug)
        with shelf.lock:
            for path, digest in needed.items():
                if digest not in shelf.there and (not path.exists() or seal.fingerprint(path) != digest):
                    raise IntegrityFailure(
                        f"{slug}: a sealed file is not the one that was put there; restore the show from its backup"
                    )
            self._send(shelf, needed)
        of = tuple(known[name] for name in node.inputs if name in known)
        return Parcel(self._run, shelf.folder, text, of, self._configured(config_files(production, node)), self._keys)

    def take(self, slug: Slug, node: Node, parcel: Parcel, receipt: Receipt) -> None:
        """Fetch a result into the show, its receipt last. Raises IntegrityFailure unless it is what was asked for."""
        workspace = self._workspace
        if (receipt.node, receipt.recipe, set(receipt.inputs)) != (node.key, node.recipe, set(node.inputs)):
            raise IntegrityFailure(f"{slug}: a worker made something else than it was asked for; run again")
        path = workspace.work(slug, node.key, receipt.key)
        with _fetched(self._storage, parcel.place(receipt.sealed), receipt.sealed, path.parent, self._halt) as file:
            episode.read(workspace, slug)  # gone meanwhile: then nothing of it is made again
            file.replace(path)
        files.sync_folder(path.parent)
        receipts.write(workspace.receipt(slug, node.key), receipt)
        for old in path.parent.glob("*.age"):
            if old != path:
                old.unlink()
        self._shelf(slug).there.add(receipt.sealed)

    def forget(self, slug: Slug) -> None:
        """Take all of an episode out of the storage."""
        shelf = self._shelf(slug)
        self._storage.do(lambda place: place.clear(PurePosixPath(self._run, shelf.folder)))
        shelf.there.clear()

    def sweep(self) -> None:
        """Take out of the storage what a run left there that was killed."""
        run = self._workspace.run
        if run.is_file() and re.fullmatch(r"[0-9a-f]{32}", left := run.read_text()):
            self._storage.do(lambda place: place.clear(PurePosixPath(left)))

    def open(self) -> None:
        """Show workers the run."""
        self._put(PurePosixPath(self._run, PASSPORT), self._run.encode())

    def close(self) -> tuple[str, ...]:
        """Take out of the storage all that was put there, what tells workers of the run first; what a person should know."""

        def emptied(place: Remote) -> tuple[str, ...]:
            place.remove(PurePosixPath(self._run, PASSPORT))
            place.clear(PurePosixPath(self._run))
            return tuple(place.notes)

        return self._storage.do(emptied)

    def _shelf(self, name: str) -> _Shelf:
        with self._lock:
            return self._shelves.setdefault(name, _Shelf())

    def _send(self, shelf: _Shelf, needed: Mapping[Path, Digest]) -> None:
        lacking = {path: digest for path, digest in needed.items() if digest not in shelf.there}

        def sent(place: Remote) -> None:
            for path, digest in lacking.items():
                place.send(PurePosixPath(self._run, shelf.folder, digest), path, halt=self._halt)

        if lacking:
            self._storage.do(sent)
            shelf.there |= set(lacking.values())

    def _configured(self, names: tuple[str, ...]) -> dict[str, Digest]:
        """The fingerprints of the sealed copies of some files of config/, which are in the storage then."""
        with self._lock:
            for name in names:
                if name not in self._config:
                    copy = self._scratch / secrets.token_hex(8)
                    data = self._workspace.config(name).read_bytes()
                    stored = seal.write_data(copy, name, seal.Nothing(), data, self._keys)
                    at = PurePosixPath(self._run, CONFIG, stored.sealed)
                    self._storage.do(lambda place, at=at, copy=copy: place.send(at, copy, halt=self._halt))  # type: ignore[misc]
                    copy.unlink()
                    self._config[name] = stored.sealed
            return {name: self._config[name] for name in names}

    def _put(self, at: PurePosixPath, data: bytes) -> None:
        file = self._scratch / secrets.token_hex(8)
        files.write(file, data)
        self._storage.do(lambda place: place.send(at, file, halt=self._halt))
        file.unlink()


# --- a worker's end ---------------------------------------------------------------------------------------------------


def lasts(storage: Storage, run: str, scratch: Path) -> bool:
    """Whether a run goes on, as far as the storage shows."""
    file = scratch / f"{PASSPORT}-{secrets.token_hex(8)}"
    try:
        storage.do(lambda place: place.fetch(PurePosixPath(run, PASSPORT), file, halt=never))
        return secrets.compare_digest(file.read_bytes(), run.encode())
    except Absent:
        return False
    finally:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def unpacked(storage: Storage, slug: Slug, node: Node, parcel: Parcel, scratch: Path) -> Iterator[Workspace]:
    """A show of this one stage in a new folder in `scratch`, where nothing else is then; it goes when the block ends.

    Raises Absent, IntegrityFailure for a file that is not the right one.
    """
    for left in scratch.iterdir():  # by a process that was killed
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        workspace = Workspace(Path(folder))
        files.write(workspace.episode(slug) / RECORD, parcel.record)
        for receipt in parcel.receipts:
            receipts.write(workspace.receipt(slug, receipt.node), receipt)
        known = {receipt.node: receipt for receipt in parcel.receipts}
        for path, digest in sealed_files(workspace, slug, episode.read(workspace, slug), known, node).items():
            with _fetched(storage, parcel.place(digest), digest, path.parent, never) as file:
                file.replace(path)
        for name, digest in parcel.config.items():
            with _fetched(storage, parcel.place(digest, of=CONFIG), digest, workspace.root, never) as file:
                _, data = seal.read_data(file, name, seal.Nothing, parcel.keys)
                files.write(workspace.config(name), data)
        yield workspace


def give(storage: Storage, workspace: Workspace, slug: Slug, node: Node, parcel: Parcel) -> Receipt:
    """Put the result of a stage into the storage; its receipt."""
    receipt = receipts.read_all(workspace.receipts(slug))[node.key]
    path = workspace.work(slug, node.key, receipt.key)
    storage.do(lambda place: place.send(parcel.place(receipt.sealed), path, halt=never))
    return receipt


# --- both -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _fetched(storage: Storage, at: PurePosixPath, digest: Digest, folder: Path, halt: Halt) -> Iterator[Path]:
    """A file from the storage under a name of its own in `folder`, to be moved or read; what is left of it goes."""
    with files.resources():
        files.make_folder(folder)
        file = folder / f"{files.TEMPORARY}{secrets.token_hex(8)}"
        file.touch(mode=files.PRIVATE_FILE)
        try:
            storage.do(lambda place: place.fetch(at, file, halt=halt))
            if seal.fingerprint(file) != digest:
                raise IntegrityFailure(
                    "the storage gave back another file than was put there; look who else writes to it"
                )
            files.sync(file)
            yield file
        finally:
            file.unlink(missing_ok=True)
