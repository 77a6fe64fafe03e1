"""A stranger's file is decoded safely or refused in one sentence; nothing else happens."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from effort import FEW
from recordings import (
    ACCEPTED,
    DURATION_S,
    FOREIGN_HZ,
    HEARD_HZ,
    ONE_OF_EACH,
    PLAYLISTS,
    accepted,
    box,
    level_at,
    run,
    take,
    wav,
    wav_of,
)
from stablecast.errors import EnvironmentFailure, InputRefused
from stablecast.stages.ingest import IngestParams, mono
from stablecast.tools import ffmpeg
from stablecast.tools.containers import Container

RATE_HZ = 24_000
LIMITS = ffmpeg.Limits(max_duration_s=60, stall_s=30)
GIB = 1024**3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


def refusal(path: Path, params: IngestParams | None = None) -> str:
    """The sentence with which a file is refused; it never names the file, and neither does anything behind it."""
    with pytest.raises(InputRefused) as refused:
        take(path, params)
    assert path.name not in repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    return str(refused.value)


def tone(hz: float = HEARD_HZ, seconds: float = DURATION_S) -> NDArray[np.float64]:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


# --- what we take


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_format_we_take_is_heard_whole(name: str, made: Path) -> None:
    """The tone of the recording comes out, at its length, alone: no cover, film or tag is turned into sound."""
    samples = take(accepted(name, made))
    assert samples.dtype == np.float32
    assert len(samples) / RATE_HZ == pytest.approx(DURATION_S, abs=0.06)
    assert level_at(samples, HEARD_HZ) == pytest.approx(-18, abs=1)  # lavfi's sine peaks at one eighth
    inner = samples[RATE_HZ // 4 : -RATE_HZ // 4].astype(np.float64)
    assert level_at(inner, HEARD_HZ) == pytest.approx(20 * np.log10(np.sqrt(2 * np.mean(inner**2))), abs=0.3)


def test_one_channel_keeps_its_level_and_two_are_averaged(tmp_path: Path) -> None:
    """A mono file comes out as it is; a voice on one side only comes out 6 dB lower."""
    (tmp_path / "one.wav").write_bytes(wav_of(tone()))
    (tmp_path / "left.wav").write_bytes(wav_of(np.stack([tone(), 0 * tone()], axis=1)))
    assert np.allclose(take(tmp_path / "one.wav"), tone(), atol=1e-5)
    assert np.allclose(take(tmp_path / "left.wav"), tone() / 2, atol=1e-5)


@pytest.mark.parametrize("at", [8_000, 44_100, 96_000])
def test_any_rate_is_brought_to_ours(at: int, tmp_path: Path) -> None:
    """Rates of phones and recorders come out at 24 kHz with the tone where it was."""
    time_s = np.arange(at) / at
    (tmp_path / "a.wav").write_bytes(wav_of(0.3 * np.sin(2 * np.pi * HEARD_HZ * time_s), at))
    samples = take(tmp_path / "a.wav")
    assert abs(len(samples) - RATE_HZ) <= 2
    assert level_at(samples, HEARD_HZ) == pytest.approx(20 * np.log10(0.3), abs=0.1)


# --- disguises (T01–T04)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Somebody else's recording on the same disk."""
    path = tmp_path / "target.wav"
    path.write_bytes(wav_of(tone(FOREIGN_HZ, 3)))
    return path


def disguise(text: str, target: Path, port: int = 9) -> Path:
    path = target.with_name("evil.wav")
    path.write_text(text.replace("{target}", str(target)).replace("{name}", target.name).replace("{port}", str(port)))
    return path


def test_unguarded_ffmpeg_reads_the_other_file(target: Path) -> None:
    """The control: the same disguise, given to ffmpeg with a protocol whitelist alone, hands over the other recording."""
    path = disguise(PLAYLISTS["ffconcat"], target)
    output = ("-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "pipe:1")
    stolen = np.frombuffer(run("-protocol_whitelist", "file,pipe", "-i", path, *output), "<f4")
    assert level_at(stolen, FOREIGN_HZ) > -20


@pytest.mark.parametrize("text", PLAYLISTS.values(), ids=PLAYLISTS)
@pytest.mark.parametrize("container", Container)
def test_no_playlist_reaches_another_file_even_past_the_sniffer(text: str, container: Container, target: Path) -> None:
    """Forced demuxer and whitelists hold alone: nothing of the other file is decoded, nobody calls a port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        path = disguise(text, target, listener.getsockname()[1])
        refusal(path)
        heard: list[NDArray[np.float32]] = []
        with path.open("rb") as file, pytest.raises(InputRefused):
            heard.extend(ffmpeg.decode(file, container, rate_hz=RATE_HZ, limits=LIMITS))
        assert not heard
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("container", Container)
def test_the_forced_demuxer_holds_where_the_name_could_be_followed(container: Container, target: Path) -> None:
    """Our command on a path, where a relative name would be found: nothing comes out; without demuxer and list, all of it."""
    path = disguise(PLAYLISTS["ffconcat"], target)
    command = ffmpeg._command(9, 0, container, RATE_HZ, 60)
    command = [f"file:{path}" if part.endswith(":/dev/fd/9") else part for part in command]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).stdout == b""
    if container is Container.WAV:
        for option in ("-f", "-format_whitelist"):
            place = command.index(option)
            del command[place : place + 2]
        stolen = np.frombuffer(subprocess.run(command, capture_output=True, check=False, timeout=60).stdout, "<f4")
        assert level_at(stolen[::2], FOREIGN_HZ) > -20


def test_an_mp4_never_fetches_its_samples_from_another_file(target: Path, made: Path) -> None:
    """A data reference out of the file is refused by the reader and, past it, not followed by ffmpeg."""
    data = accepted("index-last.m4a", made).read_bytes()
    own = box(b"url ", b"\0\0\0\1")
    assert own in data
    path = target.with_name("evil.m4a")
    path.write_bytes(data.replace(own, box(b"url ", b"\0\0\0\0")))
    assert "points to" in refusal(path)
    with path.open("rb") as file:
        decoded = np.concatenate([tone(1, 0.1)[:, None], *_tried(file)])
    assert level_at(decoded[:, 0], FOREIGN_HZ) < -60


def _tried(file: BinaryIO) -> list[NDArray[np.float32]]:
    blocks: list[NDArray[np.float32]] = []
    with contextlib.suppress(InputRefused):
        blocks.extend(ffmpeg.decode(file, Container.MOV, rate_hz=RATE_HZ, limits=LIMITS))
    return [block[:, :1] for block in blocks]


def test_a_decoder_outside_the_list_is_not_run(tmp_path: Path) -> None:
    """A sound WAV in a coding no recorder of ours writes is refused, although this ffmpeg could decode it."""
    run("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "adpcm_ms", tmp_path / "a.wav")
    assert len(run("-i", tmp_path / "a.wav", "-f", "f32le", "pipe:1"))
    assert "editor" in refusal(tmp_path / "a.wav")


# --- names and things that are not files (T05, T07)


NAMES = [
    "concat:a.wav",
    "http:x.wav",
    "ep%03d.wav",
    "a;touch PWN.wav",
    "$(touch PWN).wav",
    "a\nb.wav",
    "a\u202egpj.wav",
]
NAMES += [
    "\u00e9.wav",
    "e\u0301.wav",
    "\U0001f3a4.wav",
    os.fsdecode(b"\xff\xfe.wav"),
    "CON.wav",
    "x" * 251 + ".wav",
    "no suffix",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_strange_name_is_only_a_name(name: str, tmp_path: Path) -> None:
    """Names made to be commands, protocols or patterns are opened as files and nothing more."""
    (tmp_path / name).write_bytes(wav_of(tone()))
    assert len(take(tmp_path / name)) == len(tone())
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["-i.wav", "--help.wav", "-"])
def test_a_name_with_a_dash_is_refused_without_being_said(name: str, tmp_path: Path) -> None:
    """A name that could be an option asks to be changed."""
    (tmp_path / name).write_bytes(wav_of(tone()))
    sentence = refusal(tmp_path / name)
    assert "dash" in sentence
    assert "help" not in sentence


def test_only_a_regular_file_is_opened_and_nothing_blocks(tmp_path: Path) -> None:
    """Links, pipes, devices, sockets, folders and nothing at all are refused within five seconds."""
    (tmp_path / "good.wav").write_bytes(wav_of(tone()))
    (tmp_path / "link.wav").symlink_to(tmp_path / "good.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    started = time.monotonic()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.wav"))
        for name, word in [
            ("link", "link"),
            ("pipe", "pipe"),
            ("folder", "folder"),
            ("socket", "pipe"),
            ("none", "no file"),
        ]:
            assert word in refusal(tmp_path / f"{name}.wav")
    assert "device" in refusal(Path("/dev/zero"))
    assert time.monotonic() - started < 5


def test_a_file_larger_than_allowed_is_refused_unread(tmp_path: Path) -> None:
    """The limit on bytes holds before a byte is read."""
    (tmp_path / "huge.wav").touch()
    os.truncate(tmp_path / "huge.wav", 1 * GIB)  # sparse
    assert "larger than" in refusal(tmp_path / "huge.wav", IngestParams(max_bytes=GIB - 1))


def test_what_was_opened_is_what_is_decoded(tmp_path: Path) -> None:
    """A name that changes hands after the check changes nothing: the open file is decoded, even when it has no name left."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav_of(tone()))
    with ffmpeg.open_recording(path, max_bytes=GIB) as file:
        path.unlink()
        path.write_bytes(wav_of(tone(FOREIGN_HZ)))
        decoded = np.concatenate(list(ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=LIMITS)))[:, 0]
    assert level_at(decoded, HEARD_HZ) > -20
    assert level_at(decoded, FOREIGN_HZ) < -60


# --- broken files (T09)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        wav(b""),
        wav(bytes(96_000), channels=0),
        wav(bytes(96_000), rate_hz=0),
        wav(bytes(96_000), rate_hz=4_000_000_000),
        wav(bytes(96_000), channels=64),
        wav(bytes(96_000), tag=0x1234),
        wav(bytes(96_000), bits=0),
        wav_of(np.full(48_000, np.nan)),
        wav_of(np.full(48_000, np.inf)),
        wav_of(np.full(48_000, 1e30)),
        wav_of(np.append(tone(), np.nan)),
    ],
    ids=["empty", "header", "0 ch", "0 Hz", "4 GHz", "64 ch", "odd coding", "0 bits", "nan", "inf", "1e30", "one nan"],
)
def test_a_wav_that_is_no_sound_is_refused(data: bytes, tmp_path: Path) -> None:
    """ffmpeg ends well on several of these; we do not."""
    (tmp_path / "broken.wav").write_bytes(data)
    refusal(tmp_path / "broken.wav")


def test_a_wav_of_unknown_length_is_taken(tmp_path: Path) -> None:
    """A streamed header (0xFFFFFFFF) gives the sound that is there."""
    (tmp_path / "a.wav").write_bytes(wav(bytes(2) + (tone() * 2**15).astype("<i2").tobytes(), said=0xFFFFFFFF))
    assert len(take(tmp_path / "a.wav")) == len(tone()) + 1


@pytest.mark.parametrize("name", ACCEPTED)
def test_half_a_file_is_never_half_a_recording(name: str, made: Path, tmp_path: Path) -> None:
    """A copy that stopped half way is refused in every format."""
    data = accepted(name, made).read_bytes()
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    assert "copy it again from the recorder" in refusal(tmp_path / "half")


def flipped(data: bytes, seed: int) -> bytes:
    """The data with one to eight bits turned, half of the time in its first kilobyte."""
    chance = random.Random(seed)  # noqa: S311  a fixed, printed seed
    changed = bytearray(data)
    reach = min(1024, len(data)) if seed % 2 else len(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def survive(name: str, seeds: range, made: Path, folder: Path) -> None:
    """Each variant is refused, or gives finite sound of a plausible length."""
    data = accepted(name, made).read_bytes()
    path = folder / "flipped"
    for seed in seeds:
        path.write_bytes(flipped(data, seed))
        try:
            samples = take(path)
        except InputRefused:
            continue
        assert np.isfinite(samples).all(), seed
        assert np.abs(samples).max() <= 1, seed
        # a changed rate in a header is still a recording; more than the sixfold is not in these bytes
        assert 0.9 <= len(samples) / RATE_HZ <= 6 * DURATION_S or name == "s16.wav", seed


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_turned_bits_end_in_sound_or_a_sentence(name: str, made: Path, tmp_path: Path) -> None:
    """Forty damaged copies of each format: finite audio or InputRefused, never another exception, never a hang."""
    survive(name, range(40), made, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACCEPTED)
def test_many_turned_bits_end_in_sound_or_a_sentence(name: str, made: Path, tmp_path: Path) -> None:
    """The same for two hundred more of every kind of file, forty in CI."""
    survive(name, range(40, 80 if FEW else 240), made, tmp_path)


# the containers in which a damaged piece can be noticed; PCM and MP3 frames carry no checksum
@pytest.mark.parametrize("name", ["plain.flac", "vorbis.ogg", "voice.opus", "cbr.mp3", "index-last.m4a", "film.mkv"])
def test_a_hole_in_the_middle_is_said_not_skipped(name: str, made: Path, tmp_path: Path) -> None:
    """ffmpeg alone leaves the broken part out and ends well; we refuse, because captions and cuts would no longer fit."""
    data = bytearray(accepted(name, made).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(byte ^ 0x5A for byte in data[middle : middle + 300])
    (tmp_path / "hole").write_bytes(data)
    assert "only copy" in refusal(tmp_path / "hole")


def test_one_turned_bit_of_a_flac_is_noticed(made: Path, tmp_path: Path) -> None:
    """The checksum of each FLAC frame is asked for: not even a click gets in unseen."""
    data = accepted("plain.flac", made).read_bytes()
    for place in range(len(data) // 4, len(data) - 100, len(data) // 8):
        changed = bytearray(data)
        changed[place] ^= 0x10
        (tmp_path / "bit.flac").write_bytes(changed)
        assert "only copy" in refusal(tmp_path / "bit.flac")


# --- too much (T19)


def test_a_recording_over_the_limit_is_refused_at_once(tmp_path: Path) -> None:
    """A FLAC of silence costs little on disk and hours when decoded: the limit is on what comes out."""
    silence = ("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "600", "-c:a", "flac")
    short = IngestParams(max_duration_s=60)
    run(*silence, tmp_path / "said.flac")
    (tmp_path / "unsaid.flac").write_bytes(run(*silence, "-f", "flac", "pipe:1"))  # a streamed header counts no samples
    for name in ("said.flac", "unsaid.flac"):
        assert (tmp_path / name).stat().st_size < 200_000
        assert "longer than" in refusal(tmp_path / name, short)


@pytest.mark.slow
def test_ten_hours_are_refused_and_four_are_taken_in_small_memory(tmp_path: Path) -> None:
    """A bomb of 10 h in a few megabytes is refused; 4 h pass; neither needs more memory than a minute would."""
    path = tmp_path / "long.flac"
    for hours, source in ((10, "anullsrc=r=8000:cl=mono"), (4, "sine=440:r=8000")):
        path.write_bytes(
            run("-f", "lavfi", "-i", source, "-t", str(hours * 3600), "-c:a", "flac", "-f", "flac", "pipe:1")
        )
        params, length = IngestParams(), 0
        gc.collect()
        tracemalloc.start()
        try:
            with path.open("rb") as file:
                limits = ffmpeg.Limits(max_duration_s=params.max_duration_s, memory_bytes=GIB)
                stereo = ffmpeg.decode(file, Container.FLAC, rate_hz=RATE_HZ, limits=limits)
                for block in mono(stereo, params, declared_duration_s=None):
                    length += len(block)
        except InputRefused as refused:
            assert (hours, "longer than 6 hours" in str(refused)) == (10, True)  # noqa: PT017
        else:
            assert hours == 4
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert length / RATE_HZ / 3600 == pytest.approx(min(hours, 6), abs=0.001)
        assert peak < 16 * 1024**2


# --- the process


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Every process decode starts."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started


@pytest.fixture
def minute(tmp_path: Path) -> Path:
    path = tmp_path / "a-secret-name.wav"
    path.write_bytes(wav_of(tone(seconds=50)))
    return path


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs Linux's /proc")
def test_the_running_ffmpeg_knows_no_name_and_is_held(minute: Path, children: list[subprocess.Popen[bytes]]) -> None:
    """While it decodes: no source name in its arguments, no environment, no folder of ours, limits on, its own session."""
    with minute.open("rb") as file:
        blocks = ffmpeg.decode(
            file, Container.WAV, rate_hz=RATE_HZ, limits=ffmpeg.Limits(60, cpu_s=77, memory_bytes=GIB)
        )
        next(blocks)
        child = Path("/proc", str(children[0].pid))
        arguments = (child / "cmdline").read_bytes().split(b"\0")
        limits = dict(
            (line[:26].strip(), line[26:].split()[:2]) for line in (child / "limits").read_text().splitlines()
        )
        assert arguments[0] == os.fsencode(ffmpeg.executable())
        assert not any(b"secret" in argument for argument in arguments)
        assert (child / "environ").read_bytes() == b""
        assert (child / "cwd").resolve() == Path("/")
        assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
        assert limits["Max cpu time"] == ["77", "77"]
        assert limits["Max address space"] == [str(GIB)] * 2
        assert limits["Max open files"] == ["64", "64"]
        assert os.getsid(children[0].pid) == children[0].pid
        blocks.close()


def test_a_child_with_our_limits_cannot_write_a_file(tmp_path: Path) -> None:
    """The same launcher, made to run something that writes: the file stays empty; without the limit it does not."""
    for limit, written in (("FSIZE=0", b""), ("CORE=0", b"x\n")):
        script = f"echo x > {tmp_path / 'out'}"
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", ffmpeg._LAUNCH, limit, "/bin/sh", "-c", script], check=False, timeout=30
        )
        assert (tmp_path / "out").read_bytes() == written


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine not in ("x86_64", "aarch64"),
    reason="the filter is Linux's",
)
def test_a_child_of_ours_cannot_open_a_socket() -> None:
    """The same launcher, made to run something that would call out, even on this machine: the kernel says no; without it, yes."""
    script = "import socket\ntry:\n socket.socket()\nexcept PermissionError:\n raise SystemExit(13)"
    launcher = [sys.executable, "-I", "-S", "-c"]
    for launch, code in ((ffmpeg._LAUNCH, 13), (ffmpeg._LAUNCH.replace("        without_network()", "        0"), 0)):
        done = subprocess.run([*launcher, launch, "CORE=0", *launcher, script], check=False, timeout=30)
        assert done.returncode == code


def gone(child: subprocess.Popen[bytes]) -> bool:
    """Whether a process is ended and reaped."""
    try:
        os.kill(child.pid, 0)
    except ProcessLookupError:
        return child.returncode is not None
    return False


def test_an_abandoned_decoding_leaves_no_process(minute: Path, children: list[subprocess.Popen[bytes]]) -> None:
    """Closed, forgotten, or broken off by a refusal downstream: ffmpeg is gone."""
    with minute.open("rb") as file:
        closed = ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=LIMITS)
        next(closed)
        assert not gone(children[-1])
        closed.close()
        assert gone(children[-1])
        forgotten = ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=LIMITS)
        next(forgotten)
        del forgotten
        gc.collect()
        assert gone(children[-1])
        with (
            pytest.raises(InputRefused, match="longer than"),
            contextlib.closing(ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=LIMITS)) as stereo,
        ):
            list(mono(stereo, IngestParams(max_duration_s=1), declared_duration_s=None))
        assert gone(children[-1])
        assert len(children) == 3


def group_running(group: int) -> list[str]:
    """The processes of a group that are more than a name waiting to be reaped."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state not in "ZX":
                found.append(path.parent.name)
    return found


def stub(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a shell script in ffmpeg's place."""
    path = folder / "stub"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o700)
    monkeypatch.setattr(ffmpeg, "executable", lambda: path)


@pytest.mark.parametrize(
    ("script", "word"),
    [
        ("sleep 60 & sleep 60", "more time or memory"),
        ("exec 1>&-; sleep 60", "more time or memory"),
        ("kill -9 $$", "more time or memory"),
        ("head -c 800000 /dev/zero; exit 3", "only copy"),
        ("exit 0", "no sound"),
        ("head -c 384001 /dev/zero", "silent"),
        ("cat /dev/zero", "longer than"),
    ],
    ids=["hangs", "hangs at the end", "killed", "fails late", "ends with nothing", "half a sample", "never ends"],
)
def test_no_exit_code_is_believed_and_no_hang_waited_for(
    script: str,
    word: str,
    minute: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    children: list[subprocess.Popen[bytes]],
) -> None:
    """Whatever the program in ffmpeg's place does, the caller gets a sentence, soon, and no process stays."""
    stub(tmp_path, script, monkeypatch)
    started = time.monotonic()
    limits = ffmpeg.Limits(max_duration_s=60, stall_s=0.5)
    with (
        minute.open("rb") as file,
        pytest.raises(InputRefused, match=word),
        contextlib.closing(ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=limits)) as stereo,
    ):
        list(mono(stereo, IngestParams(max_duration_s=60), declared_duration_s=None))
    assert time.monotonic() - started < 10
    assert gone(children[0])
    while group_running(children[0].pid):  # a killed grandchild may take a moment
        assert time.monotonic() - started < 10
        time.sleep(0.05)


def test_a_missing_ffmpeg_is_the_machines_fault(minute: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that cannot be started is an EnvironmentFailure, not a refused recording."""
    monkeypatch.setattr(ffmpeg, "executable", lambda: tmp_path / "nothing")
    with minute.open("rb") as file, pytest.raises(EnvironmentFailure):
        next(ffmpeg.decode(file, Container.WAV, rate_hz=RATE_HZ, limits=LIMITS))


def test_the_version_is_one_word() -> None:
    """What a recipe keeps of ffmpeg: its version and nothing of this machine."""
    assert ffmpeg.probe_version()
    assert "/" not in ffmpeg.probe_version()
    assert " " not in ffmpeg.probe_version()


# --- the stage alone


def taken(
    stereo: NDArray[np.floating], params: IngestParams | None = None, declared_s: float | None = None
) -> NDArray[np.float32]:
    blocks = iter([stereo.astype(np.float32)])
    return np.concatenate(list(mono(blocks, params or IngestParams(), declared_duration_s=declared_s)))


def sides(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.stack([left, right], axis=1)


@given(cuts=st.lists(st.integers(0, 48_000), max_size=8))
def test_blocks_of_any_size_give_the_same_sound(cuts: list[int]) -> None:
    """Chunked equals whole, to the bit."""
    stereo = sides(tone(), 0.5 * tone(500)).astype(np.float32)
    pieces = np.split(stereo, sorted(cuts))
    chunked = np.concatenate(list(mono(iter(pieces), IngestParams(), declared_duration_s=2.0)))
    assert np.array_equal(chunked, taken(stereo))


def test_blocks_are_read_only() -> None:
    """Nobody downstream can change a sample that others will read."""
    (block,) = mono(iter([sides(tone(), tone()).astype(np.float32)]), IngestParams(), declared_duration_s=None)
    assert not block.flags.writeable


def test_the_limit_stops_the_reading() -> None:
    """Not one block is asked for after the one that passes the limit; a declared length over it asks for none."""
    asked = 0

    def endless() -> Iterator[NDArray[np.float32]]:
        nonlocal asked
        while True:
            asked += 1
            yield np.full((RATE_HZ, 2), 0.1, np.float32)

    with pytest.raises(InputRefused, match="longer than"):
        list(mono(endless(), IngestParams(max_duration_s=10), declared_duration_s=None))
    assert asked == 11
    with pytest.raises(InputRefused, match="longer than"):
        list(mono(endless(), IngestParams(max_duration_s=10), declared_duration_s=10.1))
    assert asked == 11


def test_channels_that_cancel_are_refused() -> None:
    """T11: the same speech upside down on the other side would leave silence; different sounds on both sides are in order."""
    with pytest.raises(InputRefused, match="upside down"):
        taken(sides(tone(), -tone()))
    with pytest.raises(InputRefused, match="upside down"):
        taken(sides(tone(), -0.9 * tone()))
    assert level_at(taken(sides(tone(), tone(700))), 700) == pytest.approx(20 * np.log10(0.15), abs=0.1)
    assert len(taken(sides(tone(), 0 * tone())))


@pytest.mark.parametrize(
    ("stereo", "word"),
    [
        (np.zeros((0, 2)), "no sound"),
        (np.zeros((48_000, 2)), "silent"),
        (np.full((48_000, 2), 0.000_9), "silent"),
        (sides(tone(), tone())[:23_999], "shorter than 1 s"),
        (sides(9 * tone(), 9 * tone()), "too loud"),
        (np.full((48_000, 2), 8.1), "not sound"),
        (np.full((48_000, 2), np.nan), "not sound"),
        (np.full((48_000, 2), -np.inf), "not sound"),
    ],
    ids=["none", "zeros", "below −60 dBFS", "short", "over full scale", "8.1", "nan", "inf"],
)
def test_what_is_no_recording_is_refused(stereo: NDArray[np.floating], word: str) -> None:
    """Each with the sentence that helps."""
    with pytest.raises(InputRefused, match=word):
        taken(stereo)


def test_less_sound_than_declared_is_a_hole() -> None:
    """One lost FLAC frame (85 ms) is noticed; the resampler's few samples are not."""
    stereo = sides(tone(), tone())
    assert len(taken(stereo, declared_s=DURATION_S + 0.001))
    with pytest.raises(InputRefused, match="missing"):
        taken(stereo, declared_s=DURATION_S + 0.085)


def test_a_decoders_overshoot_is_clipped() -> None:
    """A few samples over full scale are brought to it, and stay in the recording."""
    stereo = sides(tone(), tone())
    stereo[100:200] *= 5
    samples = taken(stereo)
    assert np.abs(samples).max() == 1
    assert len(samples) == len(stereo)


def test_a_callers_mistake_is_a_bug() -> None:
    """Samples that are not stereo are nobody's recording."""
    with pytest.raises(ValueError, match="shape"):
        list(mono(iter([np.zeros(100, np.float32)]), IngestParams(), declared_duration_s=None))
