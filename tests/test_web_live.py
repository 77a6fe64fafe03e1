"""Live events, who is where, and runs in the background."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint

from desks import EPISODE, Served, StandIn, serve
from stablecast.errors import EnvironmentFailure, Locked
from stablecast.model import Slug
from stablecast.studio.views import Progress
from stablecast.web import frame
from stablecast.web.app import ROOMS
from stablecast.web.live import BOARD, Live, Presence, topic
from stablecast.web.work import Work, WorkView

_room = Blueprint("listening", __name__)


@_room.get("/listen")
@frame.api(frame.Role.REVIEWER)
def listen() -> frame.Answer:
    """A stream of everything about one episode."""
    return frame.stream(topic(EPISODE))


def taken(stream: Iterator[str], kind: str) -> Any:
    for text in stream:
        if text.startswith(f"event: {kind}\n"):
            return json.loads(text.partition("data: ")[2])
    raise AssertionError("the stream ended")


def test_everybody_who_listens_to_a_topic_hears_of_it() -> None:
    """And nobody else does."""
    live = Live(heartbeat_s=0.01)
    streams = {name: live.listen(name, name) for name in ("one", "two")}
    for stream in streams.values():
        next(stream)
    live.publish("one", "version", {"version": 3})
    assert taken(streams["one"], "version") == {"version": 3}
    assert next(streams["two"]) == ":\n\n"


def test_who_does_not_keep_up_is_cut_off() -> None:
    """A slow page costs a short queue, and its browser asks again; publishing never waits for it."""
    live = Live(queued=3, heartbeat_s=0.01)
    slow = live.listen("slow", BOARD)
    next(slow)
    for number in range(10):
        live.publish(BOARD, "version", {"version": number})
    assert live.listeners == 0
    assert len(list(slow)) <= 3


def test_streams_are_bounded() -> None:
    """In number for all; and for a session by letting its oldest go, so that a page may be reloaded at will."""
    live = Live(most=4, most_a_session=2, heartbeat_s=0.01)
    mine = [live.listen("me", BOARD) for _ in range(3)]
    assert live.listeners == 2
    assert list(mine[0]) == []
    live.listen("you", BOARD)
    live.listen("them", BOARD)
    with pytest.raises(EnvironmentFailure):
        live.listen("one more", BOARD)


def test_a_line_break_in_an_event_breaks_nothing() -> None:
    """T26: what is told stays one line of JSON, whatever is in it."""
    live = Live()
    stream = live.listen("me", BOARD)
    next(stream)
    live.publish(BOARD, "version", {"name": "a\n\nevent: evil\ndata: 1\r\u2028"})
    text = next(stream)
    assert text.count("\n") == 3
    assert text.endswith("\n\n")


def test_presence_says_who_is_where_and_forgets() -> None:
    """Two people see each other until one goes away, or says nothing any more."""
    now = [0.0]
    live = Live()
    presence = Presence(live, here_s=10, clock=lambda: now[0])
    stream = live.listen("me", topic(EPISODE))
    next(stream)
    presence.here(EPISODE, "a", "Rio", "1-2")
    assert taken(stream, "presence")["here"][0]["name"] == "Rio"
    assert {(h.name, h.paragraph) for h in presence.here(EPISODE, "b", "Pia", "1-3")} == {
        ("Rio", "1-2"),
        ("Pia", "1-3"),
    }
    assert presence.here("ep-002", "c", "Lea", "1-1")[0].name == "Lea"
    now[0] = 11
    assert [h.name for h in presence.here(EPISODE, "b", "Pia", "1-3")] == ["Pia"]
    assert presence.here(EPISODE, "b", "Pia", "") == ()


# --- over the wire ---------------------------------------------------------------------------------------------------------


def open_stream(at: Served, cookies: dict[str, str]) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", at.port), timeout=5)
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    head = f"GET /listen HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"
    connection.sendall(head.encode())
    got = b""
    while b"retry: 1000" not in got:
        got += connection.recv(4096)
    return connection


def until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_events_arrive_at_once_and_streams_that_are_left_end(show: Path) -> None:
    """An event is sent when it happens; a page that is gone gives its stream back with the next heartbeats."""
    with serve(StandIn(show), rooms=(*ROOMS, _room), house={"live": Live(heartbeat_s=0.1)}) as at:
        who = at.signed_in("Rio")
        connection = open_stream(at, who.cookies)
        began = time.monotonic()
        at.house.live.publish(topic(EPISODE), "version", {"version": 7})
        got = b""
        while b'"version": 7' not in got:
            got += connection.recv(4096)
        assert time.monotonic() - began < 1
        assert at.house.live.listeners == 1
        connection.close()
        assert until(lambda: at.house.live.listeners == 0)


def test_a_stream_that_was_never_read_ends_as_well() -> None:
    """A page that is gone before its first event leaves nothing behind."""
    live = Live()
    live.listen("me", BOARD).close()  # type: ignore[attr-defined]
    assert live.listeners == 0


def test_open_streams_keep_nobody_waiting(show: Path) -> None:
    """T32: as many streams as may be open, and the other pages are served."""
    with serve(StandIn(show), rooms=(*ROOMS, _room), house={"live": Live(heartbeat_s=0.2)}) as at:
        whos = [at.signed_in("Rio") for _ in range(4)]
        streams = [open_stream(at, who.cookies) for who in whos for _ in range(4)]
        began = time.monotonic()
        assert at.ask("GET", "/health").status == 200
        assert at.signed_in("Lea").ask("GET", "/listen").status == 403
        assert time.monotonic() - began < 2
        for stream in streams:
            stream.close()


# --- runs ------------------------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """A studio whose runs take as long as a test says."""

    go: threading.Event
    ran: list[tuple[tuple[str, ...], str | None]]

    def run(self, episodes: tuple[str, ...], *, jobs: int, producer: str | None = None) -> Iterator[Progress]:
        self.ran.append((episodes, producer))
        slug = Slug(episodes[0])
        yield Progress(slug, "encode", "start", 3)
        assert self.go.wait(5)
        if slug == "locked":
            raise Locked("another command is working in this show; wait for it, then try again")
        if slug == "broken":
            raise ValueError("Amina")
        yield Progress(slug, "encode", "done", 2, 1.5)


def running() -> tuple[Work, Running, Iterator[str]]:
    live, studio = Live(heartbeat_s=5), Running(threading.Event(), [])
    stream = live.listen("me", BOARD)
    next(stream)
    return Work(studio, live), studio, stream  # type: ignore[arg-type]


def test_a_run_is_told_as_it_goes_and_is_not_begun_twice() -> None:
    """Each step is told with how much is left of how much; who asks again hears how it stands."""
    work, studio, stream = running()
    assert work.run(EPISODE, "Pia").event == "waiting"
    assert taken(stream, "progress")["event"] == "waiting"
    assert taken(stream, "progress")["event"] == "start"
    assert work.run(EPISODE, "Pia") == work.at(EPISODE) == WorkView(EPISODE, "encode", "start", 3, 3, 0.0, "")
    studio.go.set()
    done = taken(stream, "progress")
    assert (done["event"], done["left"], done["total"]) == ("done", 2, 3)
    assert taken(stream, "progress")["event"] == "ended"
    assert work.at(EPISODE) is None
    assert studio.ran == [((EPISODE,), "Pia")]


def test_a_run_that_fails_says_why_and_the_next_one_runs() -> None:
    """A refusal is told in its sentence; a mistake in the program without what it quotes."""
    work, studio, stream = running()
    studio.go.set()
    for episode in ("locked", "broken", EPISODE):
        work.run(episode)
    told = []
    while len(told) < 3:
        event = taken(stream, "progress")
        told += [event] if event["event"] in ("failed", "done") else []
    assert [event["event"] for event in told] == ["failed", "failed", "done"]
    assert "another command" in told[0]["sentence"]
    assert "Amina" not in told[1]["sentence"]
    work.close()
