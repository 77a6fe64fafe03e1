"""Writing so that a reader sees the old file or the new one, never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from stablecast.errors import EnvironmentFailure, IntegrityFailure

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
TEMPORARY = ".new-"  # begins the name of every file that is still being written


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = PRIVATE_FILE) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` in one step when the block ends well, and vanishes when it does not.

    Raises EnvironmentFailure when the disk is full or cannot be written.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    with resources():
        make_folder(path.parent)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """`data` as the whole of `path`, durably and in one step."""
    with replacing(path, mode=mode) as file:
        file.write(data)


def make_folder(folder: Path) -> None:
    """The folder and those above it that are missing, each for this user alone (`mkdir` gives only the last its mode)."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    sync(folder)


def sync(path: Path) -> None:
    """Make what was written to a file or folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def resources() -> Iterator[None]:
    """Say in a sentence what the machine lacks when it cannot write."""
    try:
        yield
    except OSError as failed:
        if failed.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise EnvironmentFailure("the disk is full; free some space and run the command again") from failed
        if failed.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise EnvironmentFailure(
                "the show folder cannot be written; check its permissions and try again"
            ) from failed
        raise


class Room:
    """The one door to every path of a folder: what lies outside it, or behind a link, does not exist."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def path(self, *parts: str) -> Path:
        """The path of `parts` below the root. Raises IntegrityFailure when a link lies on the way, ValueError for `..`."""
        below = "/".join(parts).split("/")  # thousands are asked for: Path's own arithmetic would cost as much again
        if ".." in below or any(part.startswith("/") for part in parts):
            raise ValueError("a path of a show stays inside it")
        if _linked(str(self.root), below):
            raise IntegrityFailure("a link inside the show folder leads somewhere else; remove it")
        return Path(str(self.root), *parts)


def _linked(root: str, below: list[str]) -> bool:
    """Whether `root` or anything between it and what lies `below` is a link."""
    here = root
    for part in ("", *below):
        here = f"{here}/{part}" if part else here
        try:
            if stat.S_ISLNK(os.lstat(here).st_mode):
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False  # nothing lies below what is not there
    return False


def sweep(folder: Path) -> None:
    """Remove what an interrupted command left half-written below `folder`. Only while holding the lock."""
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as found:
                entries = list(found)
        except OSError:  # what cannot be read holds nothing of ours
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name.startswith(TEMPORARY) and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)
