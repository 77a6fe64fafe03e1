"""Sealed files: age (age-encryption.org/v1) under one key an episode, so that destroying the key destroys the episode.

Inside the seal a file begins with one line, `stablecast 1 <role>`, that ties it to its place (a blob moved or renamed to
another place is refused), then a value as one line of JSON, then the bytes or samples that belong to it, if any. Digests are
HMAC-SHA256 under the episode's own key: they prove nothing to who lacks the key, and die with it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import queue
import secrets
import threading
import typing
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyrage

from stablecast import codecs
from stablecast.errors import IntegrityFailure
from stablecast.model import BLOCK_SAMPLES, Block, Digest, Waveform
from stablecast.store.files import replacing

_CHUNK, _TAG, _NONCE = 65_536, 16, 16  # age's STREAM: plaintext a chunk, authentication tag a chunk, nonce before all
_FULL_SCALE = 32_767

T = typing.TypeVar("T")


@dataclass(frozen=True, slots=True)
class EpisodeKeys:
    """What opens one episode. Never shown."""

    identity: str = field(repr=False)  # age X25519 secret key
    mac: bytes = field(repr=False)  # key of the episode's digests

    @classmethod
    def fresh(cls) -> EpisodeKeys:
        """New keys from the operating system's generator."""
        return cls(str(pyrage.x25519.Identity.generate()), secrets.token_bytes(32))

    def digest(self, data: bytes) -> Digest:
        """The keyed digest of `data`."""
        return Digest(hmac.digest(self.mac, data, "sha256").hex())


@dataclass(frozen=True, slots=True)
class Stored:
    """What a receipt remembers of a sealed file."""

    digest: Digest  # HMAC of what is inside
    sealed: Digest  # sha256 of the file as it lies on the disk


class _Reader:
    """The file-like end that age reads plaintext from, digesting it as it goes."""

    def __init__(self, chunks: Iterable[bytes], mac: hmac.HMAC) -> None:
        self._chunks, self._left, self._mac = iter(chunks), memoryview(b""), mac
        self.failed: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as failed:
            self.failed = failed  # pyrage would turn it into an error of its own: kept, to be raised again
            raise
        piece = bytes(self._left if size < 0 else self._left[:size])
        self._left = self._left[len(piece) :]
        self._mac.update(piece)
        return piece


class _Writer:
    """The file-like end that age writes ciphertext to, digesting it as it goes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.sha256 = file, hashlib.sha256()
        self.failed: BaseException | None = None

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        try:
            return self._file.write(data)
        except BaseException as failed:
            self.failed = failed
            raise

    def flush(self) -> None:
        self._file.flush()


def write_value(path: Path, role: str, value: object, keys: EpisodeKeys) -> Stored:
    """Seal a frozen value into `path`, in one step."""
    return _write(path, role, value, [], keys)


def write_data(path: Path, role: str, value: object, data: bytes, keys: EpisodeKeys) -> Stored:
    """Seal a frozen value and the bytes that belong to it."""
    return _write(path, role, value, [data], keys)


def write_audio(
    path: Path, role: str, value: object, rate_hz: int, blocks: Iterable[Block], keys: EpisodeKeys
) -> Stored:
    """Seal a frozen value and its mono audio as 16-bit samples, block by block. What `blocks` raises is raised."""

    def pcm() -> Iterator[bytes]:
        for block in blocks:
            yield np.rint(np.clip(block, -1, 1) * _FULL_SCALE).astype("<i2").tobytes()

    return _write(path, role, Audible(rate_hz, codecs.plain(value)), pcm(), keys)


def sealed_value(role: str, value: object, keys: EpisodeKeys) -> bytes:
    """A frozen value, sealed, for a place that is not a file of its own."""
    recipient = pyrage.x25519.Identity.from_str(keys.identity).to_public()
    return bytes(pyrage.encrypt(_first_line(role) + codecs.canonical(value) + b"\n", [recipient]))


def opened_value(sealed: bytes, role: str, kind: type[T], keys: EpisodeKeys) -> T:
    """What `sealed_value` sealed. Raises IntegrityFailure when it is altered, from another place, or under another key."""
    try:
        data = bytes(pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(keys.identity)]))
    except pyrage.DecryptError as refused:
        raise IntegrityFailure(
            "a sealed value is damaged, or not for this key; restore the show from its backup"
        ) from refused
    line, newline, _ = data.removeprefix(_first_line(role)).partition(b"\n")
    return _valued(kind, line, newline)


def read_value(path: Path, role: str, kind: type[T], keys: EpisodeKeys) -> T:
    """What was sealed. Raises IntegrityFailure when it is missing, altered, from another place, or under another key."""
    return read_data(path, role, kind, keys)[0]


def read_data(path: Path, role: str, kind: type[T], keys: EpisodeKeys) -> tuple[T, bytes]:
    """A sealed value and its bytes. Raises IntegrityFailure likewise."""
    head, data = b"", io.BytesIO()  # which gives back what it holds without a second copy: it may be hours of sound
    newline = b""
    for chunk in _opened(path, role, keys):
        if newline:
            data.write(chunk)
            continue
        head, newline, rest = (head + chunk).partition(b"\n")
        data.write(rest)
    return _valued(kind, head, newline), data.getvalue()


def read_notes(path: Path, role: str, kind: type[T], keys: EpisodeKeys) -> tuple[T, int]:
    """A sealed value, and the number of bytes that belong to it: of these no more is opened than lies beside the value."""
    chunks = _opened(path, role, keys)
    try:
        head = b""
        for chunk in chunks:
            head += chunk
            if b"\n" in head:
                break
    finally:
        chunks.close()
    line, newline, _ = head.partition(b"\n")
    return _valued(kind, line, newline), plaintext_length(path) - len(_first_line(role)) - len(line) - 1


def read_audio(path: Path, role: str, kind: type[T], keys: EpisodeKeys) -> tuple[T, Waveform]:
    """A sealed value and its audio, which is decrypted in memory each time it is read and never kept."""
    audible, size = read_notes(path, role, Audible, keys)
    skip, length = plaintext_length(path) - len(_first_line(role)) - size, size // 2

    def blocks() -> Iterator[Block]:
        chunks = _opened(path, role, keys)
        try:
            left, unread = b"", skip
            for chunk in chunks:
                left += chunk[unread:]
                unread = max(0, unread - len(chunk))
                whole = len(left) // 2 * 2
                if whole >= 2 * BLOCK_SAMPLES:
                    yield _samples(left[:whole])
                    left = left[whole:]
            if left:
                yield _samples(left)
        finally:
            chunks.close()

    return _fitting(lambda: codecs.read(kind, dict(audible.value))), Waveform(audible.rate_hz, length, blocks)


def digest_elsewhere(path: Path, role: str, keys: EpisodeKeys, other_role: str, other_keys: EpisodeKeys) -> Digest:
    """The digest that what is sealed here would have in another place and under another key. It is read once, in pieces."""
    mac = hmac.new(other_keys.mac, _first_line(other_role), digestmod="sha256")
    for chunk in _opened(path, role, keys):
        mac.update(chunk)
    return Digest(mac.hexdigest())


@dataclass(frozen=True, slots=True)
class Nothing:
    """The value of audio that needs no words."""


@dataclass(frozen=True, slots=True)
class Audible:
    """The value line of a sealed file with audio."""

    rate_hz: int
    value: Mapping[str, object]


def _valued(kind: type[T], line: bytes, newline: bytes) -> T:
    if not newline:
        raise IntegrityFailure("a sealed file is damaged; restore the show from its backup")
    return _fitting(lambda: codecs.parsed(kind, line))


def _fitting(read: Callable[[], T]) -> T:
    try:
        return read()
    except ValueError as unfit:
        raise IntegrityFailure("a sealed file is of another version; run the episode again") from unfit


def _write(path: Path, role: str, value: object, chunks: Iterable[bytes], keys: EpisodeKeys) -> Stored:
    recipient = pyrage.x25519.Identity.from_str(keys.identity).to_public()
    mac = hmac.new(keys.mac, digestmod="sha256")

    def whole() -> Iterator[bytes]:
        yield _first_line(role) + codecs.canonical(value) + b"\n"
        yield from chunks

    with replacing(path) as file:
        reader, writer = _Reader(whole(), mac), _Writer(file)
        try:
            pyrage.encrypt_io(reader, writer, [recipient])
        except Exception as failed:  # noqa: BLE001 - age wraps what its ends raised: the first cause is raised again
            raise (reader.failed or writer.failed or failed) from None
        return Stored(Digest(mac.hexdigest()), Digest(writer.sha256.hexdigest()))


def _samples(data: bytes) -> Block:
    samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
    samples.setflags(write=False)
    return samples


def _first_line(role: str) -> bytes:
    return f"stablecast 1 {role}\n".encode()


def _opened(path: Path, role: str, keys: EpisodeKeys) -> Generator[bytes]:
    """The plaintext after the first line, pulled out of age's push interface by a thread and a short queue."""
    identity = pyrage.x25519.Identity.from_str(keys.identity)
    pipe: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=8)
    stop = threading.Event()

    class Sink:
        def write(self, data: bytes) -> int:
            put(bytes(data))
            return len(data)

        def flush(self) -> None:
            pass

    def put(item: bytes | BaseException | None) -> None:
        while not stop.is_set():
            try:
                return pipe.put(item, timeout=0.1)
            except queue.Full:
                continue
        raise BrokenPipeError

    def decrypt() -> None:
        try:
            with path.open("rb") as file:
                pyrage.decrypt_io(file, Sink(), [identity])
            put(None)
        except BaseException as failed:  # noqa: BLE001 - handed to the reader, who raises it
            if not stop.is_set():
                put(failed)

    thread = threading.Thread(target=decrypt, daemon=True)
    thread.start()
    expected, head = _first_line(role), b""
    try:
        while (item := pipe.get()) is not None:
            if isinstance(item, BaseException):
                raise IntegrityFailure(
                    "a sealed file is missing, damaged, or not for this key; restore the show from its backup"
                ) from item
            if expected:
                head += item
                if len(head) < len(expected):
                    continue
                if not head.startswith(expected):
                    raise IntegrityFailure("a sealed file is not in its place; restore the show from its backup")
                item, expected = head[len(expected) :], b""
                if not item:
                    continue
            yield item
        if expected:
            raise IntegrityFailure("a sealed file is damaged; restore the show from its backup")
    finally:
        stop.set()
        thread.join()


def plaintext_length(path: Path) -> int:
    """Bytes inside an age file, by its length: after the header come a nonce and chunks of 64 KiB with a tag each."""
    with path.open("rb") as file:
        head = file.read(_CHUNK)
    start = head.find(b"\n--- ")
    end = head.find(b"\n", start + 1)
    if start < 0 or end < 0:
        raise IntegrityFailure("a sealed file is damaged; restore the show from its backup")
    payload = path.stat().st_size - (end + 1) - _NONCE
    return payload - _TAG * -(-payload // (_CHUNK + _TAG))


def fingerprint(path: Path) -> Digest:
    """sha256 of a file as it lies on the disk."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())
