"""What must hold after every case, whatever was done: O1 to O7. They read disks, streams and /proc, and import nothing of ours.

Each returns what it found against the show, as sentences; an empty list is good. `test_oracles` shows that each one bites.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import sqlite3
import stat
import subprocess
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
Z_LIMIT = 40.0  # of the research paper: unrelated speech gives 9, a changed voice 17, a remainder at -20 dB 213
_BLOCK_S = 10
MAGIC = (
    b"RIFF",
    b"RF64",
    b"OggS",
    b"fLaC",
    b"ID3",
    b"\xff\xfb",
    b"\xff\xf3",
    b"\xff\xf2",
    b"\x1aE\xdf\xa3",
    b"FORM",
    b".snd",
)
_PODCAST = "{https://podcastindex.org/namespace/1.0}"
IN_CLEAR = ("config", "feed")  # rooms of a show that are meant to be read


# --- O1: markers -----------------------------------------------------------------------------------------------------


def disguises(marker: str) -> dict[str, bytes]:
    """The ways in which a marker can lie in a file."""
    plain = marker.encode()
    found = {
        "text": plain,
        "UTF-16LE": marker.encode("utf-16-le"),
        "UTF-16BE": marker.encode("utf-16-be"),
        "hex": plain.hex().encode(),
        "percent": "".join(f"%{b:02x}" for b in plain).encode(),
        "entities": "".join(f"&#{ord(c)};" for c in marker).encode(),
        "quoted": urllib.parse.quote(marker).encode(),
        "escaped": html.escape(marker).encode(),
    }
    for shift in range(3):  # base64 looks different at each of three offsets; the ends depend on what stands beside
        coded = base64.b64encode(b"\0" * shift + plain)
        found[f"base64+{shift}"] = coded[(0, 2, 3)[shift] : len(coded) - (4 if (len(plain) + shift) % 3 else 0)]
    return found


def layers(data: bytes, depth: int = 2) -> Iterator[bytes]:
    """Data, and what is packed in it: gzip, zip, zlib streams wherever they begin."""
    yield data
    if depth == 0:
        return
    for place in (m.start() for m in re.finditer(rb"\x1f\x8b\x08", data)):
        try:
            yield from layers(zlib.decompressobj(31).decompress(data[place:], 1 << 24), depth - 1)
        except zlib.error:
            continue
    for place in (m.start() for m in re.finditer(rb"\x78[\x01\x9c\xda]", data[: 1 << 20])):
        try:
            inflated = zlib.decompressobj().decompress(data[place:], 1 << 24)
        except zlib.error:
            continue
        if len(inflated) > 32:
            yield inflated
    if b"PK\x03\x04" in data:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for name in packed.namelist()[:100]:
                    yield name.encode()
                    yield from layers(packed.read(name), depth - 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError):
            pass


def marked(data: bytes, markers: Iterable[str]) -> list[str]:
    """How markers lie in data; upper and lower case are the same."""
    wanted = [(f"{how}", form.lower()) for marker in markers for how, form in disguises(marker).items()]
    found = []
    for layer in layers(data):
        text = layer.lower()
        found += [how for how, form in wanted if form in text]
    return found


def o1_markers(folders: Iterable[Path], markers: tuple[str, ...], streams: Iterable[bytes] = ()) -> list[str]:
    """No secret lies in clear: not in a file, nor in a name, nor in what a command said."""
    found = []
    for path in everything(folders):
        found += [
            f"O1 {path.name}: a marker in its name"
            for _ in marked(str(path).encode("utf-8", "surrogateescape"), markers)
        ]
        if path.is_file():
            found += [f"O1 {path}: a marker as {how}" for how in marked(path.read_bytes(), markers)]
    for said in streams:
        found += [f"O1 a stream: a marker as {how}" for how in marked(said, markers)]
    return found


def everything(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.exists():
            yield from (path for path in sorted(folder.rglob("*")) if not path.is_symlink())


# --- O2: the raw voice -----------------------------------------------------------------------------------------------


def decoded(path: Path, ffmpeg: Path) -> NDArray[np.float64]:
    """Any file of sound as the channels left, right and left minus right, 16 kHz, shape (3, n); empty where it is none."""
    command = [
        str(ffmpeg),
        "-nostdin",
        "-v",
        "error",
        "-i",
        f"file:{path}",
        "-f",
        "f32le",
        "-ac",
        "2",
        "-ar",
        str(RATE_HZ),
        "-",
    ]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    pairs = np.frombuffer(done.stdout[: len(done.stdout) // 8 * 8], "<f4").reshape(-1, 2).astype(np.float64)
    return np.stack([pairs[:, 0], pairs[:, 1], pairs[:, 0] - pairs[:, 1]]) if len(pairs) else np.zeros((3, 0))


def gcc_phat(raw: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How far the highest peak of the whitened cross-correlation (100 to 7000 Hz) stands out, in robust deviations.

    Knapp and Carter 1976; the deviation is median / 0.6745.
    """
    size = 1 << (len(raw) + len(other) - 1).bit_length()
    cross = np.fft.rfft(raw, size) * np.conj(np.fft.rfft(other, size))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    phases = np.where((hz > 100) & (hz < 7000), cross / np.maximum(np.abs(cross), 1e-12), 0)
    c = np.abs(np.fft.irfft(phases))
    spread = float(np.median(c)) / 0.6745
    return float(c.max()) / spread if spread > 0 else 0.0


def residue(raw: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The most that is found over the whole, and in blocks of ten seconds of `other`."""
    if len(raw) < RATE_HZ // 2 or len(other) < RATE_HZ // 2 or not raw.any() or not other.any():
        return 0.0
    size = _BLOCK_S * RATE_HZ
    pieces = [other, *(other[at : at + size] for at in range(0, len(other), size) if len(other) > size)]
    return max(gcc_phat(raw, piece) for piece in pieces if piece.any() and len(piece) >= RATE_HZ // 2)


def o2_raw(files: Iterable[Path], raw: NDArray[np.float64], ffmpeg: Path) -> list[str]:
    """No file of sound holds anything of the raw voice: neither channel, nor their difference."""
    found = []
    for path in files:
        for name, channel in zip(("left", "right", "left minus right"), decoded(path, ffmpeg), strict=True):
            if np.abs(channel).max(initial=0) > 1e-4 and (z := residue(raw, channel)) > Z_LIMIT:
                found.append(f"O2 {path.name}: the raw voice in {name}, z = {z:.0f}")
    return found


# --- O3, O5: what lies there -----------------------------------------------------------------------------------------


def o3_plain(folders: Iterable[Path], public: Path | None = None) -> list[str]:
    """Outside the public tree no file begins as sound does, whatever it is called."""
    found = []
    for path in everything(folders):
        if path.is_file() and not (public and path.is_relative_to(public)):
            with path.open("rb") as file:
                head = file.read(16)
            if head.startswith(MAGIC) or head[4:8] in (b"ftyp", b"moov"):
                found.append(f"O3 {path}: sound in clear")
    return found


def o5_modes(show: Path) -> list[str]:
    """Folders 0700 and files 0600 in a show, but for the public tree; nothing is a link."""
    found = []
    for path in (show, *sorted(show.rglob("*"))):
        inside = path.relative_to(show).parts
        if inside[:1] == ("feed",) or path.name == "README.md":
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found.append(f"O5 {path}: a link")
        elif stat.S_IMODE(mode) & 0o077:
            found.append(f"O5 {path}: mode {stat.S_IMODE(mode):o}")
    return found


# --- O6: the network -------------------------------------------------------------------------------------------------


def listening(pid: int) -> set[str]:
    """The addresses on which a process takes connections, as the kernel writes them: "0100007F" is 127.0.0.1."""
    mine = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            mine.add(str(entry.readlink()))
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                found.add(fields[1].partition(":")[0])
    return found


def o6_listening(pid: int) -> list[str]:
    """Nothing listens but on this machine's own loopback."""
    loopback = {"0100007F", "00000000000000000000000001000000"}
    return [f"O6 it listens on {address}" for address in sorted(listening(pid) - loopback)]


def o6_connected(trace: str) -> list[str]:
    """What `strace -f -e trace=network` shows of connections that leave this machine."""
    found = []
    for line in trace.splitlines():
        if "connect(" in line and "AF_INET" in line and not re.search(r'"(127\.|::1")', line):
            found.append(f"O6 {line.strip()}")
    return found


# --- O4, O7: the state -----------------------------------------------------------------------------------------------


def o7_agrees(show: Path, status: Mapping[str, object]) -> list[str]:
    """What `status --json` says and what lies on the disk are one: recomputed here from database, receipts and feed."""
    found: list[str] = []
    with sqlite3.connect(f"file:{show / 'stablecast.sqlite'}?mode=ro", uri=True) as database:
        problems = database.execute("PRAGMA integrity_check").fetchone()[0]
        if problems != "ok":
            found.append("O7 the database is damaged")
        public_ids = dict(database.execute("SELECT slug, public_id FROM episode"))
        gone = {
            slug for (slug,) in database.execute("SELECT e.slug FROM episode e JOIN withdrawal w ON w.episode = e.id")
        }
    database.close()
    feed = show / "feed" / "feed.xml"
    items = ElementTree.fromstring(feed.read_bytes()).findall("channel/item") if feed.exists() else []  # noqa: S314 - our own
    public = {
        slug
        for slug, public_id in public_ids.items()
        for item in items
        if public_id in ElementTree.tostring(item).decode()
    }
    episodes = status["episodes"]
    assert isinstance(episodes, list)
    told = {entry["episode"]: entry for entry in episodes}
    for slug, entry in told.items():
        if bool(entry["published_on"]) != (slug in public):
            found.append(f"O7 {slug}: status says {entry['state']}, the feed says otherwise")
        if slug in gone:
            continue
        for stage in entry["stages"]:
            if stage["up_to_date"] and not _made(show, slug, stage["stage"]):
                found.append(f"O7 {slug}: {stage['stage']} is said to be up to date and is not there")
    on_disk = {path.parent.name for path in (show / "episodes").glob("*/episode.toml")}
    if on_disk - set(told):
        found.append("O7 an episode lies there that status does not know")
    if gone & public:
        found.append("O7 what was withdrawn is in the feed")
    for item in items:
        named = [(each.get("url"), each.get("length")) for each in item.findall("enclosure")]
        assert named
        for other in item.findall(f"{_PODCAST}alternateEnclosure"):
            named += [(source.get("uri"), other.get("length")) for source in other.findall(f"{_PODCAST}source")]
        for url, length in named:
            media = show / "feed" / "media" / str(url).rpartition("/")[2]
            if not media.is_file() or media.stat().st_size != int(str(length)):
                found.append("O7 the feed names a file that is not there, or of another length")
    return found


def _made(show: Path, slug: str, stage: str) -> bool:
    receipt = show / "episodes" / slug / "receipts" / f"{stage.replace('/', '-')}.json"
    if not receipt.is_file():
        return False
    json.loads(receipt.read_bytes())
    name = stage.replace("/", "-")
    return any(any((show / room / slug / "work" / name).glob("*.age")) for room in ("episodes", "transcripts"))
