"""Many episodes, many workers: which stage of which episode runs next, where, and how long the rest will take.

The unit of work is a stage of an episode, or of one speaker in it, or of a block of a long recording: two speakers of one episode,
and two stretches of what one of them says, are worked on at once. Where it is done is behind `concurrent.futures.Executor`: here,
on a process pool, or on a cluster (`stablecast.cluster`). No more tasks are handed out than there are workers: what is said to
begin begins, and nothing waits anywhere with keys in it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.synchronize
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stablecast import codecs
from stablecast.engine.forecast import Due, Forecast, Rate, Work, forecast, kind, learnt
from stablecast.engine.plan import Node, Step
from stablecast.errors import EnvironmentFailure, StablecastError
from stablecast.runner import FAILURE, Bench, Failure, Job, Progress, steps
from stablecast.store import episode, files, rates
from stablecast.store.workspace import Workspace

LOOK_S = 1.0  # how often it is asked whether workers came or went
PATIENCE_S = 300.0  # how long a run waits while it has no worker at all
_BYTES_A_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one stage: how long it took, or why it was refused."""

    took_s: float
    sentence: str = ""
    exit_code: int = 0
    unfit: bool = False  # the worker can do nothing in this run, so the run ends


def make(job: Job, node: Node) -> Made:
    """Run one stage of an episode in this process. What the stage refuses is told, not raised."""
    began = time.monotonic()
    try:
        Bench(job, Workspace(job.root)).make(node)
    except StablecastError as refused:
        return Made(time.monotonic() - began, str(refused), refused.exit_code)
    return Made(time.monotonic() - began)


def _raised(failed: Exception) -> Made:
    raise failed


@dataclass(frozen=True, slots=True)
class Crew:
    """Who does the work."""

    executor: Executor
    place: str  # under which name its rates are kept
    workers: Callable[[], int]  # how many there are now
    task: Callable[[Job, Node], Made] = make
    explained: Callable[[Exception], Made] = _raised  # what it means that a task was lost; raises what ends the run


# --- one machine ------------------------------------------------------------------------------------------------------


class _Here(Executor):
    """Does what it is given at once, in this process."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def here() -> Crew:
    """This process alone."""
    return Crew(_Here(), "here", lambda: 1)


class _Pool(ProcessPoolExecutor):
    """Its processes never see Ctrl-C, not even while they start: the command decides what is stopped, and ends them."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a process that starts here inherits it
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def pool(workers: int) -> Iterator[Crew]:
    """So many processes on this machine. When the block is left early they end at once: what has no receipt was never made."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of numpy and onnxruntime
    stop = context.Event()
    threads = max(1, (os.cpu_count() or 1) // workers)
    executor = _Pool(workers, mp_context=context, initializer=_begin_worker, initargs=(stop, threads, os.getpid()))
    try:
        yield Crew(executor, f"{workers} workers", lambda: workers, explained=_pool_broke)
    except BaseException:
        stop.set()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _pool_broke(failed: Exception) -> Made:
    if isinstance(failed, BrokenProcessPool):
        raise EnvironmentFailure(
            "a worker was ended from outside, perhaps for want of memory; run again, with fewer --jobs"
        ) from failed
    raise failed


def _begin_worker(stop: multiprocessing.synchronize.Event, threads: int, parent: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)

    def end_with_the_command() -> None:
        # A killed command must not leave a worker behind that goes on writing.
        while os.getppid() == parent and not stop.is_set():
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=end_with_the_command, daemon=True).start()


@contextlib.contextmanager
def on_this_machine(jobs: tuple[Job, ...], workers: int | None) -> Iterator[Crew]:
    """A crew for these episodes: as many workers as were asked for, but no more than can be busy.

    Each has its own models in memory: where nobody asked, there is one for a core, but no more than there are tracks.
    """
    divided = [episode.read(Workspace(job.root), job.slug).blocks for job in jobs]
    least = min(workers, sum(map(sum, divided))) if workers else min(os.cpu_count() or 1, sum(map(len, divided)))
    if least <= 1:
        yield here()
        return
    with pool(least) as crew:
        yield crew


# --- a run ------------------------------------------------------------------------------------------------------------


def _size(path: Path) -> int:
    """Bytes of a file; none where there is no file, which the stage that reads it will tell."""
    return path.stat().st_size if path.exists() else 0


class _Line:
    """One episode on its way."""

    def __init__(self, job: Job) -> None:
        self.job, self.workspace = job, Workspace(job.root)
        self.running: dict[str, float] = {}  # a node's key → when it began
        self.done, self.done_s = 0, 0.0
        self.over = False
        self.kinds: dict[str, str] = {}  # a node's key → under which name its rate is kept
        self.due: tuple[Step, ...] = ()
        record = episode.read(self.workspace, job.slug)
        a_second = _BYTES_A_SAMPLE * job.production.settings.ingest.rate_hz
        self._track_s = {
            k: _size(self.workspace.source(job.slug, record.source(k))) / a_second for k in range(1, record.tracks + 1)
        }
        self.look()

    def look(self) -> None:
        """Ask again what is due: a stage that gave the same as before spares those after it."""
        self.due = tuple(s for s in steps(self.workspace, self.job.slug, self.job.production) if s.reason is not None)

    def ready(self) -> Iterator[Node]:
        """The stages that can begin now: nothing they need is due, and nothing that runs was made from them."""
        if self.over:
            return
        due = {step.node.key for step in self.due}
        for step in self.due:
            node = step.node
            if node.key not in self.running and not due & set(node.inputs) and not self._feeds_one_that_runs(node.key):
                yield node

    def _feeds_one_that_runs(self, key: str) -> bool:
        reached = {key}
        for step in self.due:  # inputs come first
            if reached & set(step.node.inputs):
                reached.add(step.node.key)
        return bool(reached & set(self.running))

    @property
    def length_s(self) -> float:
        return max(self._track_s.values())

    def speech_s(self, node: Node) -> float:
        """How much recording a stage has to do with, by the size of what is sealed: of a block, its share."""
        numbers = [int(number) for number in node.key.split("/")[1:]]
        block = numbers.pop() if node.stage in ("listen", "hear") else 0
        whole_s = self._track_s[numbers[0]] if numbers else self.length_s
        if not block:
            return whole_s
        window_s = self.job.production.settings.transcribe.window_s
        return max(0.0, min(window_s, whole_s - (block - 1) * window_s))


class _Run:
    """What is known of a run while it goes on."""

    def __init__(self, jobs: tuple[Job, ...], crew: Crew) -> None:
        self.crew = crew
        self.rates: dict[str, Rate] = dict(rates.load())
        self.lines = [_Line(job) for job in jobs]
        if crew.workers() != 1:  # the longest first: one that begins last would keep all others waiting
            self.lines.sort(key=lambda line: -line.length_s)
        self.tasks: dict[Future[Made], tuple[_Line, Node]] = {}

    def next(self) -> tuple[_Line, Node] | None:
        """What to begin, while a worker is free. Episodes begun first are finished first."""
        if len(self.tasks) >= self.crew.workers():
            return None
        return next(((line, node) for line in self.lines for node in line.ready()), None)

    def kind(self, line: _Line, node: Node) -> str:
        if node.key not in line.kinds:
            line.kinds[node.key] = kind(node, line.job.production.settings, self.crew.place)
        return line.kinds[node.key]

    def expected_s(self, line: _Line, node: Node) -> float | None:
        rate = self.rates.get(self.kind(line, node))
        return None if rate is None else rate.expected_s(line.speech_s(node))

    def learn(self, line: _Line, node: Node, took_s: float) -> None:
        name = self.kind(line, node)
        self.rates[name] = learnt(self.rates.get(name), took_s, line.speech_s(node))

    def work(self, line: _Line) -> Work:
        now = time.monotonic()
        due = () if line.over else line.due
        return Work(
            line.done,
            line.done_s,
            tuple(
                Due(
                    s.node.key,
                    s.node.inputs,
                    self.expected_s(line, s.node),
                    now - line.running[s.node.key] if s.node.key in line.running else 0.0,
                )
                for s in due
            ),
        )

    def forecast(self, line: _Line, stage_s: float | None = None) -> Forecast:
        everything = tuple(self.work(each) for each in self.lines)
        return forecast(self.work(line), everything, self.crew.workers(), stage_s)

    def begin(self, line: _Line, node: Node) -> Progress:
        line.running[node.key] = time.monotonic()
        told = self.forecast(line, self.expected_s(line, node))
        return Progress(line.job.slug, node.key, "start", len(line.due), forecast=told)

    def end(self, line: _Line, node: Node, made: Made) -> Progress | None:
        """What is told of a stage that ended: nothing where the episode failed while it ran."""
        slug, left, expected = line.job.slug, len(line.due), self.expected_s(line, node)
        del line.running[node.key]
        if line.over:
            return None
        if not made.sentence:
            self.learn(line, node, made.took_s)
            line.done, line.done_s = line.done + 1, line.done_s + made.took_s
            try:
                line.look()
            except StablecastError as refused:  # withdrawn meanwhile: the others go on
                made = Made(made.took_s, str(refused), refused.exit_code)
        if made.sentence:
            line.over = True
            if line.workspace.episode(slug).is_dir():  # what is withdrawn leaves nothing behind
                remembered = Failure(node.key, made.sentence, made.exit_code)
                files.write(line.workspace.episode(slug) / FAILURE, codecs.canonical(remembered))
            event = "failed"
        else:
            event, left = "done", left - 1
        told = self.forecast(line, expected)
        return Progress(slug, node.key, event, left, made.took_s, made.sentence, made.exit_code, told)

    def finish(self, line: _Line) -> Progress:
        line.over = True
        (line.workspace.episode(line.job.slug) / FAILURE).unlink(missing_ok=True)
        event = "done" if line.done else "up-to-date"
        return Progress(line.job.slug, "", event, 0, forecast=self.forecast(line))


def run_all(jobs: tuple[Job, ...], crew: Crew) -> Iterator[Progress]:
    """Run every job and tell what happens.

    An episode that fails does not stop the others; its failure is the last thing told about it. Left early, nothing more is
    handed out. Raises EnvironmentFailure where there is no worker for `PATIENCE_S`.
    """
    run = _Run(jobs, crew)
    waited_since = time.monotonic()
    try:
        while True:
            for line in run.lines:
                if not line.over and not line.due and not line.running:
                    yield run.finish(line)
            while (ready := run.next()) is not None:
                line, node = ready
                yield run.begin(line, node)
                run.tasks[crew.executor.submit(crew.task, line.job, node)] = (line, node)
            if not run.tasks and all(line.over for line in run.lines):
                return
            if crew.workers():
                waited_since = time.monotonic()
            elif time.monotonic() - waited_since > PATIENCE_S:
                raise EnvironmentFailure("no worker is left; start some and run again: what is done is kept")
            if not run.tasks:
                time.sleep(LOOK_S)
            for future in wait(run.tasks, timeout=LOOK_S, return_when=FIRST_COMPLETED).done:
                line, node = run.tasks.pop(future)
                told = run.end(line, node, _made(future, crew))
                if told is not None:
                    yield told
    finally:
        for future in run.tasks:
            future.cancel()
        rates.save(run.rates)


def _made(future: Future[Made], crew: Crew) -> Made:
    try:
        made = future.result()
    except Exception as failed:  # noqa: BLE001 - the crew knows what it means, and raises what it does not know
        return crew.explained(failed)
    if made.unfit:
        raise EnvironmentFailure(made.sentence)
    return made
