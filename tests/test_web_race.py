"""Two people at one gate at the same moment (T37), through the server, on a real show with real facts."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from desk import EPISODE, PASSPHRASE, PASSWORD, Clock, made
from desks import Browser, Served, serve
from stablecast.errors import GateClosed
from stablecast.model import Digest, Role
from stablecast.studio import Studio, Uploads
from stablecast.studio.reviews import PersonView

ROUNDS = 10  # of two at once; without a lock the first one lets both through


class Gate(Studio):
    """The studio's own approval, by passwords that everybody here knows."""

    @contextmanager
    def uploads(self) -> Iterator[Uploads]:
        """Without opening the keyring, which is slow by design."""
        yield Uploads(self.root / ".stablecast-uploads")

    def person(self, account: str) -> PersonView | None:
        role = Role(account)
        return PersonView(account, f"name of {role}", (role,))

    def approve_cut(self, episode: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
        return self.approve(episode, role, f"name of {role}", PASSWORD, digest)


class Careless(Gate):
    """A gate that looks, and then writes, with nothing held in between."""

    def approve_cut(self, episode: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
        if any(approval.role == role for approval in self.status((episode,)).episodes[0].approvals):
            raise GateClosed("the reviewer has already approved this cut")
        time.sleep(0.05)
        with sqlite3.connect(self.root / "stablecast.sqlite") as db:
            row = "SELECT episode, digest, ?, account, ? FROM approval WHERE role = 'young-person'"
            db.execute(f"INSERT INTO approval {row}", (role, f"2026-03-01T12:00:{time.monotonic_ns() % 10**9}"))
        return Digest(digest)


def one_outcome(at: Served, root: Path, digest: str, rounds: int) -> None:
    """T37: of two yeses at once one is recorded, and the other is told no."""
    both = [_reviewer(at) for _ in range(2)]
    for _ in range(rounds):
        _forget_reviewers(root)
        start = threading.Barrier(2)
        statuses: list[int] = []

        def press(who: Browser, start: threading.Barrier = start, statuses: list[int] = statuses) -> None:
            start.wait()
            statuses.append(who.post(f"/episodes/{EPISODE}/review/approve", {"digest": digest, "form": {}}).status)

        presses = [threading.Thread(target=press, args=(who,)) for who in both]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
        with sqlite3.connect(root / "stablecast.sqlite") as db:
            recorded = db.execute("SELECT count(*) FROM approval WHERE role = 'reviewer'").fetchone()[0]
        db.close()
        assert recorded == 1
        found = Counter(statuses)
        assert found[200] == 1
        assert found[409] + found[423] == 1  # no, or not while somebody else is at it


def _reviewer(at: Served) -> Browser:
    who = Browser(at, {f"desk-{at.port}": at.house.sessions.begin(Role.REVIEWER.value)})
    who.csrf = who.ask("GET", "/me").json["csrf"]
    return who


def _forget_reviewers(root: Path) -> None:
    with sqlite3.connect(root / "stablecast.sqlite") as db:
        db.execute("DELETE FROM approval WHERE role = 'reviewer'")
    db.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A show whose episode waits for its reviewer, and the digest of its cut."""
    desk = made(tmp_path_factory.mktemp("race"), 10)
    digest = desk.studio.status((EPISODE,)).episodes[0].cut
    assert digest is not None
    desk.studio.approve(EPISODE, Role.YOUNG_PERSON, f"name of {Role.YOUNG_PERSON}", PASSWORD, digest)
    return desk.root, digest


def test_of_two_yeses_at_once_one_counts(asked: tuple[Path, str]) -> None:
    """T37: and a gate without a lock is seen to let both through."""
    root, digest = asked
    with serve(Gate(root, lambda: PASSPHRASE, Clock())) as at:
        one_outcome(at, root, digest, ROUNDS)
    _forget_reviewers(root)
    with serve(Careless(root, lambda: PASSPHRASE, Clock())) as at, pytest.raises(AssertionError):
        one_outcome(at, root, digest, 3)


def test_a_yes_to_another_cut_is_refused(asked: tuple[Path, str]) -> None:
    """T54: to an older digest, to none, and to another episode's; nothing is recorded."""
    root, digest = asked
    _forget_reviewers(root)
    with serve(Gate(root, lambda: PASSPHRASE, Clock())) as at:
        who = _reviewer(at)
        for other in ("0" * 64, digest.upper(), digest[:-1]):
            reply = who.post(f"/episodes/{EPISODE}/review/approve", {"digest": other, "form": {}})
            assert reply.status == 409
        assert who.post(f"/episodes/{EPISODE}/review/approve", {"form": {}}).status == 400
        roles = [approval.role for approval in at.studio.status((EPISODE,)).episodes[0].approvals]
    assert roles == [Role.YOUNG_PERSON]
