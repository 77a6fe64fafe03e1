"""The web server's guard, by the numbers of the project's list of attacks (T20–T25, T27, T28, T32–T35).

Each check runs twice: against the app as it is, and against one whose control is left out, where it has to fail.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint

from desks import AUDIO, DIGEST, EPISODE, MEDIA, Browser, Served, StandIn, serve
from stablecast.studio.reviews import FileView
from stablecast.web import frame, guard
from stablecast.web.app import ROOMS, create_app
from stablecast.web.frame import ANYBODY
from stablecast.web.guard import GATES, HEADERS

PAGES = ("/", "/health", "/board", "/static/base.css", "/nothing-here", MEDIA, "/me")
EVIL = "https://evil.example"


def without(controls: tuple[Any, ...], control: object) -> tuple[Any, ...]:
    assert control in controls
    return tuple(other for other in controls if other is not control)


# --- what is not ours ------------------------------------------------------------------------------------------------------


def raw(at: Served, text: bytes, *, wait_s: float = 5.0) -> bytes:
    """Bytes as they are, and what came back until the server closed or went silent."""
    with socket.create_connection(("127.0.0.1", at.port), timeout=wait_s) as connection:
        connection.sendall(text)
        got = b""
        try:
            while piece := connection.recv(65_536):
                got += piece
        except OSError:  # closed, or silent
            pass
        return got


def hosts(at: Served) -> None:
    """T21: whoever asks for another name gets nothing, on every route."""
    who = at.signed_in("Rio")
    cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    ours = f"127.0.0.1:{at.port}"
    names = (
        "evil.example",
        f"evil.example:{at.port}",
        "127.0.0.1.evil.example",
        "localhost:9999",
        "127.0.0.1",
        f"{ours}.",
    )
    for path in PAGES:
        for name in names:
            reply = at.ask("GET", path, headers={"Host": name, "Cookie": cookie, "X-Forwarded-Host": ours})
            assert reply.status in (400, 421), (path, name)
            assert "set-cookie" not in reply.headers
            assert len(reply.body) < 100
    lines = f"GET {MEDIA} HTTP/1.1\r\nCookie: {cookie}\r\nConnection: close\r\n"
    for text in (
        f"{lines}\r\n",
        f"{lines}Host: {ours}\r\nHost: evil.example\r\n\r\n",
        f"{lines}Host: {ours}\r\nHost: {ours}\r\n\r\n",
        f"{lines.replace('GET ', 'GET http://evil.example')}Host: {ours}\r\n\r\n",
    ):
        assert raw(at, text.encode()).split(b" ")[1] in (b"400", b"421"), text
    forwarded = at.ask(
        "GET", MEDIA, headers={"Cookie": cookie, "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    )
    assert forwarded.status == 200  # nobody forwards to us, so what a forwarder would say is not heard


def every_unsafe_route(at: Served, *, opens: bool = True) -> Iterator[tuple[str, str]]:
    app = create_app(at.house)
    for rule in app.url_map.iter_rules():
        if app.view_functions[rule.endpoint].opens and not opens:  # type: ignore[attr-defined]
            continue
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            path = rule.rule.replace("<episode>", EPISODE)
            yield method, path.replace("<known_by>", "0" * 32)


def origins(at: Served) -> None:
    """T22, T35: what a page of another origin sends is refused, streams of events among it."""
    who = at.signed_in("Pia")
    for sent in (
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": f"http://127.0.0.1:{at.port + 1}"},
        {"origin": f"https://127.0.0.1:{at.port}"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ):
        for method, path in every_unsafe_route(at):
            reply = who.ask(method, path, b"{}", x_csrf=who.csrf, content_type="application/json", **sent)
            assert reply.status == 403, (method, path, sent)
    for path in (MEDIA, "/board/events"):
        reply = who.ask("GET", path, origin=EVIL, accept="text/event-stream")
        assert reply.status == 403
        reply = who.ask("GET", path, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")
        assert reply.status == 403
    assert at.studio.done == []
    assert who.ask("GET", "/me").status == 200  # still signed in: sign-out was refused as well


def tokens(at: Served) -> None:
    """T22: whatever changes something carries the CSRF token of its own session."""
    who, other, young = at.signed_in("Pia"), at.signed_in("Lea"), young_person(at)
    for method, path in every_unsafe_route(at, opens=False):  # who opens has no session yet, and brings a secret
        kind = "application/octet-stream" if method == "PATCH" else "application/json"
        for browser in (who, young):
            for token in ("", "0" * 64, other.csrf):
                reply = browser.ask(method, path, b"{}", x_csrf=token, content_type=kind, origin=at.origin)
                assert reply.status in (401, 403), (method, path, token, reply.status)
        form = "application/x-www-form-urlencoded"
        reply = who.ask("POST", path, b"csrf=" + other.csrf.encode(), content_type=form)
        assert reply.status in (401, 403, 405, 415)
    assert at.studio.done == []
    assert who.ask("GET", "/me").status == 200


def bodies(at: Served) -> None:
    """T22, T32: JSON says that it is JSON; nothing packed and nothing of several parts is taken."""
    who = at.signed_in("Pia")
    for kind in ("text/plain", "multipart/form-data; boundary=x", "", "application/xml"):
        reply = who.ask("POST", "/uploads", b'{"name": "x", "size": 1}', x_csrf=who.csrf, content_type=kind)
        assert reply.status == 403, kind
    packed = who.post("/uploads", {"name": "x", "size": 1}, content_encoding="gzip")
    assert packed.status == 415


def only_posts_change(at: Served) -> None:
    """T23: GET and HEAD change nothing, whatever they claim to be."""
    who = at.signed_in("Pia")
    for method, path in every_unsafe_route(at):
        for asked in ("GET", "HEAD"):
            reply = who.ask(asked, path, x_http_method_override=method, x_csrf=who.csrf)
            if reply.status != 200:  # some addresses can be read as well
                assert reply.status in (400, 401, 403, 404, 405, 409, 421), (asked, path)
            who.ask(asked, f"{path}?_method={method}", x_csrf=who.csrf)
    assert at.studio.done == []
    assert who.ask("GET", "/me").status == 200


def preflight(at: Served) -> None:
    """T24: nobody else's page is told that it may read or send anything."""
    for method in ("OPTIONS", "GET", "POST"):
        for path in PAGES:
            asked = {
                "Origin": EVIL,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-csrf",
            }
            reply = at.ask(method, path, headers=asked)
            assert not [name for name in reply.headers if name.startswith("access-control-")]
            assert method != "OPTIONS" or reply.status in (403, 405)


def headers(at: Served) -> None:
    """T25: every answer carries the whole set, refusals of the server itself among them."""
    who = at.signed_in("Pia")
    seen: dict[int, Mapping[str, str]] = {}
    for path in PAGES:
        reply = who.ask("GET", path)
        seen[reply.status] = reply.headers
        _check_headers(reply.headers)
    for reply in (
        who.ask("HEAD", MEDIA),
        who.ask("GET", MEDIA, range="bytes=0-9"),
        who.ask("GET", MEDIA, range="bytes=99999999-"),
        who.ask("PUT", "/"),
        who.post("/uploads", {"name": 5}),
        who.post("/board"),
        who.ask("GET", f"/episodes/{EPISODE}/lead"),
        at.ask("GET", "/", headers={"Host": "evil.example"}),
        at.ask("GET", "/board"),
        who.ask("GET", "/broken"),
        who.ask("POST", "/uploads", b"x" * 2_000_000, x_csrf=who.csrf, content_type="application/json"),
    ):
        seen[reply.status] = reply.headers
        _check_headers(reply.headers)
    for text in (
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 16_380 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ):
        head = raw(at, text).split(b"\r\n\r\n")[0].decode()
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
        seen[int(head.split(" ")[1])] = lines
        _check_headers(lines)
    assert {200, 206, 400, 401, 403, 404, 405, 413, 416, 421, 431, 500} <= set(seen)


def _check_headers(found: Mapping[str, str]) -> None:
    policy = dict(part.strip().split(" ", 1) for part in found["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    for part in ("frame-ancestors", "base-uri"):
        assert policy[part] == "'none'"
    assert policy["form-action"] == "'self'"
    assert {value for name, value in policy.items() if name != "require-trusted-types-for"} <= {"'none'", "'self'"}
    assert found["x-content-type-options"] == "nosniff"
    assert found["referrer-policy"] == "no-referrer"
    assert found["cache-control"] == "no-store"
    assert found["cross-origin-opener-policy"] == found["cross-origin-resource-policy"] == "same-origin"
    assert "permissions-policy" in found
    assert "server" not in found
    assert "x-powered-by" not in found


def traversal(at: Served) -> None:
    """T27: a media address is an episode, a digest and a kind; anything else is nothing, and says the same."""
    who = at.signed_in("Rio")
    bodies = set()
    other = "0" * 64
    for path in (
        f"/media/{EPISODE}/{DIGEST}/../../../../etc/passwd",
        f"/media/{EPISODE}/{DIGEST}/%2e%2e%2f%2e%2e%2fstablecast.sqlite",
        f"/media/{EPISODE}/{DIGEST}/audio%00.vtt",
        f"/media/{EPISODE}/{DIGEST}/..%5c..%5cstablecast.sqlite",
        f"/media/{EPISODE}/{DIGEST}/source",
        f"/media/{EPISODE}/{DIGEST}/captions.e/n.vtt",
        f"/media/{EPISODE}/../audio",
        "//etc/passwd",
        "/static/../strings/en.toml",
        "/static/%2e%2e%2fapp.py",
        "/static/app.py",
    ):
        reply = who.ask("GET", path)
        assert reply.status == 404, path
        bodies.add((reply.headers["content-type"], reply.body))
    assert len(bodies) == len({kind for kind, _ in bodies})
    for path in (f"/media/{EPISODE}/{other}/audio", f"/media/ep-002/{DIGEST}/audio"):
        assert who.ask("GET", path).status in (404, 409), path
    assert at.ask("GET", MEDIA).status == 401
    young = young_person(at)
    assert young.ask("GET", MEDIA).body == AUDIO
    assert young.ask("GET", f"/media/ep-002/{DIGEST}/audio").status == 404


def young_person(at: Served) -> Browser:
    """A young person's browser, after their link was opened in it."""
    young = Browser(at)
    link = at.studio.open_link(at.studio.link())
    young.cookies[f"yours-{at.port}"] = link.session
    return young


def ranges(at: Served) -> None:
    """T28: ranges are those of RFC 9110, bytes equal the file, and no answer is longer than it."""
    who, size = at.signed_in("Rio"), len(AUDIO)
    for asked, start, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=-1", size - 1, size),
        ("bytes=100-", 100, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes={size - 1}-{size - 1}", size - 1, size),
    ):
        reply = who.ask("GET", MEDIA, range=asked)
        assert reply.status == 206, asked
        assert reply.body == AUDIO[start:stop]
        assert reply.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        head = who.ask("HEAD", MEDIA, range=asked)
        assert (head.status, head.headers["content-length"], head.body) == (206, str(stop - start), b"")
    for asked in (f"bytes={size}-", "bytes=99999999-", "bytes=-0"):
        reply = who.ask("GET", MEDIA, range=asked)
        assert (reply.status, reply.headers["content-range"]) == (416, f"bytes */{size}"), asked
    for asked in ("bytes=5-2", "bytes=a-b", "bytes=", "lines=1-2", "bytes=0-0,5-9", "bytes=" + "0-0," * 3000 + "1-1"):
        reply = who.ask("GET", MEDIA, range=asked)
        assert reply.status == 200, asked[:30]
        assert reply.body == AUDIO
    assert who.ask("GET", MEDIA, range="bytes=" + "0-0," * 4_090).status == 431  # 10,000 of them as well
    assert who.ask("GET", MEDIA, range="bytes=0-9", if_range='"another"').body == AUDIO


def large(at: Served) -> None:
    """T32: what is too large is refused before it is read."""
    who = at.signed_in("Pia")
    sent = f"POST /uploads HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nContent-Type: application/json\r\n"
    assert b" 413 " in raw(at, f"{sent}Content-Length: 2147483648\r\n\r\n".encode())[:40]
    fields = b"&".join(b"a%d=" % number for number in range(1_000_000))
    reply = who.ask("POST", "/sign-in", fields[:7_000_000], content_type="application/x-www-form-urlencoded")
    assert reply.status in (403, 413)
    assert b" 431 " in raw(at, sent.encode() + b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\n")[:40]


def slow(at: Served) -> None:
    """T32: 200 slow senders keep nobody waiting."""
    held = []
    try:
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", at.port), timeout=5)
            connection.sendall(b"POST /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            held.append(connection)
        began = time.monotonic()
        assert at.ask("GET", "/health", timeout_s=3).body == b"ok\n"
        assert time.monotonic() - began < 2
    finally:
        for connection in held:
            connection.close()


def endless(at: Served) -> None:
    """T32: a body in chunks without end is refused once it is too large."""
    with socket.create_connection(("127.0.0.1", at.port), timeout=10) as connection:
        head = f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"40000\r\n" + b"a" * 0x40000 + b"\r\n"
        sent = 0
        try:
            for sent in range(64):  # noqa: B007
                connection.sendall(chunk)
        except OSError:
            pass
        assert sent < 63  # 16 MiB and the server still listened


def roles(at: Served) -> None:
    """T33: everybody does what is theirs to do: a reviewer is no producer and no lead; a link opens one episode."""
    rio, pia, lea = at.signed_in("Rio"), at.signed_in("Pia"), at.signed_in("Lea")
    assert pia.post("/uploads", {"name": "a.wav", "size": 5}).status == 200
    for who in (rio, lea):
        assert who.post("/uploads", {"name": "a.wav", "size": 5}).status == 403
        assert who.ask("GET", f"/episodes/{EPISODE}").status == 403
    for who in (rio, pia):
        assert who.ask("GET", f"/episodes/{EPISODE}/lead").status == 403
    young = young_person(at)
    for path in ("/board", "/me", f"/episodes/{EPISODE}", f"/episodes/{EPISODE}/review", f"/episodes/{EPISODE}/lead"):
        assert young.ask("GET", path).status in (401, 403), path
    nobody = at.launched()
    for path in ("/board", "/me", MEDIA):
        assert nobody.ask("GET", path).status == 401


def guesses(at: Served) -> None:
    """T33: a session's secret is not guessed: none of 1,000 tries is anybody's."""
    for number in range(1000):
        assert at.house.sessions.find(f"{number:043}") is None
    young = Browser(at)
    for number in range(20):
        young.cookies[f"yours-{at.port}"] = f"{number:043}"
        assert young.ask("GET", MEDIA).status == 401


Check = Callable[[Served], None]

_broken = Blueprint("broken", __name__)


@_broken.get("/broken")
@frame.page(ANYBODY)
def broken() -> str:
    """A page with a mistake in it, whose error quotes somebody."""
    raise ValueError("Amina said it")


_careless = Blueprint("careless", __name__)


@_careless.get("/sign-out")
@frame.page(ANYBODY)
def careless() -> str:
    """A page that changes something by being looked at."""
    frame.house().studio.done.append(("looked",))  # type: ignore[attr-defined]
    return ""


def _no_ranges(environ: dict[str, Any], _: guard.Address) -> None:
    environ.pop("HTTP_RANGE", None)


class _Obliging(StandIn):
    """A studio that gives out whatever is asked for."""

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        return FileView("audio/mpeg", self.audio)


@dataclass(frozen=True)
class Case:
    """A check, and the house without what it checks."""

    check: Check
    off: dict[str, Any] = field(default_factory=dict)
    studio: type[StandIn] = StandIn

    def __str__(self) -> str:
        return self.check.__name__


CASES = (
    Case(hosts, {"gates": without(GATES, guard.known_host)}),
    Case(origins, {"gates": without(GATES, guard.own_origin)}),
    Case(tokens, {"rules": without(frame.RULES, frame.own_token)}),
    Case(bodies, {"rules": without(frame.RULES, frame.known_body)}),
    Case(only_posts_change, {"rooms": (_careless, *ROOMS)}),
    Case(preflight, {"headers": {**HEADERS, "Access-Control-Allow-Origin": "*"}}),
    Case(headers, {"headers": {}}),
    Case(headers, {"headers": {**HEADERS, "Content-Security-Policy": "default-src 'self' 'unsafe-inline'"}}),
    Case(traversal, studio=_Obliging),
    Case(ranges, {"gates": (*GATES, _no_ranges)}),
    Case(large, {"served_with": {"body_bytes": 2**40}}),
    Case(slow, {"served_with": {"connections": 150}}),
    Case(endless, {"served_with": {"body_bytes": 2**40}}),
    Case(roles, {"admit": lambda audience, episode: None}),
)


@pytest.fixture(scope="module")
def house(show: Path) -> Iterator[Served]:
    """The app as it is."""
    with serve(StandIn(show), rooms=(*ROOMS, _broken)) as at:
        yield at


@pytest.mark.parametrize("check", [*dict.fromkeys(case.check for case in CASES), guesses])
def test_the_guard_holds(check: Check, house: Served) -> None:
    """T21–T25, T27, T28, T32, T33, T35: each check passes against the app as it is."""
    check(house)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_check_fails_when_its_control_is_off(case: Case, show: Path) -> None:
    """A check that cannot fail checks nothing: without its control it does."""
    off = {"rooms": (*ROOMS, _broken), **case.off}
    with serve(case.studio(show), **off) as at, pytest.raises((AssertionError, KeyError, OSError)):
        case.check(at)
