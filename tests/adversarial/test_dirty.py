"""Recordings that carry more than sound (T40): nothing of it goes anywhere, and the finished files carry what is allowed."""

from __future__ import annotations

import base64
import io
import json
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import mutagen
import mutagen.apev2
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.oggopus
import mutagen.oggvorbis
import pytest

from adversarial import oracles
from adversarial.trial import Trial, marker, speech, trial
from recordings import box, run, wav_of
from stablecast.tools.tags import ALLOWED, frames

Count = Callable[..., None]
Dirty = Callable[[Path, str], Path]

OPUS_TAGS = {"encoder"}  # what may stand in the comments of the small file
# What exiftool knows of a file besides its own reading of it: of the disk, and of the sound itself.
OF_THE_DISK = {"ExifTool", "System", "File", "SourceFile"}
OF_THE_SOUND = {"MPEG", "Composite"}


def _wav(folder: Path, mark: str) -> Path:
    """bext, iXML, LIST/INFO, cue with labels, XMP, an ID3 chunk, junk, and bytes after the end."""
    text = mark.encode()

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    old = mutagen.id3.ID3()
    old.add(mutagen.id3.TPE1(encoding=3, text=[mark]))
    tag = io.BytesIO()
    old.save(tag)
    plain = wav_of(speech(6))
    more = b"".join(
        (
            chunk(b"bext", text.ljust(602, b"\0")),
            chunk(b"iXML", b"<BWFXML><NOTE>" + text + b"</NOTE></BWFXML>"),
            chunk(b"LIST", b"INFO" + chunk(b"IART", text) + chunk(b"ICRD", b"2026-01-02")),
            chunk(b"cue ", struct.pack("<IIIIIII", 1, 1, 0, 0x61746164, 0, 0, 1000)),
            chunk(b"LIST", b"adtl" + chunk(b"labl", struct.pack("<I", 1) + text)),
            chunk(b"_PMX", b"<x:xmpmeta>" + text + b"</x:xmpmeta>"),
            chunk(b"id3 ", tag.getvalue()),
            chunk(b"junk", text),
        )
    )
    body = plain[8:] + more
    path = folder / "dirty.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body + text)
    return path


def _mp3(folder: Path, mark: str) -> Path:
    """ID3v2.4 with everything it may hold, APEv2, Lyrics3, ID3v1."""
    path = _coded(folder, "dirty.mp3", "-b:a", "128k", "-map_metadata", "-1", "-id3v2_version", "0")
    sound, text = path.read_bytes(), mark.encode()
    tag = mutagen.id3.ID3()
    for frame in (
        mutagen.id3.TIT2(encoding=3, text=[mark]),
        mutagen.id3.TDRC(encoding=3, text=["2026-01-02T10:11:12"]),
        mutagen.id3.COMM(encoding=1, lang="eng", desc="", text=[mark]),
        mutagen.id3.GEOB(encoding=3, mime="x/y", filename=mark, desc="", data=text),
        mutagen.id3.PRIV(owner="x", data=text),
        mutagen.id3.APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=_jpeg(text)),
        mutagen.id3.CHAP(element_id="a", start_time=0, end_time=1, sub_frames=[mutagen.id3.TIT2(3, [mark])]),
    ):
        tag.add(frame)
    first = io.BytesIO()
    tag.save(first)
    ape = io.BytesIO(sound)
    fields = mutagen.apev2.APEv2()
    fields["Artist"] = mark
    fields.save(ape)
    lyrics = b"LYRICSBEGIN" + b"IND00002" + text + b"LYRICS200"
    path.write_bytes(first.getvalue() + ape.getvalue() + lyrics + b"TAG" + text.ljust(125, b"\0"))
    return path


def _jpeg(text: bytes) -> bytes:
    """A picture with a place in its EXIF."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x31\x01\x02\0" + struct.pack("<II", len(text), 26) + b"\0\0\0\0" + text
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + b"\xff\xd9"


def _m4a(folder: Path, mark: str) -> Path:
    """iTunes' fields, a place, a creation time, `free` and `uuid` boxes, one of C2PA's, and chapters."""
    path = _coded(
        folder, "dirty.m4a", "-metadata", f"location=+51.5-000.1/{mark}", "-metadata", "creation_time=2026-01-02"
    )
    tags = mutagen.mp4.MP4(path)
    tags["\xa9nam"], tags["\xa9day"], tags["\xa9xyz"] = [mark], ["2026-01-02"], [f"+51.5-000.1/{mark}"]
    tags["----:com.apple.iTunes:note"] = [mark.encode()]
    tags.save()
    text = mark.encode()
    c2pa = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    with path.open("ab") as file:
        file.write(box(b"free", text) + box(b"uuid", c2pa, text) + box(b"skip", text))
    return path


def _flac(folder: Path, mark: str) -> Path:
    """Comments, a picture, an application block, a padding that is none."""
    path = _coded(folder, "dirty.flac")
    tags = mutagen.flac.FLAC(path)
    tags["artist"], tags["date"] = mark, "2026-01-02"
    picture = mutagen.flac.Picture()
    picture.data, picture.mime, picture.desc = _jpeg(mark.encode()), "image/jpeg", mark
    tags.add_picture(picture)
    tags.save()
    data, text = path.read_bytes(), mark.encode()
    first = 4 + 4 + 34  # the stream's own block stays first

    def block(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + len(content).to_bytes(3) + content

    path.write_bytes(data[:first] + block(2, b"note" + text) + block(1, text) + data[first:])
    return path


def _ogg(folder: Path, mark: str) -> Path:
    path = _coded(folder, "dirty.ogg", "-c:a", "libvorbis")
    return _commented(mutagen.oggvorbis.OggVorbis(path), mark, path)


def _opus(folder: Path, mark: str) -> Path:
    path = _coded(folder, "dirty.opus", "-c:a", "libopus")
    return _commented(mutagen.oggopus.OggOpus(path), mark, path)


def _commented(tags: mutagen.oggvorbis.OggVorbis | mutagen.oggopus.OggOpus, mark: str, path: Path) -> Path:
    """Comments, and a picture in one."""
    picture = mutagen.flac.Picture()
    picture.data, picture.mime = _jpeg(mark.encode()), "image/jpeg"
    tags["artist"], tags["date"] = mark, "2026-01-02"
    tags["metadata_block_picture"] = base64.b64encode(picture.write()).decode()
    tags.save()
    return path


def _mkv(folder: Path, mark: str) -> Path:
    """A title, tags and an attached file."""
    attached = folder / "note.txt"
    attached.write_text(mark)
    return _coded(
        folder,
        "dirty.mkv",
        *("-c:a", "aac", "-metadata", f"title={mark}", "-metadata:s:a", f"title={mark}"),
        *("-attach", str(attached), "-metadata:s:t", "mimetype=text/plain", "-metadata:s:t", f"filename={mark}.txt"),
    )


def _coded(folder: Path, name: str, *options: str) -> Path:
    plain = folder / "plain.wav"
    plain.write_bytes(wav_of(speech(6)))
    run("-i", plain, *options, folder / name)
    return folder / name


DIRTY: tuple[Dirty, ...] = (_wav, _mp3, _m4a, _flac, _ogg, _opus, _mkv)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trial, tuple[str, ...]]]:
    """A show in which every dirty recording became an episode that is out, and what each of them carried."""
    with trial(tmp_path_factory.mktemp("dirty")) as show:
        show.init()
        marks, slugs = [], []
        for number, make in enumerate(DIRTY, 1):
            folder = show.folder / f"from-{number}"
            folder.mkdir()
            mark = marker()
            path = make(folder, mark)
            assert mark.encode() in path.read_bytes() or mark.encode("utf-16") in path.read_bytes(), path.name
            slug = f"ep-{number:03}"
            show.ok("add", slug, path, "--title", "A talk", "--content-note", "none", "--protect", show.protected)
            shutil.rmtree(folder)
            marks.append(mark)
            slugs.append(slug)
        show.published(*slugs)
        yield show, tuple(marks)


@pytest.mark.slow
def test_nothing_but_sound_comes_in(published: tuple[Trial, tuple[str, ...]], count: Count) -> None:
    """T40: of seven kinds of recordings nothing but the sound is anywhere: in no file, name, page, feed or answer."""
    show, marks = published
    rooms = (show.root, show.keys, show.temporary, show.home)
    assert oracles.o1_markers(rooms, marks, show.said) == []
    assert len(list((show.root / "feed" / "media").glob("*.mp3"))) == len(DIRTY)
    count("recordings with something besides sound in them", len(marks))


@pytest.mark.slow
def test_the_finished_files_carry_what_is_allowed(published: tuple[Trial, tuple[str, ...]]) -> None:
    """T40, T42: exactly the allowed set, the same for every episode, as our reader, mutagen and exiftool see it."""
    show, _ = published
    media = sorted((show.root / "feed" / "media").iterdir())
    seen = set()
    for path in (path for path in media if path.suffix == ".mp3"):
        found = frames(path.read_bytes())
        assert found <= ALLOWED
        seen.add(frozenset(found))
        tags = mutagen.id3.ID3(path, translate=False)
        assert {frame.FrameID for frame in tags.values()} <= {"TIT2", "TPE1", "TALB", "CHAP", "CTOC"}
        assert tags.unknown_frames == []
    assert len(seen) == 1
    for path in (path for path in media if path.suffix == ".opus"):
        comments = mutagen.oggopus.OggOpus(path)
        assert {key for key, _ in comments.tags} <= OPUS_TAGS
    if shutil.which("exiftool"):  # where it is: a third reader, which knows more kinds of tags than both
        for path in media:
            told = subprocess.run(["exiftool", "-a", "-u", "-G0", "-j", path], capture_output=True, check=True).stdout
            groups = {key.partition(":")[0] for key in json.loads(told)[0]}
            allowed = OF_THE_DISK | OF_THE_SOUND | ({"ID3"} if path.suffix == ".mp3" else {"Opus", "Vorbis"})
            assert groups <= allowed, path.suffix
