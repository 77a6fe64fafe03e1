"""The one ffmpeg this machine gives us, and the only way a stranger's file reaches it.

Media are hostile territory: ffmpeg's parsers have holes, and its formats can name other files. So ffmpeg gets one open file
by number, is told the container and the decoders, and runs in a process of its own that can write no file, has limits on
memory and time, knows no environment and is always reaped. Its exit code and its output are checked; its words are thrown
away, because they quote the file.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from stablecast.errors import EnvironmentFailure, InputRefused
from stablecast.model import BLOCK_SAMPLES
from stablecast.tools.containers import DAMAGED, Container

_FRAME_BYTES = 8  # two channels of 32-bit float
_NOT_STARTED = 126

# The child limits itself and then becomes ffmpeg: preexec_fn would run Python between fork and exec of a process with
# threads, which may deadlock. Where the kernel takes a filter (Linux's seccomp, on the two processors named), it may open no
# socket either, nor the ring that could open one for it; elsewhere the protocol whitelist stands alone.
_LAUNCH: Final = f"""
import os, resource, struct, sys
def without_network():
    import ctypes
    arch, *calls = {{"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}}[os.uname().machine]
    load, equal, above, end = 0x20, 0x15, 0x35, 0x06
    n = len(calls)
    steps = [(load, 0, 0, 4), (equal, 0, n + 3, arch), (load, 0, 0, 0), (above, n + 1, 0, 0x40000000)]
    steps += [(equal, n - i, 0, call) for i, call in enumerate(calls)]
    steps += [(end, 0, 0, 0x7FFF0000), (end, 0, 0, 0x00050000 | 13)]  # let it be; or "permission denied"
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    libc.prctl(22, 2, struct.pack("HxxxxxxP", len(steps), ctypes.addressof(held)))  # PR_SET_SECCOMP
try:
    try:
        without_network()
    except Exception:
        pass
    for limit in sys.argv[1].split():
        name, value = limit.split("=")
        kind = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(kind)[1]
        most = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(kind, (most, most))
    os.execve(sys.argv[2], sys.argv[2:], {{}})
except Exception:
    os._exit({_NOT_STARTED})
"""

# Left and right of any layout. Asked for two channels, ffmpeg would play one channel 3 dB lower on each.
_SIDE = "F{0}<F{0}+0.5*FC+0.6*B{0}+0.6*S{0}"
_STEREO: Final = f"pan=stereo|{_SIDE.format('L')}|{_SIDE.format('R')}"

# Options for one container. FLAC carries a checksum in every frame: a wrong one ends the decoding. A QuickTime file may name
# other files as the place of its samples: never followed.
_EXTRA: Final[dict[Container, dict[str, str | int]]] = {
    Container.FLAC: {"err_detect": "crccheck+explode"},
    Container.MOV: {"enable_drefs": 0},
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one decoding may cost."""

    max_duration_s: float  # decoding stops one second after it, so that the caller can see it was passed
    stall_s: float = 60.0  # wall-clock time without a single new sample
    cpu_s: int = 3600
    memory_bytes: int = 2 * 1024**3  # address space: ffmpeg's threads reserve much and use little


@functools.cache
def executable() -> Path:
    """The absolute path of ffmpeg: the system's, else the one that installs with pip. Raises EnvironmentFailure.

    Never one in the folder somebody happens to work in, though PATH may name it (".", or an empty entry).
    """
    places = [place for place in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(place).is_absolute()]
    found = shutil.which("ffmpeg", path=os.pathsep.join(places)) if places else None
    if found:
        return Path(found).resolve()
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).resolve()
    except RuntimeError as missing:
        raise EnvironmentFailure(
            "there is no ffmpeg here; install the system's package, or imageio-ffmpeg with pip"
        ) from missing


@functools.cache
def probe_version() -> str:
    """What ffmpeg calls its version, for recipes. Raises EnvironmentFailure where it does not run."""
    try:
        said = subprocess.run([executable(), "-version"], capture_output=True, env={}, timeout=60, check=True).stdout
        return said.decode("ascii", "replace").split()[2]
    except (OSError, subprocess.SubprocessError, IndexError) as broken:
        raise EnvironmentFailure("the ffmpeg found here does not run; install the system's package again") from broken


@functools.cache
def fenced() -> bool:
    """Whether this machine's kernel keeps what decodes recordings from opening a socket."""
    script = "import socket\ntry:\n socket.socket()\nexcept PermissionError:\n raise SystemExit(13)"
    command = [sys.executable, "-I", "-S", "-c"]
    try:
        done = subprocess.run([*command, _LAUNCH, "CORE=0", *command, script], env={}, cwd="/", timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 13


_WHY_NOT: Final = {
    errno.ELOOP: "this is a link to a file: choose the recording itself",
    errno.ENOENT: "there is no file of this name: check the folder and the spelling",
    errno.ENOTDIR: "there is no file of this name: check the folder and the spelling",
    errno.EACCES: "you may not read this file: ask its owner, or change its permissions",
    errno.ENXIO: "this is not a file but a folder, pipe or device: choose the recording itself",
}


def open_recording(source: Path | BinaryIO, *, max_bytes: int) -> BinaryIO:
    """Opens a person's file for reading, once: what is checked is what is read, even if the name changes hands meanwhile.

    An open file, such as one in memory that has no name, is checked in the same way and stays open when this one is closed.
    Raises InputRefused for anything but a regular file of at most `max_bytes` (links, pipes, devices and folders never
    block), and for a name that begins with a dash.
    """
    descriptor = _opened(source) if isinstance(source, Path) else os.dup(source.fileno())
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise InputRefused("this is not a file but a folder, pipe or device: choose the recording itself")
        if found.st_size > max_bytes:
            raise InputRefused(
                f"the file is larger than {max_bytes / 1024**3:.3g} GiB: export the sound alone and add that"
            )
        os.lseek(descriptor, 0, os.SEEK_SET)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _opened(path: Path) -> int:
    if path.name.startswith("-"):
        raise InputRefused(
            "a file whose name begins with a dash can be mistaken for an option; rename it and add it again"
        )
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as failed:  # its text holds the name, so it is not kept as a cause
        raise InputRefused(
            _WHY_NOT.get(failed.errno or 0, "this file cannot be opened: copy it again from the recorder")
        ) from None


def decode(file: BinaryIO, container: Container, *, rate_hz: int, limits: Limits) -> Generator[NDArray[np.float32]]:
    """The first sound track as stereo float samples of shape (n, 2) at `rate_hz`; one channel is given on both sides.

    `file` needs a descriptor and must have passed `containers.sniff` and `check_whole`. Nothing starts before the first
    block is asked for; closing the generator ends ffmpeg (use `contextlib.closing`). That samples are finite and sensible is
    for `stages.ingest` to find.

    A packet that cannot be decoded ends in InputRefused. ffmpeg by itself leaves it out: an hour with a broken minute would
    come out as 59 good ones, and nobody would know what was lost. It is raised after the blocks before it, so a caller keeps
    nothing until the end. Raises EnvironmentFailure where ffmpeg cannot be started.
    """
    descriptor = file.fileno()
    ceilings = f"CORE=0 FSIZE=0 NOFILE=64 CPU={limits.cpu_s} AS={limits.memory_bytes}"
    length_bytes = os.fstat(descriptor).st_size  # a file that goes on growing would be read for as long as it grows
    command = _command(descriptor, length_bytes, container, rate_hz, limits.max_duration_s)
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCH, ceilings, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env={},
        pass_fds=(descriptor,),
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101  for mypy: it is a pipe
    try:
        yield from _samples(child.stdout.fileno(), limits.stall_s)
        code = child.wait(limits.stall_s)
    except subprocess.TimeoutExpired:
        raise InputRefused(_TOO_MUCH) from None
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()
        child.wait()
    if code == _NOT_STARTED:
        raise EnvironmentFailure("ffmpeg could not be started; run `stablecast doctor`")
    if code < 0:
        raise InputRefused(_TOO_MUCH)
    if code > 0:
        raise InputRefused(DAMAGED)


_TOO_MUCH = "decoding this file takes more time or memory than a recording needs: save it as WAV in an audio editor, and add that"


def _command(
    descriptor: int, length_bytes: int, container: Container, rate_hz: int, max_duration_s: float
) -> list[str]:
    """The command line. The source appears in it as a number, never by name; nothing behind `length_bytes` is read."""
    source = ffmpeg.input(
        f"subfile,,start,0,end,{length_bytes},,:file:/dev/fd/{descriptor}",
        format=container.value,
        format_whitelist=container.value,
        protocol_whitelist="subfile,file,pipe",
        codec_whitelist=",".join(container.decoders),
        threads=1,
        t=max_duration_s + 1,
        **_EXTRA.get(container, {}),
    )
    shape = {"format": "f32le", "af": _STEREO, "ar": rate_hz}
    bare = {"vn": None, "sn": None, "dn": None, "map_metadata": -1, "map_chapters": -1}
    sound = ffmpeg.output(source["a:0"], "pipe:1", **shape, **bare)
    # -xerror: a bad packet is the end. Not for WAV, which has none: there it means the short last one of a streamed file.
    strict = [] if container is Container.WAV else ["-xerror"]
    first = [str(executable()), "-nostdin", "-hide_banner", "-v", "quiet", *strict, "-filter_threads", "1"]
    command: list[str] = sound.compile(cmd=first)
    return command


def _samples(pipe: int, stall_s: float) -> Iterator[NDArray[np.float32]]:
    """Blocks of `BLOCK_SAMPLES` from a pipe of raw samples; the last may be shorter. Raises TimeoutExpired on a stall."""
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    held = bytearray()
    while True:
        if not ready.poll(stall_s * 1000):
            raise subprocess.TimeoutExpired("ffmpeg", stall_s)
        read = os.read(pipe, BLOCK_SAMPLES * _FRAME_BYTES - len(held))
        held += read
        whole = len(held) - len(held) % _FRAME_BYTES
        if whole == BLOCK_SAMPLES * _FRAME_BYTES or (whole and not read):
            yield np.frombuffer(bytes(held[:whole]), "<f4").reshape(-1, 2)
            held.clear()
        if not read:
            return
