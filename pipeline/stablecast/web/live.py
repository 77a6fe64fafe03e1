"""What happens while somebody looks: events to every open page, and who is where.

A page listens to topics by server-sent events. Each listener has a short queue; who does not keep up is cut off, and the
browser asks again. Events say what changed and never a word of what was said.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from stablecast import codecs
from stablecast.errors import EnvironmentFailure

MOST_STREAMS = 16
MOST_A_SESSION = 4
QUEUED = 64
HEARTBEAT_S = 5.0
HERE_S = 30.0


class _Listener:
    """One stream: the texts that a page is sent, until it goes or is cut off."""

    def __init__(self, session: str, topics: frozenset[str], queued: int, heartbeat_s: float, gone: Gone) -> None:
        self.session, self.topics = session, topics
        self._queue: queue.Queue[str | None] = queue.Queue(queued)
        self._queue.put_nowait("retry: 1000\n\n")
        self._heartbeat_s, self._gone, self._over = heartbeat_s, gone, False

    def put(self, text: str) -> bool:
        """Whether there was room for it."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            return False
        return True

    def end(self) -> None:
        """Nothing more is sent."""
        self._over = True
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            text = None if self._over else self._queue.get(timeout=self._heartbeat_s)
        except queue.Empty:
            text = ":\n\n"
        if text is None:
            raise StopIteration
        return text

    def close(self) -> None:
        """The page is gone: the server calls this, whether anything was sent or not."""
        self.end()
        self._gone(self)


def _event(kind: str, value: object) -> str:
    return f"event: {kind}\ndata: {json.dumps(codecs.plain(value), ensure_ascii=False)}\n\n"


Gone = Callable[[_Listener], None]


class Live:
    """The hub of events. `publish` never waits."""

    def __init__(
        self,
        *,
        most: int = MOST_STREAMS,
        most_a_session: int = MOST_A_SESSION,
        queued: int = QUEUED,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._most, self._most_a_session, self._queued, self._heartbeat_s = most, most_a_session, queued, heartbeat_s
        self._listeners: list[_Listener] = []
        self._lock = threading.Lock()

    def publish(self, topic: str, kind: str, value: object) -> None:
        """Tell everybody who listens to `topic`. `value` is a frozen dataclass or plain."""
        text = _event(kind, value)
        with self._lock:
            for listener in [found for found in self._listeners if topic in found.topics]:
                if not listener.put(text):
                    self._listeners.remove(listener)
                    listener.end()

    def listen(self, session: str, *topics: str, first: Iterable[tuple[str, object]] = ()) -> Iterator[str]:
        """The text of a stream, until the listener goes or is cut off. A session's oldest stream makes room for a new one.

        `first`: events by kind that tell this listener how things stand.

        Raises EnvironmentFailure where too many listen.
        """
        listener = _Listener(session, frozenset(topics), self._queued, self._heartbeat_s, self._forget)
        for kind, value in first:
            listener.put(_event(kind, value))
        with self._lock:
            mine = [found for found in self._listeners if found.session == session]
            if len(mine) >= self._most_a_session:
                self._listeners.remove(mine[0])
                mine[0].end()
            elif len(self._listeners) >= self._most:
                raise EnvironmentFailure("too many pages are open at once; close some of them")
            self._listeners.append(listener)
        return listener

    def _forget(self, listener: _Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    @property
    def listeners(self) -> int:
        with self._lock:
            return len(self._listeners)

    def close(self) -> None:
        """End every stream: the server stops."""
        with self._lock:
            for listener in self._listeners:
                listener.end()
            self._listeners.clear()


@dataclass(frozen=True, slots=True)
class HereView:
    """Somebody at a paragraph."""

    name: str
    paragraph: str
    me: str = field(repr=False, default="")  # which page of theirs, so that a page knows itself


class Presence:
    """Who has which paragraph of an episode open; nobody for longer than their page says so."""

    def __init__(self, live: Live, *, here_s: float = HERE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._here_s, self._clock = live, here_s, clock
        self._at: dict[tuple[str, str], tuple[float, HereView]] = {}
        self._lock = threading.Lock()

    def here(self, episode: str, session: str, name: str, paragraph: str) -> tuple[HereView, ...]:
        """Somebody is at `paragraph`, or with "" at none; all who are there."""
        now = self._clock()
        view = HereView(name, paragraph, session[:16])
        with self._lock:
            before = dict(self._at)
            self._at = {key: found for key, found in self._at.items() if now - found[0] < self._here_s}
            if paragraph:
                self._at[episode, session] = (now, view)
            else:
                self._at.pop((episode, session), None)
            there = tuple(found for (at, _), (_, found) in self._at.items() if at == episode)
            changed = {k: v for k, (_, v) in before.items()} != {k: v for k, (_, v) in self._at.items()}
        if changed:
            self._live.publish(topic(episode), "presence", {"here": there})
        return there


def topic(episode: str) -> str:
    """The topic of one episode."""
    return f"episode {episode}"


BOARD = "board"  # the topic of all episodes: how runs go, and that something changed
