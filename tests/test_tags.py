"""Tags: the exact set and nothing else, whatever was in the file before."""

from __future__ import annotations

import io
import subprocess

import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.apev2 import APEv2

from stablecast.errors import InputRefused, UsageRefused
from stablecast.model import Captions, Chapter, Dbtp, Details, Encoded, Loudness, Lufs, ShowInfo
from stablecast.stages.tag import Mark, Tags, tag
from stablecast.tools.ffmpeg import executable
from stablecast.tools.tags import ALLOWED, REQUIRED, Id3Tagger, frames, tagged

MARKER = b"Amina-hostel-take2"  # must be found in no output
TAGS = Tags(
    "What helped – ö 你", "A Youth Service", "What helps", (Mark(0, 900, "Arriving"), Mark(900, 2000, "Naïve?"))
)
ENCODERS = {"encoder:LAME", "encoder:Lavf", "encoder:Lavc"}


def ffmpeg(*arguments: str, data: bytes = b"") -> bytes:
    done = subprocess.run(
        [executable(), "-hide_banner", "-loglevel", "error", *arguments], input=data, capture_output=True, check=True
    )
    return done.stdout


def an_mp3(*more: str, rate_hz: int = 44_100) -> bytes:
    source = ("-f", "lavfi", "-i", f"sine=440:duration=2:sample_rate={rate_hz}")
    return ffmpeg(*source, *more, "-ac", "1", "-b:a", "64k", "-f", "mp3", "-")


@pytest.fixture(scope="module")
def plain() -> bytes:
    """Two seconds as the pipeline's encoder makes them: no tag at all."""
    return an_mp3("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-id3v2_version", "0")


def pcm(mp3: bytes) -> bytes:
    return ffmpeg("-i", "-", "-f", "s16le", "-", data=mp3)


def old_tag(*, v2_version: int = 3) -> bytes:
    """A tag as a phone or an editor leaves it, in every part a marker."""
    text = MARKER.decode()
    id3 = mutagen.id3.ID3()
    for frame in (
        mutagen.id3.TPE1(encoding=3, text=[text]),
        mutagen.id3.TSSE(encoding=3, text=["Lavf60.1"]),
        mutagen.id3.TXXX(encoding=3, desc="x", text=[text]),
        mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=[text]),
        mutagen.id3.GEOB(encoding=3, mime="x/y", filename=text, desc="", data=MARKER),
        mutagen.id3.PRIV(owner="x", data=MARKER),
        # a picture with bytes in it that look like frames
        mutagen.id3.APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=MARKER + b"\xff\xfb\x50\xc0" * 900),
        mutagen.id3.CHAP(element_id="old", start_time=0, end_time=1, sub_frames=[mutagen.id3.TIT2(3, [text])]),
    ):
        id3.add(frame)
    written = io.BytesIO()
    id3.save(written, v2_version=v2_version)
    return written.getvalue()


def with_apev2(mp3: bytes) -> bytes:
    stored = io.BytesIO(mp3)
    ape = APEv2()
    ape["Artist"] = MARKER.decode()
    ape.save(stored)
    return stored.getvalue()


ID3V1 = b"TAG" + MARKER.ljust(125, b"\0")
LYRICS3 = b"LYRICSBEGININD00002" + MARKER + b"000037LYRICS200"

DIRT = {
    "ID3v2.3": (lambda mp3: old_tag() + mp3, "TXXX"),
    "ID3v2.4": (lambda mp3: old_tag(v2_version=4) + mp3, "ID3v2.4"),
    "two ID3v2": (lambda mp3: old_tag() + old_tag() + mp3, "ID3v2 again"),
    "ID3v2 at the end": (lambda mp3: mp3 + old_tag(), "ID3v2 again"),
    "ID3v2 between frames": (
        lambda mp3: mp3[: _second_frame(mp3)] + old_tag() + mp3[_second_frame(mp3) :],
        "ID3v2 again",
    ),
    "ID3v1": (lambda mp3: mp3 + ID3V1, "ID3v1"),
    "APEv2": (with_apev2, "APEv2"),
    "Lyrics3": (lambda mp3: mp3 + LYRICS3 + ID3V1, "Lyrics3"),
    "everything": (lambda mp3: old_tag() + with_apev2(mp3) + LYRICS3 + ID3V1, "Lyrics3"),
    "bytes before": (lambda mp3: MARKER + mp3, "bytes before audio"),
    "bytes after": (lambda mp3: mp3 + MARKER, "bytes after audio"),
    "bytes between": (
        lambda mp3: mp3[: _second_frame(mp3)] + MARKER + mp3[_second_frame(mp3) :],
        "bytes between frames",
    ),
    "a RIFF header": (lambda mp3: b"RIFF\0\0\0\0WAVELIST" + MARKER + mp3, "bytes before audio"),
}


def _second_frame(mp3: bytes) -> int:
    """Where the ninth frame starts: frames of one bitrate and no padding bit share their first two header bytes."""
    at = 0
    for _ in range(8):
        at = mp3.index(mp3[:2], at + 4)
    return at


def test_the_encoder_leaves_no_tag(plain: bytes) -> None:
    """The fixture is what the pipeline encodes: frames only, and the encoder's own name in them."""
    assert frames(plain) <= ENCODERS


def test_exactly_the_allowed_set(plain: bytes) -> None:
    """A tagged file carries title, show, organisation and chapters, and nothing else."""
    assert frames(tagged(plain, TAGS)) - ENCODERS == REQUIRED | {"CHAP", "CHAP/TIT2", "CTOC"}
    assert frames(tagged(plain, Tags("t", "a", "s"))) - ENCODERS == REQUIRED
    assert frames(tagged(plain, TAGS)) <= ALLOWED


@pytest.mark.parametrize("kind", DIRT)
def test_dirty_files_come_out_clean(plain: bytes, kind: str) -> None:
    """Whatever a file carried, the result equals, byte for byte, the one from a clean file; `frames` saw the dirt."""
    make, name = DIRT[kind]
    dirty = make(plain)
    assert name in frames(dirty)
    assert not frames(dirty) <= ALLOWED
    assert MARKER in dirty
    assert tagged(dirty, TAGS) == tagged(plain, TAGS)
    assert MARKER not in tagged(dirty, TAGS)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 8_000])
def test_the_sound_is_untouched(rate_hz: int) -> None:
    """Every MPEG version and rate: the decoder hears the same samples before and after."""
    source = an_mp3("-ar", str(rate_hz), rate_hz=rate_hz)
    assert pcm(tagged(source, TAGS)) == pcm(source)
    assert frames(tagged(source, TAGS)) <= ALLOWED


def test_no_padding_and_version_2_3(plain: bytes) -> None:
    """The tag is ID3v2.3, and its last byte is followed by the first audio frame."""
    result = tagged(plain, TAGS)
    assert result[:5] == b"ID3\x03\x00"
    size = sum(byte << shift for byte, shift in zip(result[6:10], (21, 14, 7, 0), strict=True))
    assert result[10 + size :] == plain
    padded = b"ID3\x03\0\0\0\0\0\x10" + bytes(16) + plain
    assert frames(padded) - ENCODERS == {"padding"}


def test_a_library_reads_the_same_set(plain: bytes) -> None:
    """mutagen's reader, which knows nothing of ours, finds the same frames and the contents in order."""
    id3 = mutagen.id3.ID3(io.BytesIO(tagged(plain, TAGS)), translate=False)
    assert {frame.FrameID for frame in id3.values()} == {"TIT2", "TPE1", "TALB", "CHAP", "CTOC"}
    assert id3.unknown_frames == []
    (contents,) = id3.getall("CTOC")
    assert contents.child_element_ids == ["ch0", "ch1"]
    assert int(contents.flags) == 3  # top level, ordered


def test_ffmpeg_reads_chapters_back(plain: bytes) -> None:
    """A player sees the chapters at their times, with their titles."""
    written = ffmpeg("-i", "-", "-f", "ffmetadata", "-", data=tagged(plain, TAGS)).decode()
    stanzas = [stanza.strip().splitlines() for stanza in written.split("[CHAPTER]")[1:]]
    assert stanzas == [
        ["TIMEBASE=1/1000", "START=0", "END=900", "title=Arriving"],
        ["TIMEBASE=1/1000", "START=900", "END=2000", "title=Naïve?"],
    ]
    assert "title=What helped – ö 你" in written


def test_frames_counts_what_should_stand_once(plain: bytes) -> None:
    """A second title, a title twice in a chapter and a frame in the contents each have a name outside the allowed set."""
    title = b"TIT2\0\0\0\x02\0\0\0a"

    def with_tag(body: bytes) -> bytes:
        return b"ID3\x03\0\0\0\0" + bytes([len(body) >> 7, len(body) & 127]) + body + plain

    chapter = b"c\0" + bytes(16) + title + title
    contents = b"toc\0\x03\x01c\0" + title
    assert "TIT2 twice" in frames(with_tag(title + title))
    assert "CHAP/TIT2 twice" in frames(with_tag(b"CHAP" + len(chapter).to_bytes(4) + b"\0\0" + chapter))
    assert "CTOC/TIT2" in frames(with_tag(b"CTOC" + len(contents).to_bytes(4) + b"\0\0" + contents))
    assert "TIT2 odd" in frames(with_tag(b"TIT2\0\0\0\x7f\0\0\0a"))
    assert "ID3v2 flags" in frames(b"ID3\x03\0\x80\0\0\0\x0c" + title + plain)


def test_tagging_again_changes_nothing(plain: bytes) -> None:
    """Tagging is idempotent and depends on nothing but its input."""
    assert tagged(tagged(plain, TAGS), TAGS) == tagged(plain, TAGS)


@given(st.binary(max_size=600))
def test_bytes_without_audio_are_refused(data: bytes) -> None:
    """Bytes that hold no audio never become a file; listing what they hold never fails."""
    assert not frames(data) <= ALLOWED or not data
    with pytest.raises(InputRefused):
        tagged(data, TAGS)


ENCODED = Loudness(Lufs(-19.0), Dbtp(-1.5), 5.0)


def an_enclosure(plain: bytes, *chapters: Chapter, title: str = "A title") -> bytes:
    encoded = Encoded(plain, "audio/mpeg", 2.0, ENCODED, 1)
    captions = Captions("en", (), chapters)
    made = tag(encoded, Details(title), captions, ShowInfo(title="S", author="A"), tagger=Id3Tagger())
    assert (made.media_type, made.duration_s) == ("audio/mpeg", 2.0)
    return made.data


def test_the_stage_gives_every_chapter_an_end(plain: bytes) -> None:
    """A chapter lasts until the next one and the last until the end, in whatever order they come."""
    data = an_enclosure(plain, Chapter(1.25, "two"), Chapter(0.0, "one"))
    chapters = mutagen.id3.ID3(io.BytesIO(data)).getall("CHAP")
    assert sorted((each.start_time, each.end_time, str(each.sub_frames["TIT2"])) for each in chapters) == [
        (0, 1250, "one"),
        (1250, 2000, "two"),
    ]


@pytest.mark.parametrize(
    "chapters",
    [
        (Chapter(0.0, "a"), Chapter(0.0, "b")),
        (Chapter(2.0, "after the end"),),
        tuple(Chapter(number / 1000, "x") for number in range(256)),
    ],
)
def test_chapters_the_file_cannot_hold_are_refused(plain: bytes, chapters: tuple[Chapter, ...]) -> None:
    """Two at one time, one after the end, or more than ID3 can count: refused, and the sentence says what to do."""
    with pytest.raises(UsageRefused, match=r"episode\.toml"):
        an_enclosure(plain, *chapters)


@settings(max_examples=60)
@given(title=st.text(st.characters(codec=None, exclude_categories=()), max_size=40))
def test_any_title_is_written_on_one_line(title: str) -> None:
    """Whatever is typed as a title comes back on one line, less the characters no text may hold."""
    frame = b"\xff\xfb\x50\xc0" + bytes(204)  # 64 kbit/s at 44.1 kHz
    data = an_enclosure(frame * 3, title=title)
    text = "".join(map(str, mutagen.id3.ID3(io.BytesIO(data)).getall("TIT2")))
    assert frames(data) <= ALLOWED
    assert "\n" not in text
    assert set(text) <= set(title) | {" "}
