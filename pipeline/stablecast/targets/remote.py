"""A folder elsewhere, by fsspec. Every file is there whole or as it was before: written beside its place, then renamed.

SFTP and S3 have their own modules, imported when they are asked for: they come with `pip install 'stablecast[remote]'`.
No error here repeats what a driver says, because it may hold an address, a user's name or a secret.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from stablecast.errors import EnvironmentFailure, GateClosed, StablecastError
from stablecast.targets.credentials import Credentials
from stablecast.targets.local import PUBLIC_FILE, PUBLIC_FOLDER
from stablecast.targets.params import TargetParams, git_host

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
CHUNK_BYTES = 256 * 1024
PART = ".stablecast-"  # begins the name of a file that is being sent

Halt = Callable[[], None]


class Overtaken(Exception):
    """Raised by a caller's `halt`, and passed on as it is."""


class Unreachable(EnvironmentFailure):
    """A place elsewhere does not answer, or not in time."""


class Absent(Unreachable):
    """A file that was to be fetched is not there."""


class Remote(Protocol):
    """What is done at a place elsewhere. Everything may raise Unreachable or GateClosed."""

    notes: list[str]  # what a person should know, in sentences

    def sizes(self, folders: Iterable[PurePosixPath]) -> dict[PurePosixPath, int]:
        """The files that lie in these folders, not below them, by size in bytes."""

    def put(self, path: PurePosixPath, data: bytes, *, at: float, halt: Halt) -> None:
        """A file, whole or not at all; its time is `at`, or later than that of the file in whose place it comes, where the
        place lets it be set. `halt` is called now and then.
        """

    def remove(self, path: PurePosixPath) -> None:
        """Take a file away, with what was left of sending it, and look whether it is gone. Harmless where there is none."""

    def send(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        """A file of this machine, piece by piece; there it is whole or not at all. `halt` is called now and then."""

    def fetch(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        """A file from there into `file`, piece by piece. Raises Absent where there is none."""

    def clear(self, folder: PurePosixPath) -> None:
        """Take away a folder with all in it and what was left of sending some. Harmless where there is none."""


def refuse_git(name: str, params: TargetParams) -> None:
    """Raises GateClosed for a place that keeps what was withdrawn."""
    host = git_host(params.url, params.public_url)
    if host or params.scheme in ("git", "github"):
        raise GateClosed(
            f"{name} serves what is in a git repository, and a repository keeps what was withdrawn; choose another place"
        )
    if params.scheme == "file" and _in_git(folder_of(params)):
        raise GateClosed(
            f"{name} lies in a git working tree, and a repository keeps what was withdrawn; name a folder outside of it"
        )


def folder_of(params: TargetParams) -> Path:
    """The folder that a file:// address names."""
    return Path(unquote(urlsplit(params.url).path)).resolve()


def _in_git(folder: Path) -> bool:
    return any((above / ".git").exists() for above in (folder, *folder.parents))


@contextlib.contextmanager
def opened(
    name: str, params: TargetParams, credentials: Credentials, *, timeout_s: float, private: bool = False
) -> Iterator[Remote]:
    """The place that `params` describe. Raises EnvironmentFailure where the driver is missing, Unreachable, GateClosed.

    `private`: what is put there is for its owner alone, where the place has such modes.
    """
    for chatty in ("paramiko", "botocore", "aiobotocore", "s3fs", "fsspec", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL + 1)  # they would write addresses and tracebacks to stderr
    refuse_git(name, params)
    opener = {"sftp": "sftp", "ssh": "sftp", "s3": "s3"}.get(params.scheme)
    if opener:
        module = _driver(f"stablecast.targets.{opener}")
        with module.opened(name, params, credentials, timeout_s=timeout_s, private=private) as place:
            yield place
        return
    with in_sentences(name):
        fsspec = _driver("fsspec")
        options = {"timeout": timeout_s} if params.scheme == "ftp" else {}
        filesystem, root = fsspec.core.url_to_fs(
            params.url, skip_instance_cache=True, use_listings_cache=False, **options
        )
    yield Place(name, filesystem, str(root), private=private)


def _driver(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise EnvironmentFailure(
            "a place elsewhere needs more than is installed here; run: pip install 'stablecast[remote]'"
        ) from missing


@contextlib.contextmanager
def in_sentences(name: str) -> Iterator[None]:
    """Say in a sentence why the place `name` does not do what it should. Only around calls of a driver."""
    try:
        yield
    except (StablecastError, Overtaken):
        raise
    except PermissionError as refused:
        raise Unreachable(
            f"{name} does not let us in, or not write there; check its credentials and permissions"
        ) from refused
    except Exception as failed:
        raise Unreachable(
            f"{name} cannot be reached, or broke off; try again later: what was sent is not sent again"
        ) from failed


@contextlib.contextmanager
def present(name: str) -> Iterator[None]:
    """Say that a file is not there. Only around fetching one."""
    try:
        yield
    except FileNotFoundError as gone:
        raise Absent(f"{name} lacks a file that should be there; look whether somebody removed it") from gone


class Place:
    """A folder on any file system that fsspec knows and that can rename."""

    def __init__(self, name: str, filesystem: Any, root: str, *, private: bool = False) -> None:
        self.notes: list[str] = []
        self._name, self._files, self._root = name, filesystem, root.rstrip("/")
        self._file_mode, self._folder_mode = (PRIVATE_FILE, PRIVATE_FOLDER) if private else (PUBLIC_FILE, PUBLIC_FOLDER)
        self._local = "file" in filesystem.protocol
        self._made: set[str] = set()
        self._sentences = functools.partial(in_sentences, name)

    def sizes(self, folders: Iterable[PurePosixPath]) -> dict[PurePosixPath, int]:
        found: dict[PurePosixPath, int] = {}
        for folder in sorted(set(folders)):
            with self._sentences(), contextlib.suppress(FileNotFoundError):
                for entry in self._files.ls(self._at(folder), detail=True):
                    if entry["type"] != "directory":
                        found[folder / str(entry["name"]).rpartition("/")[2]] = int(entry["size"] or 0)
        return found

    def put(self, path: PurePosixPath, data: bytes, *, at: float, halt: Halt) -> None:
        with self._sentences():
            size = self._write(path, (data[n : n + CHUNK_BYTES] for n in range(0, len(data), CHUNK_BYTES)), halt)
            if size != len(data):
                raise OSError("a file arrived cut short")
            before = self._time(self._at(path))
            self._settle(
                self._at(part_of(path)), at if before is None or before < at else before + 1
            )  # see `local.built`
            halt()
            self._rename(self._at(part_of(path)), self._at(path))

    def send(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        with self._sentences(), file.open("rb") as ours:
            size = self._write(path, iter(functools.partial(ours.read, CHUNK_BYTES), b""), halt)
            if size != file.stat().st_size:
                raise OSError("a file arrived cut short")
            self._settle(self._at(part_of(path)), time.time())
            self._rename(self._at(part_of(path)), self._at(path))

    def fetch(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        with self._sentences(), file.open("wb") as ours, present(self._name), self._read(self._at(path)) as theirs:
            while piece := theirs.read(CHUNK_BYTES):
                halt()
                ours.write(piece)

    def clear(self, folder: PurePosixPath) -> None:
        where = self._at(folder)
        with self._sentences():
            with contextlib.suppress(FileNotFoundError):
                self._files.rm(where, recursive=True)
            if self._there(where):
                raise OSError("a folder is still there")
        self._made = {made for made in self._made if not f"{made}/".startswith(f"{where}/")}

    def _write(self, path: PurePosixPath, pieces: Iterator[bytes], halt: Halt) -> int:
        """Write a file beside its place, and say how many bytes of it are there."""
        self._folder(self._at(path.parent))
        with self._open(self._at(part_of(path))) as file:
            for piece in pieces:
                halt()
                file.write(piece)
        return self._size(self._at(part_of(path)))

    def remove(self, path: PurePosixPath) -> None:
        for one in (path, part_of(path)):
            with self._sentences():
                with contextlib.suppress(FileNotFoundError):
                    self._unlink(self._at(one))
                if self._there(self._at(one)):
                    raise OSError("a file is still there")

    def _at(self, path: PurePosixPath) -> str:
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("a public path stays below its root")
        return self._root if path == PurePosixPath() else f"{self._root}/{path.as_posix()}"

    # --- one driver's ways

    def _folder(self, folder: str) -> None:
        if folder in self._made:
            return
        missing = []
        above = folder
        while self._local and above and not self._files.isdir(above):
            missing.append(Path(above))
            above = above.rpartition("/")[0]
        self._files.makedirs(folder, exist_ok=True)
        for made in missing:
            made.chmod(self._folder_mode)
        self._made.add(folder)

    def _open(self, path: str) -> Any:
        return self._files.open(path, "wb")

    def _read(self, path: str) -> Any:
        return self._files.open(path, "rb")

    def _size(self, path: str) -> int:
        return int(self._files.info(path)["size"])

    def _time(self, path: str) -> float | None:
        return Path(path).stat().st_mtime if self._local and Path(path).exists() else None

    def _settle(self, path: str, at: float) -> None:
        if self._local:
            Path(path).chmod(self._file_mode)
            os.utime(path, (at, at))

    def _rename(self, part: str, path: str) -> None:
        self._files.mv(part, path)

    def _unlink(self, path: str) -> None:
        self._files.rm_file(path)

    def _there(self, path: str) -> bool:
        return bool(self._files.exists(path))


def part_of(path: PurePosixPath) -> PurePosixPath:
    """Where a file is while it is being sent; always the same, so that the next try finds it."""
    return path.with_name(f"{PART}{path.name}")
