"""A folder as the place where a feed is published: built whole beside the old one, then swapped in, in one step."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path, PurePosixPath

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Digest

_DAY_S = 86400
_MOST_CHANGES = 3600  # of a file on one day; a time that is further from midnight tells when somebody did something
PUBLIC_FILE, PUBLIC_FOLDER = 0o644, 0o755
_BUILDING = ".stablecast-feed-"  # begins the name of a tree that is being built or taken down
_ASIDE = f"{_BUILDING}aside"  # the old tree, where the kernel cannot exchange two folders


class Tree:
    """A public tree that is built and not yet in its place."""

    def __init__(self, building: Path, public: Path) -> None:
        self._building, self._public = building, public

    def swap(self) -> None:
        """Put it in its place, in one step."""
        with _writing():
            if self._public.exists():
                _exchange(self._building, self._public)
            else:
                self._building.rename(self._public)
            _sync(self._public.parent)


@contextlib.contextmanager
def built(
    public: Path,
    texts: Mapping[PurePosixPath, bytes],
    media: Mapping[PurePosixPath, Digest],
    fresh: Mapping[PurePosixPath, bytes],
    *,
    day: date,
) -> Iterator[Tree]:
    """A tree that holds exactly `texts` and `media`, beside `public`; gone at the end unless it was swapped in.

    Media come from `fresh` or, where they were published before, from the tree as it is; each is compared with its SHA-256
    as it is copied. Times of all files are `day`, so that nothing tells when somebody worked; a file that differs from the
    published one and would have its time gets a second more, or a server would tell whoever asks that it has not changed
    (RFC 9110, section 13.1.3), and a withdrawal would not be seen.
    Raises IntegrityFailure when a file is not what was approved: then nothing has changed.
    """
    clear_leftovers(public)
    building = public.with_name(f"{_BUILDING}{secrets.token_hex(8)}")
    with _writing():
        building.mkdir(mode=0o700)
    try:
        with _writing():
            for path, data in texts.items():
                _write(building, path, data)
            for path, digest in media.items():
                data = fresh[path] if path in fresh else _published(public / path)
                if hashlib.sha256(data).hexdigest() != digest:
                    raise IntegrityFailure(
                        "a published file is not the one that was approved; publish the episode again"
                    )
                _write(building, path, data)
            _settle(building, public, day)
        yield Tree(building, public)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def digests(public: Path) -> dict[PurePosixPath, Digest]:
    """Every plain file below `public` with its SHA-256; links are not followed, see `irregular`."""
    found = {}
    for path in sorted(public.rglob("*")):
        if path.is_file() and not path.is_symlink():
            found[PurePosixPath(path.relative_to(public))] = Digest(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def irregular(public: Path) -> list[Path]:
    """What lies below `public` and is neither a plain file nor a folder: links, pipes, devices."""
    return [path for path in sorted(public.rglob("*")) if path.is_symlink() or not (path.is_file() or path.is_dir())]


def take_down(public: Path, paths: tuple[PurePosixPath, ...]) -> None:
    """Remove single files at once: for when there is no room even to build the tree without them."""
    for path in paths:
        (public / path).unlink(missing_ok=True)


def leftovers(public: Path) -> list[Path]:
    """Trees that an interrupted command left beside `public`."""
    return sorted(public.parent.glob(f"{_BUILDING}*"))


def clear_leftovers(public: Path) -> None:
    """Remove them, but for a tree that was set aside and not replaced. Only while holding the public lock."""
    aside = public.with_name(_ASIDE)
    if aside.exists() and not public.exists():
        aside.rename(public)
    for left in leftovers(public):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        raise EnvironmentFailure(
            "the public folder cannot be written; check the disk's space and permissions"
        ) from failed


def _published(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe never answers
    except OSError as missing:
        raise IntegrityFailure("a published file is missing or a link; publish the episode again") from missing
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _write(tree: Path, path: PurePosixPath, data: bytes) -> None:
    if path.is_absolute() or ".." in path.parts:
        raise ValueError("a public path stays inside the public folder")
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    with (tree / path).open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(tree: Path, public: Path, day: date) -> None:
    """Modes for the world, and one time for all that are not in the place of others; names that survive a power cut."""
    at = datetime.combine(day, time(), UTC).timestamp()
    for path in (*sorted(tree.rglob("*"), reverse=True), tree):
        folder = path.is_dir()
        moved_on = at if folder else max(at, _time_after(public / path.relative_to(tree), path))
        if folder:
            _sync(path)
        path.chmod(PUBLIC_FOLDER if folder else PUBLIC_FILE)
        os.utime(path, (moved_on, moved_on))


def _time_after(old: Path, new: Path) -> float:
    """A time at which `new` is seen to differ from `old`, or not to; 0 where there is none, or it was not set by us."""
    try:
        before = old.lstat()
        if not stat.S_ISREG(before.st_mode) or before.st_mtime % _DAY_S not in range(_MOST_CHANGES):
            return 0
        same = before.st_size == new.stat().st_size and old.read_bytes() == new.read_bytes()
        return before.st_mtime if same else before.st_mtime + 1
    except OSError:
        return 0


def _exchange(new: Path, old: Path) -> None:
    """Swap two folders. One system call where the kernel has it; elsewhere two renames, the only moment without a tree."""
    if _exchanged_at_once(new, old):
        return
    aside = old.with_name(_ASIDE)
    old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        aside.rename(old)
        raise
    aside.rename(new)


def _exchanged_at_once(new: Path, old: Path) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(new), os.fsencode(old))
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        at_cwd, exchange = -100, 2
        failed = library.renameat2(at_cwd, names[0], at_cwd, names[1], exchange)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        swap = 2
        failed = library.renamex_np(*names, swap)
    else:
        return False
    if failed and ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        raise OSError(ctypes.get_errno(), "the public folder could not be swapped")
    return not failed


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
