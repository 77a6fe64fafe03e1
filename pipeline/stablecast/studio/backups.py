"""A show in one sealed file, and back. The keyring is never in it: who finds a backup finds ciphertext alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from stablecast.errors import IntegrityFailure, Locked, UsageRefused
from stablecast.model import Digest
from stablecast.store import backup as archive
from stablecast.store import decisions, files, locks
from stablecast.store.backup import GONE, PUBLIC, Member
from stablecast.store.state import State
from stablecast.store.workspace import STATE, Workspace
from stablecast.studio import gone, keeping, release
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import BackupView, RestoreView
from stablecast.targets import local

TRIES: Final = 3
RESTORING: Final = ".stablecast-restoring-"  # begins the name of a folder that a backup is unpacked into
SHORTEST_PASSPHRASE: Final = 12


class _Changed(Exception):
    """Something was published or withdrawn meanwhile."""


def backup(show: OpenShow, file: Path, passphrase: str) -> BackupView:
    """The whole show as it is at one moment, sealed under a passphrase of its own.

    A withdrawal never waits for it: then it begins anew. Raises UsageRefused for a place inside the show or over another file,
    Locked while another command works.
    """
    _check_place(show, file)
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageRefused(f"the passphrase of a backup has {SHORTEST_PASSPHRASE} characters or more")
    with locks.exclusive(show.workspace.lock("work")):
        for _ in range(TRIES):
            with contextlib.suppress(_Changed):
                many = archive.write(file, _members(show), passphrase)
                show.state.log(show.now(), OPERATOR, "backed-up")
                return BackupView(str(file), many, file.stat().st_size)
    raise Locked("the public folder changes again and again; wait for the other command, then make the backup again")


def backup_keyring(show: OpenShow, file: Path) -> None:
    """A copy of the sealed keyring. What is destroyed later can be opened with it as long as it is kept."""
    _check_place(show, file)
    show.keyring.entries()  # a copy of what nobody can open is none
    files.write(file, show.keyring.path.read_bytes())
    show.state.log(show.now(), OPERATOR, "keyring-backed-up")


def _check_place(show: OpenShow, file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise UsageRefused("this file is there already; name a new one")
    if file.resolve().is_relative_to(show.workspace.root):
        raise UsageRefused("a backup does not lie in the show folder; name another place, best on another disk")
    if not file.resolve().parent.is_dir():
        raise UsageRefused("there is no such folder to put the backup in")


def _members(show: OpenShow) -> Iterator[Member]:
    """Words first, while nobody decides about them; then what only the work lock guards; the public folder as the facts say."""
    workspace = show.workspace
    with decisions.lock(workspace):
        facts, before = show.state.snapshot(), _public(show)
        yield Member(PurePosixPath(STATE), facts)
        if workspace.gone.exists():
            yield Member(PurePosixPath(GONE), workspace.gone)
        yield from _below(workspace, "transcripts")
    yield from _below(workspace, "config")
    yield from _below(workspace, "episodes")
    tree, _, _ = before
    for path, digest in local.digests(workspace.public).items():
        if path.name != "README.md" and tree.get(path) != digest:
            if _public(show) != before:
                raise _Changed
            raise IntegrityFailure("the public folder is not what was published; `stablecast verify` says where")
        try:
            data = (workspace.public / path).read_bytes()
        except FileNotFoundError as swapped:
            raise _Changed from swapped
        yield Member(PurePosixPath(PUBLIC) / path, data)
    if _public(show) != before:
        raise _Changed


def _public(show: OpenShow) -> tuple[Mapping[PurePosixPath, Digest], frozenset[str], str]:
    """What the public folder should hold, what must not be in it, and whether it is still to be brought in line."""
    return show.state.tree(), show.state.stopped(), show.state.swap_due()


def _below(workspace: Workspace, room: str) -> Iterator[Member]:
    folder = workspace.root / room
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise IntegrityFailure("a link lies among the files of the show; `stablecast verify` says where")
        if path.is_file() and not path.name.startswith(files.TEMPORARY):
            yield Member(PurePosixPath(path.relative_to(workspace.root)), path)


# --- back ------------------------------------------------------------------------------------------------------------------


def put_back(root: Path, file: Path, passphrase: str) -> None:
    """Make a show folder of a backup: whole and checked, or not at all.

    Raises UsageRefused where there is something already, IntegrityFailure for a backup that is damaged or another passphrase.
    """
    if root.is_symlink() or (root.exists() and (not root.is_dir() or any(root.iterdir()))):
        raise UsageRefused("this folder is not empty; name a new one")
    if file.resolve().is_relative_to(root.resolve()):
        raise UsageRefused("the backup does not lie in the folder that it is put back into")
    with files.resources():
        files.make_folder(root.resolve().parent)
    building = root.resolve().with_name(f"{RESTORING}{secrets.token_hex(8)}")
    with files.resources():
        building.mkdir(mode=files.PRIVATE_FOLDER)
    try:
        archive.read_into(file, building, passphrase)
        workspace = Workspace(building)
        workspace.make()
        _open_to_all(workspace.public)
        with State(workspace.state) as state:
            state.check()
        with files.resources():
            building.rename(root.resolve())  # over an empty folder, in one step
            files.sync_folder(root.resolve().parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _open_to_all(public: Path) -> None:
    """The modes and times that a published folder has; one that holds nothing yet stays private."""
    published = [path for path in public.rglob("*") if path.is_file()]
    if not published:
        return
    at = max(path.stat().st_mtime for path in published)
    for folder in (*(path for path in public.rglob("*") if path.is_dir()), public):
        folder.chmod(local.PUBLIC_FOLDER)
        os.utime(folder, (at, at))


def settled(show: OpenShow) -> RestoreView:
    """Take away again what was withdrawn or destroyed since the backup was made, and say what is in place.

    The log of a backup is older than the copy of its head beside the keyring: the entry "restored" names that copy, and from now
    on the head of this log is kept there.
    """
    before = show.state.withdrawals().keys()
    gone.settle(show)
    release.take_down_due(show)
    keeping.finish_listed(show)
    show.state.log(show.clock(), OPERATOR, "restored", detail=show.keyring.audit_head())
    show.keyring.keep_audit_head(show.state.audit_head)
    since = show.state.withdrawals().keys() - before
    slugs = tuple(row.slug for row in show.state.episodes() if row.id in since)
    return RestoreView(str(show.workspace.root), slugs, show.keyring.exists)
