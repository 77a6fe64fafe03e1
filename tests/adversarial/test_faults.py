"""Faults (T16, T58, T59, T66): killed anywhere, no room, nothing writable, the clock moved, many commands at once.

After each fault and before anything else runs, nothing lies in clear; then `verify` holds, the public tree is the old one or the
new one, and the same command once more ends where it would have ended. Commands are forked from a warm process, so that a kill
falls into their work and not into Python's start; `run` has a recogniser that knows the answer, and the real voice, ffmpeg, attack
and proof.
"""

# ruff: noqa: S311  dice from a printed seed

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from adversarial import oracles
from adversarial.driver import Answer
from adversarial.trial import Trial, trial
from effort import FEW
from showcase import ITEMS, PASSPHRASE, PEOPLE
from stablecast.targets import local

pytestmark = pytest.mark.slow

Count = Callable[..., None]

SEED = 20_261_126
KILLS_EACH, KILLS_OF_RUN, SIZES = (2, 6, 8) if FEW else (20, 120, 50)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A show with a published episode, and one that was taken in and not run."""
    with trial(tmp_path_factory.mktemp("faults")) as show:
        show.init()
        show.added("ep-001")
        show.published("ep-001")
        show.kept(show.folder / "public")
        show.ok("hold", "ep-001")
        show.kept(show.folder / "held")
        show.back(show.folder / "public")
        show.ok("withdraw", "ep-001")
        show.kept(show.folder / "withdrawn")
        show.back(show.folder / "public")
        show.added("ep-002", 8.0)
        show.kept(show.folder / "added")
        show.frozen("ep-002")
        show.kept(show.folder / "frozen")
        show.approve_all("ep-002")
        show.set(demo={"clock_ahead_h": 146.1}, show={"title": "A show"})
        show.kept(show.folder / "approved")
        yield show


@pytest.fixture
def show(shared: Trial) -> Iterator[Trial]:
    yield shared
    shared.said.clear()


def state_of(show: Trial) -> dict[str, object]:
    """What a command amounts to, without times and random names: everything a person can ask for."""
    status = show.ok("status", as_json=True).json["episodes"]
    users = show.ok("users", "list", as_json=True).json["users"]
    # what is drawn, sealed or frozen anew has other digests each time; what it is does not
    return {
        "episodes": [
            (e["episode"], e["state"], [s["up_to_date"] for s in e["stages"]], [a["role"] for a in e["approvals"]])
            for e in status
        ],
        "users": sorted(user["name"] for user in users),
        "public": len(show.public()),
    }


def in_clear(show: Trial) -> list[str]:
    """What a thief would find at this very moment."""
    rooms = (show.root, show.keys, show.temporary, show.home)
    # a tree that is half built holds what three people approved, behind the show's 0700; the next building clears it
    half_built = local.leftovers(show.root / "feed")
    sound = [
        found for found in oracles.o3_plain(rooms, show.root / "feed") if not any(str(p) in found for p in half_built)
    ]
    return oracles.o1_markers(rooms, (show.protected, show.source_name)) + sound


def holds(show: Trial, trees: tuple[dict[str, bytes], ...]) -> None:
    """After a kill: nothing in clear, a public tree that is one of two, and a state that agrees with the disk."""
    assert in_clear(show) == []
    assert show.public() in trees
    answer = show("verify", as_json=True)
    broken = [p for i in (answer.json["invariants"] if answer.out else []) for p in i["problems"]]
    # what is not finished is told, and any command that opens the show finishes it first; a tree half built waits for the next one
    unfinished = ("half-built tree", "hold is not finished", "still in the public folder", "belongs to no live release")
    odd = sorted({p for p in broken if not any(part in p for part in unfinished)})
    assert odd == []
    assert oracles.o7_agrees(show.root, show.ok("status", as_json=True).json) == []
    again = show("verify", as_json=True)
    left = [p for i in (again.json["invariants"] if again.out else []) for p in i["problems"]]
    assert all("half-built tree" in problem for problem in left), left
    assert show.public() in trees
    show.said.clear()


# --- kills -----------------------------------------------------------------------------------------------------------


COMMANDS = (
    *(
        "add",
        "add words",
        "users add",
        "users password",
        "consent",
        "correct",
        "voices choose",
        "voices redraw",
        "approve",
    ),
    *("publish", "hold", "hold lifted", "withdraw", "purge", "places", "retention", "backup"),
)


def backup_of(show: Trial) -> Path:
    return show.folder / "kill.backup"


def writing(show: Trial) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every command that writes, each with the state in which it begins."""
    password = str(show.folder / "sam.password")
    recording = str(show.folder / "kill.wav")
    yes = [part for item in ITEMS for part in ("--yes", item)]

    def by(role: str) -> tuple[str, ...]:
        return "--as", PEOPLE[role], "--password-file", str(show.folder / f"{PEOPLE[role]}.password")

    return {
        "add": ("public", ("add", "ep-009", recording, "--content-note", "none", "--protect", show.protected)),
        "add words": ("frozen", ("add", "ep-002", "--title", "Another", "--protect", "elsewhere")),
        "users add": ("public", ("users", "add", "newcomer", "--role", "reviewer", "--password-file", password)),
        "users password": ("public", ("users", "password", "kim", "--password-file", password)),
        "consent": ("frozen", ("consent", "ep-002", *yes)),
        "correct": ("frozen", ("correct", "ep-002", "--redact", "1-2")),
        "voices choose": ("frozen", ("voices", "choose", "ep-002", "rowan")),
        "voices redraw": ("frozen", ("voices", "redraw", "ep-002")),
        "approve": ("frozen", ("approve", "ep-002", "--role", "young-person", *by("young-person"))),
        "publish": ("approved", ("publish",)),
        "hold": ("public", ("hold", "ep-001")),
        "hold lifted": ("held", ("hold", "ep-001", "--lift", *by("lead"))),
        "withdraw": ("public", ("withdraw", "ep-001")),
        "purge": ("withdrawn", ("purge", "ep-001", "--yes", *by("lead"))),
        "places": ("withdrawn", ("places", "ep-001", "--done", "search", *by("lead"))),
        "retention": ("withdrawn", ("retention", "ep-001", "--extend", "30", "--reason", "legal", *by("lead"))),
        "backup": ("public", ("backup", str(backup_of(show)), "--backup-passphrase-file", str(show.passphrase))),
    }


def at_start(show: Trial, begin: Path) -> None:
    """Put the show back, and nothing of an earlier time beside it."""
    show.back(begin)
    backup_of(show).unlink(missing_ok=True)


def killed_at_random(show: Trial, begin: Path, command: tuple[str, ...], kills: int, dice: random.Random) -> int:
    """Kill a command at so many moments spread over its work; how many kills found it still working."""
    at_start(show, begin)
    before, answer = show.public(), show(*command)
    assert answer.code == 0, (command, answer)
    after, expected = show.public(), state_of(show)
    took_s, done = answer.seconds, 0
    for _ in range(kills * 10):
        if done == kills:
            break
        at_start(show, begin)
        stopped = show(*command, kill_after_s=dice.uniform(0.005, took_s))
        done += stopped.signalled
        if not stopped.signalled:
            took_s = min(took_s, stopped.seconds)  # the machine was busier when it was measured
        holds(show, (before, after))
        again = show(*command)
        # said twice, some things are refused the second time: they are there already
        assert again.code in (0, 2, 4), (command, again)
        assert state_of(show) == expected, command
        assert show("verify").code == 0
    return done


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_commands_have_happened_or_not(show: Trial, name: str, count: Count) -> None:
    """T59: twenty kills of each command that writes: before or after, never between; said again, it ends the same."""
    print(f"seed {SEED}")
    show.recording(14.0, "kill")
    begin, command = writing(show)[name]
    done = killed_at_random(show, show.folder / begin, command, KILLS_EACH, random.Random(f"{SEED} {name}"))
    (show.folder / "kill.wav").unlink()
    assert done == KILLS_EACH
    count("kills of writing commands", done)


def test_a_run_killed_a_hundred_times_ends_where_it_would(show: Trial, count: Count) -> None:
    """T16, T59: killed again and again while it goes on, over every stage: nothing in clear at any moment, and the same end."""
    dice, done, rounds = random.Random(SEED), 0, 0
    begin = show.folder / "added"
    show.back(begin)
    public = show.public()
    whole = show("run", "ep-002")
    assert whole.code in (0, 4)
    while done < KILLS_OF_RUN:
        show.back(begin)
        rounds += 1
        for _ in range(40):
            answer = show("run", "ep-002", kill_after_s=dice.uniform(0.05, whole.seconds))
            if not answer.signalled:
                break
            done += 1
            holds(show, (public,))
        show("run", "ep-002")
        status = show.status("ep-002")
        assert all(stage["up_to_date"] for stage in status["stages"])
        assert show.complaints(public_title=True) == []
    count("kills of a run", done)
    print(f"{done} kills in {rounds} rounds, seed {SEED}")


def test_what_ffmpeg_leaves_when_it_is_killed_is_nothing(show: Trial) -> None:
    """T13, T59: whoever kills the decoder in the middle gets a sentence and no half recording."""
    show.back(show.folder / "public")
    path = show.folder / "long.wav"
    path.write_bytes(b"".join([b"RIFF", (36 + 96_000_000).to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little"),
                               b"\1\0\1\0", (8000).to_bytes(4, "little"), (16000).to_bytes(4, "little"), b"\2\0\x10\0data",
                               (96_000_000).to_bytes(4, "little"), os.urandom(96_000_000)]))  # fmt: skip
    number = show.ask("add", "ep-009", path)
    leader, ended = show.driver.pid_of(number), False
    deadline = time.monotonic() + 30
    while not ended and time.monotonic() < deadline and number not in show.driver._answers:
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError, IndexError):
                fields = (
                    (process / "stat").read_text().rpartition(")")[2].split() if process.name.isdigit() else ["", "0"]
                )
                if int(fields[1]) == leader and b"ffmpeg" in (process / "cmdline").read_bytes():
                    time.sleep(0.2)
                    os.kill(int(process.name), signal.SIGKILL)
                    ended = True
    answer = show.got(number)
    path.unlink()
    assert ended
    assert answer.code == 3, answer
    assert not (show.root / "episodes" / "ep-009").exists()
    assert show.complaints(public_title=True) == []


# --- no room ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[None]:
    """A file system of so many kilobytes at `folder`."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k,mode=700", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("no file system can be mounted here (that needs root)")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def size_kb(folder: Path) -> int:
    return sum(4 * -(-path.lstat().st_size // 4096) for path in folder.rglob("*")) + 4


def test_a_full_disk_at_fifty_sizes(show: Trial, tmp_path: Path, count: Count) -> None:
    """T59: the show on a disk with a little room, fifty sizes: exit 7 in a sentence, or done; what was public stays public."""
    if not shutil.which("mount"):
        pytest.skip("no mount here")
    steps: list[tuple[str, tuple[str, ...]]] = [
        ("added", ("run", "ep-002")),
        ("approved", ("publish",)),
        ("frozen", ("correct", "ep-002", "--redact", "1-2")),
        ("public", ("add", "ep-009", str(show.recording(14.0, "full")), "--content-note", "none")),
    ]
    root, full, tried = show.root, 0, 0
    disk = tmp_path / "disk"
    try:
        for number in range(SIZES):
            begin, command = steps[number % len(steps)]
            needed = size_kb(show.folder / begin / "show")
            with small_disk(disk, needed + 40 + (number // len(steps)) * 60):
                show.root = disk / "show"
                shutil.copytree(show.folder / begin / "show", show.root, symlinks=True)
                shutil.rmtree(show.keys)
                shutil.copytree(show.folder / begin / "keys", show.keys)
                before = show.public()
                answer = show(*command)
                assert answer.code in (0, 4, 7), (command, answer)
                if answer.code == 7:
                    full += 1
                    assert "full" in answer.err or "space" in answer.err
                    assert show.public() == before
                if (show.root / "feed" / "feed.xml").exists():
                    ElementTree.fromstring(show.feed())  # noqa: S314 - our own
                assert in_clear(show) == []
                seen = show("verify", as_json=True)
                assert seen.code == 0, (command, seen)
                show.said.clear()
                # with room again the same command ends as it should
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                again = show(*command)
                assert again.code in ((0, 4) if command[0] in ("run", "add") else (0,)), (command, again)
                assert show("verify").code == 0
                tried += 1
    finally:
        show.root = root
        (show.folder / "full.wav").unlink()
    assert full >= 0.3 * SIZES
    count("sizes of a disk that was full", tried)


@pytest.mark.parametrize("limit", [4096, 20_000, 70_000, 300_000])
def test_a_limit_on_file_size_is_a_full_disk(show: Trial, limit: int, count: Count) -> None:
    """T59 where nothing can be mounted: no file may grow beyond a limit: 7 or done, and everything as before."""
    show.recording(14.0, "limit")
    for begin, command in (
        ("added", ("run", "ep-002")),
        ("approved", ("publish",)),
        ("public", ("add", "ep-009", str(show.folder / "limit.wav"))),
    ):
        show.back(show.folder / begin)
        before = show.public()
        answer = show(*command, limits={"FSIZE": limit})
        assert answer.code in (0, 4, 7), (command, answer)
        if answer.code:
            assert show.public() == before
        assert in_clear(show) == []
        assert show("verify").code == 0
        count("limits on file size tried")
    (show.folder / "limit.wav").unlink()


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder on a file system that may not be written, by a bind mount: root is not kept out by modes."""
    done = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("nothing can be mounted here (that needs root)")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("what", ["show", "feed", "keys"])
def test_what_cannot_be_written_is_told_and_read_all_the_same(show: Trial, what: str, count: Count) -> None:
    """T59: show, public folder or keyring on a read-only file system: writing ends with 7, reading works, nothing is half done."""
    show.recording(14.0, "ro")
    begins = writing(show) | {"run": ("added", ("run", "ep-002"))}
    place = {"show": show.root, "feed": show.root / "feed", "keys": show.keys}[what]
    for name, (begin, command) in begins.items():
        command = tuple(part.replace("kill.wav", "ro.wav") for part in command)
        at_start(show, show.folder / begin)
        before = show.public()
        with read_only(place):
            answer = show(*command)
            assert answer.code in (0, 4, 7), (name, answer)
            if what == "show":
                assert answer.code == 7, (name, answer)
                assert "written" in answer.err or "permissions" in answer.err, answer
                assert show("status").code == 0
                assert show("verify").code == 0
        if answer.code == 7:
            assert show.public() == before
            assert show(*command).code in (0, 2, 4)  # what could not be put in place is, said once more
            assert show("verify").code == 0
        assert in_clear(show) == []
        count("commands on a read-only file system")
    (show.folder / "ro.wav").unlink()


# --- many at once ----------------------------------------------------------------------------------------------------


def together(show: Trial, commands: list[tuple[str, ...]]) -> list[Answer]:
    numbers = [show.ask(*command) for command in commands]
    return [show.got(number) for number in numbers]


def test_two_at_once_never_mix(show: Trial, count: Count) -> None:
    """T58: pairs of commands that write, at once: each is done or told to wait (5), and the state agrees with the disk."""
    pairs: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        ("added", ("run", "ep-002"), ("run", "ep-002")),
        ("approved", ("publish",), ("publish",)),
        ("approved", ("publish",), ("run",)),
        ("approved", ("publish",), ("hold", "ep-001")),
        ("frozen", ("correct", "ep-002", "--redact", "1-2"), ("correct", "ep-002", "--redact", "3-4")),
        ("frozen", ("voices", "redraw", "ep-002"), ("consent", "ep-002", "--yes", "recording")),
    ]
    for begin, one, two in pairs:
        for _ in range(3):
            show.back(show.folder / begin)
            answers = together(show, [one, two])
            assert all(answer.code in (0, 4, 5) for answer in answers), (one, two, answers)
            assert any(answer.code == 0 for answer in answers) or one[0] == "run"
            assert show("verify").code == 0, (one, two)
            assert oracles.o7_agrees(show.root, show.ok("status", as_json=True).json) == []
            count("pairs of commands at once")


def test_twenty_at_once_lose_nothing(show: Trial, count: Count) -> None:
    """T58: twenty recordings are added at once: each is there whole or was told to wait, and then is added; no key is lost."""
    show.back(show.folder / "public")
    path = show.recording(14.0, "twenty")
    commands = [("add", f"at-once-{n}", str(path), "--content-note", "none") for n in range(20)]
    answers = together(show, commands)
    assert {answer.code for answer in answers} <= {0, 5}
    for command, answer in zip(commands, answers, strict=True):
        if answer.code == 5:
            show.ok(*command)
    path.unlink()
    assert show.ok("verify", "--deep", as_json=True).json["holds"]
    names = {entry["episode"] for entry in show.ok("status", as_json=True).json["episodes"]}
    assert names == {"ep-001", *(f"at-once-{n}" for n in range(20))}
    assert show.complaints(public_title=True) == []
    count("commands at once in a crowd", 20)


def test_a_lock_ends_with_who_holds_it(show: Trial) -> None:
    """T58: while a run holds the lock others are told to wait; killed, it leaves none, and the next one begins at once."""
    show.back(show.folder / "added")
    number = show.ask("run", "ep-002")
    receipts, deadline = show.root / "episodes" / "ep-002" / "receipts", time.monotonic() + 40
    while not any(receipts.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)  # until it is at work, and so holds the lock: asked before, we might hold it ourselves
    told = show("run", "ep-002").code
    os.kill(show.driver.pid_of(number), signal.SIGKILL)
    assert show.got(number).signalled
    assert told == 5
    assert show("run", "ep-002").code in (0, 4)


def test_a_reader_of_the_feed_sees_the_old_or_the_new_one(show: Trial, count: Count) -> None:
    """T59: while publishing goes on and is killed, the feed is read every 10 ms or faster: always whole, always one of two."""
    dice = random.Random(SEED)
    show.back(show.folder / "approved")
    feed = show.root / "feed" / "feed.xml"
    old = feed.read_bytes()
    reads, gaps, stop = [set[bytes]()], [0], threading.Event()
    times = [0]

    def look() -> None:
        while not stop.wait(0.005):
            try:
                data = feed.read_bytes()
            except FileNotFoundError:
                gaps[0] += 1
                continue
            ElementTree.fromstring(data)  # noqa: S314 - our own
            reads[0].add(data)
            times[0] += 1

    took_s = show.ok("publish").seconds
    new = feed.read_bytes()
    for number in range(25):
        show.back(show.folder / "approved")  # while nobody looks: this is us, not a command
        stop.clear()
        looking = threading.Thread(target=look)
        looking.start()
        show("publish", kill_after_s=dice.uniform(0.02, took_s) if number % 5 else None)
        stop.set()
        looking.join()
    assert gaps[0] == 0
    dated = {ElementTree.fromstring(data).findtext("channel/item/title") for data in (old, new)}  # noqa: S314
    assert dated
    assert {len(ElementTree.fromstring(data).findall("channel/item")) for data in reads[0]} <= {1, 2}  # noqa: S314
    assert old in reads[0]
    count("readings of the feed during publication", times[0])


def test_a_killed_worker_of_many_is_told(show: Trial) -> None:
    """T59: with two episodes on two workers, one worker is killed: 7 in a sentence, and the next run goes on."""
    show.back(show.folder / "added")
    show.set(demo={"clock_ahead_h": 73.0}, show={"title": "A show"}, transcribe={"beam_size": 4})
    number = show.ask("run", "--jobs", "2")
    leader = show.driver.pid_of(number)
    workers: list[int] = []
    deadline = time.monotonic() + 40
    while len(workers) < 2 and time.monotonic() < deadline and number not in show.driver._answers:
        workers = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError, IndexError):
                fields = (
                    (process / "stat").read_text().rpartition(")")[2].split() if process.name.isdigit() else ["", "0"]
                )
                if int(fields[1]) == leader and b"spawn_main" in (process / "cmdline").read_bytes():
                    workers.append(int(process.name))
        time.sleep(0.05)
    assert len(workers) >= 2
    os.kill(max(workers), signal.SIGKILL)
    answer = show.got(number)
    assert answer.code == 7, answer
    assert in_clear(show) == []
    assert show("verify").code == 0


# --- the clock -------------------------------------------------------------------------------------------------------


def test_a_clock_that_moves_brings_nothing_nearer(show: Trial, tmp_path: Path) -> None:
    """T66: set back after the approvals, no cooling-off time is over; and only a demo's clock can be set forward in settings."""
    show.back(show.folder / "frozen")
    show.set(demo={"clock_ahead_h": 73.0}, show={"title": "A show"})
    show.approve_all("ep-002")
    before = show.public()
    for ahead_h in (73.0, 72.0, 0.0, 73.0 + 23.9):
        show.set(demo={"clock_ahead_h": ahead_h}, show={"title": "A show"})
        assert show("publish", "ep-002").code == 4, ahead_h
        assert show.public() == before
    show.set(demo={"clock_ahead_h": 0.0}, show={"title": "A show"})
    assert (
        show(
            "approve",
            "ep-002",
            "--role",
            "young-person",
            "--as",
            "robin",
            "--password-file",
            show.folder / "robin.password",
        ).code
        == 4
    )
    show.set(demo={"clock_ahead_h": 146.1}, show={"title": "A show"})
    show.ok("publish", "ep-002")
    assert show("verify").code == 0
    with trial(tmp_path) as real:
        real.init(demo=False)
        real.set(demo={"clock_ahead_h": 1000.0}, show={"title": "A show"})
        assert real("publish").code == 2
        assert json.dumps(real("status").err).count(PASSPHRASE) == 0
