"""Workers on other machines: keys only over TLS, only to workers that fit; one that is killed changes nothing in the result."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from clusters import Cluster, cluster
from remote import Bucket, files_below, free_port, secret_file
from showcase import Showcase
from stablecast import __version__, codecs, exchange
from stablecast import cluster as clusters
from stablecast.cluster import ROOT_VARIABLE, STORAGE_VARIABLE, Ticket, check, make_from, make_there
from stablecast.engine.pipeline import nodes
from stablecast.engine.settings import ClusterParams
from stablecast.errors import UsageRefused
from stablecast.exchange import Parcel, Sender
from stablecast.model import Alias, Slug
from stablecast.runner import Job
from stablecast.store.seal import EpisodeKeys
from stablecast.store.workspace import Workspace
from test_killed import family, final, in_clear
from test_pipeline import PRODUCTION, TOOLS
from test_whole import HEARD_AS, PROTECTED, SOURCE_NAME, cut

KEYS = EpisodeKeys("AGE-SECRET-KEY-1TEST", b"mac of a test")


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files that may be certificates: whether they are, TLS finds out."""
    found = {}
    for name in ("tls_ca", "tls_cert", "tls_key"):
        (tmp_path / name).write_text("")
        found[name] = str(tmp_path / name)
    return found


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "127.0.0.1:8786", "ws://127.0.0.1:1", "TLS.example:1"])
def test_an_address_without_tls_is_refused(files: dict[str, str], address: str) -> None:
    """The keys travel there: certificates alone do not make a connection safe."""
    with pytest.raises(UsageRefused, match="tls://"):
        check(ClusterParams(address, **files))
    check(ClusterParams("tls://127.0.0.1:8786", **files))


@pytest.mark.parametrize("missing", ["tls_ca", "tls_cert", "tls_key"])
def test_without_one_of_the_certificates_nothing_is_sent(files: dict[str, str], missing: str, tmp_path: Path) -> None:
    """Not named, or not there: refused by the option's name, before anybody is connected to."""
    whole = ClusterParams("tls://127.0.0.1:8786", **files)
    for path in ("", str(tmp_path / "gone.pem")):
        with pytest.raises(UsageRefused, match=missing.replace("_", "-")):
            check(replace(whole, **{missing: path}))


@pytest.fixture
def at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A worker's process, in the folder of a run whose ticket is "ours"."""
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    monkeypatch.setattr(clusters, "_tools", lambda settings: TOOLS)
    Workspace(tmp_path).run.write_text("ours")
    return Job(Path("/elsewhere"), Slug("ep-001"), KEYS, KEYS, {Alias("A"): "a secret draw"}, PRODUCTION)


def test_a_worker_that_does_not_fit_says_why(at_work: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, version, model or way of starting: no stage is done, and the run is to end."""
    node = nodes(1, PRODUCTION)[0]

    def why(nonce: str = "ours", version: str = __version__) -> str:
        made = make_there(Ticket(nonce, version), at_work, node)
        assert made.unfit
        assert made.exit_code == 7
        return made.sentence

    assert not make_there(
        Ticket("ours"), at_work, node
    ).unfit  # it fits; that there is no such episode is another matter
    assert "does not see the show" in why("theirs")
    assert "another version" in why("ours", f"{__version__}.1")
    monkeypatch.setattr(clusters, "_tools", lambda settings: replace(TOOLS, ffmpeg="ffmpeg 0"))
    assert "another ffmpeg" in why()
    monkeypatch.delenv(ROOT_VARIABLE)
    assert "stablecast worker" in why()


def test_a_result_counts_only_while_its_run_lasts(at_work: Job, tmp_path: Path) -> None:
    """A worker that was given up and goes on may not write a receipt into a show that is at rest."""
    clusters._check(Workspace(tmp_path), Ticket("ours"))
    Workspace(tmp_path).run.unlink()
    with pytest.raises(clusters.EnvironmentFailure):
        clusters._check(Workspace(tmp_path), Ticket("ours"))


def test_a_mistake_on_a_worker_is_told_by_its_name_alone(at_work: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an exception quotes may be somebody's words, and a scheduler logs exceptions."""

    def quote(*_: object) -> None:
        raise ValueError("Amina lives in Leeds")

    monkeypatch.setattr(clusters.episode, "read", quote)
    made = make_there(Ticket("ours"), at_work, nodes(1, PRODUCTION)[0])
    assert "ValueError" in made.sentence
    assert "Amina" not in repr(made)
    assert made.exit_code == 1


def test_what_a_task_is_given_shows_no_secret(at_work: Job) -> None:
    """A log that prints arguments prints no key, draw or nonce; they travel all the same."""
    ticket = Ticket("a nonce")
    shown = repr((ticket, at_work))
    for secret in ("AGE-SECRET", "mac of a test", "a secret draw", "a nonce"):
        assert secret not in shown
    assert pickle.loads(pickle.dumps((ticket, at_work))) == (ticket, at_work)  # noqa: S301 - our own bytes


# --- by way of a storage ------------------------------------------------------------------------------------------------


@pytest.fixture
def away(at_work: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """The same process with a storage in which the run "55…" has begun."""
    params = exchange.params_of(ClusterParams(storage=f"file://{tmp_path / 'there'}"))
    monkeypatch.setenv(STORAGE_VARIABLE, codecs.canonical(params).decode())
    (tmp_path / "desk").mkdir()
    (tmp_path / "ours").mkdir()
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "desk"))
    storage = exchange.storage(params, tmp_path / "show")
    sender = Sender(storage, Workspace(tmp_path / "show"), RUN, tmp_path / "ours", exchange.never)
    sender.open()
    return sender


RUN = "5" * 32


def test_a_worker_by_storage_that_does_not_fit_says_why(
    at_work: Job, away: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another storage, version or way of starting; and once the run is over, nothing is done for it."""
    node = nodes(1, PRODUCTION)[0]
    parcel = Parcel(RUN, "folder", b"format = 1", (), {}, KEYS)

    def made(nonce: str = RUN, version: str = __version__) -> clusters.Made:
        told, receipt = make_from(Ticket(nonce, version), parcel, at_work, node)
        assert receipt is None
        return told

    assert not made().unfit  # it fits; that this is no record is another matter
    assert made().exit_code == 6
    assert "another version" in made(RUN, f"{__version__}.1").sentence
    assert "does not see the storage" in made("6" * 32).sentence
    away.close()
    over = made()
    assert over.unfit
    assert "does not see the storage" in over.sentence
    monkeypatch.delenv(STORAGE_VARIABLE)
    assert "without --storage" in made().sentence


def test_a_worker_is_not_started_with_a_storage_it_cannot_open(files: dict[str, str], tmp_path: Path) -> None:
    """Told to the person who starts it, not to the one whose run it would spoil."""
    params = ClusterParams(
        "tls://127.0.0.1:1", **files, storage="s3://bucket/folder", storage_credentials=str(tmp_path / "gone.toml")
    )
    with pytest.raises(UsageRefused, match="credentials of the storage cannot be read"):
        clusters.serve(tmp_path, params, workers=1, memory_bytes=2**30)


# --- real processes -----------------------------------------------------------------------------------------------------


def holder(lock: Path) -> int | None:
    """Which process holds a lock file, by the kernel's own list."""
    with contextlib.suppress(OSError):
        inode = lock.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
                return int(fields[4])
    return None


def soon(happens: Callable[[], object], what: str, within_s: float = 240) -> None:
    deadline = time.monotonic() + within_s
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def one_episode(folder: Path, demo_data: Path) -> tuple[Showcase, Path]:
    """A show with an episode of two speakers, and an untouched copy of it and of its keyring."""
    show = Showcase(folder)
    show.init()
    recordings = [
        cut(demo_data / f"small-things-are-big-{who}.opus", show.folder / f"{who}-{SOURCE_NAME}", 7)
        for who in ("ash", "kit")
    ]
    speakers = [part for file in recordings for part in ("--speaker", f"{file.name[:3]}={file}")]
    show.ok("add", "ep-001", *speakers, "--content-note", "none", "--protect", PROTECTED)
    for file in recordings:
        file.unlink()
    untouched = folder / "untouched"
    for room in (show.root, show.keys):
        shutil.copytree(room, untouched / room.name)
    return show, untouched


def put_back(show: Showcase, untouched: Path) -> None:
    for room in (show.root, show.keys):
        shutil.rmtree(room)
        shutil.copytree(untouched / room.name, room)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="who holds a lock is read from /proc/locks")
def test_workers_killed_in_the_middle_change_nothing_in_the_result(tmp_path: Path, demo_data: Path) -> None:
    """A process killed with -9, then a whole machine: the digests are those of a run on one machine, and no key is anywhere."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, untouched = one_episode(tmp_path, demo_data)
    code = show("run", "--jobs", "1").code
    assert code in (0, 4)  # so short a piece may be sent back; it must be for the same reason
    expected = final(show)
    put_back(show, untouched)

    with cluster(tmp_path / "tls", show.environment) as made:
        machines = [made.worker(show.root), made.worker(show.root)]
        running = show.start("run", *made.options)
        work = show.root / "episodes" / "ep-001"

        victim: list[int] = []
        soon(lambda: victim.extend(filter(None, [holder(work / ".transcribe-1.lock")])) or victim, "nobody transcribes")
        os.kill(victim[0], signal.SIGKILL)  # the process alone: its nanny starts another

        victim.clear()
        soon(lambda: victim.extend(filter(None, [holder(work / ".revoice-2.lock")])) or victim, "nobody revoices")
        lost = os.getsid(victim[0])
        assert lost in {machine.pid for machine in machines}
        os.killpg(lost, signal.SIGKILL)  # with all that it started: a machine that is gone

        assert running.wait(400) == code
        assert final(show) == expected
        log = made.log.read_text() if made.log else ""

    assert "AGE-SECRET-KEY" not in log
    assert "ep-001" not in log
    assert PROTECTED.lower() not in log.lower()
    assert in_clear(show, (b"age-secret-key", b"quillfeather", *(word.encode() for word in HEARD_AS))) == []
    assert not (show.root / ".stablecast-run").exists()
    assert show("verify").code == 0


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="who holds a lock is read from /proc/locks")
def test_blocks_give_the_same_wherever_and_however_often_they_are_done(tmp_path: Path, demo_data: Path) -> None:
    """One process; two, of which one is killed in a block; a cluster that loses a worker in one: every digest is the same."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show = Showcase(tmp_path)
    show.init()
    show.set(transcribe={"window_s": 10.0, "quiet_s": 4.0, "beam_size": 1})
    recording = cut(demo_data / "she-listened-to-the-end-robin.opus", show.folder / "one.wav", 25)
    show.ok("add", "ep-001", recording, "--content-note", "none")
    for room in (show.root, show.keys):
        shutil.copytree(room, tmp_path / "untouched" / room.name)
    code = show("run", "--jobs", "1").code
    assert code in (0, 4)
    expected = final(show)
    blocks = {
        stage["stage"] for stage in show.status("ep-001")["stages"] if stage["stage"].startswith(("listen", "hear"))
    }
    assert blocks == {*(f"listen/1/{n}" for n in (1, 2, 3)), *(f"hear/{n}" for n in (1, 2, 3))}

    put_back(show, tmp_path / "untouched")
    receipts = show.root / "episodes" / "ep-001" / "receipts"
    running = show.start("run", "--jobs", "2", start_new_session=True)
    soon((receipts / "listen-1-1.json").exists, "nobody listens")
    os.kill(max(family(running.pid, 4)), signal.SIGKILL)
    assert running.wait(120) == 7
    assert not (receipts / "transcribe-1.json").exists()
    assert show("run", "--jobs", "2").code == code
    assert final(show) == expected

    put_back(show, tmp_path / "untouched")
    with cluster(tmp_path / "tls", show.environment) as made:
        made.worker(show.root, workers=2)
        running = show.start("run", *made.options)
        work = show.root / "episodes" / "ep-001"
        for lock in (".listen-1-2.lock", ".hear-3.lock"):
            victim: list[int] = []
            soon(lambda at=work / lock: victim.extend(filter(None, [holder(at)])) or victim, "nobody listens")  # noqa: B023
            os.kill(victim[0], signal.SIGKILL)
        assert running.wait(400) == code
        assert final(show) == expected
    assert show("verify").code == 0


@pytest.mark.model
@pytest.mark.slow
def test_an_interrupted_run_leaves_everything_valid(tmp_path: Path, demo_data: Path) -> None:
    """Ctrl-C cancels what waits; what a worker still does counts for nothing, and the next run goes on."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, _ = one_episode(tmp_path, demo_data)
    with cluster(tmp_path / "tls", show.environment) as made:
        made.worker(show.root, workers=2)
        running = show.start("run", *made.options)
        soon((show.root / ".stablecast-run").exists, "the run does not begin")
        soon(lambda: list((show.root / "episodes" / "ep-001").glob(".transcribe-*.lock")), "nobody transcribes")
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
        assert not (show.root / ".stablecast-run").exists()
        assert show("verify").code == 0
        assert show("run", *made.options).code in (0, 4)
        assert all(stage["up_to_date"] for stage in show.status("ep-001")["stages"])
    assert show("verify").code == 0


@pytest.mark.slow
def test_a_stranger_is_not_let_in(tmp_path: Path, demo_data: Path) -> None:
    """With certificates of another authority there is no connection, and so no key leaves."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, _ = one_episode(tmp_path, demo_data)
    with cluster(tmp_path / "tls", show.environment) as made, cluster(tmp_path / "other", show.environment) as other:
        stranger = Cluster(made.address, other.files, show.environment)
        answer = show("run", *stranger.options)
        assert answer.code == 7
        assert "cannot be reached over TLS" in answer.err
        assert answer.err.count("\n") == 1


@pytest.mark.model
@pytest.mark.slow
def test_a_lost_scheduler_ends_the_run_in_a_sentence(tmp_path: Path, demo_data: Path) -> None:
    """What is done is kept, and the run's number is taken out of the folder."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, _ = one_episode(tmp_path, demo_data)
    with cluster(tmp_path / "tls", show.environment) as made:
        made.worker(show.root)
        with (tmp_path / "told").open("wb") as told:
            running = subprocess.Popen(show.command("run", *made.options), env=show.environment, stderr=told)
        soon(lambda: list((show.root / "episodes" / "ep-001").glob(".transcribe-*.lock")), "nobody transcribes")
        os.killpg(made.processes[0].pid, signal.SIGKILL)
        assert running.wait(150) == 7
    assert (tmp_path / "told").read_text().startswith("stablecast: the scheduler was lost")
    assert (tmp_path / "told").read_text().count("\n") == 1
    assert not (show.root / ".stablecast-run").exists()
    assert show("verify").code == 0


# --- real processes, by way of a storage --------------------------------------------------------------------------------


@contextlib.contextmanager
def storage_of(kind: str, folder: Path) -> Iterator[tuple[list[str], Callable[[], dict[PurePosixPath, bytes]]]]:
    """A storage: the options that name it, and what lies in it."""
    if kind == "file":
        there = folder / "storage"
        yield ["--storage", f"file://{there}"], lambda: files_below(there)
        return
    bucket = Bucket(folder)
    target = bucket.target(bucket.port)
    options = ["--storage", target["url"], "--storage-endpoint", target["endpoint"]]
    options += ["--storage-region", target["region"], "--storage-credentials", target["credentials"]]
    try:
        yield options, bucket.files
    finally:
        bucket.close()


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["file", "s3"])
def test_by_way_of_a_storage_the_result_is_the_same(tmp_path: Path, demo_data: Path, kind: str) -> None:
    """Workers without the show, one of them killed in the middle: the same digests, ciphertext alone, and nothing stays."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, untouched = one_episode(tmp_path, demo_data)
    code = show("run", "--jobs", "1").code
    assert code in (0, 4)
    expected = final(show)
    put_back(show, untouched)
    markers = (b"age-secret-key", b"quillfeather", *(word.encode() for word in HEARD_AS))

    with storage_of(kind, tmp_path) as (options, lies_there), cluster(tmp_path / "tls", show.environment) as made:
        desks = [show.temporary / "one", show.temporary / "two"]
        machines = [made.worker_away(desk, *options) for desk in desks]
        running = show.start("run", *made.options, *options)

        soon(lambda: list(desks[0].glob("stablecast-*/show-0/*/episodes/ep-001/source/*.age")), "nothing arrives")
        assert in_clear(show, markers) == []
        for data in lies_there().values():
            assert data.startswith(b"age-encryption.org/v1\n") or len(data) == 32
        os.killpg(machines[0].pid, signal.SIGKILL)

        assert running.wait(400) == code
        assert final(show) == expected
        assert lies_there() == {}
        assert list(desks[1].glob("stablecast-*/show-0/*")) == []
        machines[1].terminate()
        assert machines[1].wait(30) == 0
        assert list(desks[1].iterdir()) == []
        log = made.log.read_text() if made.log else ""

    assert "AGE-SECRET-KEY" not in log
    assert "ep-001" not in log
    assert in_clear(show, markers) == []
    assert not (show.root / ".stablecast-run").exists()
    assert show("verify").code == 0


@pytest.mark.model
@pytest.mark.slow
def test_an_interrupted_run_empties_the_storage(tmp_path: Path, demo_data: Path) -> None:
    """Ctrl-C while a worker has the recording; then a storage that is out of reach, told in a sentence."""
    pytest.importorskip("distributed", reason="stablecast[cluster] is not installed")
    show, _ = one_episode(tmp_path, demo_data)
    with storage_of("file", tmp_path) as (options, lies_there), cluster(tmp_path / "tls", show.environment) as made:
        made.worker_away(show.temporary / "one", *options)
        running = show.start("run", *made.options, *options)
        soon(lambda: list(show.temporary.glob("one/stablecast-*/show-0/*/episodes")), "nothing arrives")
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
        assert lies_there() == {}
        assert not (show.root / ".stablecast-run").exists()
        assert show("verify").code == 0

        secret = secret_file(tmp_path / "s3.toml", 'key = "key"\nsecret = "hunter2secret"\n')
        nowhere = ["--storage", "s3://bucket/folder", "--storage-endpoint", f"http://127.0.0.1:{free_port()}"]
        answer = show("run", *made.options, *nowhere, "--storage-credentials", secret)
        assert answer.code == 7
        assert "the storage cannot be reached" in answer.err
        assert answer.err.count("\n") == 1
        assert "hunter2secret" not in answer.err
