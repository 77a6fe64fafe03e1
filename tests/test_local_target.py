"""The public folder: a reader sees the old tree or the new one, and whatever goes wrong on the way leaves the old one."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Digest
from stablecast.targets import local

DAY = date(2026, 3, 1)
FEED, AUDIO, PAGE = PurePosixPath("feed.xml"), PurePosixPath("media/a.mp3"), PurePosixPath("e/index.html")


def digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).hexdigest())


def feed(number: int) -> bytes:
    """A feed that says which tree it belongs to, at both ends."""
    return f"<rss v='{number}'>{'<item/>' * 2_000}<end v='{number}'/></rss>".encode()


def publish(public: Path, number: int, media: dict[PurePosixPath, bytes] | None = None) -> None:
    fresh = {AUDIO: f"audio {number}".encode()} if media is None else media
    with local.built(
        public, {FEED: feed(number), PAGE: b"<p>"}, {p: digest(d) for p, d in fresh.items()}, fresh, day=DAY
    ) as tree:
        tree.swap()


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def public(tmp_path: Path) -> Path:
    return tmp_path / "feed"


@pytest.fixture(params=["exchange", "two renames"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How two folders are swapped: by the kernel at once, or as where it cannot."""
    if request.param == "two renames":
        monkeypatch.setattr(local, "_exchanged_at_once", lambda *_: False)
    return str(request.param)


# --- in one step ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
def test_the_new_tree_takes_the_place_of_the_old(public: Path) -> None:
    """Exactly the new files, nothing of the old ones, and nothing beside them."""
    publish(public, 1)
    publish(public, 2, {PurePosixPath("media/b.mp3"): b"b"})

    assert content(public) == {"feed.xml": feed(2), "e/index.html": b"<p>", "media/b.mp3": b"b"}
    assert [path.name for path in public.parent.iterdir()] == ["feed"]


def watched(public: Path, rounds: int) -> tuple[int, list[str]]:
    """Publish again and again while a reader reads: how often it read, and whatever it saw that was neither."""
    publish(public, 0)
    stop, seen, wrong = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                root = ET.fromstring((public / "feed.xml").read_bytes())  # noqa: S314 - our own feed
                if root.get("v") != root[-1].get("v"):
                    wrong.append("half of each")
                seen.append(root.get("v"))
            except (OSError, ET.ParseError) as broken:
                wrong.append(type(broken).__name__)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, rounds):
            publish(public, number)
    finally:
        stop.set()
        reader.join()
    return len(seen), wrong


@pytest.mark.skipif(
    not hasattr(os, "uname") or os.uname().sysname != "Linux", reason="the swap at once is the kernel's"
)
def test_a_reader_never_sees_anything_between(public: Path) -> None:
    """A podcast app that asks at any moment gets a whole feed: the old one or the new one."""
    times, wrong = watched(public, 60)

    assert wrong == []
    assert times > 60


def test_the_reader_would_see_a_gap(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above bites: two renames leave a moment without a feed."""

    def slowly(_: object, __: object) -> bool:
        public.rename(public.with_name("gap"))
        threading.Event().wait(0.01)
        public.with_name("gap").rename(public)
        return False

    monkeypatch.setattr(local, "_exchanged_at_once", slowly)
    assert "FileNotFoundError" in watched(public, 10)[1]


# --- what goes wrong --------------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[Any, str]] = {
    "making a folder": (Path, "mkdir"),
    "opening a file": (Path, "open"),
    "syncing": (os, "fsync"),
    "a mode": (Path, "chmod"),
    "a time": (os, "utime"),
    "the swap": (local, "_exchange"),
    "the exchange": (local, "_exchanged_at_once"),
}


def failing(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, at: int, failure: BaseException
) -> Callable[[], int]:
    """Make the call number `at` fail; gives how many there were."""
    real, calls = getattr(where, name), [0]

    def call(*given: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == at:
            raise failure
        return real(*given, **named)

    monkeypatch.setattr(where, name, call)
    return lambda: calls[0]


@pytest.mark.parametrize(("where", "name"), FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), PermissionError(errno.EACCES, "no"), KeyboardInterrupt()]
)
def test_a_fault_at_any_step_leaves_the_old_tree(
    public: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, failure: BaseException
) -> None:
    """I12: whichever call fails, and however often it is called, the old tree is there, or the new one, and no remains."""
    publish(public, 1)
    old, at = content(public), 0
    while True:
        at += 1
        with monkeypatch.context() as patched:
            calls = failing(patched, where, name, at, failure)
            try:
                publish(public, 2)
            except (EnvironmentFailure, KeyboardInterrupt):
                assert calls() >= at
            else:
                break  # it was called less often than that: every call has failed once
        if content(public) != old:
            assert content(public) == {**old, "feed.xml": feed(2), "media/a.mp3": b"audio 2"}
            publish(public, 1)
        assert [path.name for path in public.parent.iterdir()] == ["feed"]
    assert at > 1, "the fault was never met"


@pytest.mark.parametrize("at", [1, 2, 3])
def test_where_two_renames_are_needed_a_fault_puts_the_old_tree_back(
    public: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The first or second rename fails: the old tree stands. The third: the new one does."""
    publish(public, 1)
    monkeypatch.setattr(local, "_exchanged_at_once", lambda *_: False)
    with monkeypatch.context() as patched:
        failing(patched, Path, "rename", at, OSError(errno.EIO, "no"))
        with pytest.raises(EnvironmentFailure):
            publish(public, 2)

    assert content(public)["feed.xml"] == feed(1 if at < 3 else 2)
    publish(public, 3)
    assert [path.name for path in public.parent.iterdir()] == ["feed"]


def test_being_killed_between_two_renames_is_put_right_by_the_next_command(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tree that was set aside comes back before anything else is done: published media are nowhere else."""
    publish(public, 1)
    old = content(public)
    public.rename(public.with_name(local._ASIDE))
    local.clear_leftovers(public)

    assert content(public) == old
    assert local.leftovers(public) == []


def test_leaving_without_a_swap_changes_nothing(public: Path) -> None:
    """A tree that was only built is gone again."""
    publish(public, 1)
    old = content(public)
    with local.built(public, {FEED: feed(2)}, {}, {}, day=DAY):
        assert len(local.leftovers(public)) == 1
        assert content(public) == old

    assert content(public) == old
    assert local.leftovers(public) == []


def test_leftovers_are_cleared_by_the_next_building(public: Path) -> None:
    """What a killed command left beside the public folder does not stay."""
    publish(public, 1)
    left = public.with_name(f"{local._BUILDING}dead")
    left.mkdir()
    (left / "feed.xml").write_bytes(b"half")
    assert local.leftovers(public) == [left]
    publish(public, 2)

    assert local.leftovers(public) == []


# --- the right bytes --------------------------------------------------------------------------------------------------


def test_media_are_taken_from_the_tree_as_it_is(public: Path) -> None:
    """What was published before is copied, not made again."""
    publish(public, 1)
    with local.built(public, {FEED: feed(2)}, {AUDIO: digest(b"audio 1")}, {}, day=DAY) as tree:
        tree.swap()

    assert content(public) == {"feed.xml": feed(2), "media/a.mp3": b"audio 1"}


@pytest.mark.parametrize(
    "damage", ["changed", "cut off", "missing", "a link", "a pipe", "a folder", "a linked folder", "fresh"]
)
def test_a_file_that_is_not_what_was_approved_stops_everything(public: Path, damage: str) -> None:
    """Every byte is compared as it is copied, wherever it comes from; nothing has changed then."""
    publish(public, 1)
    audio, fresh = public / AUDIO, {}
    if damage == "changed":
        audio.write_bytes(b"audio 2")
    elif damage == "cut off":
        audio.write_bytes(b"audio ")
    elif damage == "fresh":
        fresh = {AUDIO: b"other audio"}
    elif damage == "a linked folder":
        shutil.move(audio.parent, public.parent / "elsewhere")
        (public.parent / "elsewhere" / "a.mp3").write_bytes(b"private")
        audio.parent.symlink_to(public.parent / "elsewhere")
    else:
        audio.unlink()
        if damage == "a link":
            (public.parent / "elsewhere").write_bytes(b"audio 1")
            audio.symlink_to(public.parent / "elsewhere")
        elif damage == "a pipe":
            os.mkfifo(audio)
        elif damage == "a folder":
            audio.mkdir()
    with (
        pytest.raises((IntegrityFailure, EnvironmentFailure)),
        local.built(public, {FEED: feed(2)}, {AUDIO: digest(b"audio 1")}, fresh, day=DAY) as tree,
    ):
        tree.swap()

    assert (public / "feed.xml").read_bytes() == feed(1)
    assert local.leftovers(public) == []


@pytest.mark.parametrize("path", ["../outside", "/outside", "a/../../outside"])
@pytest.mark.parametrize("what", ["texts", "media"])
def test_no_path_leads_out_of_the_tree(public: Path, path: str, what: str) -> None:
    """A path that climbs is a bug, and writes nothing."""
    given: dict[str, dict[PurePosixPath, Any]] = {"texts": {}, "media": {}, "fresh": {}}
    given[what] = {PurePosixPath(path): b"" if what == "texts" else digest(b"")}
    given["fresh"] = {PurePosixPath(path): b""}
    with pytest.raises(ValueError, match="stays inside"), local.built(public, **given, day=DAY):
        pass
    assert list(public.parent.iterdir()) == []


def test_strangers_are_not_carried_over(public: Path) -> None:
    """Whatever somebody laid into the public folder is not in the next tree; links are not followed to what they show."""
    publish(public, 1)
    (public / "notes.txt").write_bytes(b"private")
    (public / "link").symlink_to("/etc")
    (public / ".hidden").write_bytes(b"")
    publish(public, 2)

    assert set(content(public)) == {"feed.xml", "e/index.html", "media/a.mp3"}
    assert Path("/etc").is_dir()


# --- what it looks like from outside ----------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0, 0o077])
def test_everybody_may_read_it_and_nobody_else_may_write(public: Path, umask: int) -> None:
    """0644 and 0755 for a web server, whatever the umask; not before it is in its place."""
    before = os.umask(umask)
    try:
        publish(public, 1)
    finally:
        os.umask(before)

    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in (public, *public.rglob("*"))}
    assert modes == {True: 0o755, False: 0o644}


def test_times_tell_the_day_and_nothing_of_who_worked_when(public: Path) -> None:
    """Every file and folder is of midnight UTC on the day of the newest release."""
    publish(public, 1)
    times = {path.stat().st_mtime for path in (public, *public.rglob("*"))}

    assert times == {datetime(2026, 3, 1, tzinfo=UTC).timestamp()}


def test_a_file_in_the_place_of_another_is_younger(public: Path) -> None:
    """By a second a change, though the day is the same: who asks by time whether it changed is told so; a touch counts nothing."""
    midnight = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    publish(public, 1)
    publish(public, 2)
    publish(public, 2)
    publish(public, 3)
    assert (public / FEED).stat().st_mtime == midnight + 2
    assert (public / PAGE).stat().st_mtime == midnight
    os.utime(public / FEED, (midnight + 50_000, midnight + 50_000))
    publish(public, 4)
    assert (public / FEED).stat().st_mtime == midnight


def test_digests_are_of_plain_files_alone(public: Path) -> None:
    """Links and pipes are told apart, and not followed."""
    publish(public, 1)
    (public / "link").symlink_to(public / FEED)
    (public / "folder").symlink_to("/etc")
    os.mkfifo(public / "pipe")

    assert local.digests(public) == {FEED: digest(feed(1)), PAGE: digest(b"<p>"), AUDIO: digest(b"audio 1")}
    assert [path.name for path in local.irregular(public)] == ["folder", "link", "pipe"]


def test_single_files_can_be_taken_down_without_room_for_a_tree(public: Path) -> None:
    """The last resort on a full disk: files go at once, and again without harm."""
    publish(public, 1)
    local.take_down(public, (AUDIO, FEED))
    local.take_down(public, (AUDIO, FEED))

    assert set(content(public)) == {"e/index.html"}
