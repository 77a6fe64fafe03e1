"""Publishing to real servers, over a wire that is cut: the feed there is the old one or the new one, and what it names is whole."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from remote import Bucket, Sender, Sshd, Wire, secret_file, whole, wire
from stablecast.errors import EnvironmentFailure, GateClosed, UsageRefused
from stablecast.stages.publish import FEED
from stablecast.targets import remote as remotes

pytestmark = pytest.mark.slow

CUTS = 10
SEED = int(os.environ.get("CUT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


@pytest.fixture(params=["sftp", "s3"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sshd | Bucket]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = Sshd(folder) if request.param == "sftp" else Bucket(folder)
    yield made
    made.close()


@pytest.fixture
def line(server: Sshd | Bucket) -> Iterator[Wire]:
    with wire(server.port) as made:
        yield made


@pytest.fixture
def sender(tmp_path: Path, server: Sshd | Bucket, line: Wire) -> Sender:
    made = Sender(tmp_path / "ours", there=server.target(line.port))
    made.public(1)
    return made


def test_what_is_there_survives_a_cut_at_any_point(sender: Sender, server: Sshd | Bucket, line: Wire) -> None:
    """Ten times at random: the feed is the old or the new one, each file that it names is whole, and sent again all is there."""
    sender.push()
    dice = random.Random(SEED)  # noqa: S311
    for number in range(2, CUTS + 2):
        old = server.files()
        sender.public(number)
        new = sender.here()
        size = sum(len(data) for path, data in new.items() if old.get(path) != data)
        point = dice.choice(
            (dice.randrange(size), dice.randrange(size - 30_000, size))
        )  # half of them among the last files
        print(
            f"CUT_SEED={SEED}: cut {number - 1} after {point} of more than {size} bytes"
        )  # shown where the test fails
        line.cut(point)
        with pytest.raises(EnvironmentFailure) as told:
            sender.push()
        assert "127.0.0.1" not in str(told.value)
        line.cut(None)
        there = server.files()
        assert there[FEED] in (old[FEED], new[FEED])
        whole(there, old | new)
        sender.push()
        assert server.files() == new


def test_what_is_withdrawn_goes_although_the_wire_is_cut(sender: Sender, server: Sshd | Bucket, line: Wire) -> None:
    """Cut while taking down, ever later: never a feed that names what is not there, and in the end it is gone."""
    sender.public(2)
    sender.push()
    line.cut(4_000)
    sender.studio.withdraw("ep-1", None)
    assert any("STILL UP at there" in said for said in sender.said)
    point = 4_000
    while any(remote.still_up for remote in sender.studio.status().remotes):
        line.cut(None)
        whole(server.files(), server.files())
        point += 3_000
        assert point < 200_000
        sender.now = sender.now.replace(year=sender.now.year + 1)
        line.cut(point)
    line.cut(None)
    there = server.files()
    assert there == sender.here()
    assert not any(f"{1:032x}" in path.as_posix() or f"{1:032x}".encode() in data for path, data in there.items())


def test_what_others_put_there_is_never_touched(sender: Sender, server: Sshd | Bucket) -> None:
    """A file in the way closes the gate; beside ours it stays, through publishing and withdrawing."""
    server.put("index.html", b"somebody's own page")
    server.put("notes.txt", b"somebody's own notes")
    before = server.files()
    with pytest.raises(GateClosed, match="--adopt"):
        sender.push()
    assert server.files() == before

    assert "index.html" in sender.push(adopt=True).replaced
    assert server.files() == sender.here() | {PurePosixPath("notes.txt"): b"somebody's own notes"}
    sender.studio.withdraw("ep-1", None)
    assert server.files() == sender.here() | {PurePosixPath("notes.txt"): b"somebody's own notes"}


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    (tmp_path / "sshd").mkdir()
    made = Sshd(tmp_path / "sshd")
    yield made
    made.close()


def test_nobody_without_credentials_gets_in(sshd: Sshd, tmp_path: Path) -> None:
    """Refused in a sentence that says neither who nor what."""
    target = sshd.target(sshd.port)
    wrong = secret_file(tmp_path / "wrong", 'password = "hunter2secret"\n')
    sender = Sender(tmp_path / "ours", there={**target, "credentials": wrong})
    sender.public(1)
    with pytest.raises(EnvironmentFailure, match="does not let us in") as refused:
        sender.push()
    assert "hunter2secret" not in str(refused.value)
    nothing = secret_file(tmp_path / "nothing", "")
    sender.targets(there={**target, "credentials": nothing})
    with pytest.raises(UsageRefused, match="lack a password or a key_file"):
        sender.push()
    assert sshd.files() == {}


def test_a_server_that_is_not_known_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    """No key, or another one than was said: nothing is sent, and nobody is asked to trust it."""
    target = sshd.target(sshd.port)
    sender = Sender(tmp_path / "ours", there={**target, "host_key": ""})
    sender.public(1)
    with pytest.raises(GateClosed, match="not known here"):
        sender.push()
    other = (sshd.folder / "client.pub").read_text().split()
    sender.targets(there={**target, "host_key": " ".join(other[:2])})
    with pytest.raises(GateClosed, match="another key"):
        sender.push()
    sender.targets(there={**target, "host_key": "ssh-ed25519 nonsense"})
    with pytest.raises(UsageRefused, match="host_key of there is no key"):
        sender.push()
    assert sshd.files() == {}
    sender.targets(there=target)
    sender.push()
    assert sshd.files() == sender.here()


def test_a_bucket_says_how_each_file_is_served(tmp_path: Path) -> None:
    """Types and cache lifetimes lie with the objects: a bucket has no other settings for them."""
    bucket = Bucket(tmp_path)
    try:
        sender = Sender(tmp_path / "ours", there=bucket.target(bucket.port))
        sender.public(1)
        sender.push()
        told = {}
        for path in bucket.files():
            head = bucket.s3.head_object(Bucket=bucket.name, Key=f"ours/show/{path}")
            told[path.parts[0], path.suffix] = (head["ContentType"], head["CacheControl"])
        assert told["feed.xml", ".xml"] == ("application/rss+xml; charset=utf-8", "public, max-age=300")
        kind, cache = told["media", ".mp3"]
        assert kind == "audio/mpeg"
        assert cache == "public, max-age=31536000, s-maxage=300, immutable"
        assert told["captions", ".vtt"] == ("text/vtt; charset=utf-8", "public, max-age=300")
        assert told["chapters", ".json"][0].startswith("application/json+chapters")
    finally:
        bucket.close()


def test_old_versions_in_a_bucket_go_too(tmp_path: Path) -> None:
    """A bucket that keeps versions loses every version of what was withdrawn, delete markers too."""
    bucket = Bucket(tmp_path, versions=True)
    try:
        sender = Sender(tmp_path / "ours", there=bucket.target(bucket.port))
        sender.public(1)
        sender.public(2)
        sender.push()
        assert any(f"{1:032x}" in key for key in bucket.versions())
        sender.studio.withdraw("ep-1", None)
        assert not any(f"{1:032x}" in key for key in bucket.versions())
        assert any(f"{2:032x}" in key for key in bucket.versions())
    finally:
        bucket.close()


def test_a_broken_sending_leaves_nothing_when_the_episode_is_withdrawn(sshd: Sshd, tmp_path: Path) -> None:
    """Half a sound under its hidden name is a copy as well."""
    with wire(sshd.port) as line:
        sender = Sender(tmp_path / "ours", there=sshd.target(line.port))
        sender.public(1, 3_000_000)
        line.cut(1_500_000)
        with pytest.raises(remotes.Unreachable):
            sender.push()
        line.cut(None)
        assert any(path.name.startswith(remotes.PART) for path in sshd.files())
        sender.studio.withdraw("ep-1", None)
        assert [path for path in sshd.files() if f"{1:032x}" in path.name] == []


def test_what_is_sent_by_sftp_is_for_everybody_to_read(sshd: Sshd, tmp_path: Path) -> None:
    """Modes and times are set whatever the server's umask is: a web server is another user, and no time tells of an hour."""
    sender = Sender(tmp_path / "ours", there=sshd.target(sshd.port))
    sender.public(1)
    sender.push()
    for path in sshd.there.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
        assert path.is_dir() or path.stat().st_mtime % 86400 == 0
    before = (sshd.there / "feed.xml").stat().st_mtime
    sender.studio.withdraw("ep-1", None)
    assert (sshd.there / "feed.xml").stat().st_mtime == before + 1
