"""Which stage runs next, and where: the order, the limit, what a failure stops, and what is told meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from stablecast import scheduler
from stablecast.engine.pipeline import nodes
from stablecast.engine.plan import Node, Receipt, key_of
from stablecast.errors import EnvironmentFailure
from stablecast.model import Alias, Digest, Slug
from stablecast.runner import Job, Progress, failure, steps
from stablecast.scheduler import Crew, Made, on_this_machine, run_all
from stablecast.stages import transcribe
from stablecast.store import episode, files, rates, receipts
from stablecast.store.episode import Record
from stablecast.store.seal import EpisodeKeys, Stored
from stablecast.store.workspace import Workspace
from test_pipeline import PRODUCTION

KEYS = EpisodeKeys("no key", b"")
NOTHING = Digest("0" * 64)


def job(root: Path, slug: str, tracks: int = 1, length_s: float = 10.0, *, noted: bool = True) -> Job:
    """An episode whose inputs are there; of its recordings only the size."""
    workspace = Workspace(root)
    names = [f"{name}/{k}" for k in range(1, tracks + 1) for name in ("source", "draw")]
    names += ["tracks", "protected", "corrections", "details"]
    record = Record(1, f"id of {slug}", inputs={name: Stored(NOTHING, NOTHING) for name in names})
    if noted:
        blocks = transcribe.blocks(length_s, PRODUCTION.settings.transcribe)
        record = replace(record, divided={str(k): blocks for k in range(1, tracks + 1)})
    episode.write(workspace, Slug(slug), record)
    rate_hz = PRODUCTION.settings.ingest.rate_hz
    for k in range(1, tracks + 1):
        files.write(workspace.source(Slug(slug), k), bytes(int(2 * rate_hz * length_s)))
    return Job(root, Slug(slug), KEYS, KEYS, {Alias("A"): ""}, PRODUCTION)


class Hands:
    """Does stages by writing receipts, and remembers when each began and ended."""

    def __init__(self, before: Callable[[str, str], Made | None] = lambda slug, key: None) -> None:
        self.begun: list[tuple[str, str]] = []
        self.at_once = self.most = 0
        self._before, self._lock = before, threading.Lock()

    def __call__(self, job: Job, node: Node) -> Made:
        workspace = Workspace(job.root)
        known = receipts.read_all(workspace.receipts(job.slug))
        record = episode.read(workspace, job.slug)
        inputs = {n: record.inputs[n].digest if n in record.inputs else known[n].output for n in node.inputs}
        with self._lock:
            self.begun.append((job.slug, node.key))
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            refused = self._before(job.slug, node.key)
        finally:
            with self._lock:
                self.at_once -= 1
        if refused is not None:
            return refused
        files.write(workspace.work(job.slug, node.key, key_of(node.recipe, inputs)), b"sealed")
        receipts.write(workspace.receipt(job.slug, node.key), Receipt(node.key, node.recipe, inputs, NOTHING, NOTHING))
        return Made(1.0)


def crew(hands: Hands, workers: int = 2) -> Crew:
    return Crew(ThreadPoolExecutor(8), "a test", lambda: workers, hands)


def test_every_stage_runs_once_and_after_what_it_needs(tmp_path: Path) -> None:
    """Whatever runs beside it: all that a stage is made from was made before it begins."""
    hands = Hands()
    told = list(run_all((job(tmp_path, "ep-001", tracks=3),), crew(hands, 3)))
    begun = [key for _, key in hands.begun]
    chain = nodes(3, PRODUCTION)
    assert sorted(begun) == sorted(node.key for node in chain)
    for node in chain:
        needed = [begun.index(name) for name in node.inputs if name in begun]
        assert all(at < begun.index(node.key) for at in needed)
    assert (told[-1].stage, told[-1].event, told[-1].left) == ("", "done", 0)
    assert {t.event for t in told} == {"start", "done"}


def test_two_speakers_of_one_episode_are_worked_on_at_once(tmp_path: Path) -> None:
    """Neither transcription ends before the other began: one after the other they would wait for ever."""
    both = threading.Barrier(2, timeout=20)

    def meet(slug: str, key: str) -> None:
        if key.startswith("transcribe/"):
            both.wait()

    told = list(run_all((job(tmp_path, "ep-001", tracks=2),), crew(Hands(meet))))
    assert told[-1].event == "done"


def test_blocks_of_one_recording_are_worked_on_at_once_and_joined(tmp_path: Path) -> None:
    """The second and the third do not wait for each other; neither is joined before both are there."""
    both = threading.Barrier(2, timeout=20)

    def meet(slug: str, key: str) -> None:
        if key in ("listen/1/2", "listen/1/3", "hear/1", "hear/2"):
            both.wait()

    hands = Hands(meet)
    told = list(run_all((job(tmp_path, "ep-001", length_s=1300.0),), crew(hands)))
    assert told[-1].event == "done"
    begun = [key for _, key in hands.begun]
    assert sorted(begun) == sorted(node.key for node in nodes(1, PRODUCTION, blocks=(3,)))
    assert begun.index("transcribe/1") == 3
    assert begun[-1] == "prove"


def test_an_episode_whose_length_nobody_noted_is_one_block(tmp_path: Path) -> None:
    """It was added by an earlier version: what was made of it goes on as it was planned."""
    hands = Hands()
    list(run_all((job(tmp_path, "ep-001", length_s=1300.0, noted=False),), crew(hands)))
    assert {key for _, key in hands.begun} == {node.key for node in nodes(1, PRODUCTION)}


def test_a_plan_needs_no_recording(tmp_path: Path) -> None:
    """After retention destroyed it, what was made of its blocks is still up to date."""
    made = job(tmp_path, "ep-001", length_s=1300.0)
    list(run_all((made,), crew(Hands())))
    Workspace(tmp_path).source(Slug("ep-001"), 1).unlink()
    planned = steps(Workspace(tmp_path), Slug("ep-001"), made.production)
    assert "listen/1/3" in {step.node.key for step in planned}
    assert all(step.reason is None for step in planned)


def test_a_block_is_expected_to_take_its_share(tmp_path: Path) -> None:
    """Of 1,300 s the third block has 100: a sixth of the first. What only joins has a rate of its own."""
    took = {"listen": 1 / 10, "hear": 1 / 20}

    def seconds(job: Job, node: Node) -> Made:
        hands(job, node)
        block_s = 100.0 if node.key.endswith("/3") else 600.0
        return Made(block_s * took[node.stage] if node.stage in took else 0.5)

    hands = Hands()
    here = Crew(ThreadPoolExecutor(1), "a test", lambda: 1, seconds)
    list(run_all((job(tmp_path, "ep-001", length_s=1300.0),), here))
    told = [t for t in run_all((job(tmp_path, "ep-002", length_s=1300.0),), here) if t.event == "start"]
    expected = {t.stage: t.forecast.stage_s for t in told if t.forecast is not None}
    assert [expected[f"listen/1/{n}"] for n in (1, 2, 3)] == pytest.approx([60.0, 60.0, 10.0], rel=0.01)
    assert [expected[f"hear/{n}"] for n in (1, 2, 3)] == pytest.approx([30.0, 30.0, 5.0], rel=0.01)
    assert expected["transcribe/1"] == expected["prove"] == pytest.approx(0.5)
    list(run_all((job(tmp_path, "ep-003", length_s=500.0),), here))  # heard at once, and in half a second
    again = [t for t in run_all((job(tmp_path, "ep-004", length_s=1300.0),), here) if t.stage == "transcribe/1"]
    assert again[0].forecast is not None
    assert again[0].forecast.stage_s == pytest.approx(0.5)


def test_blocks_go_side_by_side_only_where_somebody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has its own models in memory: without --jobs one speaker takes one, whatever the length."""
    started: list[int] = []

    @contextlib.contextmanager
    def pool(workers: int) -> Iterator[Crew]:
        started.append(workers)
        yield crew(Hands(), workers)

    monkeypatch.setattr(scheduler, "pool", pool)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    long, short = job(tmp_path, "ep-001", length_s=1300.0), job(tmp_path, "ep-002")
    pair = job(tmp_path, "ep-003", tracks=2, length_s=1300.0)
    for jobs, asked, expected in (
        ((long,), None, 1),
        ((long,), 1, 1),
        ((long,), 2, 2),
        ((long,), 9, 3),
        ((short,), 9, 1),
        ((pair,), None, 2),
        ((pair, long), 9, 9),
    ):
        started.clear()
        with on_this_machine(jobs, asked) as made:
            assert made.workers() == expected
        assert started == ([expected] if expected > 1 else [])


def test_no_more_tasks_are_handed_out_than_there_are_workers(tmp_path: Path) -> None:
    """What waits, waits here: a task elsewhere has keys in it."""
    hands = Hands(lambda slug, key: time.sleep(0.002))
    list(run_all(tuple(job(tmp_path, f"ep-{n:03}", tracks=3) for n in range(3)), crew(hands, 2)))
    assert hands.most == 2


def test_a_failure_is_the_last_thing_told_of_its_episode_and_stops_no_other(tmp_path: Path) -> None:
    """What ran beside it may end; it is not told any more. The failure is remembered."""
    failed = threading.Event()

    def refuse(slug: str, key: str) -> Made | None:
        if slug == "ep-001" and key == "transcribe/1":
            failed.set()
            return Made(1.0, "no words are heard", 3)
        if slug == "ep-001" and key == "transcribe/2":
            assert failed.wait(20)
            time.sleep(0.1)
        return None

    jobs = (job(tmp_path, "ep-001", tracks=2), job(tmp_path, "ep-002"))
    told = list(run_all(jobs, crew(Hands(refuse), 3)))
    first = [t for t in told if t.slug == "ep-001"]
    assert (first[-1].event, first[-1].sentence, first[-1].exit_code) == ("failed", "no words are heard", 3)
    assert [t.event for t in told if t.slug == "ep-002" and not t.stage] == ["done"]
    remembered = failure(Workspace(tmp_path), Slug("ep-001"))
    assert remembered is not None
    assert remembered.stage == "transcribe/1"
    list(run_all(jobs, crew(Hands(), 3)))
    assert failure(Workspace(tmp_path), Slug("ep-001")) is None


def test_left_early_nothing_more_begins(tmp_path: Path) -> None:
    """An interrupted run hands nothing out any more, and goes on where it was when it is run again."""
    hands = Hands()
    run = run_all((job(tmp_path, "ep-001"),), crew(hands, 1))
    while (told := next(run)).event != "done":
        pass
    run.close()
    assert [key for _, key in hands.begun] == [told.stage] == ["transcribe/1"]
    list(run_all((job(tmp_path, "ep-001"),), crew(hands, 1)))
    assert len({key for _, key in hands.begun}) == len(hands.begun) == len(nodes(1, PRODUCTION))


def test_a_run_without_any_worker_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for one to come back, but not for ever."""
    monkeypatch.setattr(scheduler, "PATIENCE_S", 0.05)
    monkeypatch.setattr(scheduler, "LOOK_S", 0.01)
    with pytest.raises(EnvironmentFailure, match="no worker"):
        list(run_all((job(tmp_path, "ep-001"),), crew(Hands(), 0)))


def test_a_lost_task_is_what_the_crew_says_it_is(tmp_path: Path) -> None:
    """A stage that no worker survives is a failure of its episode; what nobody explains is raised."""

    def die(slug: str, key: str) -> Made | None:
        if slug == "ep-001":
            raise MemoryError
        return None

    jobs = (job(tmp_path, "ep-001"), job(tmp_path, "ep-002"))
    threads = ThreadPoolExecutor(2)
    told = list(run_all(jobs, Crew(threads, "a test", lambda: 2, Hands(die), lambda _: Made(0.0, "lost", 7))))
    assert [(t.slug, t.exit_code) for t in told if t.event == "failed"] == [("ep-001", 7)]
    with pytest.raises(MemoryError):
        list(run_all(jobs, Crew(threads, "a test", lambda: 2, Hands(die))))


def test_an_episode_that_is_withdrawn_meanwhile_stops_no_other_and_leaves_nothing(tmp_path: Path) -> None:
    """Withdrawal wins: its folder is gone when the stage ends, and no failure is written where it was."""

    def withdraw(slug: str, key: str) -> Made | None:
        if slug == "ep-001" and key == "transcribe/1":  # nothing else of it runs beside its first stage
            shutil.rmtree(tmp_path / "episodes" / "ep-001")
            return Made(1.0, "a sealed file is missing", 6)
        return None

    told = list(run_all((job(tmp_path, "ep-001"), job(tmp_path, "ep-002")), crew(Hands(withdraw))))
    assert [t.event for t in told if t.slug == "ep-001"][-1] == "failed"
    assert [t.event for t in told if t.slug == "ep-002"][-1] == "done"
    assert not (tmp_path / "episodes" / "ep-001").exists()


def test_a_recording_that_is_gone_is_told_by_the_stage_that_reads_it(tmp_path: Path) -> None:
    """One damaged episode does not keep the others from being planned."""
    broken = job(tmp_path, "ep-001")
    Workspace(tmp_path).source(Slug("ep-001"), 1).unlink()
    refuse = Hands(lambda slug, key: Made(0.0, "a sealed file is missing", 6) if slug == "ep-001" else None)
    told = list(run_all((broken, job(tmp_path, "ep-002")), crew(refuse)))
    assert [t.event for t in told if t.slug == "ep-001"] == ["start", "failed"]
    assert [t.event for t in told if t.slug == "ep-002"][-1] == "done"


def test_a_worker_that_does_not_fit_ends_the_run(tmp_path: Path) -> None:
    """It would fail every episode for a reason that none of them has; no failure is remembered."""
    with pytest.raises(EnvironmentFailure, match="another version"):
        list(run_all((job(tmp_path, "ep-001"),), crew(Hands(lambda *_: Made(0.0, "another version", 7, unfit=True)))))
    assert failure(Workspace(tmp_path), Slug("ep-001")) is None


def test_what_is_left_is_not_known_before_it_was_measured_and_then_it_is(tmp_path: Path) -> None:
    """The first run promises nothing; the next knows each stage's second, and counts down to none."""

    def left(told: list[Progress]) -> list[float | None]:
        assert all(t.forecast is not None for t in told)
        return [t.forecast.all_left_s for t in told if t.forecast is not None]

    first = left(list(run_all((job(tmp_path, "ep-001"),), crew(Hands(), 1))))
    assert first[0] is None
    assert first[-1] == 0
    second = left(list(run_all((job(tmp_path, "ep-002", length_s=20.0),), crew(Hands(), 1))))
    stages = len(nodes(1, PRODUCTION))
    assert second[0] == pytest.approx(2 * stages, rel=0.01)  # twice as long a recording, twice as long each
    assert second == sorted(second, reverse=True)  # type: ignore[type-var]
    assert second[-1] == 0


def test_of_a_recording_much_longer_than_any_measured_nothing_is_promised(tmp_path: Path) -> None:
    """Ten seconds say nothing of an hour: most of their time went into loading models."""
    list(run_all((job(tmp_path, "ep-001", length_s=2.0),), crew(Hands(), 1)))
    told = next(run_all((job(tmp_path, "ep-002", length_s=60.0),), crew(Hands(), 1)))
    assert told.forecast is not None
    assert told.forecast.all_left_s is None


def test_rates_that_cannot_be_read_are_no_rates(tmp_path: Path) -> None:
    """A damaged file costs a forecast and nothing else."""
    files.write(rates.path(), b"not json")
    assert rates.load() == {}
    rates.path().unlink()
    assert rates.load() == {}
