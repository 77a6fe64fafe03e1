"""Withdrawing and destroying under bad conditions: killed, raced, without a key or a disk, and while a server answers."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from lxml import etree

from desk import EPISODE, PASSPHRASE, PASSWORD, Desk, made
from desks import Browser, Served, serve
from effort import FEW
from stablecast.errors import EnvironmentFailure, GateClosed, Locked, StablecastError
from stablecast.model import Alias, Role
from stablecast.store import locks
from stablecast.store.state import State
from stablecast.studio import release
from stablecast.studio.intake import Additions
from stablecast.studio.studio import Studio
from stablecast.targets import local
from test_keeping import approved as ready
from test_keeping import attended, holds, in_public, lead, sources
from test_keyring import quick

SEED = 20_261_126
KILLS = 40 if FEW else 200  # T48
RACES = 100  # T49


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "real" not in request.fixturenames:
        quick(monkeypatch)


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A show with one episode that may be published now."""
    with pytest.MonkeyPatch.context() as patched:
        quick(patched)
        return ready(made(tmp_path_factory.mktemp("purged"), 15, demo=True))


@pytest.fixture(scope="module")
def whole(approved: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The same, published."""
    with pytest.MonkeyPatch.context() as patched:
        quick(patched)
        desk = approved.copied(tmp_path_factory.mktemp("public"))
        assert desk.studio.publish().published == (EPISODE,)
        return desk


@pytest.fixture
def desk(whole: Desk, tmp_path: Path) -> Desk:
    return whole.copied(tmp_path)


def test_what_was_published_is_taken_for_no_recording(desk: Desk, tmp_path: Path) -> None:
    """T12: the finished sound of an episode, added again, is refused before anything is made of it."""
    sounds = list((desk.root / "feed" / "media").iterdir())
    assert sounds
    for sound in sounds:
        copy = tmp_path / f"found-online{sound.suffix}"
        shutil.copy(sound, copy)
        with pytest.raises(GateClosed, match="public already"):
            desk.studio.add("ep-002", ((Alias("Somebody"), copy),), Additions())
    assert not (desk.root / "episodes" / "ep-002").exists()


# --- taken down ------------------------------------------------------------------------------------------------------------


def test_what_is_withdrawn_leaves_no_trace_in_public(desk: Desk) -> None:
    """T44: one call; no audio, words, page, feed item or tombstone is left, the feed is a feed, and the caches are named."""
    public_id = next((desk.root / "feed" / "media").iterdir()).name[:32]
    before = {path.relative_to(desk.root / "feed") for path in (desk.root / "feed").rglob("*") if path.is_file()}
    done = desk.studio.withdraw(EPISODE, None)

    after = {path.relative_to(desk.root / "feed") for path in (desk.root / "feed").rglob("*") if path.is_file()}
    assert {path for path in before - after if public_id in path.as_posix()} == {
        p for p in before if public_id in p.as_posix()
    }
    assert not in_public(desk)
    feed = etree.fromstring((desk.root / "feed" / "feed.xml").read_bytes())
    assert feed.find("channel/item") is None
    for path in after:
        words = (desk.root / "feed" / path).read_bytes().lower()
        assert not any(
            word in words for word in (b"withdraw", b"taken down", b"a talk", b"deleted", EPISODE.encode())
        ), path
    assert desk.studio.lint().ok
    assert done.was_public
    assert done.places
    assert desk.studio.status().episodes[0].state == "withdrawn"
    assert holds(desk)


@contextmanager
def _no_keyring(desk: Desk) -> Iterator[None]:
    keys = desk.root.with_name("show.keys")
    keys.rename(keys.with_name("away"))
    yield
    if keys.exists():
        shutil.rmtree(keys)
    keys.with_name("away").rename(keys)


@contextmanager
def _no_tools(desk: Desk) -> Iterator[None]:
    def broken(*_: object, **__: object) -> None:
        raise EnvironmentFailure("there is no ffmpeg")

    with pytest.MonkeyPatch.context() as patched:
        for name in ("ffmpeg", "models", "verifier", "presidio", "recognisers", "piper"):
            module = sys.modules[f"stablecast.tools.{name}"]
            for attribute in ("probe_version", "identity", "load", "executable"):
                if hasattr(module, attribute):
                    patched.setattr(module, attribute, broken)
        yield


@contextmanager
def _disk_full(desk: Desk) -> Iterator[None]:
    def full(*_: object, **__: object) -> None:
        raise EnvironmentFailure("the disk is full")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local, "built", full)
        yield


@contextmanager
def _others_work(desk: Desk) -> Iterator[None]:
    with locks.exclusive(desk.root / ".stablecast-work.lock"), locks.exclusive(desk.root / ".stablecast-words.lock"):
        yield


@contextmanager
def _swap_under_way(desk: Desk) -> Iterator[None]:
    """Somebody holds the public folder for some seconds: it waits, and does it then."""
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.exclusive(desk.root / ".stablecast-public.lock"):
            held.set()
            free.wait(1.0)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    yield
    thread.join()


@contextmanager
def _log_damaged(desk: Desk) -> Iterator[None]:
    with sqlite3.connect(desk.root / "stablecast.sqlite") as database:
        database.execute("UPDATE audit SET actor = 'x' WHERE seq = 3")
    database.close()
    yield


@contextmanager
def _clock_back(desk: Desk) -> Iterator[None]:
    desk.clock.passes(days=-4000)
    yield


@contextmanager
def _half_broken(desk: Desk) -> Iterator[None]:
    for room in ("episodes", "transcripts", "config"):
        shutil.rmtree(desk.root / room / (EPISODE if room != "config" else ""))
    yield


HARD = {
    "keyring": (_no_keyring, 0),
    "tools": (_no_tools, 0),
    "disk": (_disk_full, 7),
    "others": (_others_work, 0),
    "swap": (_swap_under_way, 0),
    "log": (_log_damaged, 0),
    "clock": (_clock_back, 0),
    "half": (_half_broken, 0),
}


@pytest.mark.parametrize("case", HARD)
def test_a_withdrawal_works_whatever_is_broken(desk: Desk, case: str) -> None:
    """T46: down at once, or with a sentence and its code after the files are gone; never silent, never waiting for a key."""
    broken, code = HARD[case]
    with broken(desk):
        try:
            found, notes = 0, desk.again().withdraw(EPISODE, None).notes
        except StablecastError as told:
            found, notes = told.exit_code, ()
        assert found == code
        assert not in_public(desk)
        assert bool(notes) is (case == "keyring")
    if case != "half":
        assert desk.again().status((EPISODE,)).episodes[0].state == "withdrawn"
    assert desk.again().withdraw(EPISODE, None).episode == EPISODE
    assert not in_public(desk)


# --- killed ----------------------------------------------------------------------------------------------------------------


def forked(work: Callable[[], object]) -> int:
    """A process that does this; its id. It ends with 0, or 1 where it raised."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child of a test must not go on as a test
            os._exit(1)
        os._exit(0)
    return child


def killing_at(number: int) -> None:
    """From here on this process is killed before the n-th call that touches disk or database."""
    left = number

    def killing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        return call

    for where, name in (
        (os, "open"),
        (os, "fsync"),
        (os, "unlink"),
        (os, "rmdir"),
        (Path, "replace"),
        (Path, "rename"),
        (Path, "unlink"),
        (Path, "mkdir"),
        (State, "_do"),
        (local, "_exchange"),
    ):
        setattr(where, name, killing(getattr(where, name)))


def take_away(desk: Desk) -> None:
    """What the kills come down on."""
    studio = desk.again()
    studio.withdraw(EPISODE, None)
    studio.purge(EPISODE, who=lead(desk))


def stands(desk: Desk) -> str:
    """How an episode stands after a kill and whatever command comes next; raises where that is neither before nor after."""
    studio = attended(desk)
    state = studio.status((EPISODE,)).episodes[0].state
    assert holds(desk)
    assert in_public(desk) is (state == "published")
    with desk.open() as show:
        row = show.row(EPISODE)
        known = row.id in show.keyring.entries()
        sealed = [consent.sealed for consent in show.state.consents(row.id)]
    there = {folder: any((desk.root / folder).glob("ep-*")) for folder in ("episodes", "transcripts")}
    assert set(there.values()) == {known} == {bool(blob) for blob in sealed} == {state != "erased"}
    if known:
        assert len(sources(desk)) == 2
    return state


@pytest.mark.slow
def test_killed_at_any_moment_it_is_before_or_after(desk: Desk, tmp_path: Path) -> None:
    """T48: at every call that touches the disk; the next command makes it whole, the second call completes it."""
    seen = []
    for number in itertools.count(1, 3):  # every third: a moment takes a quarter of a second
        copy = desk.copied(tmp_path / f"at-{number}")

        def work(copy: Desk = copy, number: int = number) -> None:
            killing_at(number)
            take_away(copy)

        _, status = os.waitpid(forked(work), 0)
        if not os.WIFSIGNALED(status):
            assert status == 0
            break
        seen.append(stands(copy))
        if number % 15 == 1:
            take_away(copy)
            assert stands(copy) == "erased"
        shutil.rmtree(tmp_path / f"at-{number}")
    assert len(seen) > 20
    order = ["published", "withdrawn", "erased"]
    assert set(seen) == set(order)
    assert seen == sorted(seen, key=order.index)


@pytest.mark.slow
def test_two_hundred_kills_at_random_moments(desk: Desk, tmp_path: Path) -> None:
    """T48: SIGKILL from outside; published after withdrawn is never seen."""
    moments = random.Random(SEED)  # noqa: S311 - moments, not secrets
    copy = desk.copied(tmp_path / "first")
    began = time.monotonic()
    os.waitpid(forked(lambda: take_away(copy)), 0)
    took_s = time.monotonic() - began
    seen = set()
    for number in range(KILLS):
        copy = desk.copied(tmp_path / str(number))
        child = forked(lambda copy=copy: take_away(copy))
        time.sleep(moments.uniform(0, took_s))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        withdrawn = bool(copy.again().withdrawn())
        state = stands(copy)
        assert not withdrawn or state != "published"
        seen.add(state)
        shutil.rmtree(tmp_path / str(number))
    print(f"{KILLS} kills, seed {SEED}: {sorted(seen)}")
    assert "published" in seen
    assert seen & {"withdrawn", "erased"}


@pytest.mark.slow
def test_files_first_would_be_found_out(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above bite: without the fact that says what is missing, a kill leaves something in between for good."""
    monkeypatch.setattr(State, "erasures", lambda *_, **__: ())
    monkeypatch.setattr(State, "erased", lambda *_, **__: frozenset())
    between = 0
    for number in range(1, 200, 6):
        copy = desk.copied(tmp_path / f"at-{number}")

        def work(copy: Desk = copy, number: int = number) -> None:
            killing_at(number)
            take_away(copy)

        _, status = os.waitpid(forked(work), 0)
        if not os.WIFSIGNALED(status):
            break
        try:
            stands(copy)
        except (AssertionError, StablecastError):
            between += 1
        shutil.rmtree(tmp_path / f"at-{number}")
    assert between


# --- raced -----------------------------------------------------------------------------------------------------------------


def race(desk: Desk, delay_s: float) -> None:
    """Publish and withdraw at the same moment, or nearly so."""
    start = threading.Barrier(2)

    def publish() -> None:
        start.wait()
        with suppress(GateClosed, Locked):
            desk.again().publish()

    thread = threading.Thread(target=publish)
    thread.start()
    start.wait()
    time.sleep(delay_s)
    desk.again().withdraw(EPISODE, None)
    thread.join()


@pytest.mark.slow
def test_a_withdrawal_wins_every_race(approved: Desk, tmp_path: Path) -> None:
    """T49: a hundred times, at moments all over a publication; the episode is not public at the end, and `verify` holds."""
    first = approved.copied(tmp_path / "first")
    began = time.monotonic()
    first.studio.publish()
    took_s = time.monotonic() - began
    for number in range(RACES):
        desk = approved.copied(tmp_path / str(number))
        race(desk, took_s * number / RACES)
        assert not in_public(desk)
        assert desk.again().status((EPISODE,)).episodes[0].state == "withdrawn"
        assert desk.again().verify().holds
        shutil.rmtree(tmp_path / str(number))


@pytest.mark.parametrize("careless", [False, True])
def test_a_withdrawal_between_facts_and_tree_wins(
    approved: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careless: bool
) -> None:
    """T49 at its worst moment; and a publication that does not look again would leave the episode up."""
    desk = approved.copied(tmp_path)
    real, withdrawing = local.Tree.swap, []
    if careless:
        monkeypatch.setattr(State, "settle", lambda *_: True)
        monkeypatch.setattr(release, "take_down_due", lambda _: None)

    def swap(tree: local.Tree) -> None:
        if not withdrawing:
            withdrawing.append(threading.Thread(target=lambda: desk.again().withdraw(EPISODE, None)))
            withdrawing[0].start()
            while not desk.again().withdrawn():
                time.sleep(0.02)
        real(tree)

    monkeypatch.setattr(local.Tree, "swap", swap)
    desk.again().publish()
    withdrawing[0].join()
    assert in_public(desk) is careless


def test_a_publication_that_ends_at_the_swap_is_told_of_and_completed(
    approved: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T59: the facts are written and the tree is not: nobody calls that damage, everybody says what to do, and it works."""
    desk = approved.copied(tmp_path)

    def fails(_: local.Tree) -> None:
        raise EnvironmentFailure("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(local.Tree, "swap", fails)
        with pytest.raises(EnvironmentFailure, match="full"):
            desk.again().publish()
    assert not in_public(desk)
    assert any("`stablecast publish`" in note for note in desk.again().status().notes)
    problems = [problem for view in desk.again().verify().invariants for problem in view.problems]
    assert problems
    assert all("publish" in problem or "missing from the public folder" in problem for problem in problems), problems
    desk.again().publish()
    assert in_public(desk)
    assert holds(desk)
    assert not desk.again().status().notes


# --- while a server answers ------------------------------------------------------------------------------------------------


class Gate(Studio):
    """The real studio of a running server."""

    @contextmanager
    def uploads(self) -> Iterator[object]:
        from stablecast.store.uploads import Uploads

        yield Uploads(self.root / ".stablecast-uploads")


def staff(at: Served, who: str) -> Browser:
    browser = Browser(at, {f"desk-{at.port}": at.house.sessions.begin(who)})
    browser.csrf = browser.ask("GET", "/me").json["csrf"]
    return browser


def test_a_running_server_answers_nothing_of_what_another_process_destroyed(desk: Desk) -> None:
    """Over HTTP: played and read before, refused right after, and neither bytes nor words nor keys are left in its memory."""
    with serve(Gate(desk.root, lambda: PASSPHRASE, desk.clock, asks=False)) as at:
        who = staff(at, desk.people[Role.REVIEWER])
        digest = at.studio.cut(EPISODE).digest
        said = " ".join(word.text for word in at.studio.manuscript(EPISODE).paragraphs[0].words[:3]).encode()
        asked = (
            f"/media/{EPISODE}/{digest}/audio",
            f"/media/{EPISODE}/{digest}/captions.vtt",
            f"/episodes/{EPISODE}/review",
        )
        for path in asked:
            assert who.ask("GET", path).status == 200
        assert said in who.ask("GET", asked[-1]).body
        assert at.house.shelf._kept
        assert at.studio._memory._values

        _, status = os.waitpid(forked(lambda: take_away(desk)), 0)
        assert status == 0
        for path in asked:
            reply = who.ask("GET", path)
            assert reply.status in (404, 409) or path.endswith("/review"), (
                path
            )  # that page says where it stands, and no more
            assert b"A talk" not in reply.body
            assert said not in reply.body
        assert who.ask("GET", "/board").status == 200  # the board goes on
        assert not at.house.shelf._kept
        assert not at.studio._memory._values
        ring = at.studio._memory._keyring
        assert ring is not None
        assert ring._read is None or not ring._read[1].entries
    assert holds(desk)


def test_a_shelf_that_does_not_ask_would_be_found_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above bites: within the second in which a cut counts as fresh, the bytes would be served."""
    monkeypatch.setattr(Studio, "withdrawn", lambda _: frozenset())
    with serve(Gate(desk.root, lambda: PASSPHRASE, desk.clock, asks=False), house={}) as at:
        monkeypatch.setattr(at.house.shelf, "_fresh_s", 3600.0)
        who = staff(at, desk.people[Role.REVIEWER])
        path = f"/media/{EPISODE}/{at.studio.cut(EPISODE).digest}/audio"
        assert who.ask("GET", path).status == 200
        os.waitpid(forked(lambda: take_away(desk)), 0)
        assert who.ask("GET", path).status == 200


# --- the command line ------------------------------------------------------------------------------------------------------


@pytest.fixture
def real() -> None:
    """With age's own passphrase sealing: commands run in processes of their own."""


@pytest.mark.slow
@pytest.mark.usefixtures("real")
def test_the_commands_say_what_they_do(tmp_path: Path) -> None:
    """Exit codes and answers of purge, retention, backup and restore; no secret in a command line."""
    desk = made(tmp_path / "of", 5)
    for name, text in (("show", PASSPHRASE), ("password", PASSWORD), ("backup", "the secret of this backup")):
        (tmp_path / name).write_text(text + "\n")

    def command(*words: str | Path, root: Path = desk.root) -> subprocess.CompletedProcess[str]:
        options = ("--show", root, "--passphrase-file", tmp_path / "show", "--no-input")
        return subprocess.run(
            [sys.executable, "-m", "stablecast", *map(str, (*options, *words))],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    as_lead = ("--as", f"name of {Role.LEAD}", "--password-file", tmp_path / "password")
    sealed = ("--backup-passphrase-file", tmp_path / "backup")
    assert command("backup", tmp_path / "ours.backup", *sealed).returncode == 0
    assert command("backup", tmp_path / "ours.backup", *sealed).returncode == 2
    copied = command("backup", "--keyring", tmp_path / "ours.keyring")
    assert "delete it within days" in copied.stdout
    told = command("retention", EPISODE, "--json")
    assert '"unreleased"' in told.stdout
    assert command("retention", EPISODE, "--extend", "9").returncode == 2
    assert command("retention", EPISODE, "--extend", "9", *as_lead, "--reason", "legal").returncode == 0
    assert command("purge", EPISODE, *as_lead, "--yes").returncode == 4
    assert command("withdraw", EPISODE).returncode == 0
    assert command("purge", EPISODE, *as_lead).returncode == 2
    assert command("purge", EPISODE, "--as", f"name of {Role.PRODUCER}", *as_lead[2:], "--yes").returncode == 4
    assert command("purge", EPISODE, "--yes").returncode == 2
    done = command("purge", EPISODE, *as_lead, "--yes")
    assert (done.returncode, done.stdout) == (0, f"{EPISODE}: everything of it is destroyed. Nothing brings it back.\n")
    assert "Everything of it is destroyed." in command("withdraw", EPISODE).stdout
    assert f"{EPISODE}  erased" in command("status").stdout
    assert command("verify", "--deep").returncode == 0

    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "show.keys").symlink_to(desk.root.with_name("show.keys"))
    back = tmp_path / "back" / "show"
    restored = command("restore", tmp_path / "ours.backup", *sealed, root=back)
    assert restored.returncode == 0, restored.stderr
    assert "withdrawn since" in restored.stdout
    assert command("restore", tmp_path / "ours.backup", *sealed, root=back).returncode == 2
    assert command("verify", "--deep", root=back).returncode == 0
    assert command("publish", EPISODE, root=back).returncode == 4
    (tmp_path / "backup").write_text("another secret of it\n")
    wrong = command("restore", tmp_path / "ours.backup", *sealed, root=tmp_path / "no")
    assert (wrong.returncode, (tmp_path / "no").exists()) == (6, False)
    assert "Traceback" not in wrong.stderr
