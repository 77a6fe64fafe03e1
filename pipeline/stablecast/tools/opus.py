"""Opus in Ogg by ffmpeg, through pipes, and everything that such a file carries beside its sound, read by hand (RFC 3533, 7845)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import ffmpeg

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Waveform
from stablecast.stages.alternate import RATE_HZ
from stablecast.stages.assemble import resampled
from stablecast.tools.codec import command_line, decoded, piped

ALLOWED: Final[frozenset[str]] = frozenset()  # nothing: what is wanted stands in the feed

_VENDOR: Final = b"stablecast"  # the field must be there; ffmpeg's would name its encoder
_TAGS: Final = b"OpusTags" + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
_HEAD: Final = struct.Struct("<8sBBHIhB")  # magic, version, channels, pre-skip, rate of the input, gain, mapping
_PAGE: Final = struct.Struct("<4sBBqIIIB")  # magic, version, flags, granule, serial, number, checksum, segments
_FIRST, _LAST = 2, 4
_SERIAL: Final = 0
_HEADERS: Final = 2  # packets before the sound
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class FfmpegOpus:
    """`stages.encode.Codec` for Opus, by the ffmpeg of this machine. Raises EnvironmentFailure when it does not do its part."""

    def encode(self, waveform: Waveform, *, bitrate_kbps: int, rate_hz: int = RATE_HZ) -> bytes:
        """Mono Opus that plays for exactly the duration of `waveform`, without comments; equal audio gives equal bytes.

        Raises ValueError for another rate than Opus has.
        """
        if rate_hz != RATE_HZ:
            raise ValueError(f"Opus has no {rate_hz} Hz; take {RATE_HZ}")
        source = resampled(waveform, rate_hz)
        command = (
            ffmpeg.input("pipe:0", format="f32le", ar=rate_hz, ac=1)
            .output(
                "pipe:1",
                format="opus",
                acodec="libopus",
                audio_bitrate=f"{bitrate_kbps}k",
                vbr="on",
                application="audio",
                map_metadata=-1,
                fflags="+bitexact",  # else the number of the stream is drawn at random
                **{"flags:a": "+bitexact"},
            )
            .compile(cmd=command_line())
        )
        made = _without_comments(b"".join(piped(command, (block.tobytes() for block in source.blocks()))))
        if _length(made) != source.length:
            raise EnvironmentFailure("ffmpeg encoded more or less than it was given; install a current ffmpeg")
        return made

    def decode(self, data: bytes) -> Waveform:
        """What a listener hears of a file made by `encode`; decoded anew at each reading.

        Raises IntegrityFailure when it is no such file.
        """
        return decoded(data, "ogg", RATE_HZ, _length(data))


def carried(data: bytes) -> frozenset[str]:
    """The names of all that an Ogg Opus file carries beside its sound: a file is clean if this equals `ALLOWED`.

    `comment` with each comment's name, `vendor` for another one than ours, `header` where the sound is not mono or is turned up
    or down by a player, `padding` in the comments or in a packet, `another stream`, `order` and `checksum` for a page that is
    not as it was written, `cut off`, and `bytes after sound` for anything unknown. What is no Opus at all carries `no sound`.
    """
    found: set[str] = set()
    packets, part, end, closed = 0, b"", 0, False
    for number, page in enumerate(_pages(data)):
        if closed:
            break
        found |= set(page.faults(number))
        for piece, whole in page.pieces():
            part += piece
            if whole:
                found |= set(_beside(part, packets))
                packets, part = packets + 1, b""
        end, closed = page.end, bool(page.flags & _LAST)
    if packets <= _HEADERS:
        return frozenset({"no sound"})
    if part or not closed:
        found.add("cut off")
    if end < len(data):
        found.add("bytes after sound")
    return frozenset(found)


def _beside(packet: bytes, number: int) -> Iterator[str]:
    """What one packet says that is not sound: the first is the header, the second the comments."""
    if number == 0:
        expected = _HEAD.pack(b"OpusHead", 1, 1, _pre_skip(packet), RATE_HZ, 0, 0)
        if packet != expected:
            yield "header"
    elif number == 1:
        yield from _comments(packet)
    elif packet[:1] and packet[0] & 3 == 3 and packet[1:2] and packet[1] & 0x40:  # RFC 6716, 3.2.5
        yield "padding"


def _comments(packet: bytes) -> Iterator[str]:
    if packet == _TAGS:
        return
    try:
        (length,) = struct.unpack_from("<I", packet, 8)
        at = 12 + length
        if packet[:8] != b"OpusTags" or packet[12:at] != _VENDOR:
            yield "vendor"
        (count,) = struct.unpack_from("<I", packet, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<I", packet, at)
            name = packet[at + 4 : at + 4 + length].partition(b"=")[0].decode("ascii", "replace").upper()
            yield f"comment {name[:32]}"
            at += 4 + length
        if at != len(packet):
            yield "padding"
    except struct.error:
        yield "comments odd"


# --- Ogg --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a file, as its header says it is."""

    data: bytes  # of the whole page
    end: int  # in the file
    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes

    def faults(self, number: int) -> Iterator[str]:
        if self.serial != _SERIAL:
            yield "another stream"
        if self.number != number or bool(self.flags & _FIRST) != (number == 0):
            yield "order"
        if _with_checksum(self.data) != self.data:
            yield "checksum"

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """Parts of packets, and whether each ends its packet."""
        at, size = _PAGE.size + len(self.lacing), 0
        for value in self.lacing:
            size += value
            if value < 255:
                yield self.data[at : at + size], True
                at, size = at + size, 0
        if size:
            yield self.data[at : at + size], False


def _pages(data: bytes) -> Iterator[_Page]:
    """The pages that follow one another from the start, without a byte between."""
    at = 0
    while len(data) - at >= _PAGE.size:
        magic, version, flags, granule, serial, number, _, segments = _PAGE.unpack_from(data, at)
        lacing = data[at + _PAGE.size : at + _PAGE.size + segments]
        end = at + _PAGE.size + segments + sum(lacing)
        if (magic, version) != (b"OggS", 0) or end > len(data):
            return
        yield _Page(data[at:end], end, flags, granule, serial, number, lacing)
        at = end


def _with_checksum(page: bytes) -> bytes:
    """A page with the checksum it should have: CRC-32 as Ogg counts it, from the highest bit and from nothing (RFC 3533)."""
    blank = page[:22] + bytes(4) + page[26:]
    mirrored = zlib.crc32(blank.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF  # zlib counts from the lowest bit
    return blank[:22] + mirrored.to_bytes(4, "little").translate(_MIRRORED)[::-1] + blank[26:]


def _without_comments(made: bytes) -> bytes:
    """The file with our own comment page, which says nothing, in place of its second one."""
    pages = _pages(made)
    first, second = next(pages, None), next(pages, None)
    if first is None or second is None or b"OpusTags" not in second.data[:300]:
        raise EnvironmentFailure("ffmpeg made no Opus of the sound; install a current ffmpeg")
    header = _PAGE.pack(b"OggS", 0, 0, 0, _SERIAL, 1, 0, 1)
    return first.data + _with_checksum(header + bytes([len(_TAGS)]) + _TAGS) + made[second.end :]


def _length(data: bytes) -> int:
    """How many samples are heard: what the last page counts, less what the header skips (RFC 7845, 4)."""
    granule, skipped = 0, 0
    for page in _pages(data):
        if page.flags & _FIRST:
            skipped = _pre_skip(page.data[_PAGE.size + 1 :])
        granule = page.granule
    if granule <= skipped:
        raise IntegrityFailure(
            "this Opus file does not say how long it is, so it was not made here; run the episode again"
        )
    return granule - skipped


def _pre_skip(head: bytes) -> int:
    return int.from_bytes(head[10:12], "little")
