"""A container is told by its bytes, and one that is not whole is not taken."""

from __future__ import annotations

import contextlib
import errno
import io
import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import ACCEPTED, ONE_OF_EACH, PLAYLISTS, accepted, box, id3, run, wav
from stablecast.errors import InputRefused
from stablecast.tools import containers
from stablecast.tools.containers import CUT_OFF, DAMAGED, NO_SOUND, NOT_TAKEN, UNFINISHED, Container, check_whole, sniff


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


def check(data: bytes) -> float | None:
    """Sniffs and checks; the refusal as it comes."""
    file = io.BytesIO(data)
    return check_whole(file, sniff(file))


def refusal(data: bytes) -> str:
    """The sentence with which `data` is refused."""
    with pytest.raises(InputRefused) as refused:
        check(data)
    return str(refused.value)


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_format_we_take_is_known_by_its_bytes_and_whole(name: str, made: Path) -> None:
    """The container comes from the bytes; where it counts samples, its duration is the true one."""
    with accepted(name, made).open("rb") as file:
        assert sniff(file) is ACCEPTED[name][0]
        declared_s = check_whole(file, ACCEPTED[name][0])
    if name.endswith((".wav", ".flac")):
        assert declared_s == pytest.approx(
            2.0, abs=0 if "dictaphone" not in name else 0.05
        )  # ADPCM fills its last block
    else:
        assert declared_s is None


@pytest.mark.parametrize("text", PLAYLISTS.values(), ids=PLAYLISTS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n\n", b"\0" * 40], ids=["plain", "bom", "lines", "zeros"])
def test_no_playlist_is_a_recording(text: str, mark: bytes) -> None:
    """Text that names other files is refused, whatever stands before it."""
    assert refusal(mark + text.encode()) == NOT_TAKEN
    assert refusal(id3(bytes(100)) + text.encode()) == NOT_TAKEN
    assert refusal("﻿".encode("utf-16") + text.encode("utf-16")) == NOT_TAKEN


FOREIGN = {
    "aiff": b"FORM\0\0\1\0AIFF",
    "avi": b"RIFF\0\0\1\0AVI ",
    "big-endian wav": b"RIFX\0\0\1\0WAVE",
    "au": b".snd\0\0\0\x18",
    "caf": b"caff\0\1\0\0",
    "amr": b"#!AMR\n",
    "png": b"\x89PNG\r\n",
    "adts": b"\xff\xf1\x50\x80\x2e\x7f",
    "layer 2": b"\xff\xfd\x90\x04",
    "zip": b"PK\3\4",
    "pdf": b"%PDF-1.7",
    "mpeg": b"\0\0\1\xba",
    "transport stream": b"G" + bytes(187) + b"G",
    "one letter": b"R",
}


@pytest.mark.parametrize("head", FOREIGN.values(), ids=FOREIGN)
def test_other_formats_are_named_as_not_taken(head: bytes) -> None:
    """A format outside the list gets the sentence with the list."""
    assert refusal(head.ljust(4096, b"\0")) == NOT_TAKEN


def test_an_empty_file_is_called_empty() -> None:
    """Zero bytes are refused with their own sentence."""
    assert "empty" in refusal(b"")


@pytest.mark.parametrize("name", [name for name in ACCEPTED if name != "plain.flac"])
def test_a_file_cut_anywhere_is_refused(name: str, made: Path) -> None:
    """Half a file, and sixty other beginnings of it, are refused before any decoder sees them (FLAC: after)."""
    data = accepted(name, made).read_bytes()
    places = random.Random(name).sample(range(1, len(data) - 1200), 60)  # noqa: S311  near the end only tags may be lost
    for place in [len(data) // 2, *places]:
        with pytest.raises(InputRefused):
            check(data[:place])
    assert refusal(data[: len(data) // 2]) == CUT_OFF


@pytest.mark.parametrize("name", ONE_OF_EACH)
@given(data=st.data())
def test_a_changed_file_never_breaks_the_reader(name: str, made: Path, data: st.DataObject) -> None:
    """Bytes of any value at any place give an answer or InputRefused, and nothing else."""
    changed = bytearray(accepted(name, made).read_bytes())
    at = data.draw(st.integers(0, min(len(changed), 3000) - 16))
    patch = data.draw(st.binary(min_size=1, max_size=16))
    changed[at : at + len(patch)] = patch
    with contextlib.suppress(InputRefused):
        check(bytes(changed))


@given(
    head=st.sampled_from(
        [b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVE", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"ID3\3\0\0", b"\xff\xfb\x90"]
    )
    | st.just(b"\0\0\0\x08ftyp\0\0\1\0moov"),
    tail=st.binary(max_size=300),
)
def test_noise_after_a_magic_number_never_breaks_the_reader(head: bytes, tail: bytes) -> None:
    """A header alone convinces nobody: all short noise ends in InputRefused."""
    with pytest.raises(InputRefused):
        check(head + tail)


class Failing(io.BytesIO):
    """A medium that fails after some bytes, as a stick does that is pulled out."""

    def __init__(self, data: bytes, after: int) -> None:
        super().__init__(data)
        self._after = after

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if self.tell() > self._after:
            raise OSError(errno.EIO, "Input/output error")
        return found


@pytest.mark.parametrize("after", [0, 20])
def test_a_medium_that_fails_is_told_in_a_sentence(after: int) -> None:
    """The operating system's own error would be shown as a bug of ours."""
    with pytest.raises(InputRefused, match="cannot be read to its end"):
        check_whole(Failing(wav(bytes(4000)), after), sniff(Failing(wav(bytes(4000)), after)))


def test_a_file_in_countless_pieces_is_refused_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work is bounded by the number of parts, not by the patience of the machine."""
    monkeypatch.setattr(containers, "_MOST_PARTS", 500)
    assert "pieces" in refusal(box(b"ftyp") + box(b"free") * 1000)
    assert "pieces" in refusal(box(b"mdat") + box(b"moov", box(b"trak", box(b"mdia") * 1000)))
    assert "pieces" in refusal(wav(b"").replace(b"data", b"junk") + struct.pack("<4sI", b"junk", 0) * 1000)
    assert "pieces" in refusal(b"\x1aE\xdf\xa3\x80" + b"\xec\x80" * 1000)
    assert "pieces" in refusal(id3(b"") * 1000)


# --- WAV


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (wav(b""), NO_SOUND),
        (wav(b"")[:36], NO_SOUND),
        (wav(bytes(9000), said=0), UNFINISHED),
        (wav(bytes(9000), said=9001), CUT_OFF),
        (wav(bytes(9000), channels=0), DAMAGED),
        (wav(bytes(9000), channels=64), DAMAGED),
        (wav(bytes(9000), rate_hz=0), DAMAGED),
        (wav(bytes(9000), rate_hz=4_000_000_000), DAMAGED),
        (b"RIFF\0\0\0\0WAVEdata\x10\0\0\0" + bytes(16), DAMAGED),
        (b"RIFF\0\0\0\0WAVEjunk\xf0\xff\xff\x7f" + bytes(16), CUT_OFF),
    ],
    ids=[
        "no samples",
        "no data",
        "unfinished",
        "one byte short",
        "0 channels",
        "64 channels",
        "0 Hz",
        "4 GHz",
        "no format",
        "long",
    ],
)
def test_a_wav_whose_header_lies_is_refused(data: bytes, sentence: str) -> None:
    """Each lie has its sentence."""
    assert refusal(data) == sentence


def test_a_streamed_wav_is_taken_to_its_end() -> None:
    """0xFFFFFFFF means nobody knew the length: what is there counts."""
    assert check(wav(bytes(48_000), said=0xFFFFFFFF)) == pytest.approx(1.0)


# --- MP3


def test_tags_around_an_mp3_are_not_its_sound(made: Path) -> None:
    """ID3v2 twice and zeros before it, ID3v1, APE, Lyrics3 or zeros after it, are all in order; a page of text is not."""
    data = accepted("cbr.mp3", made).read_bytes()
    sound = data[data.index(b"\xff\xfb") :]
    assert check(id3(bytes(5000)) + id3(b"x" * 300) + bytes(1000) + sound) is None
    for trailer in (b"TAG" + bytes(125), b"APETAGEX" + bytes(90), b"LYRICSBEGIN" + b"x" * 60, bytes(3000)):
        assert check(data + trailer) is None
    assert refusal(data + b"lost sync " * 50) == DAMAGED


def test_an_mp3_with_fewer_frames_than_it_says_is_cut_off(made: Path) -> None:
    """A cut exactly between two frames shows only in the count of the Info header."""
    data = accepted("cbr.mp3", made).read_bytes()
    frame = 128_000 * 144 // 48_000
    assert refusal(data[: len(data) - 3 * frame]) == CUT_OFF


@pytest.mark.parametrize("size", [b"\x7f\x7f\x7f\x7f", b"\0\0\x10\0"])
def test_an_id3_tag_longer_than_the_file_is_a_cut(size: bytes) -> None:
    """A tag's length is compared with the file before it is followed."""
    assert refusal(b"ID3\3\0\0" + size + bytes(20)) == CUT_OFF


# --- FLAC


def test_a_flac_without_frames_is_refused(made: Path) -> None:
    """A header that promises samples is not a recording."""
    data = accepted("plain.flac", made).read_bytes()
    header_end = data.index(b"\xff\xf8", 42)
    assert refusal(data[:header_end]) == CUT_OFF
    assert refusal(data[:50]) == CUT_OFF


# --- Ogg


def pages(data: bytes) -> list[bytes]:
    """The pages of an Ogg file."""
    starts = [place for place in range(len(data)) if data[place : place + 4] == b"OggS"]
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def sealed(page: bytes) -> bytes:
    """A page with its checksum made right again."""
    blank = page[:22] + bytes(4) + page[26:]
    return page[:22] + struct.pack("<I", containers._ogg_crc(blank)) + page[26:]


def test_a_lost_or_changed_ogg_page_is_noticed(made: Path) -> None:
    """ffmpeg would leave the page out and say nothing; here one bit, or one page, is enough."""
    data = accepted("vorbis.ogg", made).read_bytes()
    whole = pages(data)
    assert len(whole) > 3
    changed = bytearray(data)
    changed[-1] ^= 1
    assert refusal(bytes(changed)) == DAMAGED
    assert refusal(b"".join(whole[:2] + whole[3:])) == DAMAGED


def test_an_ogg_without_its_end_flag_is_whole_unless_its_last_packet_goes_on(made: Path) -> None:
    """Telegram for Android never sets end-of-stream; a packet that continues in no page is a cut."""
    *first, last = pages(accepted("voice.opus", made).read_bytes())
    unflagged = sealed(last[:5] + bytes([last[5] & ~4]) + last[6:])
    assert unflagged != last
    assert check(b"".join([*first, unflagged])) is None
    segments = last[26]
    goes_on = (
        last[: 27 + segments - 1]
        + b"\xff"
        + last[27 + segments :].ljust(sum(last[27 : 27 + segments - 1]) + 255, b"\0")
    )
    assert refusal(b"".join([*first, sealed(goes_on)])) == CUT_OFF


def test_an_ogg_of_countless_streams_is_refused() -> None:
    """Streams are remembered, so their number is limited."""
    streams = (sealed(struct.pack("<4sBBqIIIB", b"OggS", 0, 2, 0, n, 0, 0, 0)) for n in range(1200))
    assert refusal(b"".join(streams)) == DAMAGED


# --- MP4 and its family


def film(*, flags: int = 1, handler: bytes = b"soun", location: bytes = b"") -> bytes:
    """The boxes of an MP4 as far as they are checked."""
    reference = box(b"dref", bytes(4), b"\0\0\0\1", box(b"url ", b"\0\0\0", bytes([flags]), location))
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", box(b"dinf", reference)))
    return box(b"ftyp", b"isom") + box(b"mdat", bytes(64)) + box(b"moov", box(b"trak", media))


def test_an_mp4_that_keeps_its_sound_in_another_file_is_refused() -> None:
    """An external data reference is a key to the disk; the same boxes without it pass."""
    assert check(film()) is None
    assert "points to" in refusal(film(flags=0, location=b"file:///etc/passwd\0"))
    assert refusal(film().replace(b"moov", b"moox")) == CUT_OFF
    assert refusal(box(b"mdat") + box(b"moov", box(b"cmov", bytes(40)))) == NOT_TAKEN
    assert refusal(film() + film(flags=0)) == DAMAGED  # one index, or it is unclear which one counts


def test_box_lengths_are_followed_as_the_standard_says_and_no_further() -> None:
    """64-bit lengths, length 0 for the rest and QuickTime's closing zeros are in order; impossible lengths are not."""
    mdat_64 = struct.pack(">I4sQ", 1, b"mdat", 16 + 64) + bytes(64)
    assert check(film() + mdat_64) is None
    assert check(film() + bytes(4)) is None
    assert check(film() + struct.pack(">I4s", 0, b"mdat") + bytes(99)) is None
    assert refusal(film() + struct.pack(">I4s", 7, b"mdat") + bytes(99)) == DAMAGED
    assert refusal(film() + struct.pack(">I4sQ", 1, b"mdat", 15) + bytes(99)) == DAMAGED
    assert refusal(film() + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + bytes(99)) == CUT_OFF


def test_pictures_without_sound_are_refused(made: Path) -> None:
    """A film without a sound track, or a still in the same container, holds no recording."""
    for name in ("silent.mp4", "silent.mkv"):
        run("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=1", "-c:v", "mpeg4", made / name)
        assert refusal((made / name).read_bytes()) == NO_SOUND
    assert refusal(film(handler=b"vide")) == NO_SOUND


def test_only_audio_decoders_are_allowed() -> None:
    """No container brings a video decoder, or one that reads anything but sound, with it."""
    names = {name for container in Container for name in container.decoders}
    known = ("pcm_", "adpcm_ima_wav", "mp3", "aac", "alac", "flac", "opus", "vorbis", "amr")
    assert all(name.startswith(known) for name in names)
