"""Killed at any moment, an episode's record and receipts are the old ones or the new ones, and running again ends it."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from stablecast.engine.plan import Receipt
from stablecast.model import Details, Digest, slug_of
from stablecast.store import episode, files, receipts, seal
from stablecast.store.episode import Protected, Record
from stablecast.store.seal import EpisodeKeys
from stablecast.store.workspace import Workspace

SLUG = slug_of("ep-1")
KEYS = EpisodeKeys(
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX", b"the key of the digests"
)  # the test vector of the age specification
OLD, NEW = "old", "new"

# A process that does what a command does, and is killed outright before or after the n-th call that touches the disk.
CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import test_crash
from pathlib import Path
left = int(sys.argv[3])

def killing(real):
    def call(*given, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*given, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return call

for where, name in ((os, "open"), (os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir")):
    setattr(where, name, killing(getattr(where, name)))
if sys.argv[4] == "carelessly":
    test_crash.write_carelessly()
test_crash.change(Path(sys.argv[2]), "new")
"""


def write_carelessly() -> None:
    """Write over the old file, as most programs do: for the test of the test."""

    @contextlib.contextmanager
    def over(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file
            os.fsync(file.fileno())

    for module in (files, seal):
        setattr(module, "replacing", over)  # noqa: B010 - whoever imported it by name has to be careless too


def receipt(what: str) -> Receipt:
    return Receipt(
        "tag", Digest("0" * 64), {"details": KEYS.digest(what.encode())}, KEYS.digest(b"out"), KEYS.digest(b"")
    )


def change(root: Path, what: str) -> None:
    """What `add` and a stage do: seal new inputs, write the record, drop the old inputs, write a receipt."""
    workspace = Workspace(root)
    path = workspace.episode(SLUG) / episode.RECORD
    record = episode.read(workspace, SLUG) if path.exists() else Record(episode.FORMAT, "id")
    stored = (
        episode.put_input(workspace, SLUG, "details", Details(what), KEYS),
        episode.put_input(workspace, SLUG, "protected", Protected((what,)), KEYS),
    )
    changed = episode.with_inputs(record, *stored)
    episode.write(workspace, SLUG, changed)
    episode.drop_old_inputs(workspace, SLUG, changed)
    receipts.write(workspace.receipt(SLUG, "tag"), receipt(what))


def told(root: Path) -> tuple[str, str]:
    """What a command would find: which inputs, and which receipt. Raises whatever it would raise."""
    workspace = Workspace(root)
    record = episode.read(workspace, SLUG)
    details = episode.get_input(workspace, SLUG, record, "details", Details, KEYS).title
    protected = episode.get_input(workspace, SLUG, record, "protected", Protected, KEYS).words
    assert protected == (details,), "the inputs are of two times"
    found = receipts.read_all(workspace.episode(SLUG) / "receipts")["tag"]
    return details, OLD if found == receipt(OLD) else NEW if found == receipt(NEW) else "neither"


def killed(root: Path, at: int, how: str) -> bool:
    """Run the change and kill it there; False when it ended before."""
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(root), str(at), how]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.fixture
def show(tmp_path: Path) -> Path:
    Workspace(tmp_path / "show").make()
    change(tmp_path / "show", OLD)
    return tmp_path / "show"


def names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def every_kill(show: Path, how: str = "carefully") -> Iterator[Path]:
    """The show as it is after being killed at each moment, one copy each."""
    for at in itertools.count(1):
        copy = show.with_name(f"killed-{at}")
        shutil.copytree(show, copy)
        if not killed(copy, at, how):
            return
        yield copy


@pytest.mark.slow
def test_killed_at_any_moment_the_record_is_the_old_or_the_new_one(show: Path, tmp_path: Path) -> None:
    """Before and after every call that touches the disk; and the next run ends with the same files as one that was not killed."""
    whole = tmp_path / "whole"
    shutil.copytree(show, whole)
    change(whole, NEW)
    moments = list(every_kill(show))
    seen = [told(root) for root in moments]

    assert len(moments) > 20
    assert set(seen) == {(OLD, OLD), (NEW, OLD), (NEW, NEW)}
    assert seen == sorted(seen, key=[(OLD, OLD), (NEW, OLD), (NEW, NEW)].index)
    for root in moments:
        files.sweep(root)
        change(root, NEW)
        assert told(root) == (NEW, NEW)
        assert names(root) == names(whole)


@pytest.mark.slow
def test_writing_over_the_old_file_would_be_found_out(show: Path) -> None:
    """The test above bites: a careless writer leaves something that is neither."""

    def broken(root: Path) -> bool:
        try:
            return "neither" in told(root)
        except Exception:  # noqa: BLE001 - whatever a reader of half a file may raise
            return True

    assert any(broken(root) for root in every_kill(show, "carelessly"))


def test_raising_at_any_moment_leaves_no_half_written_file(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt is tidier than a kill: nothing that is half-written stays at all."""
    for name in ("fsync", "open"):
        at = 0
        while True:
            at += 1
            calls = 0
            with monkeypatch.context() as patched:
                real = getattr(os, name)

                def call(*given: object, real: object = real, at: int = at, **named: object) -> object:
                    nonlocal calls
                    calls += 1
                    if calls == at:
                        raise KeyboardInterrupt
                    return real(*given, **named)  # type: ignore[operator]

                patched.setattr(os, name, call)
                try:
                    change(show, NEW)
                except KeyboardInterrupt:
                    pass
                else:
                    break
            assert not list(show.rglob(f"{files.TEMPORARY}*"))
            assert told(show)[0] in (OLD, NEW)
            change(show, OLD)
        assert at > 5
