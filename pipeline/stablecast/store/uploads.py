"""Recordings on their way in from a browser: every piece sealed as it comes, put together in memory alone.

The key is made when the server starts and is nowhere but in its memory: what is left of an upload after the server ended opens
for nobody, and is removed when the next one starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from stablecast.errors import EnvironmentFailure, GateClosed, InputRefused, IntegrityFailure, UsageRefused
from stablecast.store import files

MOST_BYTES: Final = 4 * 1024**3  # of all that is on its way: put together it has to fit into memory
MOST: Final = 16
PIECE_BYTES: Final = 8 * 1024**2
_SEALS: Final = ("F_SEAL_WRITE", "F_SEAL_GROW", "F_SEAL_SHRINK", "F_SEAL_SEAL")


@dataclass(slots=True)
class _Upload:
    name: str = field(repr=False)
    size: int
    pieces: list[int] = field(default_factory=list)  # their lengths
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def arrived(self) -> int:
        return sum(self.pieces)


@dataclass(frozen=True)
class Uploaded:
    """A recording that arrived whole."""

    name: str = field(repr=False)  # what its file was called; sealed with the episode
    _uploads: Uploads = field(repr=False)
    _id: str

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, in a file that has no name and lies in memory; nobody can change it any more."""
        with self._uploads._opened(self._id) as file:
            yield file


class Uploads:
    """What is on its way into one show. The folder is emptied first, and is gone after `close`."""

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES, most: int = MOST) -> None:
        self._folder, self._most_bytes, self._most = folder, most_bytes, most
        self._key = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        self._kept: dict[str, _Upload] = {}
        self._lock = threading.Lock()
        self.close()

    def begin(self, name: str, size: int) -> str:
        """Make room for a recording of `size` bytes; what it is known by. Raises InputRefused, GateClosed."""
        if size <= 0:
            raise InputRefused("the file is empty: copy it again from the recorder")
        with self._lock:
            if len(self._kept) >= self._most:
                raise GateClosed("too many recordings are on their way; add or remove some of them first")
            if size + sum(upload.size for upload in self._kept.values()) > self._most_bytes:
                raise InputRefused(
                    f"the recordings are larger than {self._most_bytes / 1024**3:.3g} GiB together: "
                    "add them with `stablecast add`, or export the sound alone"
                )
            known_by = secrets.token_hex(16)
            with files.resources():
                files.make_folder(self._folder / known_by)
            self._kept[known_by] = _Upload(name, size)
        return known_by

    def arrived(self, known_by: str) -> int:
        """How many bytes are here: where the next piece begins. Raises UsageRefused where there is no such upload."""
        return self._upload(known_by).arrived

    def put(self, known_by: str, start: int, piece: bytes) -> int:
        """The next piece; how many bytes are here then. Raises GateClosed for a piece that is not the next one."""
        upload = self._upload(known_by)
        with upload.lock:
            if start != upload.arrived:
                raise GateClosed("another piece is the next one; ask how much has arrived, and go on there")
            if not piece or len(piece) > PIECE_BYTES or start + len(piece) > upload.size:
                raise InputRefused("this piece does not fit; remove the recording and add it again")
            number = len(upload.pieces)
            sealed = self._key.encrypt(_nonce(known_by, number), piece, known_by.encode())
            path = self._path(known_by, number)
            with files.resources():
                path.unlink(missing_ok=True)  # what a full disk left of it
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, files.PRIVATE_FILE)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(sealed)
            upload.pieces.append(len(piece))
            return upload.arrived

    def whole(self, known_by: str) -> Uploaded:
        """A recording of which everything is here. Raises GateClosed while something is missing."""
        upload = self._upload(known_by)
        if upload.arrived != upload.size:
            raise GateClosed("a recording has not arrived whole yet; wait for it")
        return Uploaded(upload.name, self, known_by)

    def drop(self, known_by: str) -> None:
        """Let go of a recording, if it is there."""
        with self._lock:
            if self._kept.pop(known_by, None) is not None:
                shutil.rmtree(self._folder / known_by, ignore_errors=True)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._kept.clear()
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _opened(self, known_by: str) -> Iterator[BinaryIO]:
        upload = self._upload(known_by)
        if not hasattr(os, "memfd_create"):
            raise EnvironmentFailure("this system keeps no files in memory; add the recording with `stablecast add`")
        with contextlib.ExitStack() as stack:
            descriptor = os.memfd_create("recording", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            file = stack.enter_context(os.fdopen(descriptor, "r+b", buffering=0))
            with files.resources():
                for number in range(len(upload.pieces)):
                    file.write(self._piece(known_by, number))
            file.seek(0)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, sum(getattr(fcntl, name) for name in _SEALS))
            yield file

    def _piece(self, known_by: str, number: int) -> bytes:
        try:
            sealed = self._path(known_by, number).read_bytes()
            return self._key.decrypt(_nonce(known_by, number), sealed, known_by.encode())
        except (OSError, InvalidTag) as damaged:
            raise IntegrityFailure("a recording was damaged on its way; remove it and add it again") from damaged

    def _path(self, known_by: str, number: int) -> Path:
        return self._folder / known_by / str(number)

    def _upload(self, known_by: str) -> _Upload:
        found = self._kept.get(known_by)
        if found is None:
            raise UsageRefused("this recording is not on its way any more; add it again")
        return found


def _nonce(known_by: str, number: int) -> bytes:
    """Never the same twice under one key: eight bytes of a random name, and a piece's number."""
    return bytes.fromhex(known_by)[:8] + number.to_bytes(4, "big")


Recording = Path | Uploaded
