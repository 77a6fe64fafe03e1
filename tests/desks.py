"""A served house for tests: the app on a real socket of this machine, and requests in all their detail."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stablecast.studio import Studio
from stablecast.web import served
from stablecast.web.app import MOST_BODY_BYTES, create_app
from stablecast.web.guard import Address
from stablecast.web.house import House


@dataclass(frozen=True)
class Served:
    """A house on a socket."""

    house: House

    @property
    def origin(self) -> str:
        return self.house.address.origin

    def launch(self, path: str = "/") -> str:
        """An address that a new browser may be opened with, once."""
        return f"{self.origin}{path}#{self.house.launches.fresh()}"

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request without a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.house.address.port, timeout=20)
        try:
            connection.request(method, path, body or None, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def serve(studio: Studio, *, port: int = 0, house: dict[str, Any] | None = None, **app: Any) -> Iterator[Served]:
    """A house with this studio while the block runs. `house` and `app` are parameters of `House` and `create_app`."""
    on = served.listening(port)
    with studio.uploads() as uploads:
        found = House(studio, uploads, Address("http", served.LOOPBACK, on.getsockname()[1]), **(house or {}))
        with served.serving(create_app(found, **app), on, body_bytes=MOST_BODY_BYTES):
            try:
                yield Served(found)
            finally:
                found.close()
