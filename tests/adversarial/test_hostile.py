"""Crafted and broken recordings at the command line (T01–T13, T19): taken in as finite, plausible sound, or refused; nothing else.

Driven is `add`, as `adversarial.driver` says. Stated limits for one file of a few megabytes: 60 s, 700 MB with all that
Python holds, and on the disk no more than the samples it decodes to.
"""

# ruff: noqa: S311  dice from a printed seed

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from adversarial import oracles
from adversarial.driver import Answer
from adversarial.trial import RATE_HZ, Trial, marker, speech, trial
from effort import FEW
from recordings import ACCEPTED, DURATION_S, FOREIGN_HZ, PLAYLISTS, accepted, id3, level_at, run, wav, wav_of
from showcase import Showcase
from stablecast.tools.ffmpeg import executable

Count = Callable[..., None]

SEED = 20_261_126
MUTATIONS = 40 if FEW else 200  # of each format
FORMATS = ("s16.wav", "cbr.mp3", "index-last.m4a", "plain.flac", "vorbis.ogg", "voice.opus", "film.mkv")
MOST_S, MOST_MB = 60.0, 700.0
_BOMB_S = 180.0  # what decoding six hours may take before it counts as hanging
_SECOND = 2 * RATE_HZ  # bytes of a sealed second: 16 bit, one channel


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("hostile")) as show:
        show.init()
        yield show


@pytest.fixture
def show(shared: Trial, tmp_path: Path) -> Iterator[Trial]:
    """The show, put back and looked over after each case."""
    kept = tmp_path / "kept"
    shared.kept(kept)
    yield shared
    found = shared.complaints()
    shared.back(kept)
    assert found == []


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


def sealed_s(show: Trial, slug: str) -> float:
    """How much sound was taken in, by the size of what lies there."""
    return (show.root / "episodes" / slug / "source" / "1.age").stat().st_size / _SECOND


def refused_whole(show: Trial, slug: str, answer: Answer) -> None:
    """A refusal is code 3 and a sentence, and leaves nothing."""
    assert answer.code == 3, answer
    assert answer.err.startswith("stablecast: ")
    assert answer.err.count("\n") == 1
    for room in ("episodes", "transcripts"):
        assert not (show.root / room / slug).exists()
    assert list(show.temporary.iterdir()) == []


def taken_or_refused(show: Trial, slug: str, path: Path, *, most_s: float = 6 * DURATION_S) -> bool:
    """Whether it was taken in, as plausible sound."""
    answer = show("add", slug, path)
    assert answer.seconds < MOST_S
    assert answer.rss_mb < MOST_MB
    if answer.code == 0:
        assert 0.9 <= sealed_s(show, slug) <= most_s
        return True
    refused_whole(show, slug, answer)
    return False


# --- T09: seven formats, two hundred mutations each ------------------------------------------------------------------


def mutated(data: bytes, seed: int) -> bytes:
    """One of eight kinds of damage, by the seed: turned bits, lies about lengths, holes, repetitions, cuts, splices, garbage."""
    chance = random.Random(seed)
    changed, kind = bytearray(data), seed % 8
    place = chance.randrange(len(data))
    size = chance.randint(1, max(1, len(data) // 8))
    if kind == 0:  # turned bits in the head, where formats keep their structure
        for _ in range(chance.randint(1, 8)):
            changed[chance.randrange(min(1024, len(data)))] ^= 1 << chance.randrange(8)
    elif kind == 1:  # and anywhere
        for _ in range(chance.randint(1, 64)):
            changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 2:  # a length, or whatever stands there, that lies
        place = chance.randrange(min(4096, len(data) - 4))
        changed[place : place + 4] = chance.choice(
            (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\1")
        )
    elif kind == 3:
        del changed[place : place + size]
    elif kind == 4:
        changed[place:place] = data[place : place + size] * chance.randint(1, 20)
    elif kind == 5:
        del changed[place:]
    elif kind == 6:  # the beginning of one, the end of another place of itself
        changed = bytearray(data[:place] + data[chance.randrange(len(data)) :])
    else:
        changed[place : place + size] = chance.randbytes(size)
    return bytes(changed)


def mutations(show: Trial, name: str, seeds: range, made: Path, count: Count) -> int:
    data = accepted(name, made).read_bytes()
    path = show.folder / "mutated"
    taken = 0
    for seed in seeds:
        path.write_bytes(mutated(data, SEED + seed))
        # the longest one repeats an eighth of itself 20 times
        taken += taken_or_refused(show, f"m-{seed}", path, most_s=4 * 6 * DURATION_S)
    path.unlink()
    count("crafted recordings tried", len(seeds))
    count("crafted recordings taken in as plausible sound", taken)
    return taken


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_two_hundred_mutations_end_in_sound_or_a_sentence(name: str, made: Path, tmp_path: Path, count: Count) -> None:
    """T09: of each format, from a printed seed; afterwards every oracle is content and every sealed recording opens."""
    print(f"seed {SEED}")
    with trial(tmp_path) as show:
        show.init()
        mutations(show, name, range(MUTATIONS), made, count)
        assert show.ok("verify", "--deep", as_json=True).json["holds"]
        assert show.complaints() == []


@pytest.mark.parametrize("name", FORMATS)
def test_eight_mutations_end_in_sound_or_a_sentence(show: Trial, name: str, made: Path, count: Count) -> None:
    """The same in small: one of each kind of damage."""
    mutations(show, name, range(8), made, count)


BROKEN = {
    "nothing": b"",
    "header alone": wav(b""),
    "no channel": wav(bytes(96_000), channels=0),
    "rate 0": wav(bytes(96_000), rate_hz=0),
    "rate 4e9": wav(bytes(96_000), rate_hz=4_000_000_000),
    "64 channels": wav(bytes(96_000), channels=64),
    "NaN": wav_of(np.full(48_000, np.nan)),
    "infinite": wav_of(np.full(48_000, np.inf)),
    "1e30": wav_of(np.full(48_000, 1e30)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_sound_is_refused(show: Trial, name: str, count: Count) -> None:
    """T09: zero bytes, zero channels, rates that are none, samples that are none."""
    path = show.folder / "broken.wav"
    path.write_bytes(BROKEN[name])
    refused_whole(show, "ep-001", show("add", "ep-001", path))
    count("crafted recordings tried")


# --- T01–T04: playlists and what else names other files --------------------------------------------------------------

URIS = ("http://127.0.0.1:{port}/x", "tcp://127.0.0.1:{port}", "subfile,,start,0,end,0,,:{target}", "crypto:{target}",
        "data:audio/x-wav;base64,UklGRg==", "concat:{target}|{target}", "file://{target}", "/etc/passwd")  # fmt: skip
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:3,\n{uri}\n#EXT-X-ENDLIST\n"


class Listener:
    """Somebody on this machine who waits to be connected to."""

    def __enter__(self) -> Listener:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def reached(self) -> bool:
        try:
            self._socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Another recording of this machine, which a disguise points to."""
    path = tmp_path / "target.wav"
    path.write_bytes(wav_of(0.5 * np.sin(2 * np.pi * FOREIGN_HZ * np.arange(3 * RATE_HZ) / RATE_HZ)))
    return path


def disguises(target: Path, port: int) -> dict[str, str]:
    told = {name: text.format(target=target, name=target.name, port=port) for name, text in PLAYLISTS.items()}
    return told | {f"hls {uri.partition(':')[0]}": HLS.format(uri=uri.format(target=target, port=port)) for uri in URIS}


def test_no_playlist_is_followed(show: Trial, target: Path, count: Count) -> None:
    """T01–T04: under every suffix refused, and whoever waits to be called is not."""
    with Listener() as listener:
        for text in disguises(target, listener.port).values():
            for suffix in (".wav", ".mp3", ".m4a", ".ffconcat"):
                path = target.with_name(f"talk{suffix}")
                path.write_text(text)
                refused_whole(show, "ep-001", show("add", "ep-001", path))
                path.unlink()
                count("playlists and polyglots tried")
        assert not listener.reached


def polyglots(target: Path, made: Path) -> dict[str, bytes]:
    """Files that are two things at once."""
    sound, playlist = wav_of(speech(2)), HLS.format(uri=f"file://{target}").encode()
    mp3, flac = (accepted(name, made).read_bytes() for name in ("cbr.mp3", "plain.flac"))
    page = b"<html><script>alert(1)</script></html>"
    archive = target.with_name("a.zip")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("../../x", b"x" * 100)
    return {
        "playlist after a WAV": sound + playlist,
        "playlist in a WAV's first chunk": sound[:12]
        + struct.pack("<4sI", b"junk", len(playlist))
        + playlist
        + sound[12:],
        "playlist behind ID3": id3(b"\0" * 20) + playlist,
        "playlist behind the Ogg magic": b"OggS" + playlist,
        "playlist behind the EBML magic": b"\x1aE\xdf\xa3" + playlist,
        "playlist behind ftyp": b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + playlist,
        "page in ID3": id3(b"TXXX" + struct.pack(">I", len(page)) + b"\0\0" + page) + mp3,
        "zip after MP3": mp3 + archive.read_bytes(),
        "FLAC behind ID3": id3(b"\0" * 20) + flac,
        "zip": archive.read_bytes(),
        "PDF": b"%PDF-1.7\n" + sound,
        "ELF": b"\x7fELF\x02\x01\x01" + sound,
        "page": page,
    }


def test_a_file_that_is_two_things_is_the_sound_or_refused(show: Trial, target: Path, made: Path, count: Count) -> None:
    """T02, T06: what is appended or hidden is neither followed nor unpacked nor heard."""
    for number, data in enumerate(polyglots(target, made).values()):
        path = show.folder / "polyglot.wav"
        path.write_bytes(data)
        taken_or_refused(show, f"poly-{number}", path)
        path.unlink()
        count("playlists and polyglots tried")
    assert not (show.folder.parent / "x").exists()


@pytest.mark.slow
def test_the_kernel_sees_no_foreign_file_opened(target: Path, tmp_path: Path, made: Path) -> None:
    """T01, T03 with strace over the installed command and ffmpeg: the target is never opened, no socket is made for the network."""
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    show = Showcase(tmp_path / "traced")
    show.init()
    path = target.with_name("talk.mkv")
    path.write_bytes(b"\x1aE\xdf\xa3" + HLS.format(uri=f"file://{target}").encode())
    good = accepted("voice.opus", made)
    for slug, recording, code in (("ep-001", path, 3), ("ep-002", good, 0)):
        trace = tmp_path / f"{slug}.trace"
        command = [
            "strace",
            "-f",
            "-qq",
            "-s",
            "300",
            "-o",
            trace,
            "-e",
            "trace=openat,connect,socket",
            *show.command("add", slug, recording),
        ]
        done = subprocess.run(
            [str(part) for part in command], env=show.environment, capture_output=True, timeout=300, check=False
        )
        if b"PTRACE" in done.stderr or b"ptrace" in done.stderr:
            pytest.skip("strace may not trace here")
        seen = trace.read_text(errors="replace")
        assert done.returncode == code, done.stderr
        assert recording.name in seen
        assert target.name not in seen
        assert oracles.o6_connected(seen) == []
        assert "AF_INET" not in seen


# --- T05: names ------------------------------------------------------------------------------------------------------

NAMES = ("-i.wav", "--help.wav", "concat:a.wav", "http:x.wav", "ep%03d.wav", "a;touch PWN.wav", "$(touch PWN).wav",
         "`touch PWN`.wav", "two\nlines.wav", "gnp\u202evaw.wav", "n" * 251 + ".wav", "Å.wav", "A\u030a.wav", "🎙.wav",
         "CON.wav", "|touch PWN", "pipe:0", "a\tb.wav", "'.wav", '".wav', "\\.wav", "%n%s.wav", "\x1b[31m.wav")  # fmt: skip


@pytest.mark.slow
def test_no_name_is_more_than_a_name(show: Trial, count: Count) -> None:
    """T05: taken in or refused, nothing is run, and the name is nowhere but under the seal: not even in an error."""
    secret = marker()
    shelf = show.folder / "names"
    shelf.mkdir(exist_ok=True)
    names: list[bytes] = [
        f"{secret[:4]}{name}".encode() if len(name) < 200 else name.encode() for name in NAMES if "/" not in name
    ]
    names += [name.encode() for name in NAMES if "/" not in name] + [b"\xff\xfe\x80.wav", secret.encode()]
    data = wav_of(speech(1.5))
    for number, name in enumerate(names):
        path = os.fsencode(shelf) + b"/" + name
        with open(path, "wb") as file:  # noqa: PTH123 - a name of any bytes
            file.write(data)
        slug = f"name-{number}"
        answer = show("add", slug, os.fsdecode(path), cwd=shelf)
        assert answer.code in (0, 2 if name.startswith(b"-") else 3, 3), (name, answer)
        assert name.strip(b"-").removesuffix(b".wav") not in answer.said or len(name) < 12, (name, answer)
        assert secret.encode() not in answer.said
        os.unlink(path)  # noqa: PTH108
        count("hostile file names tried")
    assert not list(show.folder.rglob("PWN"))
    assert oracles.o1_markers([show.root, show.home, show.temporary], (secret,)) == []


def test_two_names_that_look_alike_stay_two_episodes(show: Trial) -> None:
    """T05: NFC and NFD of one name do not collide."""
    for number, (name, start_s) in enumerate((("Å.wav", 0.0), ("A\u030a.wav", 8.0))):
        path = show.recording(start_s, name)
        show.ok("add", f"twin-{number}", path)
        path.unlink()
    one, two = ((show.root / "episodes" / f"twin-{n}" / "source" / "1.age").read_bytes() for n in (0, 1))
    assert one != two


# --- T06, T07: what is no file ---------------------------------------------------------------------------------------


def test_what_is_no_plain_file_is_refused_at_once(show: Trial, target: Path) -> None:
    """T07: links, pipes, devices, folders, sockets; none makes it wait."""
    shelf = target.parent
    os.mkfifo(shelf / "pipe.wav")
    (shelf / "link.wav").symlink_to("/etc/hostname")
    (shelf / "sound.wav").symlink_to(target)
    (shelf / "store.wav").symlink_to(show.root / "stablecast.sqlite")
    (shelf / "folder.wav").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(shelf / "socket.wav"))
        for name in ("pipe.wav", "link.wav", "sound.wav", "store.wav", "folder.wav", "socket.wav", "none.wav"):
            answer = show("add", "ep-001", shelf / name)
            refused_whole(show, "ep-001", answer)
            assert answer.seconds < 5
    for device in ("/dev/zero", "/dev/null", "/proc/self/mem"):
        refused_whole(show, "ep-001", show("add", "ep-001", device))


def test_a_bundle_is_not_unpacked(show: Trial, tmp_path: Path) -> None:
    """T06: archives are no recordings, whatever is in them; nothing is written outside."""
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../escaped", b"x")
        packed.writestr("/tmp/absolute-escaped", b"x")  # noqa: S108
        packed.writestr("bomb", bytes(50_000_000))
    refused_whole(show, "ep-001", show("add", "ep-001", path))
    assert not list(tmp_path.parent.glob("escaped"))


# --- T10, T11, T12 ---------------------------------------------------------------------------------------------------

_JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb")


@pytest.mark.slow
def test_of_a_film_only_the_sound_goes_on(tmp_path: Path, made: Path) -> None:
    """T10: a film with a face, an MP3 with a cover: published files have one stream, no picture, and no tag of the source."""
    with trial(tmp_path) as show:
        show.init()
        secret = marker()
        voice = show.recording(name="voice")
        film = tmp_path / "film.mp4"
        picture = (
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=64x48:rate=10:duration=6",
            "-c:v",
            "mpeg4",
            "-metadata",
            f"title={secret}",
        )
        run("-i", voice, *picture, "-metadata", f"comment={secret}", film)
        voice.unlink()
        show.ok("add", "ep-001", film, "--content-note", "none")
        film.unlink()
        show.published("ep-001")
        published = sorted((show.root / "feed" / "media").iterdir())
        assert {path.suffix for path in published} == {".mp3", ".opus"}
        for media in published:
            data = media.read_bytes()
            assert b"JFIF" not in data
            assert b"Exif" not in data
            assert b"\x89PNG\r\n\x1a\n" not in data
            told = subprocess.run([executable(), "-i", media], capture_output=True, check=False).stderr
            assert told.count(b"Stream #") == 1
        assert oracles.o1_markers([show.root, show.home, show.temporary], (secret,)) == []
        assert show.complaints(public_title=True) == []


def test_channels_that_cancel_are_refused_and_a_stranger_in_one_is_mixed_in(show: Trial) -> None:
    """T11: a side that is the other upside down gives silence and is refused; a second voice beside it is not kept apart."""
    voice = speech(3)
    path = show.folder / "sides.wav"
    path.write_bytes(wav_of(np.stack([voice, -voice], 1)))
    refused_whole(show, "ep-001", show("add", "ep-001", path))
    path.write_bytes(wav_of(np.stack([voice, 0.3 * np.sin(np.arange(len(voice)))], 1)))
    show.ok("add", "ep-001", path)
    assert sealed_s(show, "ep-001") == pytest.approx(3, abs=0.1)
    path.unlink()


def test_the_same_recording_twice_has_nothing_in_common_outside(show: Trial) -> None:
    """T12: two episodes of one recording get unrelated names, keys and ciphertexts, and whoever adds the second is told."""
    path = show.recording()
    for slug, same_as in (("ep-001", []), ("ep-002", ["ep-001"])):
        assert show.ok("add", slug, path, as_json=True).json["same_as"] == same_as
    path.write_bytes(path.read_bytes()[:-2] + b"\1\0")  # as long, and another one
    assert show.ok("add", "ep-003", path, as_json=True).json["same_as"] == []
    path.unlink()
    one, two = ((show.root / "episodes" / slug / "source" / "1.age").read_bytes() for slug in ("ep-001", "ep-002"))
    assert sum(a == b for a, b in zip(one[-100_000:], two[-100_000:], strict=True)) < 1000  # chance gives 390
    ids = [
        (show.root / "episodes" / slug / "episode.toml").read_text().split("id = ")[1][:34]
        for slug in ("ep-001", "ep-002")
    ]
    assert ids[0] != ids[1]


# --- T13: the voice cannot be changed --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("unvoiced")) as show:
        show.init()
        show.added()
        yield show


@pytest.mark.slow
@pytest.mark.parametrize("how", ["memory", "time", "killed"])
def test_where_the_voice_cannot_be_changed_nothing_goes_on(ready: Trial, how: str, tmp_path: Path) -> None:
    """T13: too little memory, a limit on CPU, a kill in the middle: no cut, no yes, nothing public; running again mends it."""
    kept = tmp_path / "kept"
    ready.kept(kept)
    limits = {"memory": {"AS": 700 << 20}, "time": {"CPU": 1}, "killed": {}}[how]
    number = ready.ask("run", limits=limits, kill_after_s=1.2 if how == "killed" else 60)
    answer = ready.driver.answer(number)
    assert answer.code not in (0, 1), answer
    status = ready.status("ep-001")
    assert status["cut"] is None
    assert ready.approve("ep-001", "young-person").code == 4
    assert ready("publish").code == 4
    assert not (ready.root / "feed" / "media").exists()
    assert ready.complaints() == []
    ready.consent("ep-001")
    ready.frozen()
    assert ready.complaints() == []
    ready.back(kept)


# --- T19: bombs ------------------------------------------------------------------------------------------------------


def silence(path: Path, hours: float) -> Path:
    """Hours of almost nothing in a small file."""
    seconds = hours * 3600
    run("-f", "lavfi", "-i", f"anullsrc=r=8000:cl=mono:d={seconds}", "-compression_level", "0", path)
    return path


@pytest.mark.slow
def test_a_day_in_a_small_file_costs_little(show: Trial, tmp_path: Path, count: Count) -> None:
    """T19: a day of silence in FLAC is refused by what it says of itself, and by what it decodes to where it says nothing."""
    bomb = silence(tmp_path / "day.flac", 24)
    assert bomb.stat().st_size < 60e6
    answer = show("add", "ep-001", bomb)
    refused_whole(show, "ep-001", answer)
    assert answer.seconds < 10
    data = bytearray(bomb.read_bytes())
    data[21] &= 0xF0  # 36 bits of "how many samples": unknown
    data[22:26] = bytes(4)
    bomb.write_bytes(data)
    free = shutil.disk_usage(show.root).free
    number = show.ask("add", "ep-001", bomb, kill_after_s=_BOMB_S)
    least = free
    while number not in show.driver._answers:
        time.sleep(0.05)
        least = min(least, shutil.disk_usage(show.root).free)
    answer = show.got(number)
    refused_whole(show, "ep-001", answer)
    assert answer.rss_mb < MOST_MB
    assert (
        free - least < 6.5 * 3600 * _SECOND + 2e8
    )  # six hours of samples, which are gone again, and what others write meanwhile
    count("decompression bombs tried", 2)


def test_a_bomb_is_stopped_at_the_limit_of_the_settings(show: Trial, tmp_path: Path, count: Count) -> None:
    """T19 in small: with ten minutes allowed, an hour that does not tell its length ends at ten minutes."""
    show.set(ingest={"max_duration_s": 600.0})
    bomb = silence(tmp_path / "hour.flac", 1)
    data = bytearray(bomb.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    bomb.write_bytes(data)
    answer = show("add", "ep-001", bomb)
    refused_whole(show, "ep-001", answer)
    assert "hours" in answer.err
    assert answer.rss_mb < MOST_MB
    count("decompression bombs tried")


def test_a_file_that_grows_while_it_is_read_is_one_length_or_none(show: Trial) -> None:
    """T19: what was there when it was opened, or a refusal."""
    path = show.folder / "growing.wav"
    path.write_bytes(wav_of(speech(5)))
    stop = threading.Event()

    def grow() -> None:
        with path.open("ab") as file:
            while not stop.wait(0.001):
                file.write(bytes(8192))
                file.flush()

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        answer = show("add", "ep-001", path)
    finally:
        stop.set()
        growing.join()
    assert answer.code in (0, 3)
    if answer.code == 0:
        assert sealed_s(show, "ep-001") == pytest.approx(5, abs=0.2)
    path.unlink()


# --- T08: links in the public tree -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_link_in_the_public_tree_is_found_and_gone(tmp_path: Path) -> None:
    """T08, T60: links to secrets and strangers in feed/ make `verify` say so, are not followed, and are gone after publishing."""
    with trial(tmp_path) as show:
        show.init()
        show.added()
        show.published("ep-001")
        before = show.public()
        secret = show.folder / "secret.txt"
        secret.write_text(show.protected)
        (show.root / "feed" / "media" / "more.mp3").symlink_to(secret)
        (show.root / "feed" / "all").symlink_to(show.folder)
        for name in ("raw.wav", ".DS_Store", "notes.txt", "episode.html~"):
            (show.root / "feed" / name).write_bytes(b"RIFF" + show.protected.encode())
        assert show("verify").code == 6
        answer = show.ok("publish", as_json=True).json
        assert set(answer["dropped"]) >= {"raw.wav", ".DS_Store", "notes.txt"}
        assert show.public() == before
        assert not any(path.is_symlink() for path in (show.root / "feed").rglob("*"))
        assert json.dumps(answer).count(show.protected) == 0
        secret.unlink()
        assert show.complaints(public_title=True) == []


def test_the_foreign_tone_is_one_that_would_be_heard(target: Path, tmp_path: Path) -> None:
    """The target's 1 kHz is plain to the measure: a file that held it would show."""
    heard = oracles.decoded(target, executable())[0]
    assert level_at(heard, FOREIGN_HZ, oracles.RATE_HZ) > -20


assert set(FORMATS) <= set(ACCEPTED)
