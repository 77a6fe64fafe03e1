"""Publishing elsewhere and taking back from there, over a folder; the servers are in test_target_servers."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
import types
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote import URL, Sender, files_below, free_port, named_by, secret_file
from stablecast.engine import delivery
from stablecast.engine.delivery import File
from stablecast.errors import EnvironmentFailure, GateClosed, IntegrityFailure, UsageRefused
from stablecast.model import Digest
from stablecast.stages.publish import FEED
from stablecast.store import locks, settings
from stablecast.store.state import State
from stablecast.targets import credentials, remote
from stablecast.targets.credentials import Credentials
from stablecast.targets.params import TargetParams, Targets

ONE, TWO = f"{1:032x}", f"{2:032x}"


def up(there: Path, public_id: str) -> list[str]:
    """Where anything of an episode is left: in a name, or in a file."""
    return [
        p.as_posix()
        for p, data in files_below(there).items()
        if public_id in p.as_posix() or public_id.encode() in data
    ]


# --- what has to be done ---------------------------------------------------------------------------------------------------

_PATHS = st.sampled_from(
    [PurePosixPath(p) for p in ("feed.xml", "index.html", "episodes/a.html", "media/a.mp3", "media/b.mp3", "x.txt")]
)
_DIGESTS = st.sampled_from(["", "1" * 64, "2" * 64])
_WANTED = st.dictionaries(
    _PATHS, st.builds(File, st.sampled_from([Digest("1" * 64), Digest("2" * 64)]), st.sampled_from([5, 7]))
)


@given(wanted=_WANTED, ours=st.dictionaries(_PATHS, _DIGESTS), there=st.dictionaries(_PATHS, st.sampled_from([5, 7])))
def test_a_plan_makes_the_place_as_wanted_and_touches_nothing_else(
    wanted: Mapping[PurePosixPath, File], ours: Mapping[PurePosixPath, str], there: Mapping[PurePosixPath, int]
) -> None:
    """Every wanted file is sent or there already; only ours is deleted; what is not ours and in the way is told."""
    made = delivery.plan(wanted, ours, there)
    assert {*made.send, *made.same} == set(wanted)
    assert not {*made.send} & {*made.same}
    assert set(made.delete) == ours.keys() - wanted.keys()
    assert set(made.foreign) == (wanted.keys() & there.keys()) - ours.keys()
    assert made.replace <= set(made.send) & there.keys()
    for path in made.same:
        assert (ours[path], there[path]) == (wanted[path].digest, wanted[path].size_bytes)
    if FEED in made.send:
        assert made.send[-1] == FEED


def test_a_file_is_sent_before_what_leads_to_it() -> None:
    """Sounds and captions, then the pages, then the page in front, then the feed."""
    names = ("feed.xml", "index.html", "episodes/a.html", "media/a.mp3", "captions/a.vtt")
    assert [str(p) for p in delivery.in_order(map(PurePosixPath, names))] == [*reversed(names)] == [
        "captions/a.vtt", "media/a.mp3", "episodes/a.html", "index.html", "feed.xml",
    ]  # fmt: skip


# --- publishing ------------------------------------------------------------------------------------------------------------


def test_a_place_elsewhere_holds_what_is_public_here(sender: Sender, there: Path) -> None:
    """Byte for byte, for everybody to read, with times that tell of no hour; sent again, nothing is sent."""
    first = sender.push()
    assert files_below(there) == sender.here()
    assert (len(first.new), first.replaced, first.deleted, first.unchanged) == (len(sender.here()), (), (), 0)
    for path in (there, *there.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)
        assert path.is_dir() or path.stat().st_mtime % 86400 == 0

    again = sender.push()
    assert (again.new, again.replaced, again.deleted, again.unchanged) == ((), (), (), len(sender.here()))


def test_a_dry_run_tells_the_difference_and_makes_none(sender: Sender, there: Path) -> None:
    """What it says is what the sending then does."""
    told = sender.push(dry_run=True)
    assert not there.exists()
    assert sender.studio.status().remotes == ()
    sender.push()
    sender.public(2)
    before = files_below(there)
    told = sender.push(dry_run=True)
    assert files_below(there) == before
    done = sender.push()
    assert (told.new, told.replaced, told.deleted, told.unchanged) == (
        done.new,
        done.replaced,
        done.deleted,
        done.unchanged,
    )
    assert {"feed.xml", "index.html"} <= set(done.replaced)
    assert all(TWO in path for path in done.new)


def test_what_was_lost_or_changed_there_is_sent_again(sender: Sender, there: Path) -> None:
    """A file that is missing there, or has another size, is not taken for sent."""
    sender.push()
    (media,) = (there / "media").glob("*.mp3")
    media.unlink()
    (there / "feed.xml").write_bytes(b"cut sh")
    sender.push()
    assert files_below(there) == sender.here()


def test_only_what_is_public_here_is_sent(sender: Sender, there: Path) -> None:
    """A file that somebody laid into the public folder, and a link, stay here; a changed one stops everything."""
    (sender.root / "feed" / "raw.wav").write_bytes(b"RIFF")
    (sender.root / "feed" / "secret").symlink_to("/etc/passwd")
    sender.push()
    assert not (there / "raw.wav").exists()
    assert not (there / "secret").exists()

    sender.public(2)
    (media,) = (sender.root / "feed" / "media").glob(f"{TWO}*.mp3")
    media.write_bytes(bytes(media.stat().st_size))
    before = files_below(there)
    with pytest.raises(IntegrityFailure):
        sender.push()
    assert files_below(there)[FEED] == before[FEED]


def test_nothing_is_sent_before_anything_is_public(tmp_path: Path, there: Path) -> None:
    """An empty show has no feed to send."""
    with pytest.raises(GateClosed, match="nothing was published here"):
        Sender(tmp_path / "ours", there={"url": f"file://{there}"}).push()
    assert not there.exists()


def test_what_others_put_there_is_in_nobodys_way_for_long(sender: Sender, there: Path) -> None:
    """A file that we did not put there closes the gate before anything is sent; `adopt` is somebody's own decision."""
    there.mkdir(parents=True)
    (there / "index.html").write_bytes(b"somebody's")
    with pytest.raises(GateClosed, match=r"1 files are in the way .*index\.html"):
        sender.push()
    assert files_below(there) == {PurePosixPath("index.html"): b"somebody's"}
    assert sender.push(dry_run=True).foreign == ("index.html",)
    sender.push(adopt=True)
    assert files_below(there) == sender.here()


@pytest.mark.parametrize(
    ("url", "public_url"),
    [
        ("file://{folder}/repo/public", ""),
        ("sftp://git@github.com/ours", ""),
        ("s3://bucket/x", "https://ours.github.io/show/"),
        ("s3://bucket/x", "https://ours.codeberg.page/"),
    ],
)
def test_a_git_repository_is_refused_with_the_reason(sender: Sender, tmp_path: Path, url: str, public_url: str) -> None:
    """It keeps what was withdrawn: in a working tree, or at a host that serves pages out of one."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    sender.targets(there={"url": url.format(folder=tmp_path), "public_url": public_url})
    with pytest.raises(GateClosed, match="repository keeps what was withdrawn"):
        sender.push()
    assert not (tmp_path / "repo" / "public").exists()


def test_a_link_does_not_lead_into_a_repository(sender: Sender, tmp_path: Path) -> None:
    """Where a folder really lies is what counts."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "innocent").symlink_to(tmp_path / "repo")
    sender.targets(there={"url": f"file://{tmp_path}/innocent/www"})
    with pytest.raises(GateClosed, match="git working tree"):
        sender.push()


def test_the_show_folder_is_no_place_elsewhere(sender: Sender, tmp_path: Path) -> None:
    """What is private and what is served do not share a folder, in neither direction."""
    for folder in (sender.root / "episodes", sender.root, sender.root.parent, tmp_path):
        sender.targets(there={"url": f"file://{folder}"})
        with pytest.raises(GateClosed, match="show folder"):
            sender.push()


# --- settings and secrets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({}, "url is an address"),
        ({"url": "web"}, "url is an address"),
        ({"url": "sftp://u:geheim@host/x"}, "url holds no password"),
        ({"url": "s3://bucket/x?versionId=1"}, "url holds no password"),
        ({"url": "sftp://host:port/x"}, "url has a port"),
        ({"url": "sftp:///x"}, "url names no server"),
        ({"url": "s3:///x"}, "url names no bucket"),
        ({"url": "file://host/x"}, "three slashes"),
        ({"url": "s3://b/x", "endpoint": "minio:9000"}, "endpoint begins with"),
        ({"url": "s3://b/x", "public_url": "ours.example"}, "public_url begins with"),
        ({"url": "s3://b/x", "credentials": "agent"}, "for SFTP alone"),
        ({"url": "sftp://h/x", "host_key": "AAAA"}, "host_key is a type and a key"),
    ],
)
def test_a_place_that_cannot_be_is_refused(values: dict[str, str], problem: str) -> None:
    """Before anything is tried, and never with the value: it may be a secret."""
    with pytest.raises(ValueError, match=problem) as refused:
        TargetParams(**values)
    assert "geheim" not in str(refused.value)


def test_a_settings_file_of_places_is_read_strictly(tmp_path: Path) -> None:
    """An unknown key and an unfit name are refused with their line."""
    file = tmp_path / "targets.toml"
    file.write_text('[targets.web]\nurl = "s3://b/x"\nsecret = "x"\n')
    with pytest.raises(UsageRefused, match=r"targets\.toml, line 3: targets\.web\.secret is not a setting"):
        settings.load(Targets, file)
    file.write_text('[targets."a b"]\nurl = "s3://b/x"\n')
    with pytest.raises(UsageRefused, match="targets have names"):
        settings.load(Targets, file)
    file.write_text("# nothing\n")
    assert settings.load(Targets, file) == Targets()


def test_secrets_are_never_shown() -> None:
    """Neither by repr nor in an error."""
    assert "geheim" not in repr(Credentials(*["geheim"] * 6))


def test_a_file_with_credentials_is_its_owners_alone(tmp_path: Path) -> None:
    """Mode 0600, a plain file, outside the show, TOML; refused in a sentence that says nothing of what is in it."""
    show = tmp_path / "show"
    show.mkdir()
    params = {"url": "sftp://host/x"}

    def read(path: object) -> Credentials:
        return credentials.credentials("web", TargetParams(**params, credentials=str(path)), show)

    good = secret_file(tmp_path / "good", 'password = "geheim"\nkey_file = "~/.ssh/id"\n')
    assert (read(good).password, read(good).key_file) == ("geheim", "~/.ssh/id")
    Path(good).chmod(0o640)
    with pytest.raises(GateClosed, match="chmod 600"):
        read(good)
    Path(good).chmod(0o600)
    (tmp_path / "link").symlink_to(good)
    os.mkfifo(tmp_path / "pipe", 0o600)
    inside = secret_file(show / "secret", 'password = "geheim"\n')
    for path, kind in (
        (tmp_path / "link", UsageRefused), (tmp_path / "none", UsageRefused), ("relative", UsageRefused),
        (inside, GateClosed), (tmp_path / "pipe", UsageRefused), (tmp_path, UsageRefused),
    ):  # fmt: skip
        with pytest.raises(kind):
            read(path)
    for text in ("geheim", 'pasword = "geheim"', "password = 7", "\ud800"):
        bad = tmp_path / "bad"
        bad.write_bytes(text.encode("utf-8", "surrogatepass"))
        bad.chmod(0o600)
        with pytest.raises(UsageRefused) as refused:
            read(bad)
        assert "geheim" not in str(refused.value)


def test_the_systems_keyring_keeps_what_opens_a_place(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `targets login` puts in comes out as it was, whatever characters it has; nothing of it is in the show."""
    kept: dict[tuple[str, str], str] = {}
    module = types.ModuleType("keyring")
    module.set_password = lambda service, name, secret: kept.__setitem__((service, name), secret)  # type: ignore[attr-defined]
    module.get_password = lambda service, name: kept.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    url = "sftp://host/x"
    sender.targets(there={"url": url})
    with pytest.raises(UsageRefused, match="stablecast targets login there"):
        sender.push()
    secret = 'ge"h\\eim\t\u2603\x7f'
    sender.studio.login("there", {"password": secret})
    assert credentials.credentials("there", TargetParams(url=url), sender.root) == Credentials(password=secret)
    assert [*kept] == [("stablecast", url)]
    for path in sender.root.rglob("*"):
        assert not path.is_file() or b"eim" not in path.read_bytes()


def test_without_the_keyring_or_the_drivers_a_sentence_says_what_to_install(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extras are named."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    sender.targets(there={"url": "sftp://127.0.0.1/x"})
    with pytest.raises(EnvironmentFailure, match=r"stablecast\[keyring\]"):
        sender.push()
    secret = secret_file(tmp_path / "secret", 'password = "x"\nkey = "k"\nsecret = "s"\n')
    for scheme, driver in (("sftp", "paramiko"), ("s3", "s3fs")):
        monkeypatch.delitem(sys.modules, f"stablecast.targets.{scheme}", raising=False)
        monkeypatch.setitem(sys.modules, driver, None)
        sender.targets(there={"url": f"{scheme}://127.0.0.1/x", "credentials": secret})
        with pytest.raises(EnvironmentFailure, match=r"pip install 'stablecast\[remote\]'"):
            sender.push()


# --- withdrawing -----------------------------------------------------------------------------------------------------------


def test_withdrawn_here_it_is_gone_there_at_once(sender: Sender, there: Path) -> None:
    """T44: within five seconds nothing of it is in any file or name, the rest is as if it had never been, and no stone stands."""
    sender.public(2)
    sender.push()
    assert up(there, TWO)
    started = time.monotonic()
    done = sender.studio.withdraw("ep-2", None)
    assert time.monotonic() - started < 5
    assert up(there, TWO) == []
    assert files_below(there) == sender.here()
    assert [(r.target, r.still_up) for r in done.remotes] == [("there", False)]
    assert [place.place for place in done.checklist] == ["apps", "search", "archive", "directories"]
    assert sender.said == ["there: taken down there too."]

    never = Sender(sender.root.parent.parent / "other", there={"url": f"file://{there.parent}/other"})
    never.public(1)
    never.push()
    assert files_below(there) == files_below(there.parent / "other")


def test_whoever_asks_whether_it_changed_is_told_so(sender: Sender, there: Path) -> None:
    """A file in another's place is younger, here and there, though both are as old as the newest episode; the same one is not."""
    sender.public(2)
    sender.push()
    for feed in (sender.root / "feed", there):
        assert (feed / "feed.xml").stat().st_mtime % 86400 == 0
    places = [
        (feed / name) for feed in (sender.root / "feed", there) for name in ("feed.xml", "index.html", "style.css")
    ]
    before = [path.stat().st_mtime for path in places]
    sender.studio.withdraw("ep-2", None)
    after = [path.stat().st_mtime for path in places]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 0] * 2


def test_a_hold_takes_down_there_too(sender: Sender, there: Path) -> None:
    """What nobody may hear for now lies nowhere."""
    sender.public(2)
    sender.push()
    with sender.open() as show:
        folder = show.workspace.episode(show.row("ep-2").slug)
    folder.mkdir(parents=True)
    (folder / "episode.toml").write_text("")  # taken in: a hold is for an episode that is worked on
    sender.studio.hold("ep-2")
    assert up(there, TWO) == []
    assert files_below(there) == sender.here()


def test_what_was_never_sent_is_not_made_public_by_a_withdrawal(sender: Sender, there: Path) -> None:
    """Taking one down sends nothing of another that is public here alone."""
    sender.public(2)
    sender.push()
    sender.public(3)
    sender.studio.withdraw("ep-2", None)
    assert up(there, TWO) == up(there, f"{3:032x}") == []
    assert up(there, ONE)
    assert sender.push().deleted == ()
    assert files_below(there) == sender.here()


def offline(sender: Sender, there: Path) -> None:
    """The place cannot be reached: for a folder, another file is where it was."""
    there.rename(there.with_name("away"))
    there.write_bytes(b"")


def online(there: Path) -> None:
    there.unlink()
    there.with_name("away").rename(there)


def test_a_withdrawal_that_does_not_get_through_is_tried_and_told_by_every_command(sender: Sender, there: Path) -> None:
    """T46, network off: done here at once and said to be up there; each later command tries again, and at last it is gone."""
    sender.push()
    offline(sender, there)
    done = sender.studio.withdraw("ep-1", None)
    assert done.was_public
    assert [r.still_up for r in done.remotes] == [True]
    assert "WARNING: what was taken back is STILL UP at there" in sender.said[-1]
    assert not list((sender.root / "feed").glob("media/*"))
    found = {i.id: i for i in sender.studio.verify().invariants}
    assert any("still up at there" in problem for problem in found["I4"].problems)
    for command in (sender.studio.status, sender.studio.audit, sender.studio.users):
        sender.now += timedelta(minutes=2)
        sender.said.clear()
        command()
        assert "STILL UP at there" in sender.said[-1]
    assert sender.studio.status().remotes[0].still_up

    online(there)
    assert up(there, ONE)
    sender.now += timedelta(minutes=2)
    sender.said.clear()
    assert not sender.studio.status().remotes[0].still_up
    assert sender.said == ["there: taken down there too."]
    assert up(there, ONE) == []
    sender.said.clear()
    sender.studio.status()
    assert sender.said == []


def test_two_failures_in_a_minute_are_followed_by_a_rest_and_never_by_silence(
    sender: Sender, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever works offline is told each time and waits for a server twice a minute; a clock that was set back delays nothing."""
    sender.push()
    offline(sender, there)
    tried: list[str] = []
    opened = remote.opened
    monkeypatch.setattr(remote, "opened", lambda name, *rest, **more: tried.append(name) or opened(name, *rest, **more))  # type: ignore[func-returns-value]
    sender.studio.withdraw("ep-1", None)
    for _ in range(4):
        sender.said.clear()
        sender.studio.status()
        assert "STILL UP" in sender.said[-1]
    assert len(tried) == 2
    sender.now -= timedelta(days=400)
    sender.studio.status()
    assert len(tried) == 3


@pytest.mark.parametrize("broken", ["keyring", "show.toml", "targets.toml", "outcomes.toml"])
def test_a_withdrawal_needs_next_to_nothing(
    sender: Sender, there: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T46: without the keyring, without ffmpeg, with settings that cannot be read: gone, or told and tried until it is."""
    sender.public(2)
    sender.push()
    monkeypatch.setenv("PATH", "")
    if broken != "keyring":  # nobody in these tests has one
        file = sender.root / "config" / broken
        kept = file.read_text()
        file.write_text("= broken")
    told = contextlib.suppress(UsageRefused) if broken in ("show.toml", "outcomes.toml") else contextlib.nullcontext()
    for _ in range(2):
        with told:
            sender.studio.withdraw("ep-2", None)
    if broken == "targets.toml":
        assert any("STILL UP at there: targets.toml" in said for said in sender.said)
        file.write_text(kept)
        sender.now += timedelta(minutes=2)
        sender.studio.status()
    assert up(there, TWO) == []
    assert up(sender.root / "feed", TWO) == []


def test_a_full_disk_here_does_not_keep_an_episode_up_there(
    sender: Sender, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T46: where not even the database can be written, all of it goes that may name the episode, and a sentence says so."""
    sender.public(2)
    sender.push()

    def full(*_: object) -> bool:
        raise EnvironmentFailure("the show's database cannot be written; check the disk's space and permissions")

    with monkeypatch.context() as disk:
        disk.setattr(State, "withdraw", full)
        with pytest.raises(EnvironmentFailure, match="withdraw it once more"):
            sender.studio.withdraw("ep-2", None)
    assert up(there, TWO) == up(sender.root / "feed", TWO) == []
    assert [path for path in files_below(there) if ONE in path.as_posix() and path.parts[0] == "media"]
    assert "taken down there; withdraw it once more" in sender.said[-1]
    sender.studio.withdraw("ep-2", None)
    assert files_below(there) == sender.here()


def test_while_another_command_sends_it_is_queued_and_done(
    sender: Sender, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T46: held up by a lock, here at once and there as soon as it is free; a lock of work holds nothing up."""
    from stablecast.studio import delivering

    monkeypatch.setattr(delivering, "WAIT_S", 0.2)
    sender.push()
    with (
        sender.open() as show,
        locks.exclusive(show.workspace.lock("remote")),
        locks.exclusive(show.workspace.lock("work")),
    ):
        sender.studio.withdraw("ep-1", None)
        assert not list((sender.root / "feed").glob("media/*"))
        assert "another command is sending there" in sender.said[-1]
    sender.studio.status()
    assert up(there, ONE) == []


@pytest.mark.parametrize("moment", ["the feed takes its place", "an old file is deleted"])
def test_who_sends_takes_down_before_it_ends_what_was_withdrawn_meanwhile(
    sender: Sender, there: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """T49 at its worst moments: the withdrawal could not get in and was told so, and the sending itself does it."""
    from stablecast.studio import delivering

    monkeypatch.setattr(delivering, "WAIT_S", 0.0)
    sender.push()
    slug, old = sender.public(2), PurePosixPath("old.txt")
    (there / old).write_bytes(b"ours")
    with sender.open() as show:
        show.state.set_remote_file(f"file://{there}", old, "1" * 64)
    withdrawn: list[str] = []

    def at(path: str) -> None:
        if path.endswith("feed.xml" if moment.startswith("the feed") else "/old.txt") and not withdrawn:
            withdrawn.append(slug)
            sender.studio.withdraw(slug, None)
            assert "another command is sending there" in sender.said[-1]

    rename, unlink = remote.Place._rename, remote.Place._unlink
    monkeypatch.setattr(remote.Place, "_rename", lambda place, part, path: (rename(place, part, path), at(path)))
    monkeypatch.setattr(remote.Place, "_unlink", lambda place, path: (unlink(place, path), at(path)))
    sender.push()
    assert withdrawn
    assert up(there, TWO) == []
    assert files_below(there) == sender.here()
    assert not sender.studio.status().remotes[0].still_up


@pytest.mark.slow
def test_a_withdrawal_wins_every_race_with_a_publication(sender: Sender, there: Path) -> None:
    """T49, a hundred times: withdrawn at any moment of sending, the place never has it in the end, nor has this folder."""
    dice = random.Random(49)  # noqa: S311
    sender.push()
    wins = 0
    for number in range(100):
        slug = sender.public(2, 900_000)
        began, ended = threading.Event(), threading.Event()

        def send(began: threading.Event = began, ended: threading.Event = ended) -> None:
            began.set()
            try:
                for _ in sender.studio.push("there", check=False):
                    pass
            finally:
                ended.set()

        sending = threading.Thread(target=send)
        sending.start()
        began.wait()
        time.sleep(dice.random() * 0.25)
        wins += not ended.is_set()
        sender.studio.withdraw(slug, None)
        sending.join()
        sender.studio.status()
        assert up(there, TWO) == [], number
        assert files_below(there) == sender.here(), number
        assert not sender.studio.status().remotes[0].still_up
        with sender.open() as show, show.state.transaction():  # the same episode again, which only a test may do
            show.state._do("DELETE FROM withdrawal")
            show.state._do("DELETE FROM release WHERE body IS NULL")
    assert wins >= 10  # else nothing was raced


def test_what_is_put_back_is_not_sent_back(sender: Sender, there: Path) -> None:
    """T50: after a withdrawal, sending again brings nothing of it back, nor does a copy of the old feed folder."""
    sender.public(2)
    sender.push()
    shutil.copytree(sender.root / "feed", sender.root.parent / "copy")
    sender.studio.withdraw("ep-2", None)
    shutil.copytree(sender.root.parent / "copy", sender.root / "feed", dirs_exist_ok=True)
    with pytest.raises(IntegrityFailure):
        sender.push()
    assert up(there, TWO) == []


def test_another_address_is_another_place(sender: Sender, there: Path, tmp_path: Path) -> None:
    """Where a place's address changes, what lies at the old one is still known, told when it has to go, and can be forgotten."""
    sender.push()
    sender.targets(there={"url": f"file://{tmp_path}/new"})
    sender.push()
    sender.studio.withdraw("ep-1", None)
    assert up(tmp_path / "new", ONE) == []
    assert any("STILL UP at there: targets.toml has no such place any more" in said for said in sender.said)
    listed = [(t.url.rpartition("/")[2], t.still_up) for t in sender.studio.targets()]
    assert listed == [("new", False), ("show", True)]

    shutil.rmtree(there)
    sender.studio.forget_target("there")
    sender.said.clear()
    assert not any(remote.still_up for remote in sender.studio.status().remotes)
    assert sender.said == []
    with pytest.raises(UsageRefused):
        sender.studio.forget_target("there")


def test_the_places_of_copies_are_ticked_off_by_somebody(sender: Sender) -> None:
    """T44: open or done, with who and when; what is not on the list is refused; an episode that was never public has none."""
    sender.push()
    assert sender.studio.places("ep-1").places == ()
    sender.studio.withdraw("ep-1", None)
    assert all(place.done_at is None for place in sender.studio.places("ep-1").places)
    done = {place.place: place for place in sender.studio.places("ep-1", "search").places}
    assert (done["search"].done_at, done["search"].by) == ("2026-03-14T12:00:00+00:00", "operator")
    assert done["apps"].done_at is None
    sender.now += timedelta(days=1)
    again = {place.place: place for place in sender.studio.places("ep-1", "search").places}
    assert again["search"] == done["search"]  # the first counts
    sender.studio.withdraw("ep-1", None)
    assert {p.place: p for p in sender.studio.places("ep-1").places}["search"] == done["search"]
    with pytest.raises(UsageRefused, match="apps, search, archive, directories"):
        sender.studio.places("ep-1", "everywhere")
    assert [row.detail for row in sender.studio.audit() if row.action == "place-done"] == ["search"]


def test_the_audit_log_tells_of_places_without_naming_them(sender: Sender) -> None:
    """A place's address is in no entry."""
    sender.push()
    sender.studio.withdraw("ep-1", None)
    rows = sender.studio.audit()
    assert {"sent", "taken-down-there"} <= {row.action for row in rows}
    assert not any(row.detail == "there" or "file" in row.detail for row in rows)


# --- the command line ------------------------------------------------------------------------------------------------------


def cli(sender: Sender, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(sender.root.parent),
        "STABLECAST_KEYRINGS": str(sender.root.parent),
    }
    command = [sys.executable, "-m", "stablecast", "--show", str(sender.root), "--no-input", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_the_command_line_sends_tells_and_takes_back(sender: Sender, there: Path) -> None:
    """Progress on stderr, the difference on stdout, JSON where asked for; a withdrawal that hangs ends with 0 and a warning."""
    dry = cli(sender, "publish", "--to", "there", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "new      feed.xml" in dry.stdout
    assert not there.exists()
    sent = cli(sender, "--json", "publish", "--to", "there", "--no-check")
    assert sent.returncode == 0, sent.stderr
    answer = json.loads(sent.stdout)
    assert len(answer["targets"][0]["new"]) == len(sender.here())
    assert sent.stderr.strip().splitlines()[-1].startswith(f"[{len(sender.here())}/{len(sender.here())}] feed.xml")
    assert files_below(there) == sender.here()

    offline(sender, there)
    gone = cli(sender, "withdraw", "ep-1")
    assert gone.returncode == 0
    assert "WARNING: what was taken back is STILL UP at there" in gone.stderr
    assert "[ ] search" in gone.stdout
    later = cli(sender, "status", "--json")
    assert "STILL UP at there" in later.stderr
    assert json.loads(later.stdout)["remotes"] == [
        {"target": "there", "files": len(answer["targets"][0]["new"]), "still_up": True}
    ]
    assert "[ ] there: still up there" in cli(sender, "places", "ep-1").stdout
    assert cli(sender, "verify").returncode == 6
    online(there)
    with sender.open() as show:
        show.state._do("UPDATE remote SET failed_at = NULL, failed_before = NULL")
    assert "taken down there too" in cli(sender, "status").stderr
    ticked = cli(sender, "places", "ep-1", "--done", "archive")
    assert "[x] archive" in ticked.stdout
    assert "by operator" in ticked.stdout
    assert "STILL UP" not in cli(sender, "targets", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("publish", "--dry-run"), 2),
        (("publish", "--to", "nowhere"), 2),
        (("publish", "ep-1", "--to", "there", "--dry-run"), 2),
        (("publish", "--to", "git"), 4),
        (("publish", "--to", "off"), 7),
        (("targets", "forget", "nowhere", "--yes"), 2),
        (("places", "ep-1", "--as", "dana"), 2),
    ],
)
def test_each_refusal_has_its_exit_code(
    sender: Sender, there: Path, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    """One sentence on stderr, no traceback, no secret, nothing sent."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    secret = secret_file(tmp_path / "secret", 'password = "geheim"\n')
    pytest.importorskip("paramiko")
    sender.targets(
        there={"url": f"file://{there}"},
        git={"url": f"file://{tmp_path}/repo/www"},
        off={"url": f"sftp://somebody@127.0.0.1:{free_port()}/x", "credentials": secret},
    )
    refused = cli(sender, *arguments)
    assert refused.returncode == code, refused
    assert "Traceback" not in refused.stderr
    assert "geheim" not in refused.stderr + refused.stdout
    assert "somebody" not in refused.stderr
    assert not there.exists()


def test_the_feed_that_is_sent_names_only_what_was_sent(sender: Sender, there: Path) -> None:
    """Every address below the show's own is a file there."""
    sender.push()
    assert {path for path in named_by((there / "feed.xml").read_bytes(), URL)} <= files_below(there).keys()
    assert logging.getLogger("paramiko").level > logging.CRITICAL  # it would write what it does to stderr
