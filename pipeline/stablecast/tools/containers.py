"""Says which container a file truly is, by its bytes, and whether all of it arrived.

A file's name and its claims are a stranger's. A playlist called `talk.wav` makes an unguarded ffmpeg read another file of
this machine, so nothing reaches ffmpeg before these checks, and ffmpeg is told the answer instead of asked for one. Reading
here is bounded: no length in a file is believed before it is compared with the file's own, and a file in ten million tiny
parts is refused, not read.
"""

from __future__ import annotations

import contextlib
import enum
import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from stablecast.errors import InputRefused

NOT_TAKEN: Final = "this is not a format we take: WAV, MP3, M4A, FLAC, Ogg/Opus, or the sound of MP4/MKV/MOV"
CUT_OFF: Final = "the recording is cut off: copy it again from the recorder"
DAMAGED: Final = (
    "part of the recording cannot be read: copy it again from the recorder, or, if this is the only copy, "
    "open it in an audio editor, listen to it and save it as WAV"
)
NO_SOUND: Final = "there is no sound in this file: choose the recording itself"
UNFINISHED: Final = "the recorder never finished writing this file: let the recorder repair it, then copy it again"

_MOST_PARTS: Final = 10_000_000  # six hours of video in Matroska have about four million
_MOST_CHANNELS: Final = 8
_MOST_STREAMS: Final = 1_000  # in one Ogg file, one after another


class Container(enum.StrEnum):
    """A container we take, under the name of the one ffmpeg demuxer that may open it."""

    WAV = "wav"
    MP3 = "mp3"
    MOV = "mov"  # MP4, M4A, MOV, 3GP
    FLAC = "flac"
    OGG = "ogg"
    MATROSKA = "matroska"  # and WebM

    @property
    def decoders(self) -> tuple[str, ...]:
        """The ffmpeg decoders that may run on it: audio only, what recorders and phones write, nothing exotic."""
        return _DECODERS[self]


_LINEAR = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le")
_BIG_ENDIAN = ("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be")
_LAW = ("pcm_alaw", "pcm_mulaw")
_MP3 = ("mp3float", "mp3")
_DECODERS: Final = {
    Container.WAV: (*_LINEAR, *_LAW, "pcm_u8", "adpcm_ima_wav"),
    Container.MP3: _MP3,
    Container.MOV: ("aac", "alac", "amrnb", "amrwb", "opus", "flac", *_MP3, *_LINEAR, *_BIG_ENDIAN, *_LAW),
    Container.FLAC: ("flac",),
    Container.OGG: ("opus", "vorbis", "flac"),
    Container.MATROSKA: ("aac", "opus", "vorbis", "flac", *_MP3, *_LINEAR),
}


class _Source:
    """A file's bytes at given places, never past its end. A medium that fails (a stick pulled out) raises InputRefused."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        with _readable():
            self.size = file.seek(0, os.SEEK_END)
        self._reads = 0

    def at(self, place: int, count: int) -> bytes:
        """Exactly `count` bytes from `place`. Raises InputRefused where the file ends before them."""
        found = self.peek(place, count)
        if len(found) < count:
            raise InputRefused(CUT_OFF)
        return found

    def peek(self, place: int, count: int) -> bytes:
        """Up to `count` bytes from `place`."""
        self._reads += 1
        if self._reads > _MOST_PARTS:
            raise InputRefused(
                "this file is in more pieces than any recording: open it in an audio editor and save it as WAV"
            )
        with _readable():
            self._file.seek(place)
            return self._file.read(count)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError:  # /proc and /sys hold files that are none; a medium may fail at any byte
        raise InputRefused("this file cannot be read to its end: copy it to this computer, and add that") from None


def sniff(file: BinaryIO) -> Container:
    """Which container the bytes are, whatever the name says. Raises InputRefused for anything else, playlists first."""
    source = _Source(file)
    if source.size == 0:
        raise InputRefused("the file is empty: copy it again from the recorder")
    head = source.peek(0, 12)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE":
        return Container.WAV
    if head[:4] == b"OggS":
        return Container.OGG
    if head[:4] == b"\x1aE\xdf\xa3":
        return Container.MATROSKA
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):  # early QuickTime has no ftyp
        return Container.MOV
    start = _after_id3(source)
    if source.peek(start, 4) == b"fLaC":
        return Container.FLAC
    if _first_mp3_frame(source, start) is not None:
        return Container.MP3
    raise InputRefused(NOT_TAKEN)


def check_whole(file: BinaryIO, container: Container) -> float | None:
    """Raises InputRefused where the end is missing, where the parts do not join, or where there is nothing to hear.

    Returns the duration (s) a whole file must decode to, where the container counts samples (WAV, FLAC), else None.
    What is not checked here: the sound itself. Damage inside a part is for the decoder to find.
    """
    source = _Source(file)
    match container:
        case Container.WAV:
            return _check_wav(source)
        case Container.FLAC:
            return _check_flac(source)
        case Container.MP3:
            _check_mp3(source)
        case Container.OGG:
            _check_ogg(source)
        case Container.MOV:
            _check_mov(source)
        case Container.MATROSKA:
            _check_matroska(source)
    return None


# --- WAV: RIFF, and RF64 or BW64 (EBU Tech 3306, ITU-R BS.2088) for more than 4 GiB -----------------------------------

_STREAMED = 0xFFFF_FFFF  # a length nobody knew: written by programs that stream; in RF64 the true one is in ds64
_PCM_TAGS = (1, 3, 6, 7, 0xFFFE)  # integer, float, A-law, µ-law, said further on
_IMA_TAG = 0x11


def _check_wav(source: _Source) -> float | None:
    large: int | None = None
    form: tuple[int, int, int, int] | None = (
        None  # channels, rate (Hz), bytes in a block, samples in a block (0: unknown)
    )
    place = 12
    while place + 8 <= source.size:
        name, length = struct.unpack("<4sI", source.at(place, 8))
        place += 8
        if name == b"ds64":
            large = struct.unpack("<8xQ", source.at(place, 16))[0]
        elif name == b"fmt ":
            tag, channels, rate_hz, _, align = struct.unpack("<HHIIH", source.at(place, 14))
            per_block = int.from_bytes(source.at(place + 18, 2), "little") if tag == _IMA_TAG else int(tag in _PCM_TAGS)
            form = channels, rate_hz, align, per_block
        elif name == b"data":
            if form is None:
                raise InputRefused(DAMAGED)
            return _wav_duration(form, length, large, source.size - place)
        place += length + length % 2
    raise InputRefused(CUT_OFF if place > source.size else NO_SOUND)


def _wav_duration(form: tuple[int, int, int, int], length: int, large: int | None, left: int) -> float | None:
    """The duration (s) of the data chunk, of which `left` bytes are in the file.

    A length of 0xFFFFFFFF stands for "to the end": such a file is taken, and a cut in it cannot be seen. A length of 0 with
    bytes behind it is a recorder that lost its power; ffmpeg would play the rest, and whatever follows it, as sound.
    """
    channels, rate_hz, align, per_block = form
    if not (1 <= channels <= _MOST_CHANNELS and 1_000 <= rate_hz <= 768_000 and align > 0):
        raise InputRefused(DAMAGED)
    if length == _STREAMED:
        length = left if large is None else large
    if length == 0:
        raise InputRefused(UNFINISHED if left > 8 else NO_SOUND)
    if length > left:
        raise InputRefused(CUT_OFF)
    return length // align * per_block / rate_hz if per_block else None


# --- FLAC (RFC 9639) --------------------------------------------------------------------------------------------------


def _check_flac(source: _Source) -> float | None:
    place = _after_id3(source) + 4
    kind = source.at(place, 1)[0]
    if kind & 0x7F != 0 or source.at(place + 1, 3) != b"\x00\x00\x22":
        raise InputRefused(DAMAGED)
    packed = int.from_bytes(source.at(place + 14, 8))
    rate_hz, total = packed >> 44, packed & (1 << 36) - 1
    if rate_hz == 0:
        raise InputRefused(DAMAGED)
    while not kind & 0x80:
        place += 4 + int.from_bytes(source.at(place + 1, 3))
        kind = source.at(place, 1)[0]
    place += 4 + int.from_bytes(source.at(place + 1, 3))
    if place > source.size:
        raise InputRefused(CUT_OFF)
    if place == source.size:
        raise InputRefused(CUT_OFF if total else NO_SOUND)
    return total / rate_hz if total else None


# --- MP3 (ISO 11172-3 and 13818-3, layer III), ID3v2, and the tags that trail it --------------------------------------

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MOST_PADDING = 65_536  # zeros some programs leave before the first frame or after the last


def _after_id3(source: _Source) -> int:
    """Where the bytes after any ID3v2 tags begin."""
    place = 0
    while (head := source.peek(place, 10))[:3] == b"ID3":
        if len(head) < 10 or head[3] not in (2, 3, 4) or max(head[6:]) > 0x7F:
            raise InputRefused(NOT_TAKEN)
        footer = 10 if head[5] & 0x10 else 0
        place += 10 + footer + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    if place > source.size:
        raise InputRefused(CUT_OFF)
    return place


def _mp3_frame(head: bytes) -> tuple[int, int] | None:
    """A layer III frame's length in bytes, and what all frames of one file share; None if `head` begins no frame."""
    if len(head) < 4:
        return None
    word = int.from_bytes(head)
    version, layer = word >> 19 & 3, word >> 17 & 3
    kbps, rate, padding = word >> 12 & 15, word >> 10 & 3, word >> 9 & 1
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or kbps in (0, 15) or rate == 3:
        return None
    rate_hz = (44_100, 48_000, 32_000)[rate] >> (3 - version if version else 2)
    length = (144_000 * _KBPS_1[kbps] if version == 3 else 72_000 * _KBPS_2[kbps]) // rate_hz + padding
    return length, word & 0x1E0C00


def _first_mp3_frame(source: _Source, start: int) -> int | None:
    """Where the first of two frames that agree begins, at `start` or after zeros; else None."""
    padding = source.peek(start, _MOST_PADDING + 1)
    start += len(padding) - len(padding.lstrip(b"\0"))
    first = _mp3_frame(source.peek(start, 4))
    second = first and _mp3_frame(source.peek(start + first[0], 4))
    return start if first and second and first[1] == second[1] else None


def _check_mp3(source: _Source) -> None:
    place = _first_mp3_frame(source, _after_id3(source))
    if place is None:
        raise InputRefused(DAMAGED)
    said, frames = _mp3_frames_said(source, place), 0
    kind = None
    while frame := _mp3_frame(source.peek(place, 4)):
        length, shared = frame
        if kind is not None and shared != kind:
            raise InputRefused(DAMAGED)
        kind, frames, place = shared, frames + 1, place + length
    left = source.size - place
    if left >= 4 and not _is_mp3_trailer(source, place):
        raise InputRefused(DAMAGED)
    if left < 0 or 0 < left < 4 or frames < said:
        raise InputRefused(CUT_OFF)


def _mp3_frames_said(source: _Source, place: int) -> int:
    """How many frames a Xing, Info or VBRI header in the first frame promises; 0 if none does.

    Encoders differ in whether that frame counts itself, so a file that lacks just its very last frame passes.
    """
    frame = source.peek(place, 200)
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54])
    for offset in (13, 21, 36):
        if frame[offset : offset + 4] in (b"Xing", b"Info"):
            has_count = frame[offset + 7] & 1
            return int.from_bytes(frame[offset + 8 : offset + 12]) if has_count else 0
    return 0


def _is_mp3_trailer(source: _Source, place: int) -> bool:
    """Whether what follows the last frame is a tag (ID3v1, TAG+, APE, Lyrics3, ID3v2) or zeros, and not lost sound."""
    rest = source.peek(place, _MOST_PADDING + 1)
    rest = rest.lstrip(b"\0") if len(rest) <= _MOST_PADDING else rest
    return not rest or rest.startswith((b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3"))


# --- Ogg (RFC 3533) ---------------------------------------------------------------------------------------------------

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _ogg_crc(page: bytes) -> int:
    """CRC-32 with the bits in Ogg's order, from zlib's in the other."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def _check_ogg(source: _Source) -> None:
    """Every page is there, in order and sound. ffmpeg drops a page that is not, without a word: up to a second of speech.

    A missing end-of-stream flag is no sign of a cut: Telegram for Android never sets it. A last packet that goes on is.
    """
    next_page: dict[int, int] = {}  # stream → number of its next page
    unfinished: set[int] = set()  # streams whose last packet goes on in a page still to come
    place = 0
    while place < source.size:
        head = source.at(place, 27)
        magic, version, flags, _, stream, number, crc, segments = struct.unpack("<4sBBqIIIB", head)
        if magic != b"OggS" or version != 0:
            raise InputRefused(DAMAGED)
        lacing = source.at(place + 27, segments)
        page = head[:22] + bytes(4) + head[26:] + lacing + source.at(place + 27 + segments, sum(lacing))
        begins = bool(flags & 2)
        if _ogg_crc(page) != crc or len(next_page) > _MOST_STREAMS or (not begins and next_page.get(stream) != number):
            raise InputRefused(DAMAGED)
        next_page[stream] = number + 1
        (unfinished.add if lacing.endswith(b"\xff") else unfinished.discard)(stream)
        place += len(page)
    if unfinished:
        raise InputRefused(CUT_OFF)


# --- MP4, M4A, MOV, 3GP (ISO 14496-12, QuickTime) ---------------------------------------------------------------------


def _boxes(source: _Source, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in a stretch of the file: type, where the content begins, where it ends."""
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", source.at(start, 8))
        body = start + 8
        if length == 1:
            length, body = int.from_bytes(source.at(body, 8)), start + 16
        elif length == 0:
            length = end - start
        if length < body - start:
            raise InputRefused(DAMAGED)
        if start + length > end:
            raise InputRefused(CUT_OFF if end == source.size else DAMAGED)
        yield kind, body, start + length
        start += length
    if any(source.at(start, end - start)):  # QuickTime may close a list with four zero bytes
        raise InputRefused(CUT_OFF if end == source.size else DAMAGED)


def _inside(source: _Source, start: int, end: int, *path: bytes) -> Iterator[tuple[int, int]]:
    """Every box at the end of `path`: where its content begins and ends."""
    for kind, body, stop in _boxes(source, start, end):
        if kind == path[0]:
            if len(path) == 1:
                yield body, stop
            else:
                yield from _inside(source, body, stop, *path[1:])


def _check_mov(source: _Source) -> None:
    index: tuple[int, int] | None = None
    samples = hears = False
    for kind, body, stop in _boxes(source, 0, source.size):
        samples |= kind == b"mdat"
        if kind == b"moov":
            if index is not None:
                raise InputRefused(DAMAGED)
            index = body, stop
    if index is None or not samples:  # a recorder writes the index last, a phone may write it first
        raise InputRefused(CUT_OFF)
    if next(_inside(source, *index, b"cmov"), None):
        raise InputRefused(NOT_TAKEN)  # a compressed index could hide what is looked for here; nobody writes it now
    for track, stop in _inside(source, *index, b"trak"):
        hears |= any(source.at(body, 12)[8:] == b"soun" for body, _ in _inside(source, track, stop, b"mdia", b"hdlr"))
        for body, last in _inside(source, track, stop, b"mdia", b"minf", b"dinf", b"dref"):
            _check_references(source, body, last)
    if not hears:
        raise InputRefused(NO_SOUND)


def _check_references(source: _Source, start: int, end: int) -> None:
    """Where a track's samples lie: in this file, or the file is a key to other files of this machine."""
    for _, body, _ in _boxes(source, start + 8, end):
        if not source.at(body, 4)[3] & 1:
            raise InputRefused(
                "the sound is not in this file but in another it points to: save it as one file and add that"
            )


# --- Matroska and WebM (RFC 9559) -------------------------------------------------------------------------------------

_EBML, _SEGMENT, _CLUSTER, _TRACKS, _TRACK, _TRACK_TYPE = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0x83
_ENTERED = (_SEGMENT, _CLUSTER)
_SKIPPED = (
    *(_EBML, _TRACKS, 0x114D9B74, 0x1549A966, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, 0xBF),
    *(0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0xAF, 0x5854),  # in a cluster: timestamp, blocks, …
)
_SOUND = 2


def _element(source: _Source, place: int) -> tuple[int, int, int | None]:
    """An EBML element: identity, where its content begins, how long that is (None: unknown)."""
    head = source.peek(place, 12)
    id_width = 9 - head[0].bit_length()
    if id_width > 4:
        raise InputRefused(DAMAGED)
    if len(head) <= id_width:
        raise InputRefused(CUT_OFF)
    width = 9 - head[id_width].bit_length()
    if width > 8:
        raise InputRefused(DAMAGED)
    if len(head) < id_width + width:
        raise InputRefused(CUT_OFF)
    size = int.from_bytes(head[id_width : id_width + width]) & (1 << 7 * width) - 1
    unknown = size == (1 << 7 * width) - 1
    return int.from_bytes(head[:id_width]), place + id_width + width, None if unknown else size


def _check_matroska(source: _Source) -> None:
    """The elements, down to the blocks, lie end to end up to the last byte.

    Browsers and crashed recorders leave the lengths of segment and clusters unknown, so both are entered and never measured
    alone: a cut shows as a last element that is not all there.
    """
    place, hears = 0, False
    while place < source.size:
        kind, body, length = _element(source, place)
        if kind not in _ENTERED and (kind not in _SKIPPED or length is None):
            raise InputRefused(DAMAGED)
        if length is not None and body + length > source.size:
            raise InputRefused(CUT_OFF)
        if kind == _TRACKS:
            hears |= _has_sound(source, body, body + (length or 0))
        place = body if kind in _ENTERED else body + (length or 0)
    if not hears:
        raise InputRefused(NO_SOUND)


def _has_sound(source: _Source, start: int, end: int) -> bool:
    while start < end:
        kind, body, length = _element(source, start)
        if length is None or body + length > end:
            raise InputRefused(DAMAGED)
        if kind == _TRACK_TYPE and int.from_bytes(source.at(body, min(length, 8))) == _SOUND:
            return True
        start = body if kind == _TRACK else body + length
    return False
