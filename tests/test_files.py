"""Whole files or none, private to one user, behind one door, and one writer at a time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stablecast.errors import EnvironmentFailure, IntegrityFailure, Locked
from stablecast.store import files, locks
from stablecast.store.files import Room
from stablecast.store.workspace import LOCKS, ROOMS, Workspace


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


class Killed(BaseException):
    """Stands for whatever ends a process."""


# --- replacing --------------------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """A longer file leaves no end behind when a shorter one takes its place."""
    files.write(tmp_path / "a", b"long and old")
    files.write(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("where", ["block", "fsync", "replace"])
def test_dying_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """At the worst place to die the old bytes are still there, and nothing half-written lies beside them."""

    def die(*_: object) -> None:
        raise Killed

    files.write(tmp_path / "a", b"old")
    if where == "fsync":
        monkeypatch.setattr(os, "fsync", die)
    if where == "replace":
        monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(Killed), files.replacing(tmp_path / "a") as file:  # noqa: PT012 - the block is what is tested
        file.write(b"new" * 100_000)
        if where == "block":
            raise Killed

    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_until_the_block_ends_readers_see_the_old_file(tmp_path: Path) -> None:
    """A reader never meets half of either."""
    files.write(tmp_path / "a", b"old")
    with files.replacing(tmp_path / "a") as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "a").read_bytes() == b"old"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_data_reach_the_disk_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync of the file, then the rename, then fsync of the folder: no power cut finds an empty file under the name."""
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        order.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync file")
        fsync(descriptor)

    def renamed(path: Path, to: Path) -> Path:
        order.append("rename")
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    files.write(tmp_path / "a", b"new")

    assert order == ["sync file", "rename", "sync folder"]


def test_files_and_the_folders_above_them_are_private_whatever_the_umask(tmp_path: Path, no_umask: None) -> None:
    """0600 and 0700, also for the folders in between, which `mkdir` would give to everybody."""
    files.write(tmp_path / "one" / "two" / "a", b"")

    assert mode(tmp_path / "one" / "two" / "a") == 0o600
    assert mode(tmp_path / "one") == mode(tmp_path / "one" / "two") == 0o700


def test_a_full_disk_is_told_in_a_sentence_and_the_old_file_stays(tmp_path: Path) -> None:
    """A write past the limit fails like a full disk; the process is asked nothing else."""
    script = f"""
import resource, signal, sys
from pathlib import Path
from stablecast.errors import EnvironmentFailure
from stablecast.store import files
path = Path({str(tmp_path / "a")!r})
files.write(path, b"old")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    files.write(path, bytes(200_000))
except EnvironmentFailure as full:
    assert "disk is full" in str(full)
    sys.exit(full.exit_code)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)

    assert done.returncode == EnvironmentFailure.exit_code
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_device_without_room_is_a_full_disk() -> None:
    """ENOSPC itself, from the kernel's own full device."""
    with (
        pytest.raises(EnvironmentFailure, match="disk is full"),
        files.resources(),
        Path("/dev/full").open("wb") as file,
    ):
        file.write(b"x" * 10_000)


def test_permission_refused_is_told_in_a_sentence() -> None:
    """Permissions are the machine's fault, not a bug."""
    with pytest.raises(EnvironmentFailure, match="permissions"), files.resources():
        raise PermissionError(13, "no")


def test_other_failures_stay_what_they_are() -> None:
    """Only what a person can act on becomes a sentence; the rest is a bug and shows."""
    with pytest.raises(FileNotFoundError), files.resources():
        raise FileNotFoundError(2, "no")


def test_sweeping_removes_what_is_half_written_and_nothing_else(tmp_path: Path) -> None:
    """An interrupted command's files go; links and what they lead to stay."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "elsewhere").mkdir()
    left = tmp_path / "deep" / f"{files.TEMPORARY}1234"
    kept = tmp_path / "deep" / "a.age"
    behind = tmp_path / "elsewhere" / f"{files.TEMPORARY}5678"
    for path in (left, kept, behind):
        path.write_bytes(b"x")
    (tmp_path / "deep" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "deep" / f"{files.TEMPORARY}link").symlink_to(kept)
    files.sweep(tmp_path / "deep")

    assert not left.exists()
    assert kept.exists()
    assert behind.exists()


# --- the door ---------------------------------------------------------------------------------------------------------


def test_a_path_below_the_root_is_given(tmp_path: Path) -> None:
    """The door opens for what lies inside, there or not."""
    assert Room(tmp_path).path("a", "b") == tmp_path.resolve() / "a" / "b"


@pytest.mark.parametrize(
    "parts", [("..",), ("a", "..", "..", "b"), ("/etc/passwd",), ("a", "/etc/passwd"), ("a/../../b",)]
)
def test_no_way_leads_up_or_elsewhere(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """A caller that asks for another place has a bug."""
    with pytest.raises(ValueError, match="stays inside"):
        Room(tmp_path).path(*parts)


@pytest.mark.parametrize("links_to", ["outside", "inside", "nowhere"])
def test_no_link_is_followed(tmp_path: Path, links_to: str) -> None:
    """Whoever can put a link into a show cannot make it read or write anywhere else, not even within the show."""
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    target = {"outside": tmp_path / "outside", "inside": root / "inside", "nowhere": tmp_path / "nowhere"}[links_to]
    (root / "link").symlink_to(target)

    for parts in (("link",), ("link", "a")):
        with pytest.raises(IntegrityFailure, match="link"):
            Room(root).path(*parts)


def test_a_root_reached_by_a_link_is_still_the_root(tmp_path: Path) -> None:
    """A show on a linked disk works: only what lies inside is held to the rule."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert Room(tmp_path / "link").path("a") == (tmp_path / "real" / "a").resolve()


def test_the_rooms_of_a_show_are_private(tmp_path: Path, no_umask: None) -> None:
    """Nobody else on this computer can look into a show, whatever the umask."""
    Workspace(tmp_path / "show").make()

    modes = {path.name: mode(path) for path in (tmp_path / "show").iterdir()}
    assert modes == dict.fromkeys(ROOMS, 0o700) | {f".stablecast-{lock}.lock": 0o600 for lock in LOCKS}


# --- locks ------------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from stablecast.store import locks
with locks.exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_told_that_it_is_locked(tmp_path: Path) -> None:
    """One writer at a time; the lock is free again afterwards."""
    with locks.exclusive(tmp_path / "lock"), pytest.raises(Locked), locks.exclusive(tmp_path / "lock"):
        pass
    with locks.exclusive(tmp_path / "lock"):
        pass


def test_a_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    """A holder that is killed outright leaves nothing to clear away by hand."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked), locks.exclusive(tmp_path / "lock"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with locks.exclusive(tmp_path / "lock", wait_s=5):
            pass
    finally:
        holder.kill()
        holder.communicate()


def test_waiting_gets_the_lock_when_it_is_let_go(tmp_path: Path) -> None:
    """Who waits long enough gets it; who waits too short is told."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.exclusive(tmp_path / "lock"):
            held.set()
            let_go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    began = time.monotonic()
    with pytest.raises(Locked), locks.exclusive(tmp_path / "lock", wait_s=0.2):
        pass
    assert time.monotonic() - began >= 0.2
    threading.Timer(0.1, let_go.set).start()
    with locks.exclusive(tmp_path / "lock", wait_s=10):
        pass
    thread.join()


def test_a_lock_is_private_and_never_a_link(tmp_path: Path, no_umask: None) -> None:
    """A link in place of the lock is not followed: it could make a file anywhere."""
    with locks.exclusive(tmp_path / "lock"):
        assert mode(tmp_path / "lock") == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="symbolic links"), locks.exclusive(tmp_path / "link"):
        pass
    assert not (tmp_path / "made").exists()
