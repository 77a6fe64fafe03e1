"""Tags on MP3 files: write the allowed ones, and list everything a file carries beside its sound."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import mutagen.id3

from stablecast.errors import InputRefused
from stablecast.stages.tag import Tags

REQUIRED: Final = frozenset({"TIT2", "TPE1", "TALB"})
ALLOWED: Final = REQUIRED | {
    "CHAP",
    "CHAP/TIT2",
    "CTOC",
    "encoder:LAME",  # in the padding of frames: the same for everybody who uses ffmpeg
    "encoder:Lavf",  # in the Info frame
    "encoder:Lavc",
}

_ID3: Any = mutagen.id3  # it calls itself typed, and is not

_UTF16: Final = 1  # the only encoding ID3v2.3 has for every letter
_NO_OFFSET: Final = 0xFFFFFFFF
_ONCE: Final = frozenset({"TIT2", "TPE1", "TALB", "CTOC"})

# ISO 11172-3 and 13818-3, layer III: kbit/s by index, then Hz by index.
_KBITS: Final = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_KBITS[0] = _KBITS[2]
_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}

_ENCODER: Final = re.compile(rb"(LAME|Lavc|Lavf)[0-9 ][0-9a-z.]")
_XING: Final = re.compile(rb"Xing|Info")


class Id3Tagger:
    """The tagger of `stages.tag`."""

    def tagged(self, mp3: bytes, tags: Tags) -> bytes:
        """See `tagged`."""
        return tagged(mp3, tags)


def tagged(mp3: bytes, tags: Tags) -> bytes:
    """The audio frames of `mp3`, unchanged, behind one ID3v2.3 tag that holds `tags` and not a byte of padding.

    Whatever else `mp3` held is left behind: other tags, pictures, anything before, between or after the frames.
    Raises InputRefused if there is no audio in it.
    """
    whole = memoryview(mp3)  # hours of sound are copied once
    audio = [whole[start:end] for start, end in _runs(mp3)]
    if not audio:
        raise InputRefused("the encoded file holds no MPEG audio; run the episode again")
    return b"".join((_tag(tags), *audio))


def frames(mp3: bytes) -> frozenset[str]:
    """The names of all that `mp3` carries beside its sound: a file is clean if this is within `ALLOWED`.

    ID3v2 frames by id, `CHAP/TIT2` for a frame inside another, `TIT2 twice` for what should stand once; `ID3v2.4` and the
    like for a tag of another version; `ID3v2 again`, `ID3v2 flags`, `ID3v1`, `APEv2`, `Lyrics3`; `encoder:…` for a name an
    encoder left in the stream; `bytes before audio`, `bytes between frames`, `bytes after audio` for anything unknown.
    """
    found: set[str] = set()
    runs = list(_runs(mp3))
    at = 0
    for number, (start, end) in enumerate(runs):
        found |= _between(mp3[at:start], "bytes before audio" if number == 0 else "bytes between frames")
        found |= _encoders(mp3, start, end, first=number == 0)
        at = end
    return frozenset(found | _between(mp3[at:], "bytes after audio"))


# --- writing ----------------------------------------------------------------------------------------------------------


def _tag(tags: Tags) -> bytes:
    """The whole tag. Frames are written one by one: mutagen would order them by size, and some players list chapters so."""

    def text(frame: str, value: str) -> Any:
        return getattr(_ID3, frame)(encoding=_UTF16, text=[value])

    written = [text("TIT2", tags.title), text("TPE1", tags.author), text("TALB", tags.show)]
    names = [f"ch{number}" for number in range(len(tags.marks))]
    if names:  # without a table of contents that names them, players ignore chapters
        flags = _ID3.CTOCFlags.TOP_LEVEL | _ID3.CTOCFlags.ORDERED
        written.append(_ID3.CTOC(element_id="toc", flags=flags, child_element_ids=names, sub_frames=[]))
    for name, mark in zip(names, tags.marks, strict=True):
        times = {"start_time": mark.start_ms, "end_time": mark.end_ms}
        offsets = {"start_offset": _NO_OFFSET, "end_offset": _NO_OFFSET}
        written.append(_ID3.CHAP(element_id=name, **times, **offsets, sub_frames=[text("TIT2", mark.title)]))
    body = b"".join(map(_frame, written))
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + body


def _frame(frame: Any) -> bytes:
    """One frame as ID3v2.3 stores it: a tag that holds nothing else, less its ten bytes of header."""
    alone, stored = _ID3.ID3(), io.BytesIO()
    alone.add(frame)
    alone.save(stored, v1=0, v2_version=3, padding=lambda _: 0)
    return stored.getvalue()[10:]


# --- reading ----------------------------------------------------------------------------------------------------------


def _frame_bytes(mp3: bytes, at: int) -> int:
    """The length of the layer III frame whose header stands at `at`, or 0 if none does."""
    if at + 4 > len(mp3) or mp3[at] != 0xFF or mp3[at + 1] & 0xE6 != 0xE2:
        return 0
    version, kbits, rate = mp3[at + 1] >> 3 & 3, mp3[at + 2] >> 4, mp3[at + 2] >> 2 & 3
    if version == 1 or kbits in (0, 15) or rate == 3:
        return 0
    samples = 1152 if version == 3 else 576
    length = samples // 8 * 1000 * _KBITS[version][kbits] // _RATES[version][rate] + (mp3[at + 2] >> 1 & 1)
    return length if at + length <= len(mp3) else 0


def _run_end(mp3: bytes, at: int) -> int:
    while length := _frame_bytes(mp3, at):
        at += length
    return at


def _runs(mp3: bytes) -> Iterator[tuple[int, int]]:
    """Where audio frames follow one another without a gap: two at least, or chance bytes would count as one."""
    at = 0
    while 0 <= at < len(mp3):
        size = _id3_bytes(mp3, at)
        if size:
            at += size  # a tag is skipped whole: a picture in it may hold bytes that look like a frame
            continue
        first = _frame_bytes(mp3, at)
        if first and _frame_bytes(mp3, at + first):
            end = _run_end(mp3, at)
            yield at, end
            at = end
            continue
        nexts = [found for mark in (b"\xff", b"ID3") if (found := mp3.find(mark, at + 1)) >= 0]
        at = min(nexts, default=-1)


def _id3_bytes(data: bytes, at: int) -> int:
    """The length of the ID3v2 tag at `at`, header and footer included, or 0."""
    header = data[at : at + 10]
    if len(header) < 10 or header[:3] != b"ID3" or header[3] == 0xFF or any(byte & 0x80 for byte in header[6:]):
        return 0
    size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
    return min(10 + size + (10 if header[5] & 0x10 else 0), len(data) - at)


def _between(data: bytes, otherwise: str) -> set[str]:
    """The names of what stands where no audio frame does."""
    found: set[str] = set()
    first = True
    while size := _id3_bytes(data, 0):
        if not first or otherwise != "bytes before audio":
            found.add("ID3v2 again")
        found |= _id3(data[:size])
        data, first = data[size:], False
    if len(data) >= 128 and data[-128:-125] == b"TAG":
        found.add("ID3v1")
        data = data[:-128]
    if b"LYRICS200" in data or b"LYRICSEND" in data:
        found.add("Lyrics3")
        data = data[: max(data.find(b"LYRICSBEGIN"), 0)]
    if b"APETAGEX" in data:
        found.add("APEv2")
        data = data[: data.find(b"APETAGEX")]
    if data:
        found.add(otherwise)
    return found


def _id3(tag: bytes) -> set[str]:
    """The names of the frames in one ID3v2 tag, read by hand: a library skips what it does not know."""
    if tag[3] != 3:
        return {f"ID3v2.{tag[3]}"}
    if tag[5]:
        return {"ID3v2 flags"}
    names = list(_id3_names(tag[10:]))
    return {f"{name} twice" if count > 1 and name in _ONCE else name for name, count in Counter(names).items()}


def _id3_names(data: bytes) -> Iterator[str]:
    at = 0
    while re.fullmatch(rb"[A-Z0-9]{4}", data[at : at + 4]) and at + 10 <= len(data):
        name, size = data[at : at + 4].decode(), int.from_bytes(data[at + 4 : at + 8])
        body = data[at + 10 : at + 10 + size]
        yield name
        if len(body) != size or data[at + 8 : at + 10] != b"\0\0":
            yield f"{name} odd"
        if name == "CHAP":
            inner = list(_id3_names(body[body.find(b"\0") + 17 :]))
            yield from (
                f"CHAP/{each} twice" if inner.count(each) > 1 else f"CHAP/{each}" for each in sorted(set(inner))
            )
        if name == "CTOC":
            names = body.split(b"\0", 1)[1]
            children = names[2:].split(b"\0", names[1])
            yield from (f"CTOC/{each}" for each in _id3_names(children[-1]))
        at += 10 + size
    if at < len(data):
        yield "padding"


def _encoders(mp3: bytes, start: int, end: int, *, first: bool) -> set[str]:
    """Names that encoders leave in the stream: in the padding of frames, and in the Info frame that stands first."""
    found = {f"encoder:{match[1].decode()}" for match in _ENCODER.finditer(mp3, start, end)}
    info = _XING.search(mp3, start, min(start + 64, end)) if first else None
    if info:
        name = mp3[info.start() + 120 : info.start() + 129].strip(b"\0 ")
        if name and not _ENCODER.match(name + b"  "):
            found.add("encoder:unknown")
    return found
