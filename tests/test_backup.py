"""A show in one sealed file and back: whole or not at all, without the keyring, and never towards publication."""

from __future__ import annotations

import io
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyrage
import pytest

from desk import EPISODE, PASSPHRASE, PASSWORD, Desk, made
from stablecast.errors import GateClosed, InputRefused, IntegrityFailure, Locked, StablecastError, UsageRefused
from stablecast.model import Role
from stablecast.store import backup, locks
from stablecast.store.backup import GONE, MANIFEST, Member
from stablecast.store.keyring import DESTROYED
from stablecast.studio import backups, making
from stablecast.studio.studio import Studio
from test_keeping import published
from test_keyring import quick

SECRET = "the secret of this backup"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    with pytest.MonkeyPatch.context() as patched:
        quick(patched)
        return published(made(tmp_path_factory.mktemp("backup"), 10, demo=True))


@pytest.fixture
def desk(whole: Desk, tmp_path: Path) -> Desk:
    """A show of its own with one published episode."""
    return whole.copied(tmp_path / "of")


@pytest.fixture
def file(desk: Desk, tmp_path: Path) -> Path:
    """A backup of it."""
    desk.studio.backup(tmp_path / "ours.backup", SECRET)
    return tmp_path / "ours.backup"


def elsewhere(desk: Desk) -> Studio:
    """A show that is to be put back on the same machine: its keyring is where the first one's is."""
    root = desk.root.with_name("again") / "show"
    root.parent.mkdir(exist_ok=True)
    if not root.with_name("show.keys").exists():
        root.with_name("show.keys").symlink_to(desk.root.with_name("show.keys"))
    return Studio(root, lambda: PASSPHRASE, desk.clock)


def listing(root: Path) -> dict[str, tuple[bytes, int]]:
    """Every file but the database and what holds no bytes, with its mode."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in root.rglob("*")
        if path.is_file() and path.name != "stablecast.sqlite" and path.suffix != ".lock"
    }


def archived(file: Path) -> dict[str, bytes]:
    """What a backup holds, by age and tar alone."""
    first, _, rest = file.read_bytes().partition(b"\n")
    length, _, rest = rest.partition(b"\n")
    assert first == b"stablecast backup 1"
    identity = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(rest[: int(length)], SECRET).decode())
    plain = pyrage.decrypt(rest[int(length) :], [identity])
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]


def test_a_show_comes_back_as_it_was(desk: Desk, file: Path) -> None:
    """Every byte and mode of every file, every fact; `verify` finds nothing, and the keys of before open it."""
    studio = elsewhere(desk)
    done = studio.restore_show(file, SECRET)

    assert (done.withdrawn, done.keyring) == ((), True)
    before, after = listing(desk.root), listing(studio.root)
    assert after == before
    assert len(after) > 20
    assert studio.verify(deep=True).holds
    assert [e.action for e in studio.audit()][-1] == "restored"
    with desk.open() as one, studio._bare() as other:
        assert one.state.audit()[-2].hash == other.state.audit()[-2].hash  # "backed-up" is not in the backup
        assert one.state.episodes() == other.state.episodes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert studio.manuscript(EPISODE)
    for folder in (studio.root, *(p for p in studio.root.rglob("*") if p.is_dir() and "feed" not in p.parts)):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(studio.root.parent.glob(f"{backups.RESTORING}*")) == []


def test_the_keyring_is_never_in_a_backup(desk: Desk, file: Path) -> None:
    """T47: not its file, not a key, not the passphrase; nor is anything in clear that is sealed in the show."""
    members = archived(file)
    with desk.open() as show:
        ring = show.keyring.path.read_bytes()
        entry = show.keyring.entry(show.row(EPISODE).id)
    for secret in (ring[:60], entry.identity.encode(), entry.source.encode(), entry.mac.encode(), PASSPHRASE.encode()):
        assert all(secret not in data for data in members.values())
        assert secret not in file.read_bytes()
    assert not any("keys" in name or name.endswith(".lock") for name in members)
    assert all(data.startswith(b"age-encryption.org/v1\n") for name, data in members.items() if name.endswith(".age"))
    assert b"A talk" not in file.read_bytes()
    assert b"SQLite" not in file.read_bytes()
    assert set(members) > {"stablecast.sqlite", "config/show.toml", "feed/feed.xml", MANIFEST}


def test_a_withdrawal_since_holds_in_what_comes_back(desk: Desk, file: Path) -> None:
    """T50: nothing of it is public at any moment after the command, it cannot be approved or published, and `verify` holds."""
    desk.studio.withdraw(EPISODE, None)
    studio = elsewhere(desk)
    done = studio.restore_show(file, SECRET)
    assert done.withdrawn == (EPISODE,)
    assert not list((studio.root / "feed").glob("media/*"))
    assert studio.publish().published == ()
    for use in (
        lambda: studio.publish((EPISODE,)),
        lambda: list(studio.run((EPISODE,), jobs=1)),
        lambda: studio.approve(EPISODE, Role.LEAD, f"name of {Role.LEAD}", PASSWORD),
    ):
        with pytest.raises(StablecastError) as refused:
            use()
        assert refused.value.exit_code == 4
    assert studio.verify(deep=True).holds


def test_what_was_destroyed_since_does_not_come_back(desk: Desk, file: Path) -> None:
    """T47: an old backup brings ciphertext without a key, and even that is removed again."""
    desk.studio.withdraw(EPISODE, None)
    desk.studio.purge(EPISODE, who=desk.people[Role.LEAD])
    studio = elsewhere(desk)
    assert studio.restore_show(file, SECRET).withdrawn == (EPISODE,)
    assert studio.status().episodes[0].state == "erased"
    assert not list((studio.root / "episodes").glob("ep-*"))
    assert studio.verify(deep=True).holds


def test_a_recording_that_was_destroyed_since_has_no_key(desk: Desk, file: Path) -> None:
    """What retention took, an old backup brings back as bytes that nobody can open; the next command with the ring says so."""
    with desk.open() as show:
        show.keyring.forget_sources(show.row(EPISODE).id)
    studio = elsewhere(desk)
    studio.restore_show(file, SECRET)
    with studio._bare() as show:
        assert show.keyring.entry(show.row(EPISODE).id).source == DESTROYED
        with pytest.raises(GateClosed, match="destroyed"):
            making.bench(show, show.row(EPISODE))._source(1)
    studio.board()
    assert not list((studio.root / "episodes" / EPISODE).glob("source/*"))
    assert studio.verify(deep=True).holds


@pytest.mark.parametrize("place", ["start", "head", "middle", "late", "cut", "end", "more"])
def test_a_damaged_backup_puts_nothing_in_place(desk: Desk, file: Path, place: str) -> None:
    """One byte anywhere, an end that is missing, or bytes too many: refused, and no folder is left."""
    data = bytearray(file.read_bytes())
    if place in ("cut", "end"):
        del data[-1 if place == "end" else len(data) // 2 :]
    elif place == "more":
        data += b"more"
    else:
        data[{"start": 3, "head": 60, "middle": len(data) // 2, "late": len(data) - 40}[place]] ^= 1
    file.write_bytes(data)
    studio = elsewhere(desk)
    with pytest.raises((IntegrityFailure, InputRefused)):
        studio.restore_show(file, SECRET)
    assert not studio.root.exists()
    assert list(studio.root.parent.glob(".*")) == []


def test_another_passphrase_opens_nothing(desk: Desk, file: Path) -> None:
    """It is told in a sentence that repeats nothing."""
    studio = elsewhere(desk)
    with pytest.raises(IntegrityFailure, match="passphrase") as refused:
        studio.restore_show(file, "another secret")
    assert "another secret" not in str(refused.value)
    assert not studio.root.exists()


def test_a_show_is_never_put_over_anything(desk: Desk, file: Path) -> None:
    """Not over a show, a file, a link; into an empty folder it goes."""
    before = listing(desk.root)
    with pytest.raises(UsageRefused):
        desk.studio.restore_show(file, SECRET)
    assert listing(desk.root) == before
    studio = elsewhere(desk)
    studio.root.mkdir()
    (studio.root / "letter").touch()
    with pytest.raises(UsageRefused):
        studio.restore_show(file, SECRET)
    (studio.root / "letter").unlink()
    studio.restore_show(file, SECRET)
    assert studio.verify().holds


def test_a_backup_is_never_written_over_anything_or_into_the_show(desk: Desk, file: Path) -> None:
    """An older backup may be the only good one."""
    before = file.read_bytes()
    for place in (file, desk.root / "x.backup", desk.root / "feed" / "x.backup", file.parent / "nowhere" / "x"):
        for write in (
            lambda place=place: desk.studio.backup(place, SECRET),
            lambda place=place: desk.studio.backup_keyring(place),
        ):
            with pytest.raises(UsageRefused):
                write()
    with pytest.raises(UsageRefused, match="characters"):
        desk.studio.backup(file.with_name("short"), "short")
    assert file.read_bytes() == before
    assert not file.with_name("short").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/srv/x",
        "config/../../x",
        "stablecast-other.sqlite",
        "keys/x",
        "config",
        ".stablecast-work.lock",
        "feed/./x",
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    """Whoever made it knew the passphrase, and still writes nowhere but into the rooms."""

    def members() -> Iterator[Member]:
        yield Member(PurePosixPath("stablecast.sqlite"), b"")
        yield Member(PurePosixPath("config/show.toml"), b"")

    backup.write(tmp_path / "file", members(), SECRET)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert backup.read_into(tmp_path / "file", folder, SECRET) == 2
    real = backup._header

    def renamed(given: str, size: int, at: int) -> bytes:
        return real(name if given == "config/show.toml" else given, size, at)

    shutil.rmtree(folder)
    folder.mkdir()
    (tmp_path / "file").unlink()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backup, "_header", renamed)
        backup.write(tmp_path / "file", members(), SECRET)
    with pytest.raises(IntegrityFailure):
        backup.read_into(tmp_path / "file", folder, SECRET)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}
    assert {path.name for path in folder.rglob("*")} <= {"stablecast.sqlite"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_only_plain_files_are_unpacked(tmp_path: Path, kind: bytes) -> None:
    """A link is the oldest way out of a folder."""
    real = backup._header

    def other(given: str, size: int, at: int) -> bytes:
        if given == MANIFEST:
            return real(given, size, at)
        info = tarfile.TarInfo("config/x")
        info.type, info.linkname = kind, "/etc/passwd"
        return info.tobuf(tarfile.PAX_FORMAT)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backup, "_header", other)
        backup.write(tmp_path / "file", [Member(PurePosixPath("config/x"), b"")], SECRET)
    (tmp_path / "folder").mkdir()
    with pytest.raises(IntegrityFailure):
        backup.read_into(tmp_path / "file", tmp_path / "folder", SECRET)
    assert not list((tmp_path / "folder").rglob("*"))


def test_a_list_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """The last member says what there is: a file too many, too few or another one is found."""
    real = backup._filled
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(backup, "_filled", lambda data: real(data.replace(b"config/a", b"config/b")))
        backup.write(
            tmp_path / "file", [Member(PurePosixPath(n), b"x") for n in ("config/a", "stablecast.sqlite")], SECRET
        )
    (tmp_path / "folder").mkdir()
    with pytest.raises(IntegrityFailure):
        backup.read_into(tmp_path / "file", tmp_path / "folder", SECRET)


def test_a_backup_waits_for_nobody_and_keeps_nobody_from_withdrawing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Withdrawn while it is made, the episode goes at once; the backup begins anew and holds what is true then."""
    with locks.exclusive(desk.root / ".stablecast-work.lock"), pytest.raises(Locked):
        desk.studio.backup(tmp_path / "a", SECRET)
    assert not (tmp_path / "a").exists()
    real, gone = backups._below, []

    def below(workspace: object, room: str) -> Iterator[Member]:
        yield from real(workspace, room)  # type: ignore[arg-type]
        if room == "episodes" and not gone:
            thread = threading.Thread(target=lambda: gone.append(desk.again().withdraw(EPISODE, None)))
            thread.start()
            thread.join(20)
            assert gone  # it waited for nothing
            assert not list((desk.root / "feed").glob("media/*"))

    monkeypatch.setattr(backups, "_below", below)
    desk.studio.backup(tmp_path / "b", SECRET)
    members = archived(tmp_path / "b")
    assert not any(name.startswith("feed/media") for name in members)
    assert GONE in members
    assert EPISODE.encode() in members[GONE]


def test_a_link_or_a_changed_public_file_stops_a_backup(desk: Desk, tmp_path: Path) -> None:
    """What `verify` would not let pass is not kept for later; nothing half-written is left."""
    link = desk.root / "episodes" / EPISODE / "x.age"
    link.symlink_to("/etc/passwd")
    with pytest.raises(IntegrityFailure):
        desk.studio.backup(tmp_path / "a", SECRET)
    link.unlink()
    (desk.root / "feed" / "index.html").write_text("other")
    with pytest.raises(IntegrityFailure):
        desk.studio.backup(tmp_path / "a", SECRET)
    assert not list(tmp_path.glob("a*"))
    assert not list(tmp_path.glob(".new-*"))


def test_a_copy_of_the_keyring_is_sealed_and_opens_what_is_destroyed_later(
    desk: Desk, file: Path, tmp_path: Path
) -> None:
    """The limit that the documents state, and why it is kept apart and not for long."""
    copy = tmp_path / "ours.keyring"
    desk.studio.backup_keyring(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with desk.open() as show:
        assert copy.read_bytes() == show.keyring.path.read_bytes()
        identity, number = show.keyring.entry(show.row(EPISODE).id).identity, show.row(EPISODE).id
    desk.studio.withdraw(EPISODE, None)
    desk.studio.purge(EPISODE, who=desk.people[Role.LEAD])
    with desk.open() as show:
        assert number not in show.keyring.entries()
    assert identity in str(pyrage.passphrase.decrypt(copy.read_bytes(), PASSPHRASE))
