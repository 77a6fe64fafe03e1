"""MP3 by ffmpeg and LAME, through pipes: neither the audio nor the file touches a disk."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, cast

import ffmpeg
import numpy as np

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import BLOCK_SAMPLES, Block, Waveform
from stablecast.stages.assemble import resampled
from stablecast.tools.ffmpeg import executable

# MPEG-1 layer III, the only kind made here
_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # by the index in a frame header
_RATES_HZ = (44_100, 48_000, 32_000)
_FRAME = 1152  # samples
_ENCODER_DELAY = 576  # samples LAME puts before the audio; a decoder adds 529 of its own and knows it
_DECODER_DELAY = 529
_INFO_KBPS = 64  # the smallest bitrate whose frame holds an Info tag at every rate
_TOC = bytes(place * 256 // 100 for place in range(100))  # constant bitrate: time and bytes keep step


@dataclass(frozen=True, slots=True)
class FfmpegCodec:
    """`stages.encode.Codec` by the ffmpeg of this machine. Raises EnvironmentFailure when ffmpeg does not do its part."""

    def encode(self, waveform: Waveform, *, bitrate_kbps: int, rate_hz: int) -> bytes:
        """Mono MP3 of constant bitrate without tags; equal audio gives equal bytes.

        ffmpeg cannot go back on a pipe to write the Info frame that tells players the exact length, so it is written
        here. Raises ValueError for a bitrate or rate MPEG-1 layer III does not have.
        """
        if bitrate_kbps not in _KBPS[1:] or rate_hz not in _RATES_HZ:
            raise ValueError(f"MP3 has no {bitrate_kbps} kbit/s at {rate_hz} Hz; take 96 at 44100")
        source = resampled(waveform, rate_hz)
        command = (
            ffmpeg.input("pipe:0", format="f32le", ar=rate_hz, ac=1)
            .output(
                "pipe:1",
                format="mp3",
                acodec="libmp3lame",
                audio_bitrate=f"{bitrate_kbps}k",
                map_metadata=-1,
                fflags="+bitexact",
                **{"flags:a": "+bitexact"},
                id3v2_version=0,
                write_xing=0,
            )
            .compile(cmd=command_line())
        )
        first, made = _info_bytes(bitrate_kbps, rate_hz), io.BytesIO()  # gives back what it holds without a second copy
        made.write(bytes(first))
        for piece in piped(command, (block.tobytes() for block in source.blocks())):
            made.write(piece)
        with made.getbuffer() as whole:
            whole[:first] = _info_frame(whole[first:], source.length, bitrate_kbps, rate_hz)
        return made.getvalue()

    def decode(self, data: bytes) -> Waveform:
        """What a listener hears of a file made by `encode`, tagged since or not; decoded anew at each reading.

        Raises IntegrityFailure when the file does not say how long it is.
        """
        rate_hz, length = _info(data)
        return decoded(data, "mp3", rate_hz, length)


def decoded(data: bytes, container: str, rate_hz: int, length: int) -> Waveform:
    """`length` samples of what a listener hears of a file made here; decoded anew at each reading, as EnvironmentFailure tells."""
    command = (
        ffmpeg.input("pipe:0", format=container, protocol_whitelist="pipe")
        .output("pipe:1", format="f32le", acodec="pcm_f32le", map="0:a:0", ac=1, ar=rate_hz)
        .compile(cmd=command_line())
    )

    def blocks() -> Iterator[Block]:
        missing = length
        for piece in piped(command, sliced(data)):
            # from a pipe ffmpeg leaves the encoder's padding at the end
            block = np.frombuffer(piece, np.float32)[:missing]
            missing -= len(block)
            if len(block):
                yield block
        if missing:
            raise EnvironmentFailure(f"ffmpeg decoded {missing} samples too few; install a current ffmpeg")

    return Waveform(rate_hz, length, blocks)


def command_line() -> list[str]:
    """The ffmpeg of this machine, which says nothing but errors."""
    return [str(executable()), "-hide_banner", "-loglevel", "error"]


def sliced(data: bytes) -> Iterator[memoryview]:
    """The bytes in pieces that a pipe takes."""
    view = memoryview(data)
    return (view[start : start + 65_536] for start in range(0, len(data), 65_536))


def piped(
    command: list[str],
    pieces: Iterable[bytes | memoryview],
    *,
    files: Sequence[int] = (),
    check_first: str = "the installation",
) -> Iterator[bytes]:
    """What `command` answers to `pieces`, in float32-aligned chunks; feeding and listening at once, so neither blocks.

    `files` are open descriptors that it may use. Raises what reading `pieces` raises, or EnvironmentFailure with the program's
    last words: it knows no names, only pipes.
    """
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}, pass_fds=files
        ) as process,
        ThreadPoolExecutor(2) as threads,
    ):
        stdin, stdout, stderr = cast(tuple[IO[bytes], ...], (process.stdin, process.stdout, process.stderr))
        try:
            fed = threads.submit(_feed, stdin, pieces)
            said = threads.submit(stderr.read)
            while chunk := stdout.read(4 * BLOCK_SAMPLES):
                yield chunk
            fed.result()
            if process.wait() != 0:
                words = said.result().decode(errors="replace").strip().splitlines()
                raise EnvironmentFailure(
                    f"ffmpeg stopped with code {process.returncode} ({words[-1] if words else 'without a word'}); "
                    f"check {check_first} with `stablecast doctor`"
                )
        finally:
            process.kill()  # does nothing to one that has ended; frees the threads when the reader went away


def _feed(stdin: IO[bytes], pieces: Iterable[bytes | memoryview]) -> None:
    try:
        with stdin:
            for piece in pieces:
                stdin.write(piece)
    except BrokenPipeError:
        pass  # the program has ended; its exit code tells why


def _info_bytes(bitrate_kbps: int, rate_hz: int) -> int:
    """How long the frame is that tells players the length."""
    return 144_000 * max(bitrate_kbps, _INFO_KBPS) // rate_hz


def _info_frame(frames: memoryview, length: int, bitrate_kbps: int, rate_hz: int) -> bytes:
    """The silent first frame from which players learn length, delay and padding (Xing's layout with LAME's extension)."""
    count = round(len(frames) * rate_hz / (144_000 * bitrate_kbps))
    padding = count * _FRAME - _ENCODER_DELAY - length
    if not 0 <= padding < 4096:
        raise EnvironmentFailure("ffmpeg encoded more or less than it was given; install a current ffmpeg")
    kbps = max(bitrate_kbps, _INFO_KBPS)
    header = bytes([*frames[:2], _KBPS.index(kbps) << 4 | frames[2] & 0x0C, frames[3] & 0xC0])
    frame_bytes = _info_bytes(bitrate_kbps, rate_hz)
    total = frame_bytes + len(frames)
    tag = struct.pack(
        ">4s17x4s3I100sI9sB11xI3xIH",
        *(header, b"Info", 0b1111, count, total, _TOC, 0, b"LAME3.100"),
        *(1, (_ENCODER_DELAY << 12 | padding) << 8, total, 0),  # 1: constant bitrate
    )
    return (tag + _crc16(tag).to_bytes(2, "big")).ljust(frame_bytes, b"\0")


def _info(data: bytes) -> tuple[int, int]:
    """Sample rate and exact length in samples, as `_info_frame` wrote them."""
    start = 0
    if data[:3] == b"ID3":
        start = 10 + sum(byte << 7 * place for place, byte in enumerate(reversed(data[6:10])))
    frame = data[start : start + 177]
    if len(frame) < 177 or frame[21:25] != b"Info" or _crc16(frame[:175]) != int.from_bytes(frame[175:], "big"):
        raise IntegrityFailure("this MP3 does not say how long it is, so it was not made here; run the encoding again")
    count, delays = int.from_bytes(frame[29:33], "big"), int.from_bytes(frame[162:165], "big")
    return _RATES_HZ[frame[2] >> 2 & 3], count * _FRAME - (delays >> 12) - (delays & 0xFFF)


def _crc16(data: bytes) -> int:
    """CRC-16/ARC, which the tag ends with."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
