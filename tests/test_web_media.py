"""The bytes of a cut as they are served, and what of them can have been heard."""

from __future__ import annotations

import contextlib
import http.client
import resource
import socket
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desks import AUDIO, DIGEST, DURATION_S, EPISODE, MEDIA, Served, StandIn, serve
from stablecast.errors import GateClosed, IntegrityFailure
from stablecast.studio.reviews import FileView
from stablecast.web.listening import Listening, Spans
from stablecast.web.media import Shelf, Stretch, Unsatisfiable, Window, wanted
from stablecast.web.sessions import Visitor, key_of

SIZE = 1000


@given(st.integers(0, 2 * SIZE), st.none() | st.integers(0, 2 * SIZE), st.integers(1, SIZE))
def test_a_range_is_what_was_asked_for_and_there(first: int, last: int | None, size: int) -> None:
    """RFC 9110, 14.1.2: from the first byte to the last, both counted, as far as the file goes."""
    header = f"bytes={first}-{'' if last is None else last}"
    if last is not None and last < first:
        assert wanted(header, size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            wanted(header, size)
    else:
        assert wanted(header, size) == Stretch(first, size if last is None else min(last + 1, size))


@given(st.text(max_size=40))
def test_a_range_that_is_none_is_as_if_it_was_not_there(text: str) -> None:
    """Whatever is sent, the answer is a stretch of the file, the whole file or 416; never an error."""
    try:
        found = wanted(f"bytes={text}", SIZE)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.start < found.stop <= SIZE


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12),
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_spans_hold_what_was_added(added: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    """A stretch is held if every number in it was added, in whatever pieces."""
    spans, numbers = Spans(), set()
    for start, stop in added:
        spans.add(start, stop)
        numbers |= set(range(start, stop))
    assert spans.holds(*asked) == (set(range(*asked)) <= numbers)
    assert len(spans) == sum(number - 1 not in numbers for number in numbers)


def test_a_window_tells_what_was_taken() -> None:
    """Looking at bytes and going back takes nothing; passing over them does."""
    taken: list[tuple[int, int]] = []
    window = Window(bytes(range(100)), Stretch(10, 60), lambda start, stop: taken.append((start, stop)))
    assert window.seek(0, 2) == 50
    assert window.seek(0) == 0
    assert window.read(5) == bytes(range(10, 15))
    window.seek(0)
    assert taken == []
    window.seek(5, 1)
    assert taken == [(10, 15)]
    assert b"".join(window.pieces()) == bytes(range(15, 60))
    assert taken[-1] == (15, 60)


class _Counted(StandIn):
    reads = 0

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        self.reads += 1
        return super().cut_file(episode, digest, kind)


def test_a_file_is_read_once_and_never_when_it_is_not_the_cut_any_more(show: Path) -> None:
    """The shelf keeps bytes by digest, and asks again whether they are the cut's."""
    studio = _Counted(show)
    shelf = Shelf(studio, fresh_s=0)
    for _ in range(3):
        assert shelf.file(EPISODE, DIGEST, "audio").data == AUDIO
    assert studio.reads == 1
    with pytest.raises(GateClosed):
        shelf.file(EPISODE, "0" * 64, "audio")
    shelf.forget(EPISODE)
    shelf.file(EPISODE, DIGEST, "audio")
    assert studio.reads == 3


def test_a_shelf_has_room_for_so_much(show: Path) -> None:
    """What was not asked for longest makes room, so that memory is bounded."""
    studio = _Counted(show)
    shelf = Shelf(studio, most_bytes=len(AUDIO) + 3)
    for kind in ("audio", "captions", "audio"):
        shelf.file(EPISODE, DIGEST, kind)
    assert studio.reads == 3


def test_damaged_bytes_are_never_served(show: Path) -> None:
    """T57: a file that is not what was frozen is refused in a sentence, and no byte of it is sent."""

    class Damaged(StandIn):
        def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
            raise IntegrityFailure("a file of the cut is not what was frozen; run the episode again")

    with serve(Damaged(show)) as at:
        reply = at.signed_in("Rio").ask("GET", MEDIA)
        assert reply.status == 500
        assert "not what was frozen" in reply.json["error"]


def test_slow_listeners_hold_no_thread_and_no_copy(show: Path) -> None:
    """T28, T32: 60 players that stop reading cost no thread and no copy of the file; the next one gets all of it."""
    studio = StandIn(show)
    studio.audio = AUDIO[:20] + bytes(30_000_000)
    with serve(studio) as at:
        who = at.signed_in("Rio")
        cookie = "; ".join(f"{name}={value}" for name, value in who.cookies.items())
        assert len(who.ask("GET", MEDIA).body) == len(studio.audio)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        open_ones = []
        for _ in range(60):
            connection = socket.create_connection(("127.0.0.1", at.port), timeout=5)
            connection.sendall(
                f"GET {MEDIA} HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nCookie: {cookie}\r\n\r\n".encode()
            )
            open_ones.append(connection)
        began = time.monotonic()
        assert who.ask("GET", MEDIA, range="bytes=29000000-29000009").body == bytes(10)
        assert time.monotonic() - began < 2
        for connection in open_ones:
            connection.close()
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 100_000  # 60 copies would be 1,800,000


def test_only_what_was_really_sent_counts(show: Path) -> None:
    """T56: a player that takes the first bytes of an answer was sent those, and not the rest."""
    studio = StandIn(show)
    studio.audio = AUDIO[:20] + bytes(30_000_000)
    with serve(studio) as at:
        who = at.signed_in("Rio")
        connection = http.client.HTTPConnection("127.0.0.1", at.port)
        connection.request("GET", MEDIA, headers={"Cookie": "; ".join(f"{n}={v}" for n, v in who.cookies.items())})
        answer = connection.getresponse()
        answer.read(3_000_000)
        sent = at.house.listening._ear(key_of(*who.cookies.values()), DIGEST).sent
        until = time.monotonic() + 5  # the socket took them a moment before they were counted
        while not sent.holds(0, 3_000_000) and time.monotonic() < until:
            time.sleep(0.01)
        assert sent.holds(0, 3_000_000)
        assert not sent.holds(0, 25_000_000)
        connection.close()


# --- what was heard --------------------------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def not_faster(listening: Listening, clock: Clock) -> None:
    """T56: a report of more sound than fits into the time at twice the speed is refused, however it is cut into pieces."""
    listening.sent("me", DIGEST, 0, len(AUDIO))

    def hurry() -> None:
        for second in range(36):
            clock.now += 0.1
            listening.played("me", DIGEST, ((second, second + 1.0),), DURATION_S, AUDIO)

    with pytest.raises(GateClosed, match="more than can have been heard"):
        hurry()


def not_unsent(listening: Listening, clock: Clock) -> None:
    """T56: a stretch whose bytes never went out to this session is refused."""
    listening.sent("me", DIGEST, 0, len(AUDIO) // 2)
    listening.sent("somebody else", DIGEST, 0, len(AUDIO))
    clock.now += 30
    listening.played("me", DIGEST, ((0.0, 20.0),), DURATION_S, AUDIO)
    clock.now += 30
    with pytest.raises(GateClosed, match="never sent"):
        listening.played("me", DIGEST, ((20.0, 30.0),), DURATION_S, AUDIO)


class _Trusting(Listening):
    """Listening that believes what it is told about what was sent."""

    def sent(self, session: str, digest: str, start: int, stop: int) -> None:
        super().sent(session, digest, 0, 10**9)


def test_what_was_heard_is_believed_where_it_can_be() -> None:
    """T56: and without either bound, the check of it fails."""
    clock = Clock()
    not_faster(Listening(clock=clock), clock)
    not_unsent(Listening(clock=clock), clock)
    with pytest.raises(pytest.fail.Exception):
        not_faster(Listening(fastest=1e9, clock=clock), clock)
    with pytest.raises(pytest.fail.Exception):
        not_unsent(_Trusting(clock=clock), clock)


def test_listening_at_twice_the_speed_is_listening() -> None:
    """A page that reports every ten seconds what it played at double speed is believed to the end."""
    clock, listening = Clock(), Listening()
    listening = Listening(clock=clock)
    listening.sent("me", DIGEST, 0, len(AUDIO))
    for start in (0.0, 20.0):
        clock.now += 10
        assert listening.played("me", DIGEST, ((start, start + 20.0),), DURATION_S, AUDIO) == ((start, start + 20.0),)


def test_time_away_is_no_time_of_listening() -> None:
    """T56: who comes back after a day cannot report a day's worth of sound."""
    clock = Clock()
    listening, hours = Listening(clock=clock), 7200.0
    listening.sent("me", DIGEST, 0, len(AUDIO))
    clock.now += 86_400
    with pytest.raises(GateClosed):
        listening.played("me", DIGEST, ((0.0, hours),), hours, AUDIO)


def test_stretches_are_joined_and_kept_inside() -> None:
    """What a page sends is put in order: it may overlap, be empty, or go over the end."""
    listening = Listening(slack_s=1000)
    listening.sent("me", DIGEST, 0, len(AUDIO))
    told = listening.played(
        "me", DIGEST, ((30.0, 99.0), (5.0, 5.0), (0.0, 2.0), (1.0, 3.0), (9.0, 8.0)), DURATION_S, AUDIO
    )
    assert told == ((0.0, 3.0), (30.0, DURATION_S))


def test_a_report_reaches_the_studio_only_when_it_can_be_true(show: Path) -> None:
    """T56: through the house, as pages report it."""
    with serve(StandIn(show)) as at:
        who = at.signed_in("Rio")
        session = key_of(*who.cookies.values())
        assert _report(at, session, ((0.0, 5.0),)) == 0
        who.ask("GET", MEDIA)
        sent = at.house.listening._ear(session, DIGEST).sent
        until = time.monotonic() + 5
        while not sent.holds(0, len(AUDIO)) and time.monotonic() < until:
            time.sleep(0.01)
        assert _report(at, session, ((0.0, 5.0),)) == 1


def _report(at: Served, session: str, stretches: tuple[tuple[float, float], ...]) -> int:
    with contextlib.suppress(GateClosed):
        at.house.heard(Visitor(session, "", at.studio.people["Rio"]), EPISODE, DIGEST, stretches)
    return len(at.studio.done)
