"""The app behind waitress: bounds on everything a connection may cost, and no byte of a body in a file.

Waitress reads headers and bodies of many connections in one thread and hands whole requests to a few others, so a slow
sender holds a socket and nothing else. What it would put into a temporary file stays in memory here: the bounds are low
enough for that, and a recording must not lie on the disk in clear.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from stablecast.errors import UsageRefused
from stablecast.web.guard import HEADERS
from stablecast.web.live import MOST_STREAMS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8317
CONNECTIONS: Final = 500
MIB: Final = 1024**2
RECEIVE_S = 30.0  # for a whole request, from its first byte
SEND_S = 60.0  # without a byte that the other side takes
SILENT_S = 30  # between two requests
CLEANUP_S = 5.0  # between two looks at the slow ones


class _Refused(ErrorTask):  # type: ignore[misc]
    """What waitress refuses by itself, under the headers of all our answers."""

    def execute(self) -> None:
        self.response_headers.extend(HEADERS.items())
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refused
    asked_at: float | None = None  # when the request that is being received began

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.asked_at = time.time()
        taken: bool = super().received(data)
        if self.request is None:
            self.asked_at = None
        return taken

    def is_slow(self, now: float) -> bool:
        """Whether a request takes too long to arrive, or an answer too long to be taken."""
        receiving = self.asked_at is not None and now - self.asked_at > RECEIVE_S
        return receiving or (self.total_outbufs_len > 0 and now - self.last_activity > SEND_S)


class _Patience:
    """Ends slow connections, beside those that waitress ends itself."""

    active_channels: dict[int, _Channel]

    def maintenance(self, now: float) -> None:
        super().maintenance(now)  # type: ignore[misc]
        for channel in self.active_channels.values():
            if channel.is_slow(now):
                channel.will_close = True


class _Server(_Patience, TcpWSGIServer):  # type: ignore[misc]
    channel_class = _Channel


class _UnixServer(_Patience, UnixWSGIServer):  # type: ignore[misc]
    channel_class = _Channel


def listening(port: int) -> socket.socket:
    """A socket that listens on this machine alone. Raises UsageRefused where the port is taken or not ours to take."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
    except OSError:
        found.close()
        raise UsageRefused("another program has this port; end it, or name another with --port") from None
    return found


class Served:
    """One app on one socket, in a thread of its own until it is closed."""

    def __init__(
        self,
        app: WSGIApplication,
        on: socket.socket,
        *,
        body_bytes: int,
        threads: int = MOST_STREAMS + 8,
        connections: int = CONNECTIONS,
    ) -> None:
        for name in ("waitress", "waitress.queue"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what it would say quotes requests
        self._map: dict[int, Any] = {}
        bounds = Adjustments(
            sockets=[on] if on.family == socket.AF_INET else [],
            threads=threads,
            ident="",
            connection_limit=connections,
            asyncore_use_poll=True,
            asyncore_loop_timeout=1,
            channel_timeout=SILENT_S,
            max_request_header_size=16 * 1024,
            max_request_body_size=body_bytes + 64 * 1024,  # a little over the app's bound, which says no in a sentence
            inbuf_overflow=2 * body_bytes,  # never: a temporary file would hold it in clear
            outbuf_overflow=1024 * MIB,  # likewise
            outbuf_high_watermark=MIB,
            clear_untrusted_proxy_headers=True,
        )
        bounds.cleanup_interval = CLEANUP_S
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(threads)
        kind = _Server if on.family == socket.AF_INET else _UnixServer
        sockinfo = (on.family, on.type, on.proto, on.getsockname())
        self._server = kind(
            app, self._map, True, on, dispatcher=dispatcher, adj=bounds, bind_socket=False, sockinfo=sockinfo
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stablecast-web", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set() and self._map:
            self._server.asyncore.loop(timeout=1, map=self._map, use_poll=True, count=1)

    def close(self) -> None:
        """Stop serving; what is being answered has a moment to end."""
        self._ended.set()
        self._server.pull_trigger()
        self._thread.join(5)
        self._server.task_dispatcher.shutdown(timeout=2)
        self._server.asyncore.close_all(self._map)


@contextmanager
def serving(
    app: WSGIApplication, on: socket.socket, *, body_bytes: int, connections: int = CONNECTIONS
) -> Iterator[Served]:
    """An app that is served while the block runs."""
    served = Served(app, on, body_bytes=body_bytes, connections=connections)
    served.start()
    try:
        yield served
    finally:
        served.close()
