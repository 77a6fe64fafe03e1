"""What lies on the disk (T14–T18, T51, T52, T61): nothing in clear, nothing for a thief, nothing that can be changed unseen."""

from __future__ import annotations

import collections
import hashlib
import json
import math
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adversarial import oracles
from adversarial.trial import Trial, trial
from showcase import ITEMS, PASSPHRASE, PEOPLE, Showcase
from stablecast.tools.ffmpeg import executable
from test_whole import HEARD_AS, PROTECTED, SOURCE_NAME, cut

Count = Callable[..., None]


# --- T14, T15: the whole way with the real voice ---------------------------------------------------------------------


def family(leader: int) -> list[Path]:
    """The processes of a session, as folders of /proc."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                found.append(process)
    return found


def watched(show: Showcase, *arguments: str | Path) -> set[bytes]:
    """Run a command; what the process list shows of it and all it starts, arguments and environment, every 20 ms."""
    running = show.start(*arguments, start_new_session=True)
    seen: set[bytes] = set()
    while running.poll() is None:
        for process in family(running.pid):
            for what in ("cmdline", "environ"):
                try:
                    seen.add((process / what).read_bytes())
                except OSError:
                    continue
        time.sleep(0.02)
    assert running.returncode == 0, arguments
    return seen


def shared_memory() -> set[Path]:
    return {p for place in ("/dev/shm", "/var/tmp") for p in Path(place).rglob("*") if p.is_file()}  # noqa: S108


@pytest.mark.slow
@pytest.mark.model
def test_the_whole_way_leaves_nothing_in_clear(tmp_path: Path, demo_data: Path) -> None:
    """T14, T15 with the real voice, recogniser and finder: recording to feed in an empty home; then every oracle.

    Meanwhile the process list shows no word, name, title, passphrase or key, neither as an argument nor in an environment.
    """
    before = shared_memory()
    show = Showcase(tmp_path)
    show.init()
    recording = cut(demo_data / "she-listened-to-the-end-robin.opus", show.folder / SOURCE_NAME, 13)
    raw = oracles.decoded(recording, executable())[0]
    title = "Quillfeather speaks"
    protected = show.folder / "protected.txt"
    protected.write_text(PROTECTED + "\n")
    seen = watched(show, "add", "ep-001", recording, "--content-note", "none", "--protect-file", protected)
    recording.unlink()
    protected.unlink()
    seen |= watched(show, "run")
    show.made()
    show.leave_all("ep-001")
    show.consent("ep-001")
    show.approve_all("ep-001")
    show.set(demo={"clock_ahead_h": 73.0})
    show.ok("run")
    seen |= watched(show, "publish")

    secrets = ("quillfeather", PROTECTED.lower(), *HEARD_AS, PASSPHRASE, "age-secret-key")
    for line in seen:
        own = line.replace(os.fsencode(SOURCE_NAME), b"") if b"add" in line else line  # whoever types the name shows it
        assert not any(secret.encode() in own.lower() for secret in secrets), line
    assert any(b"ffmpeg" in line for line in seen)
    rooms = (show.root, show.keys, show.temporary, show.home)
    markers = ("quillfeather", *HEARD_AS, PASSPHRASE)
    assert oracles.o1_markers(rooms, markers) == []
    assert oracles.o2_raw(sorted((show.root / "feed" / "media").iterdir()), raw, executable()) == []
    assert oracles.o3_plain(rooms, show.root / "feed") == []
    assert oracles.o5_modes(show.root) == []
    assert oracles.o7_agrees(show.root, show.ok("status", as_json=True).json) == []
    assert show.ok("verify", "--deep", as_json=True).json["holds"]
    assert list(show.temporary.iterdir()) == []
    (rates,) = (path for path in show.home.rglob("*") if path.is_file())  # how long stages take here, and nothing else
    assert rates.name == "rates.json"
    assert not oracles.marked(rates.read_bytes(), markers)
    for path in shared_memory() - before:  # others may be at work here: theirs is not looked for
        if path.exists():
            data = path.read_bytes()
            assert not oracles.marked(data, markers)
            assert not data.startswith(oracles.MAGIC)
    assert title.lower().encode() not in b"".join(show.files().values()).lower()


# --- T17, T18 --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A show with a published episode, and one that waits for its first yes."""
    with trial(tmp_path_factory.mktemp("rest")) as show:
        show.init()
        show.added("ep-001")
        show.published("ep-001")
        show.added("ep-002", 8.0)
        show.frozen("ep-002")
        show.kept(show.folder / "kept")
        yield show


@pytest.fixture
def show(shared: Trial) -> Iterator[Trial]:
    yield shared
    shared.back(shared.folder / "kept")


READING = (
    ("status",),
    ("doubts", "ep-002"),
    ("proposals", "ep-002"),
    ("correct", "ep-002"),
    ("turns", "ep-002"),
    ("lint", "ep-002"),
    ("report", "ep-002", "--out", "{out}/report.html"),
    ("review", "ep-002", "--out", "{out}/heard"),
    ("voices", "preview", "ep-002", "--out", "{out}/voices"),
    ("correct", "ep-002", "--export", "{out}/words.md"),
    ("verify", "--deep"),
    ("verify",),
    ("audit",),
    ("run",),
    ("users", "list"),
    ("publish",),
    ("audiogram", "ep-002", "--out", "{out}/films"),
)


def test_a_show_without_its_keyring_shows_nothing(show: Trial, tmp_path: Path, count: Count) -> None:
    """T17: copied to another machine with the passphrase, but not the keyring: no verb says a title, a word, a name, a duration."""
    thief = Trial(tmp_path / "thief")
    try:
        shutil.copytree(show.root, thief.root)
        shutil.rmtree(thief.root / "feed")  # that is public
        said = []
        for verb in READING:
            out = tmp_path / "out"
            out.mkdir()
            answer = thief(*(part.format(out=out) for part in verb), as_json=True)
            # status, audit, users and an unlocked `verify` need no key; what needs one ends with 6, a gate before it with 4
            assert answer.code in ((2,) if verb[0] == "turns" else (0, 4, 6)), (verb, answer)
            if verb[0] in ("proposals", "correct", "report", "review", "voices"):
                assert answer.code in (4, 6), (verb, answer)
            said.append(answer.said)
            assert not any(path.is_file() and path.stat().st_size for path in out.rglob("*")), verb
            shutil.rmtree(out)
            count("reading commands tried on a stolen show")
        told = b"".join(said)
        episode = [show.title, show.protected, show.source_name, *("tea", "garden", "listened")]
        assert oracles.marked(told, tuple(episode[:3])) == []
        assert not any(word.encode() in told for word in episode)
        assert b"duration" not in told
        assert b"file_name" not in told
    finally:
        thief.close()


def test_what_lies_there_looks_like_noise(show: Trial) -> None:
    """T17: entropy above 7.99 bits a byte in every larger sealed file; no duration, title or word in any that is not sealed."""
    large = 0
    for path in show.root.rglob("*.age"):
        data = path.read_bytes()
        data = data[data.index(b"\n--- ") + 60 :]
        if len(data) >= 65_536:
            large += 1
            shares = [n / len(data) for n in collections.Counter(data).values()]
            assert -sum(p * math.log2(p) for p in shares) > 7.99, path
    assert large >= 4
    for path in [*(show.root / "episodes").rglob("*"), *(show.root / "transcripts").rglob("*")]:
        if path.is_file() and path.suffix != ".age":
            text = path.read_text().lower()
            assert not any(word in text for word in ("duration", "length", "seconds", "title", "speaker", ".wav")), path


def damages(data: bytes, other: bytes) -> dict[str, bytes]:
    """What may have become of a sealed file: other bytes under its name."""
    middle = len(data) // 2
    return {
        "a bit in its middle": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "a bit at its end": data[:-1] + bytes([data[-1] ^ 1]),
        "cut off": data[: max(1, len(data) - 40)],
        "empty": b"",
        "longer": data + b"\0",
        "another's": other,
    }


def accused(show: Trial, path: Path) -> set[str]:
    """The episodes that `verify` names when this file is damaged, and that it ends with 6.

    Only what was decided about the words, whose name is its number, needs the key to be told from another file of its kind.
    """
    answer = show("verify", *(["--deep"] if path.name.startswith("history-") else []), as_json=True)
    assert answer.code == 6, answer
    problems = " ".join(p for i in answer.json["invariants"] for p in i["problems"])
    return {slug for slug in ("ep-001", "ep-002") if slug in problems}


@pytest.mark.slow
def test_no_damage_goes_unseen_and_none_spreads(show: Trial, tmp_path: Path, count: Count) -> None:
    """T18: every sealed file of an episode, damaged in six ways: `verify` names it and ends with 6.

    What is damaged is not heard, and the other episode is reviewed as if nothing had happened.
    """
    sealed = sorted(p for room in ("episodes", "transcripts") for p in (show.root / room / "ep-002").rglob("*.age"))
    assert len(sealed) > 15
    tried = 0
    for number, path in enumerate(sealed):
        data = path.read_bytes()
        for how, bad in damages(data, sealed[number - 1].read_bytes()).items():
            path.write_bytes(bad)
            assert accused(show, path) == {"ep-002"}, (path.name, how)
            if how in ("a bit in its middle", "another's"):
                heard = tmp_path / "heard"
                answer = show("review", "ep-002", "--out", heard)
                assert answer.code in (0, 6), (path, how, answer)
                shutil.rmtree(heard, ignore_errors=True)
                assert show.approve("ep-002", "young-person").code in (0, 4, 6)
                show.ok("review", "ep-001", "--out", heard)
                shutil.rmtree(heard)
                show.back(show.folder / "kept")
            tried += 1
        path.write_bytes(data)
    assert show("verify").code == 0
    count("damages of sealed files tried", tried)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tracks", "details", "protected", "source", "record", "receipt"])
def test_a_damaged_episode_does_not_stop_the_others(show: Trial, name: str) -> None:
    """T18: with work to do on both, `run` without names finishes the whole one and ends with 6 naming the other."""
    show.set(show={"title": "A show"}, demo={"clock_ahead_h": 73.0}, transcribe={"beam_size": 4})
    rooms = [show.root / room / "ep-001" for room in ("episodes", "transcripts")]
    plain = {"record": "episode.toml", "receipt": "receipts/find.json"}
    (path,) = [
        p
        for room in rooms
        for p in (*room.glob(f"{name}-*.age"), *room.glob(f"{name}/1.age"), *room.glob(plain.get(name, "-")))
    ]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if name in plain else data[:-1] + bytes([data[-1] ^ 1]))
    answer = show("run", "--jobs", "1")
    assert answer.code == 6, answer
    assert "ep-001" in answer.err
    if name in plain:  # what is read without a key is missed by what needs none, too
        all_of_them = show("status", as_json=True)
        assert all_of_them.code == 6
        assert [e["state"] == "damaged" for e in all_of_them.json["episodes"]] == [True, False]
        assert show("publish").code in (0, 4)
        assert show("hold", "ep-002").code == 0
    other = show.status("ep-002")
    assert all(stage["up_to_date"] for stage in other["stages"])


@pytest.mark.slow
def test_an_older_version_is_never_taken_for_the_new_one(show: Trial, count: Count) -> None:
    """T18: for each sealed file that a change replaced, its older bytes under the new name: found, named, used for nothing."""

    def latest() -> dict[str, Path]:
        found = {}
        for room in ("episodes", "transcripts"):
            for path in (show.root / room / "ep-002").rglob("*.age"):
                role = str(path.parent.relative_to(show.root)) + "/" + path.stem.rpartition("-")[0]
                found[role] = path
        return found

    old = {role: path.read_bytes() for role, path in latest().items()}
    show.ok("correct", "ep-002", "--redact", "2-3")
    show.ok("add", "ep-002", "--title", "Another", "--protect", "somewhere")
    show.ok("correct", "ep-002", "--redact", "4-5")
    show("run")
    tried = 0
    for role, path in latest().items():
        data = path.read_bytes()
        if role in old and old[role] != data:
            path.write_bytes(old[role])
            assert accused(show, path) == {"ep-002"}, role
            if path.parent.name in ("tag", "caption"):
                heard = show.folder / "heard"
                assert show("review", "ep-002", "--out", heard).code == 6, role
                assert not heard.exists() or not any(heard.iterdir())
            path.write_bytes(data)
            tried += 1
    assert tried >= 8
    count("older versions put back", tried)


def test_an_episode_put_back_whole_needs_every_yes_again(show: Trial, tmp_path: Path) -> None:
    """T18: the two folders of an episode as they were before a name was taken out: no old approval fits them any more."""
    for room in ("episodes", "transcripts"):
        shutil.copytree(show.root / room / "ep-002", tmp_path / room)
    show.ok("correct", "ep-002", "--redact", "2-3")
    show.made("ep-002")
    show.approve_all("ep-002")
    for room in ("episodes", "transcripts"):
        shutil.rmtree(show.root / room / "ep-002")
        shutil.copytree(tmp_path / room, show.root / room / "ep-002")
    assert show.status("ep-002")["approvals"] == []
    before = show.public()
    assert show("publish", "ep-002").code in (4, 6)
    show("run")
    assert show("publish", "ep-002").code in (4, 6)
    assert show.public() == before


def test_a_show_put_back_whole_is_found(show: Trial, tmp_path: Path) -> None:
    """T51: the whole folder as it was yesterday: the head of the log that is kept beside the keyring tells."""
    shutil.copytree(show.root, tmp_path / "yesterday")
    show.ok("correct", "ep-002", "--redact", "2-3")
    shutil.rmtree(show.root)
    shutil.copytree(tmp_path / "yesterday", show.root)
    answer = show("verify", as_json=True)
    assert answer.code == 6
    assert "older than the copy of its head" in answer.out


# --- T51, T52 --------------------------------------------------------------------------------------------------------

FORGERIES = {
    "edited": "UPDATE audit SET action = 'verified' WHERE seq = 3",
    "deleted": "DELETE FROM audit WHERE seq = 4",
    "reordered": "UPDATE audit SET seq = CASE seq WHEN 3 THEN 1003 WHEN 4 THEN 3 ELSE seq END WHERE seq IN (3, 4);"
    "UPDATE audit SET seq = 4 WHERE seq = 1003",
    "inserted": "INSERT INTO audit SELECT (SELECT max(seq) + 1 FROM audit), at, actor, 'withdrawn', episode, detail, previous, hash"
    " FROM audit WHERE seq = 5",
    "cut off": "DELETE FROM audit WHERE seq > (SELECT max(seq) - 2 FROM audit)",
    "an approval nobody gave": "INSERT INTO approval SELECT c.episode, c.digest, 'young-person', a.id, c.at FROM cut c, account a,"
    " episode e WHERE a.name = 'robin' AND e.slug = 'ep-002' AND c.episode = e.id",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_log_is_found(show: Trial, how: str, count: Count) -> None:
    """T51: edit, deletion, order, insertion, a tail cut off, a yes without its entry: `verify` ends with 6."""
    with sqlite3.connect(show.root / "stablecast.sqlite") as database:
        database.executescript(FORGERIES[how])
    database.close()
    assert show("verify").code == 6
    count("forgeries of the log tried")


def test_the_log_holds_nothing_about_anybody(show: Trial) -> None:
    """T52: no name, title, word, source or digest of a raw recording; people and episodes by random ids."""
    path = show.recording()
    raw = hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    told = json.dumps(show.ok("audit", as_json=True).json) + show.ok("audit").out
    with sqlite3.connect(show.root / "stablecast.sqlite") as database:
        told += json.dumps([[str(value) for value in row] for row in database.execute("SELECT * FROM audit")])
    database.close()
    assert oracles.marked(told.encode(), show.markers) == []
    for word in (raw, "A show", PASSPHRASE, *PEOPLE.values(), *ITEMS[:0]):
        assert word not in told


# --- T61 -------------------------------------------------------------------------------------------------------------

PLACES: tuple[dict[str, object], ...] = (
    {"env": {"TZ": "Pacific/Kiritimati", "LANG": "C.UTF-8", "USER": "alice", "LOGNAME": "alice"}, "umask": 0o000},
    {"env": {"TZ": "America/New_York", "LC_ALL": "tr_TR.UTF-8", "USER": "bob", "LOGNAME": "bob"}, "umask": 0o077},
)


@pytest.mark.slow
def test_the_public_tree_tells_nothing_of_where_it_was_made(show: Trial) -> None:
    """T61: published under two users, zones, languages and umasks: the same bytes, modes and times, and no trace of a machine."""
    show.approve_all("ep-002")
    show.set(demo={"clock_ahead_h": 146.1}, show={"title": "A show"})
    approved = show.folder / "approved"
    show.kept(approved)
    trees = []
    for place in PLACES:
        show.back(approved)
        show.ok("publish", **place)
        feed = show.root / "feed"
        trees.append(
            {
                p.relative_to(feed): (p.read_bytes(), p.stat().st_mode, p.stat().st_mtime)
                for p in feed.rglob("*")
                if p.is_file()
            }
        )
    assert trees[0] == trees[1]
    assert len({seen[2] for seen in trees[0].values()}) == 1
    for data, _, _ in trees[0].values():
        for trace in (
            b"/home/",
            b"/tmp/",
            b"alice",
            b"bob\n",
            os.uname().nodename.encode(),
            b"Lavf",
            b"Lavc5",
            str(show.folder).encode(),
        ):
            assert len(trace) < 4 or trace not in data  # shorter ones are in any picture by chance
