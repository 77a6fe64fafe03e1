"""The bytes of a cut: read once into memory, served in ranges, and never in a file in clear.

What a browser plays is what the studio holds under the digest in the address: the address names no path, and another digest
is another file. How many bytes of it were really sent to a session is told to whoever counts.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Response, request

if TYPE_CHECKING:
    from stablecast.studio import Studio
    from stablecast.studio.reviews import FileView

MOST_BYTES = 512 * 1024**2
FRESH_S = 1.0  # how long a cut counts as current without being looked up again
_PIECE: Final = 64 * 1024
_RANGE: Final = re.compile(r"bytes=(.*)", re.ASCII)
_ONE: Final = re.compile(r"[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)

Taken = Callable[[int, int], None]


class Shelf:
    """Files of frozen cuts, in memory up to a bound; the one that was not asked for longest makes room."""

    def __init__(self, studio: Studio, *, most_bytes: int = MOST_BYTES, fresh_s: float = FRESH_S) -> None:
        self._studio, self._most_bytes, self._fresh_s = studio, most_bytes, fresh_s
        self._kept: OrderedDict[tuple[str, str, str], FileView] = OrderedDict()
        self._current: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()  # also so that a file is read once, however many ask for it

    def file(self, episode: str, digest: str, kind: str) -> FileView:
        """A file of the frozen cut. Raises GateClosed where `digest` is not it (any more), and what `cut_file` raises."""
        gone = self._studio.withdrawn()  # asked each time: another command may have withdrawn or destroyed it
        with self._lock:
            for slug in {kept[0] for kept in self._kept} & gone:
                self._drop(slug)
            key = (episode, digest, kind)
            found = self._kept.get(key)
            if found is not None and self._is_current(episode, digest):
                self._kept.move_to_end(key)
                return found
            self._kept.pop(key, None)
            found = self._studio.cut_file(episode, digest, kind)
            self._current[episode] = (digest, time.monotonic())
            self._kept[key] = found
            while len(self._kept) > 1 and sum(len(file.data) for file in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
            return found

    def _is_current(self, episode: str, digest: str) -> bool:
        known, at = self._current.get(episode, ("", 0.0))
        if time.monotonic() - at > self._fresh_s:
            known = self._studio.cut(episode).digest
            self._current[episode] = (known, time.monotonic())
        return known == digest

    def forget(self, episode: str) -> None:
        """Let go of an episode's files: it was withdrawn."""
        with self._lock:
            self._drop(episode)

    def _drop(self, episode: str) -> None:
        for key in [key for key in self._kept if key[0] == episode]:
            del self._kept[key]
        self._current.pop(episode, None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The bytes from `start` to before `stop`."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """Nothing of the file lies in the range that was asked for."""


def wanted(header: str | None, size: int) -> Stretch | None:
    """The one stretch that a `Range` asks for; None where the whole file is the answer (RFC 9110, section 14.2).

    Several ranges are answered with the whole, which a server may do: no answer is ever longer than the file.
    Raises Unsatisfiable.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None:
        return None
    found: list[Stretch | None] = []
    for part in match[1].split(","):
        one = _ONE.fullmatch(part)
        if one is None or one[1] == one[2] == "":
            return None  # not in the grammar: as if it was not there
        first, last = one[1], one[2]
        if first and last and int(last) < int(first):
            return None
        if not first:
            found.append(Stretch(max(0, size - int(last)), size) if int(last) and size else None)
        else:
            stop = min(size, int(last) + 1) if last else size
            found.append(Stretch(int(first), stop) if int(first) < size else None)
    some = [stretch for stretch in found if stretch is not None]
    if not some:
        raise Unsatisfiable
    return some[0] if len(found) == 1 else None


class Window(io.RawIOBase):
    """A stretch of bytes as a file that can be read and sought in; what is passed over forwards was taken, and is told."""

    def __init__(self, data: bytes, stretch: Stretch, taken: Taken) -> None:
        self._data, self._stretch, self._taken, self._at = data, stretch, taken, 0
        self._length = stretch.stop - stretch.start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Waitress looks at some bytes, goes back, and moves on by as many as the socket took: that step is what is told."""
        if whence == io.SEEK_CUR and offset > 0:
            self._tell_taken(offset)
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, min(self._length, start + offset))
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._length if size < 0 else min(self._length, self._at + size)
        piece = self._data[self._stretch.start + self._at : self._stretch.start + stop]
        self._at = stop
        return piece

    def pieces(self) -> Iterator[bytes]:
        """All of it, for a server that knows no files."""
        while piece := self.read(_PIECE):
            self._at -= len(piece)
            self.seek(len(piece), io.SEEK_CUR)
            yield piece

    def _tell_taken(self, length: int) -> None:
        start = self._stretch.start + self._at
        self._taken(start, min(self._stretch.stop, start + length))


def _uncounted(_start: int, _stop: int) -> None:
    """For what need not be heard to the end."""


def answer(file: FileView, tag: str, taken: Taken = _uncounted) -> Response:
    """A file, or the range of it that this request asks for; `taken` is told which bytes went out."""
    size, etag = len(file.data), f'"{tag}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag}
    ranged = request.headers.get("Range") if request.headers.get("If-Range", etag) == etag else None
    try:
        stretch = wanted(ranged, size)
    except Unsatisfiable:
        return Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    status = 200 if stretch is None else 206
    stretch = stretch or Stretch(0, size)
    if status == 206:
        headers["Content-Range"] = f"bytes {stretch.start}-{stretch.stop - 1}/{size}"
    headers["Content-Length"] = str(stretch.stop - stretch.start)
    if request.method == "HEAD":
        return Response(status=status, headers=headers, content_type=file.media_type)
    window = Window(file.data, stretch, taken)
    wrapper = request.environ.get(
        "wsgi.file_wrapper"
    )  # takes bytes as the socket does: no thread waits for a slow listener
    body = wrapper(window, _PIECE) if wrapper else window.pieces()
    return Response(body, status=status, headers=headers, content_type=file.media_type, direct_passthrough=True)
