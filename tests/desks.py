"""A served house for tests: a real show with a stand-in for what takes long to make, the app on a real socket, and requests in
all their detail.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stablecast.errors import GateClosed
from stablecast.model import Role
from stablecast.store import accounts
from stablecast.studio import Studio, Uploads
from stablecast.studio.reviews import CutView, FileView, HeardView, LinkView, PersonView
from stablecast.web import served
from stablecast.web.app import MOST_BODY_BYTES, create_app
from stablecast.web.guard import Address
from stablecast.web.house import House

EPISODE = "ep-001"
PASSWORD = "a long password"
AUDIO = b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + bytes(range(256)) * 2000  # a tag of 20 bytes, then "sound"
DIGEST = hashlib.sha256(AUDIO).hexdigest()
DURATION_S = 40.0
MEDIA = f"/media/{EPISODE}/{DIGEST}/audio"

PEOPLE = {
    "Pia": PersonView("1" * 32, "Pia", (Role.PRODUCER,)),
    "Rio": PersonView("2" * 32, "Rio", (Role.REVIEWER,)),
    "Lea": PersonView("3" * 32, "Lea", (Role.LEAD,)),
}
_HASH = accounts.hashed(PASSWORD)


class StandIn(Studio):
    """A studio on a real show, in which one cut is there without anything having been made. `done` is what was changed."""

    def __init__(self, root: Path, *, text: str = "What helped") -> None:
        super().__init__(root, lambda: "correct horse")
        self.done: list[tuple[str, ...]] = []
        self.text = text
        self.people = dict(PEOPLE)
        self.links: dict[str, str] = {}  # token → episode, until it is used
        self.sessions: dict[str, LinkView] = {}
        self.audio = AUDIO

    @contextmanager
    def uploads(self) -> Iterator[Uploads]:
        """Without opening the keyring, which is slow by design."""
        yield Uploads(self.root / ".stablecast-uploads")

    def sign_in(self, name: str, password: str) -> PersonView:
        person = self.people.get(name)
        if not accounts.matches(password, _HASH if person else None) or person is None:
            raise GateClosed("the name and the password do not belong together; try again")
        return person

    def person(self, account: str) -> PersonView | None:
        return next((person for person in self.people.values() if person.id == account), None)

    def knows(self, episode: str) -> bool:
        return episode == EPISODE or super().knows(episode)

    def cut(self, episode: str) -> CutView:
        if episode != EPISODE:
            raise GateClosed("there is no cut of this episode yet; `stablecast run` makes one")
        text = self.text
        return CutView(
            episode=episode,
            digest=DIGEST,
            short=f"{DIGEST[:4]} {DIGEST[4:8]}",
            duration_s=DURATION_S,
            bytes=len(self.audio),
            title=text,
            summary=text,
            content_note=text,
            outcomes=(),
            speakers=(text,),
            consent=("recording",),
            method="resynthesis",
            made_at="2026-01-01T00:00:00+00:00",
            producer_name=text,
            changed=(),
            languages=("en",),
            approvals=(),
        )

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        if digest != self.cut(episode).digest:
            raise GateClosed("this is not the cut any more; reload the page")
        return FileView("audio/mpeg", self.audio) if kind == "audio" else FileView("text/vtt", b"WEBVTT\n")

    def heard(self, episode: str, who: str, digest: str, stretches: tuple[tuple[float, float], ...]) -> HeardView:
        self.done.append(("heard", episode, who, str(stretches)))
        return HeardView(0.0, False, (), 0.0)

    def link(self, episode: str = EPISODE) -> str:
        token = secrets.token_urlsafe(16)
        self.links[token] = episode
        return token

    def open_link(self, token: str) -> LinkView:
        episode = self.links.pop(token, None)
        if episode is None:
            raise GateClosed("this link was used already, or is too old; ask for a new one")
        secret = secrets.token_urlsafe(32)
        self.sessions[secret] = LinkView("1", episode, "4" * 32, False)
        return LinkView("1", episode, "4" * 32, False, secret)

    def link_session(self, secret: str) -> LinkView | None:
        return self.sessions.get(secret)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]  # by small names
    body: bytes
    cookies: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Browser:
    """Somebody's cookies and the CSRF token of their page."""

    served: Served
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """A request as a browser of ours sends it; `headers` in small letters with underscores add to it or replace it."""
        sent = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.served.ask(method, path, body, {name: value for name, value in sent.items() if value})
        for cookie in reply.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return reply

    def post(self, path: str, value: object = None, **headers: str) -> Reply:
        """JSON with the CSRF token."""
        sent = {"x_csrf": self.csrf, "content_type": "application/json", "origin": self.served.origin} | headers
        return self.ask("POST", path, json.dumps(value).encode(), **sent)

    def form(self, path: str, **fields: str) -> Reply:
        """A form of a page of ours, as a browser sends it: without an origin, since our pages name no referrer."""
        from urllib.parse import urlencode

        body = urlencode({"csrf": self.csrf, **fields}).encode()
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, body, content_type=kind, origin="null", sec_fetch_site="same-origin")

    def read_token(self, path: str = "/") -> None:
        found = re.search(rb'<meta name="csrf" content="([^"]*)"', self.ask("GET", path).body)
        assert found is not None
        self.csrf = found[1].decode()


@dataclass(frozen=True)
class Served:
    """A house on a socket."""

    house: House
    studio: Any

    @property
    def origin(self) -> str:
        return self.house.address.origin

    @property
    def port(self) -> int:
        return self.house.address.port

    def launch(self, path: str = "/") -> str:
        """An address that a new browser may be opened with, once."""
        return f"{self.origin}{path}#{self.house.launches.fresh()}"

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout_s: float = 20
    ) -> Reply:
        """One request without a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            cookies = tuple(value for name, value in answer.getheaders() if name.lower() == "set-cookie")
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read(), cookies)
        finally:
            connection.close()

    def launched(self) -> Browser:
        """A browser that was opened from the terminal."""
        browser = Browser(self)
        token = self.house.launches.fresh()
        assert browser.post("/launch", {"token": token}).status == 204
        browser.read_token()
        return browser

    def signed_in(self, name: str) -> Browser:
        """Somebody's browser."""
        browser = self.launched()
        reply = browser.form("/sign-in", name=name, password=PASSWORD, to="/")
        assert reply.status == 303, reply.body
        browser.csrf = browser.ask("GET", "/me").json["csrf"]
        return browser


@contextmanager
def serve(
    studio: Studio,
    *,
    port: int = 0,
    house: dict[str, Any] | None = None,
    served_with: dict[str, Any] | None = None,
    **app: Any,
) -> Iterator[Served]:
    """A house with this studio while the block runs.

    `house`, `app` and `served_with` are parameters of `House`, `create_app` and `serving`.
    """
    on = served.listening(port)
    with studio.uploads() as uploads:
        found = House(studio, uploads, Address("http", served.LOOPBACK, on.getsockname()[1]), **(house or {}))
        bounds = {"body_bytes": MOST_BODY_BYTES, **(served_with or {})}
        with served.serving(create_app(found, **app), on, **bounds):
            try:
                yield Served(found, studio)
            finally:
                found.close()
