"""Recordings on their way in: sealed piece by piece, resumed, bounded, and never in clear on the disk."""

from __future__ import annotations

import fcntl
import io
import os
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from desks import Browser, Served, StandIn, serve
from stablecast.errors import GateClosed, InputRefused, IntegrityFailure, Locked, UsageRefused
from stablecast.model import Alias
from stablecast.store.uploads import PIECE_BYTES, Uploads
from stablecast.studio import Studio
from stablecast.studio.intake import Additions
from stablecast.tools import containers, ffmpeg

SECRET = b"what somebody said into a phone " * 2000


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[Uploads]:
    found = Uploads(tmp_path / "uploads", most_bytes=100_000_000, most=3)
    yield found
    found.close()


def put(uploads: Uploads, data: bytes, piece: int = 10_000) -> str:
    known_by = uploads.begin("Amina.wav", len(data))
    for start in range(0, len(data), piece):
        uploads.put(known_by, start, data[start : start + piece])
    return known_by


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() + path.name.encode() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_arrives_is_sealed_on_the_disk_and_whole_in_memory(uploads: Uploads, tmp_path: Path) -> None:
    """T16: no byte of it lies on the disk in clear, nor the file's name; put together, every byte is there."""
    known_by = put(uploads, SECRET)
    assert SECRET[:31] not in on_disk(tmp_path)
    assert b"Amina" not in on_disk(tmp_path)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("uploads/**/*"))
    with uploads.whole(known_by).open() as file:
        assert str(Path(f"/proc/self/fd/{file.fileno()}").readlink()).startswith("/memfd:")
        assert file.read() == SECRET


def test_the_file_in_memory_cannot_be_changed_any_more(uploads: Uploads) -> None:
    """What is checked is what is read."""
    with uploads.whole(put(uploads, SECRET)).open() as file:
        assert fcntl.fcntl(file.fileno(), fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
        with pytest.raises(PermissionError):
            os.pwrite(file.fileno(), b"x", 0)


def test_pieces_come_in_order_and_after_a_break_go_on(uploads: Uploads) -> None:
    """A piece that comes twice, too early, too large or past the end is refused, and what is here stays."""
    known_by = uploads.begin("a.wav", 30)
    assert uploads.put(known_by, 0, bytes(10)) == 10
    for start in (0, 20):
        with pytest.raises(GateClosed, match="another piece"):
            uploads.put(known_by, start, bytes(10))
    for piece in (bytes(21), b""):
        with pytest.raises(InputRefused):
            uploads.put(known_by, 10, piece)
    with pytest.raises(GateClosed, match="not arrived whole"):
        uploads.whole(known_by)
    assert uploads.arrived(known_by) == 10
    assert uploads.put(known_by, 10, bytes(20)) == 30
    assert uploads.whole(known_by)


def test_uploads_are_bounded(uploads: Uploads, tmp_path: Path) -> None:
    """T32: in number, together, and in a piece; dropping makes room."""
    with pytest.raises(InputRefused, match="larger than"):
        uploads.begin("a.wav", 100_000_001)
    with pytest.raises(InputRefused, match="empty"):
        uploads.begin("a.wav", 0)
    first, *_ = [uploads.begin("a.wav", 10_000_000) for _ in range(3)]
    with pytest.raises(GateClosed, match="too many"):
        uploads.begin("a.wav", 10)
    with pytest.raises(InputRefused):
        uploads.put(first, 0, bytes(PIECE_BYTES + 1))
    uploads.drop(first)
    with pytest.raises(UsageRefused):
        uploads.put(first, 0, b"x")
    uploads.begin("a.wav", 10)


def test_a_piece_that_was_changed_or_moved_is_seen(uploads: Uploads, tmp_path: Path) -> None:
    """Each piece is sealed for its place."""
    known_by = put(uploads, SECRET, 20_000)
    zero, one = (next(tmp_path.rglob(f"{known_by}/{number}")) for number in "01")
    first, second = zero.read_bytes(), one.read_bytes()
    for here, there in ((second, first), (first[:-1] + b"x", second)):
        zero.write_bytes(here)
        one.write_bytes(there)
        with pytest.raises(IntegrityFailure), uploads.whole(known_by).open():
            pass


def test_nothing_is_left_of_an_earlier_server(tmp_path: Path) -> None:
    """What a killed server left opens for nobody and is removed."""
    put(Uploads(tmp_path / "uploads"), SECRET)
    assert list((tmp_path / "uploads").iterdir())
    Uploads(tmp_path / "uploads")
    assert not (tmp_path / "uploads").exists()


def test_a_show_is_served_once_at_a_time(show: Path) -> None:
    """A second server would take away what is on its way into the first."""
    studio = Studio(show, lambda: "correct horse")
    with studio.uploads(), pytest.raises(Locked), studio.uploads():
        pass


def test_an_open_file_is_checked_as_any_recording(tmp_path: Path) -> None:
    """What is no regular file, or too large, is refused whether it has a name or not."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as pipe, pytest.raises(InputRefused):
        ffmpeg.open_recording(pipe, max_bytes=10)
    os.close(write)
    with os.fdopen(os.memfd_create("x"), "r+b") as file:
        file.write(bytes(11))
        file.flush()
        with pytest.raises(InputRefused):
            ffmpeg.open_recording(file, max_bytes=10)
        with ffmpeg.open_recording(file, max_bytes=11) as again:
            assert again.read() == bytes(11)
        assert not file.closed


def wav(seconds: float = 2.0) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((np.sin(np.arange(int(seconds * 16_000)) / 11) * 20_000).astype("<i2").tobytes())
    return out.getvalue()


def test_an_upload_is_decoded_as_the_same_file_is(uploads: Uploads, tmp_path: Path) -> None:
    """From memory come the samples that come from a file."""
    (tmp_path / "a.wav").write_bytes(wav())
    with ffmpeg.open_recording(tmp_path / "a.wav", max_bytes=10**6) as file:
        named = _decoded(file)
    with uploads.whole(put(uploads, wav())).open() as memory, ffmpeg.open_recording(memory, max_bytes=10**6) as file:
        assert _decoded(file) == named


def _decoded(file: object) -> bytes:
    container = containers.sniff(file)  # type: ignore[arg-type]
    blocks = ffmpeg.decode(file, container, rate_hz=16_000, limits=ffmpeg.Limits(60))  # type: ignore[arg-type]
    return b"".join(block.tobytes() for block in blocks)


def test_an_episode_is_made_of_uploads(show: Path) -> None:
    """The studio takes an upload as it takes a file; its name is sealed with the episode."""
    studio = Studio(show, lambda: "correct horse")
    with studio.uploads() as uploads:
        known_by = put(uploads, wav())
        assert studio.add("ep-100", ((Alias("Robin"), uploads.whole(known_by)),), Additions(title="A title"))
        assert "ep-100" in [episode.episode for episode in studio.status().episodes]
        assert b"Amina" not in on_disk(show)
    assert not (show / ".stablecast-uploads").exists()


# --- as a browser does it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def at(show: Path) -> Iterator[Served]:
    with serve(StandIn(show)) as at:
        yield at


def send(who: Browser, known_by: str, start: int, piece: bytes, size: int) -> int:
    stated = f"bytes {start}-{start + len(piece) - 1}/{size}"
    sent = {"content_range": stated, "x_csrf": who.csrf, "content_type": "application/octet-stream"}
    return who.ask("PATCH", f"/uploads/{known_by}", piece, **sent).status


def test_a_browser_sends_a_recording_and_makes_an_episode(at: Served) -> None:
    """From the first piece, over a break, to an episode, of whose making everybody hears; nothing is left over."""
    who, data = at.signed_in("Pia"), wav(4)
    known_by = who.post("/uploads", {"name": "Amina.wav", "size": len(data)}).json["id"]
    assert send(who, known_by, 0, data[:50_000], len(data)) == 200
    assert send(who, known_by, 0, data[:50_000], len(data)) == 409
    assert who.ask("GET", f"/uploads/{known_by}").headers["upload-offset"] == "50000"
    new = {"name": "ep-200", "title": "A title", "recordings": [{"upload": known_by, "speaker": "Robin"}]}
    assert who.post("/episodes", new).status == 409  # not whole yet
    assert send(who, known_by, 50_000, data[50_000:], len(data)) == 200
    assert who.post("/episodes", {**new, "name": "Not A Name"}).status == 400
    assert who.post("/episodes", {**new, "recordings": []}).status == 400
    told = at.house.live.listen("test", "board")
    next(told)
    assert who.post("/episodes", new).json["event"] == "waiting"
    events: list[str] = []
    while len(events) < 4:
        events += [text for text in [next(told)] if text.startswith("event: progress")]
    assert [event.split('"event": "')[1].split('"')[0] for event in events] == ["waiting", "start", "done", "ended"]
    assert not any("Amina" in event for event in events)
    assert who.ask("GET", f"/uploads/{known_by}").status == 400
    assert at.studio.knows("ep-200")
    assert who.post("/episodes", new).status == 409


def test_a_piece_of_eight_mebibytes_fits_and_no_larger_one(at: Served, tmp_path: Path) -> None:
    """T32: and nothing of a body is put into a temporary file."""
    who, size = at.signed_in("Pia"), 2 * PIECE_BYTES
    known_by = who.post("/uploads", {"name": "a.wav", "size": size}).json["id"]
    assert send(who, known_by, 0, bytes(PIECE_BYTES), size) == 200
    assert send(who, known_by, PIECE_BYTES, bytes(PIECE_BYTES + 1), size) == 413
    assert who.ask("GET", f"/uploads/{known_by}").json["arrived"] == PIECE_BYTES
    assert who.post(f"/uploads/{known_by}/drop").status == 204


def test_no_body_reaches_a_temporary_file(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """T16: neither a piece on its way in nor sound on its way out is put into a file by the server."""
    made: list[object] = []
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, lambda *args, **kwargs: made.append(args))
    monkeypatch.setattr("waitress.buffers.TempfileBasedBuffer.newfile", lambda self: made.append(self))
    who = at.signed_in("Pia")
    known_by = who.post("/uploads", {"name": "a.wav", "size": PIECE_BYTES}).json["id"]
    assert send(who, known_by, 0, bytes(PIECE_BYTES), PIECE_BYTES) == 200
    time.sleep(0.1)
    assert made == []
