"""Signing in and out of the web server (T29–T31), and the young person's link (T33)."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desks import EPISODE, MEDIA, PASSWORD, PEOPLE, Browser, Served, StandIn, serve
from stablecast.errors import GateClosed
from stablecast.model import Role
from stablecast.store import accounts
from stablecast.store.state import State
from stablecast.studio import Studio
from stablecast.studio.reviews import PersonView
from stablecast.web.sessions import IDLE_S, Launches, Pace, Sessions, Throttle


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def at(show: Path) -> Iterator[Served]:
    with serve(StandIn(show)) as at:
        yield at


FREE = Pace(free=10**9, first_s=0, most_s=0)


# --- guessing --------------------------------------------------------------------------------------------------------------


def slowed(throttle: Throttle, clock: Clock, names: tuple[str, ...]) -> None:
    """T29: 200 wrong passwords take ten minutes and more, whether they are for one name or for many."""
    began, tried = clock.now, 0
    while tried < 200:
        wait_s = throttle.wait_s(names[tried % len(names)])
        clock.now += wait_s or 0.05
        tried += not wait_s
    assert clock.now - began > 10 * 60


@pytest.mark.parametrize("names", [("Lea",), ("nobody",), tuple(f"name {number}" for number in range(200))])
def test_guessing_passwords_gets_slower(names: tuple[str, ...]) -> None:
    """T29: for a name that there is, one that there is not, and many names; without the delay the check fails."""
    clock = Clock()
    slowed(Throttle(clock=clock), clock, names)
    with pytest.raises(AssertionError):
        slowed(Throttle(name=FREE, server=FREE, clock=clock), clock, names)


def test_the_delay_is_the_same_for_every_name() -> None:
    """T29: the delay tells nobody whether an account exists, and the right password is let in when it is over."""
    clock = Clock()
    waits = []
    for name in ("Lea", "nobody"):
        throttle = Throttle(clock=clock)
        waits.append([throttle.wait_s(name) for _ in range(12)])
    assert waits[0] == waits[1]
    assert waits[0][:5] == [0.0] * 5
    clock.now += waits[0][-1]
    assert throttle.wait_s("nobody") == 0.0
    throttle.passed("nobody")
    assert throttle.wait_s("nobody") == 0.0


def sign_in(browser: Browser, name: str, password: str) -> tuple[int, bytes]:
    reply = browser.form("/sign-in", name=name, password=password, to="/")
    return reply.status, reply.body.replace(browser.csrf.encode(), b"")


class _Hasty(StandIn):
    """A studio that looks at no password where there is no account."""

    def sign_in(self, name: str, password: str) -> PersonView:
        if name not in self.people:
            raise GateClosed("the name and the password do not belong together; try again")
        return super().sign_in(name, password)


def same_time_for_everybody(at: Served, tries: int = 8, apart: float = 0.25) -> None:
    """T29: a wrong password and an unknown name get the same answer after the same time."""
    browser = at.launched()
    taken: dict[str, list[float]] = {"Lea": [], "nobody": []}
    said = set()
    for _ in range(tries):
        for name, times in taken.items():
            began = time.perf_counter()
            said.add(sign_in(browser, name, "wrong password"))
            times.append(time.perf_counter() - began)
    assert len(said) == 1
    # The fastest third: everything else on this machine only adds to them. Argon2 takes tens of milliseconds.
    known, unknown = (statistics.median(sorted(times)[: tries // 3 + 1]) for times in taken.values())
    assert abs(known - unknown) / max(known, unknown) < apart


def test_an_unknown_name_takes_as_long(show: Path) -> None:
    """T29: and where it does not, the check sees it."""
    free = {"throttle": Throttle(name=FREE, server=FREE)}
    with serve(StandIn(show), house=free) as at:
        same_time_for_everybody(at)
    with serve(_Hasty(show), house=free) as at, pytest.raises(AssertionError):
        same_time_for_everybody(at)


@pytest.mark.slow
def test_of_a_hundred_tries_an_unknown_name_takes_as_long(show: Path) -> None:
    """T29: a hundred of each, less than a tenth apart."""
    with serve(StandIn(show), house={"throttle": Throttle(name=FREE, server=FREE)}) as at:
        same_time_for_everybody(at, tries=100, apart=0.1)


def test_the_lead_can_withdraw_while_somebody_guesses(at: Served, caplog: pytest.LogCaptureFixture) -> None:
    """T29: nothing but signing in waits; and no password is in the log."""
    lea = at.signed_in("Lea")
    guesser = at.launched()
    with caplog.at_level(logging.DEBUG):
        statuses = [sign_in(guesser, "Lea", f"guess number {number}")[0] for number in range(40)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    assert lea.ask("GET", "/me").status == 200
    assert lea.ask("GET", MEDIA).status == 200
    assert "guess number" not in caplog.text


def slow_to_try(kept: str, again: str) -> None:
    """T30: a password is kept as argon2id, with a salt of its own."""
    assert kept.startswith("$argon2id$")
    assert kept != again
    assert PASSWORD not in kept


def test_passwords_are_kept_slow_to_try(show: Path) -> None:
    """T30: in a file of this user alone; a fast hash would be seen."""
    studio = Studio(show, lambda: "correct horse")
    for name in ("One", "Two"):
        studio.add_user(name, (Role.REVIEWER,), PASSWORD)
    with State(show / "stablecast.sqlite") as state:
        kept = [account.password for account in state.accounts() if account.name in ("One", "Two")]
    slow_to_try(*kept)
    assert (show / "stablecast.sqlite").stat().st_mode & 0o077 == 0
    assert PASSWORD.encode() not in (show / "stablecast.sqlite").read_bytes()
    with pytest.raises(AssertionError):
        slow_to_try("$sha256$" + "0" * 64, "$sha256$" + "1" * 64)
    assert accounts.matches(PASSWORD, kept[0])


# --- sessions --------------------------------------------------------------------------------------------------------------


def test_the_cookie_is_the_browsers_alone(at: Served) -> None:
    """T31: HttpOnly, SameSite=Strict, for this browser session, 256 random bits, and another one after signing in."""
    browser = at.launched()
    before = dict(browser.cookies)
    reply = browser.form("/sign-in", name="Rio", password=PASSWORD, to="/")
    (cookie,) = [cookie for cookie in reply.cookies if not cookie.partition("=")[2].startswith(";")]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    assert "Domain" not in cookie
    after = dict(browser.cookies)
    assert before.keys() == after.keys()
    assert before != after  # nobody can hand somebody a session to sign in to
    (secret,) = after.values()
    assert len(secret) >= 43
    browser.cookies = before
    assert browser.ask("GET", "/me").status == 401


def over(at: Served, who: Browser, end: Callable[[], object]) -> None:
    """T31: after its end, a session's cookie is nobody's."""
    copied = Browser(at, dict(who.cookies))
    assert copied.ask("GET", "/me").status == 200
    end()
    assert copied.ask("GET", "/me").status == 401


def by_signing_out(at: Served, who: Browser, clock: Clock) -> None:
    who.form("/sign-out")


def by_another_password(at: Served, who: Browser, clock: Clock) -> None:
    at.studio.people["Rio"] = replace(at.studio.people["Rio"], password="another")


def by_going_away(at: Served, who: Browser, clock: Clock) -> None:
    clock.now += IDLE_S + 1


def by_losing_the_account(at: Served, who: Browser, clock: Clock) -> None:
    del at.studio.people["Rio"]


WAYS = (by_signing_out, by_another_password, by_going_away, by_losing_the_account)


class _Lasting(Sessions):
    """Sessions that nothing ends."""

    def begin(self, person: str | None, password: str | None = None) -> str:
        return super().begin(person)

    def end(self, secret: str) -> None:
        pass


class _Trusting(StandIn):
    """A studio that knows everybody for good."""

    def person(self, account: str) -> PersonView | None:
        return next(person for person in PEOPLE.values() if person.id == account)


@pytest.mark.parametrize("end", WAYS)
def test_a_session_ends(show: Path, end: Callable[[Served, Browser, Clock], None]) -> None:
    """T31: by signing out, with another password, after half an hour without a request, and with the account."""
    clock = Clock()
    with serve(StandIn(show), house={"sessions": Sessions(clock=clock)}) as at:
        who = at.signed_in("Rio")
        over(at, who, lambda: end(at, who, clock))
    lasting = _Lasting(idle_s=float("inf"), clock=clock)
    with serve(_Trusting(show), house={"sessions": lasting}) as at:
        who = at.signed_in("Rio")
        with pytest.raises(AssertionError):
            over(at, who, lambda: end(at, who, clock))


def test_a_session_ends_with_the_server(show: Path) -> None:
    """T31: it is in memory alone; one that was kept would be seen."""
    for sessions, status in ((None, 401), (Sessions(), 200)):
        house = {"sessions": sessions} if sessions else {}
        with serve(StandIn(show), house=house) as at:
            kept = dict(at.signed_in("Lea").cookies)
        with serve(StandIn(show), port=at.port, house=house) as at:
            assert Browser(at, kept).ask("GET", "/me").status == status


def test_only_what_a_person_does_keeps_a_session(show: Path) -> None:
    """T31: opening a page and changing something do; a page that keeps itself up to date does not."""
    clock = Clock()
    with serve(StandIn(show), house={"sessions": Sessions(clock=clock)}) as at:
        for kept, asks in ((True, "/"), (False, "/me"), (False, f"/episodes/{EPISODE}/here")):
            who = at.signed_in("Rio")
            clock.now += IDLE_S - 1
            if asks.endswith("here"):
                assert who.post(asks, {"paragraph": "1-1"}).status == 200
            else:
                assert who.ask("GET", asks).status in (200, 303)
            clock.now += 2
            assert (who.ask("GET", "/me").status == 200) == kept, asks


def test_an_address_of_the_terminal_opens_one_browser(at: Served) -> None:
    """A launch token is good once; without one nobody even sees where to sign in."""
    launches = Launches()
    token = launches.fresh()
    assert len(token) >= 22  # 128 bits
    assert launches.use(token)
    assert not launches.use(token)
    stranger = Browser(at)
    assert b"password" not in stranger.ask("GET", "/").body
    assert stranger.form("/sign-in", name="Rio", password=PASSWORD).status in (401, 403)
    assert stranger.post("/launch", {"token": "A" * 22}).status == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_site(at: Served, to: str) -> None:
    """Where somebody wanted to go is a page of ours, or the start."""
    reply = at.launched().form("/sign-in", name="Rio", password=PASSWORD, to=to)
    assert reply.headers["location"] == "/"
    reply = at.launched().form("/sign-in", name="Rio", password=PASSWORD, to="/episodes/ep-001/review")
    assert reply.headers["location"] == "/episodes/ep-001/review"
