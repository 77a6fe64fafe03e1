"""What a web server really answers for what was sent to it: whether apps can play it, read it, and forget it in time."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from stablecast.engine import delivery
from stablecast.stages.publish import FEED

TIMEOUT_S = 10.0
LONGEST_REST_S = 3600  # a feed or page that is kept for longer shows what was withdrawn for longer
LONGEST_SHARED_S = 86400  # a cache between us and listeners that keeps a sound for longer plays what was withdrawn
_RANGE_BYTES = 16
_ACROSS = ("captions", "chapters")  # read by players on other sites, so those have to be allowed to
_MAGIC = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: the status and the headers, names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def problems(public_url: str, files: Mapping[PurePosixPath, int]) -> tuple[str, ...]:
    """What is wrong with how `files` (path → size in bytes) are served below `public_url`: sentences, each with what to do.

    The feed, and the newest of each kind among the rest that are given. Raises nothing.
    """
    base = public_url if public_url.endswith("/") else f"{public_url}/"
    if urlsplit(base).scheme not in ("http", "https"):
        return ("this place has no public_url that begins with https://, so nothing could be looked at",)
    found = []
    if urlsplit(base).scheme == "http" and not (urlsplit(base).hostname or "").startswith(("127.", "localhost")):
        found.append("listeners come without TLS, so others can see what they hear; serve it under https://")
    for path, size in sorted(files.items(), key=lambda item: (item[0] != FEED, item[0])):
        try:
            found += [f"{path}: {problem}" for problem in _of(base + quote(path.as_posix()), path, size)]
        except (OSError, http.client.HTTPException, ValueError):
            found.append(f"{path}: no answer; look whether public_url is right and the server is up")
            break
    return tuple(found)


def _of(url: str, path: PurePosixPath, size: int) -> Iterator[str]:
    head = _asked("HEAD", url)
    if head.status != 200:
        yield f"the server answers {head.status} instead of 200; look whether it serves the folder that was sent to"
        return
    yield from _headers(path, head, size)
    if path.parts[0] == "media":
        part = _asked("GET", url, {"Range": f"bytes=0-{_RANGE_BYTES - 1}"})
        said = re.fullmatch(r"bytes 0-(\d+)/(\d+)", part.headers.get("content-range", ""))
        if part.status != 206 or said is None or int(said[2]) != size or len(part.body) != _RANGE_BYTES:
            yield "asked for a part, the server sends all of it, so nobody can skip; switch range requests on"


def _headers(path: PurePosixPath, head: Answer, size: int) -> Iterator[str]:
    wanted = delivery.media_type(path)
    given = head.headers.get("content-type", "")
    allowed = {wanted, "text/xml", "application/xml"} if path == FEED else {wanted}
    if _essence(given) not in map(_essence, allowed):
        yield f"its type is {_essence(given) or 'not given'} and should be {_essence(wanted)}; set the server's types"
    length = head.headers.get("content-length")
    if length is not None and "content-encoding" not in head.headers and int(length) != size:
        yield "the server has another file than the one that was sent; a cache in between may keep the old one: empty it"
    if path.parts[0] == "media" and head.headers.get("accept-ranges", "") != "bytes":
        yield "the server does not say that parts can be asked for (Accept-Ranges: bytes); switch range requests on"
    if path.parts[0] in _ACROSS and head.headers.get("access-control-allow-origin", "") != "*":
        yield "players on other sites may not read it; send Access-Control-Allow-Origin: *"
    yield from _cached(path, head.headers.get("cache-control", ""))


def _cached(path: PurePosixPath, said: str) -> Iterator[str]:
    ages = {name: int(age) for name, age in re.findall(r"(s-maxage|max-age)=(\d+)", said.lower())}
    if not ages and "no-cache" not in said and "no-store" not in said:
        yield f"the server does not say how long it may be kept; send Cache-Control: {delivery.cache_control(path)}"
        return
    sound = path.parts[0] == "media"
    shared = ages.get("s-maxage", ages.get("max-age", 0))
    if shared > (LONGEST_SHARED_S if sound else LONGEST_REST_S) or (
        not sound and ages.get("max-age", 0) > LONGEST_REST_S
    ):
        yield (
            "caches may keep it so long that a withdrawal comes late; "
            f"send Cache-Control: {delivery.cache_control(path)}"
        )


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


class _SameScheme(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme not in ("http", "https"):
            return None
        followed = super().redirect_request(req, fp, code, msg, headers, newurl)
        if followed is not None and req.get_method() == "HEAD":
            followed.method = "HEAD"
        return followed


_OPENER = urllib.request.build_opener(_SameScheme)


def _asked(method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "Stablecast", **(headers or {})})  # noqa: S310 - http and https alone
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read(_MAGIC))
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, {k.lower(): v for k, v in refused.headers.items()})


def ping(hub: str, feed_url: str) -> bool:
    """Tell a WebSub hub that the feed has changed (W3C WebSub, section 7); whether it took it."""
    if urlsplit(hub).scheme not in ("http", "https"):
        return False
    body = f"hub.mode=publish&hub.url={quote(feed_url, safe='')}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Stablecast"}
    request = urllib.request.Request(hub, data=body, headers=headers, method="POST")  # noqa: S310 - as above
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return 200 <= int(answer.status) < 300
    except (OSError, http.client.HTTPException, ValueError):
        return False
