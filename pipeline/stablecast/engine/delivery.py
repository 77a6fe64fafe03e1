"""What has to change at a place elsewhere so that it holds the public tree, in which order, and how each file is to be served.

The place has the feed last, so that a feed never names a file that is not there; when something is taken back it has the feed
first, so that nobody is sent to what is about to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from stablecast.model import Digest
from stablecast.stages.publish import FEED

_INDEX: Final = PurePosixPath("index.html")

_TYPES: Final = {
    ".xml": "application/rss+xml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".vtt": "text/vtt; charset=utf-8",
    ".srt": "application/x-subrip; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".opus": "audio/ogg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_CHAPTERS: Final = "application/json+chapters; charset=utf-8"

SOUND: Final = "public, max-age=31536000, s-maxage=300, immutable"
"""The name of a sound holds its digest, so a listener may keep it for good; caches shared by many ask again after 5 minutes, or
a withdrawal would not reach them (RFC 9111, section 5.2.2.10)."""
REST: Final = "public, max-age=300"
"""Feed, pages and captions change under their names, and a withdrawal must be seen soon."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it should lie there."""

    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. Nothing but these paths is touched."""

    send: tuple[PurePosixPath, ...]  # new and replaced, in this order: sounds and captions, pages, the feed
    replace: frozenset[PurePosixPath]  # those of `send` in whose place another file of ours lies
    delete: tuple[PurePosixPath, ...]  # ours, and wanted no more; after everything was sent
    same: tuple[PurePosixPath, ...]
    foreign: tuple[PurePosixPath, ...]  # in the way, and not put there by us


def plan(
    wanted: Mapping[PurePosixPath, File], ours: Mapping[PurePosixPath, str], there: Mapping[PurePosixPath, int]
) -> Plan:
    """How a place comes to hold `wanted`.

    `ours`: what we put there, by SHA-256 ("" where it is not known which file of ours it is). `there`: what lies there by size;
    nothing of it is ours unless `ours` says so.
    """
    same = {
        path for path, file in wanted.items() if ours.get(path) == file.digest and there.get(path) == file.size_bytes
    }
    return Plan(
        send=in_order(wanted.keys() - same),
        replace=frozenset(path for path in wanted.keys() - same if path in there),
        delete=tuple(sorted(ours.keys() - wanted.keys())),
        same=tuple(sorted(same)),
        foreign=tuple(sorted(path for path in wanted if path in there and path not in ours)),
    )


def in_order(paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Every file before those that lead to it."""

    def rank(path: PurePosixPath) -> tuple[int, PurePosixPath]:
        return (3 if path == FEED else 2 if path == _INDEX else 1 if path.suffix == ".html" else 0, path)

    return tuple(sorted(paths, key=rank))


def media_type(path: PurePosixPath) -> str:
    """How a file of the public tree is to be served."""
    if path.suffix == ".json" and path.parts[0] == "chapters":
        return _CHAPTERS
    return _TYPES.get(path.suffix, "application/octet-stream")


def cache_control(path: PurePosixPath) -> str:
    """How long a file of the public tree may be kept by whoever fetched it."""
    return SOUND if path.parts[0] == "media" else REST
