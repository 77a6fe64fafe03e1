"""The oracles bite: each finds what is planted for it, and says nothing of a show that is well."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from adversarial import oracles
from adversarial.trial import Trial, trial
from recordings import wav_of
from stablecast.tools.ffmpeg import executable

MARKER = "qwvzkxjpyfgh"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("oracles")) as show:
        show.init()
        show.added()
        show.published("ep-001")
        yield show


def test_a_show_that_is_well_gives_no_oracle_a_reason(published: Trial) -> None:
    """The whole way through the command line: nothing found by any of them; its title is public by now."""
    assert published.complaints(public_title=True) == []


@pytest.mark.parametrize(
    "disguised",
    [
        MARKER.upper().encode(),
        MARKER.encode("utf-16-le"),
        MARKER.encode("utf-16-be"),
        b"x" + base64.b64encode(MARKER.encode()),
        base64.b64encode(b"a" + MARKER.encode() + b"bc"),
        base64.b64encode(b"ab" + MARKER.encode() + b"c"),
        MARKER.encode().hex().encode(),
        b"".join(b"%%%02X" % b for b in MARKER.encode()),
        b"".join(b"&#%d;" % b for b in MARKER.encode()),
        b"before" + gzip.compress(b"it is " + MARKER.encode()),
    ],
    ids=["upper", "16le", "16be", "b64", "b64+1", "b64+2", "hex", "percent", "entities", "gzip"],
)
def test_o1_finds_a_marker_in_every_disguise(disguised: bytes, tmp_path: Path) -> None:
    """In a file and in a stream."""
    (tmp_path / "log").write_bytes(b"nothing" * 9 + disguised + b"more")
    assert oracles.o1_markers([tmp_path], (MARKER,))
    assert oracles.o1_markers([], (MARKER,), [disguised])
    assert not oracles.o1_markers([tmp_path], ("anotherwords",))


def test_o1_looks_into_archives_and_at_names(tmp_path: Path) -> None:
    """A zip's members and their names; a file's own name."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("plain.txt", MARKER)
    assert oracles.o1_markers([tmp_path], (MARKER,))
    (tmp_path / "a.zip").unlink()
    (tmp_path / f"{MARKER}.txt").touch()
    assert oracles.o1_markers([tmp_path], (MARKER,))


def mixed(voice: np.ndarray, raw: np.ndarray, level_db: float) -> tuple[np.ndarray, np.ndarray]:
    """A voice, and the raw one so far below it, both as long as the shorter."""
    length = min(len(voice), len(raw))
    voice, raw = voice[:length], raw[:length]
    return voice, raw * 10 ** (level_db / 20) * np.sqrt(np.mean(voice**2) / np.mean(raw**2))


@pytest.mark.parametrize("sign", [1, -1], ids=["both", "difference"])
def test_o2_hears_a_remainder_of_the_raw_voice(published: Trial, sign: int, tmp_path: Path) -> None:
    """T77: the raw voice at -20 dB under the published one, in both channels or in their difference alone.

    In six seconds -30 dB is not heard; `test_residue` has our own search at that level.
    """
    (media,) = (published.root / "feed" / "media").glob("*.mp3")
    voice, raw = oracles.decoded(media, executable())[0], published.raw
    voice, little = mixed(voice, raw, -20)
    left, right = voice + little, voice + sign * little
    (tmp_path / "mixed.wav").write_bytes(wav_of(np.stack([left, right], 1) * 0.5, oracles.RATE_HZ))
    (tmp_path / "clean.wav").write_bytes(wav_of(voice, oracles.RATE_HZ))

    assert oracles.o2_raw([tmp_path / "mixed.wav"], raw, executable())
    assert not oracles.o2_raw([tmp_path / "clean.wav"], raw, executable())


@pytest.mark.parametrize("head", [b"RIFF....WAVE", b"OggS", b"fLaC", b"ID3\x03", b"\xff\xfb\x90", b"....ftypM4A "])
def test_o3_finds_sound_under_any_name(head: bytes, tmp_path: Path) -> None:
    """The name says nothing; the first bytes do. In the public tree sound belongs."""
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "a.mp3").write_bytes(head)
    assert not oracles.o3_plain([tmp_path], tmp_path / "feed")
    (tmp_path / "notes.txt").write_bytes(head.ljust(40))
    assert oracles.o3_plain([tmp_path], tmp_path / "feed")


def test_o5_finds_what_others_may_read(published: Trial, tmp_path: Path) -> None:
    """One file too open, one link."""
    copy = tmp_path / "show"
    shutil.copytree(published.root, copy)
    assert oracles.o5_modes(copy) == []
    (copy / "stablecast.sqlite").chmod(0o640)
    (copy / "config" / "link").symlink_to("/etc/hostname")
    assert len(oracles.o5_modes(copy)) >= 2


def test_o6_sees_who_listens_and_who_connects() -> None:
    """A process that takes connections from anywhere; a trace with a connection to elsewhere."""
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        assert oracles.o6_listening(subprocess.os.getpid()) == []  # type: ignore[attr-defined]
    script = "import socket,sys;s=socket.socket();s.bind(('0.0.0.0',0));s.listen();print(1,flush=True);sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert oracles.o6_listening(child.pid)
        child.communicate(b"")
    there = 'connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = 0'
    assert oracles.o6_connected(there)
    assert not oracles.o6_connected(there.replace("192.0.2.1", "127.0.0.1"))


def test_o4_and_o7_find_a_state_that_is_not_the_files(published: Trial, tmp_path: Path) -> None:
    """A result that is gone, a feed that names nothing, a log that was edited."""
    kept = tmp_path / "kept"
    published.kept(kept)
    status = published.ok("status", as_json=True).json
    (published.root / "episodes" / "ep-001" / "work" / "master").rename(tmp_path / "master")
    assert oracles.o7_agrees(published.root, status)
    published.back(kept)
    for kind in ("*.mp3", "*.opus"):
        next((published.root / "feed" / "media").glob(kind)).unlink()
        assert oracles.o7_agrees(published.root, status)
        published.back(kept)
    shutil.rmtree(published.root / "feed")
    assert oracles.o7_agrees(published.root, json.loads(json.dumps(status)))
    published.back(kept)
    with sqlite3.connect(published.root / "stablecast.sqlite") as database:
        database.execute("UPDATE audit SET action = 'other' WHERE seq = 2")
    database.close()
    assert any(found.startswith("O4") for found in published.complaints(public_title=True))
    published.back(kept)
    assert published.complaints(public_title=True) == []
