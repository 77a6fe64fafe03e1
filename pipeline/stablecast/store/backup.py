"""A whole show in one sealed file: a stream of its files, sealed with age under a key that a passphrase of its own opens.

    stablecast backup 1\\n
    <length>\\n, then so many bytes: an age file under the passphrase, holding an age identity
    an age file for that identity: a tar archive, its last member the list of all files with their SHA-256

So in an emergency the parts open with any age tool and any tar. Nothing is on a disk in clear that is not so in the show folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tarfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Final

import pyrage

from stablecast.errors import EnvironmentFailure, InputRefused, IntegrityFailure, UsageRefused
from stablecast.store import files, keyring
from stablecast.store.workspace import ROOMS, STATE

FIRST_LINE: Final = b"stablecast backup 1\n"
MANIFEST: Final = "MANIFEST"
GONE: Final = ".stablecast-gone"
PUBLIC: Final = "feed"  # whose files the world may read, and whose times tell nothing
_PIECE: Final = 1024**2
_MOST_HEAD: Final = 64 * 1024
_DAMAGED: Final = "this backup is damaged or not whole, so nothing of it was put in place; try an older one"


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a show: where it lies below it, and its bytes, or where they are."""

    path: PurePosixPath
    data: bytes | Path


class _Pull:
    """The end that age reads from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""
        self.failed: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = next(self._pieces)
        except StopIteration:
            return b""
        except BaseException as failed:
            self.failed = failed  # age would turn it into an error of its own
            raise
        piece = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(piece) :]
        return piece


# --- writing ---------------------------------------------------------------------------------------------------------------


def write(path: Path, members: Iterable[Member], passphrase: str) -> int:
    """Seal the members into `path`, in one step; how many there are. What `members` raises is raised, and nothing is left."""
    identity = pyrage.x25519.Identity.generate()
    head = bytes(pyrage.passphrase.encrypt(str(identity).encode(), passphrase))
    told: dict[str, list[object]] = {}
    with files.replacing(path) as file:
        file.write(FIRST_LINE + b"%d\n" % len(head) + head)
        pull = _Pull(_archive(members, told))
        try:
            pyrage.encrypt_io(pull, file, [identity.to_public()])
        except Exception as failed:  # noqa: BLE001 - the first cause is raised again
            raise (pull.failed or failed) from None
    return len(told)


def _archive(members: Iterable[Member], told: dict[str, list[object]]) -> Iterator[bytes]:
    for member in members:
        yield from _member(member, told)
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
    yield _header(MANIFEST, len(text), 0)
    yield _filled(text)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(member: Member, told: dict[str, list[object]]) -> Iterator[bytes]:
    name = member.path.as_posix()
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        if isinstance(member.data, bytes):
            length, at, pieces = len(member.data), 0, iter((member.data,))
        else:
            file = stack.enter_context(_opened(member.data))
            status = os.fstat(file.fileno())
            length, at, pieces = status.st_size, int(status.st_mtime), iter(lambda: file.read(_PIECE), b"")
        yield _header(name, length, at if member.path.parts[0] == PUBLIC else 0)
        for piece in pieces:
            size += len(piece)
            digest.update(piece)
            yield piece
    if size != length:
        raise IntegrityFailure("a file of the show changed while it was being read; make the backup again")
    yield bytes(-size % tarfile.BLOCKSIZE)
    told[name] = [size, digest.hexdigest()]


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise IntegrityFailure("there is something among the files of the show that is no file; remove it")
    return file


def _header(name: str, size: int, at: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, at, files.PRIVATE_FILE
    return info.tobuf(tarfile.PAX_FORMAT)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % tarfile.BLOCKSIZE)


# --- reading ---------------------------------------------------------------------------------------------------------------


def read_into(path: Path, folder: Path, passphrase: str) -> int:
    """Unpack a backup into an empty `folder`, every file compared with its SHA-256; how many there are.

    Raises InputRefused for what is no backup, IntegrityFailure when the passphrase is another one or anything is damaged,
    missing or too much: then the folder is worth nothing.
    """
    try:
        source = path.open("rb")
    except OSError as unreadable:
        raise UsageRefused("the backup cannot be read; name the file that `stablecast backup` wrote") from unreadable
    with source:
        identity = _identity(source, passphrase)
        try:
            with _decrypted(source, identity) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                return _unpacked(archive, folder)
        except (tarfile.TarError, ValueError, EOFError) as damaged:
            raise IntegrityFailure(_DAMAGED) from damaged


def _identity(source: BinaryIO, passphrase: str) -> pyrage.x25519.Identity:
    if source.readline(len(FIRST_LINE)) != FIRST_LINE:
        raise InputRefused("this is no backup of a show, or one of a newer version")
    length = source.readline(16).strip()
    if not length.isdigit() or int(length) > _MOST_HEAD:
        raise IntegrityFailure(_DAMAGED)
    try:
        opened = keyring.opened(source.read(int(length)), passphrase)
        return pyrage.x25519.Identity.from_str(opened.decode())
    except (pyrage.DecryptError, pyrage.IdentityError, ValueError) as refused:
        raise IntegrityFailure("this passphrase does not open the backup, or the backup is damaged") from refused


@contextlib.contextmanager
def _decrypted(source: BinaryIO, identity: pyrage.x25519.Identity) -> Iterator[BinaryIO]:
    """The plaintext as a stream. Ends with IntegrityFailure unless age says that it was whole."""
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def decrypt() -> None:
        try:
            with os.fdopen(writing, "wb") as sink:
                pyrage.decrypt_io(source, sink, [identity])
        except BaseException as failed:  # noqa: BLE001 - raised below, in the thread that waits
            failures.append(failed)

    thread = threading.Thread(target=decrypt, daemon=True)
    thread.start()
    with os.fdopen(reading, "rb") as stream:
        try:
            yield stream
            if any(stream.read(tarfile.RECORDSIZE)):
                raise IntegrityFailure(_DAMAGED)
            while stream.read(_PIECE):
                pass
        finally:
            stream.close()
            thread.join()
    if failures:
        raise IntegrityFailure(_DAMAGED) from failures[0]


def _unpacked(archive: tarfile.TarFile, folder: Path) -> int:
    found: dict[str, list[object]] = {}
    listed: object = None
    for info in archive:
        if listed is not None or not info.isreg():
            raise IntegrityFailure(_DAMAGED)
        data = archive.extractfile(info)
        assert data is not None  # noqa: S101 - for mypy: it is a plain file
        if info.name == MANIFEST:
            listed = json.loads(data.read())
            continue
        found[info.name] = _put(folder, _placed(info.name), data, info)
    if listed != found or STATE not in found:
        raise IntegrityFailure(_DAMAGED)
    return len(found)


def _placed(name: str) -> PurePosixPath:
    """Where a member may lie: in one of the rooms, or as one of the show's own files. Raises IntegrityFailure otherwise."""
    path = PurePosixPath(name)
    inside = len(path.parts) > 1 and path.parts[0] in ROOMS and ".." not in path.parts
    if path.is_absolute() or not (inside or name in (STATE, GONE)) or path.as_posix() != name:
        raise IntegrityFailure(_DAMAGED)
    return path


def _put(folder: Path, path: PurePosixPath, data: IO[bytes], info: tarfile.TarInfo) -> list[object]:
    public = path.parts[0] == PUBLIC
    target, digest, size = folder / path, hashlib.sha256(), 0
    try:
        files.make_folder(target.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with files.resources(), os.fdopen(os.open(target, flags, files.PRIVATE_FILE), "wb") as file:
            while piece := data.read(_PIECE):
                size += len(piece)
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if public:
            target.chmod(0o644)
            os.utime(target, (info.mtime, info.mtime))
    except FileExistsError as twice:
        raise IntegrityFailure(_DAMAGED) from twice
    except OSError as failed:
        raise EnvironmentFailure("the folder cannot be written; check the disk's space and permissions") from failed
    return [size, digest.hexdigest()]
