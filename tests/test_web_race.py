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

from desk import EPISODE, PASSPHRASE, PASSWORD, Clock, Desk, made
from desks import Browser, Served, serve
from stablecast.errors import GateClosed
from stablecast.model import Digest, Role
from stablecast.store.state import Account
from stablecast.studio import Studio, Uploads
from stablecast.studio.reviews import CHECKLIST

ROUNDS = 10  # of two at once; without a lock the first one lets both through
MANY = pytest.param(100, marks=pytest.mark.slow)
CHECKED = dict.fromkeys(CHECKLIST, "yes")


class Gate(Studio):
    """The real gate."""

    @contextmanager
    def uploads(self) -> Iterator[Uploads]:
        """Without opening the keyring, which is slow by design."""
        yield Uploads(self.root / ".stablecast-uploads")


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
        yes = ("approve", {"digest": digest, "form": CHECKED})
        statuses = _pressed(both, yes, yes)
        with sqlite3.connect(root / "stablecast.sqlite") as db:
            recorded = db.execute("SELECT count(*) FROM approval WHERE role = 'reviewer'").fetchone()[0]
        db.close()
        assert recorded == 1
        found = Counter(statuses)
        assert found[200] == 1
        assert found[409] + found[423] == 1  # no, or not while somebody else is at it


def _reviewer(at: Served) -> Browser:
    account = next(user for user in _accounts(at) if Role.REVIEWER in user.roles)
    who = Browser(at, {f"desk-{at.port}": at.house.sessions.begin(account.id)})
    who.csrf = who.ask("GET", "/me").json["csrf"]
    return who


def _pressed(both: list[Browser], *presses: tuple[str, Mapping[str, object]]) -> list[int]:
    """What two people were answered who pressed at the same moment."""
    start, statuses = threading.Barrier(2), [0, 0]

    def press(number: int) -> None:
        action, body = presses[number]
        start.wait()
        statuses[number] = both[number].post(f"/episodes/{EPISODE}/review/{action}", body).status

    threads = [threading.Thread(target=press, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _accounts(at: Served) -> tuple[Account, ...]:
    with at.studio._bare() as show:
        return show.state.accounts()


def _forget_reviewers(root: Path) -> None:
    with sqlite3.connect(root / "stablecast.sqlite") as db:
        db.execute("DELETE FROM approval WHERE role = 'reviewer'")
        db.execute("DELETE FROM wish")
    db.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A show whose episode waits for its reviewer, who has heard all of it, and the digest of its cut."""
    desk: Desk = made(tmp_path_factory.mktemp("race"), 10)
    cut = desk.studio.cut(EPISODE)
    desk.studio.approve(EPISODE, Role.YOUNG_PERSON, f"name of {Role.YOUNG_PERSON}", PASSWORD, cut.digest)
    desk.studio.heard(EPISODE, desk.people[Role.REVIEWER], cut.digest, ((0.0, cut.duration_s),))
    return desk.root, cut.digest


@pytest.mark.parametrize("rounds", [ROUNDS, MANY])
def test_of_two_yeses_at_once_one_counts(asked: tuple[Path, str], rounds: int) -> None:
    """T37: and a gate without a lock is seen to let both through."""
    root, digest = asked
    with serve(Gate(root, lambda: PASSPHRASE, Clock())) as at:
        one_outcome(at, root, digest, rounds)
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
            reply = who.post(f"/episodes/{EPISODE}/review/approve", {"digest": other, "form": CHECKED})
            assert reply.status == 409
        assert who.post(f"/episodes/{EPISODE}/review/approve", {"form": {}}).status == 400
        roles = [approval.role for approval in at.studio.status((EPISODE,)).episodes[0].approvals]
    assert roles == [Role.YOUNG_PERSON]


@pytest.mark.parametrize("rounds", [ROUNDS, MANY])
def test_a_no_wins_over_a_yes_at_the_same_moment(asked: tuple[Path, str], rounds: int) -> None:
    """T37: whoever is first, the cut cannot go on; both are in the log, or the yes was refused."""
    root, digest = asked
    with serve(Gate(root, lambda: PASSPHRASE, Clock())) as at:
        both = [_reviewer(at) for _ in range(2)]
        for _ in range(rounds):
            _forget_reviewers(root)
            before = len(at.studio.audit())
            yes, no = _pressed(
                both,
                ("approve", {"digest": digest, "form": CHECKED}),
                ("send-back", {"digest": digest, "reason": "a street is named"}),
            )
            assert no == 200
            assert yes in (200, 409)
            found = at.studio.status((EPISODE,)).episodes[0]
            assert found.gate is not None
            assert found.gate.name == "change-asked"
            done = [row.action for row in at.studio.audit()[before:]]
            assert done.count("change-asked") == 1
            assert done.count("approved-reviewer") == (yes == 200)
    _forget_reviewers(root)
