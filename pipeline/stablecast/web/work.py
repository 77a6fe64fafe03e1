"""Bringing episodes up to date in the background, one after another, while everybody sees how it goes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from stablecast.errors import EnvironmentFailure, StablecastError
from stablecast.web.live import BOARD, Live, topic

if TYPE_CHECKING:
    from stablecast.studio import Studio

MOST_WAITING: Final = 50
_LOG = logging.getLogger("stablecast.web")


@dataclass(frozen=True, slots=True)
class WorkView:
    """How far an episode's run is. `event`: "waiting", "start", "done", "failed", "up-to-date", or "ended" when it is over."""

    episode: str
    stage: str
    event: str
    left: int
    total: int
    seconds: float
    sentence: str
    share: float | None = None  # 0–1, of what this run does; None where only stages can be counted
    left_s: float | None = None  # None: not known yet


@dataclass(frozen=True, slots=True)
class _Job:
    episode: str
    steps: Callable[[], Iterator[WorkView]]


class Work:
    """One run at a time, in a thread of its own. An episode that waits or runs is not taken twice."""

    def __init__(self, studio: Studio, live: Live) -> None:
        self._studio, self._live = studio, live
        self._waiting: queue.Queue[_Job | None] = queue.Queue()
        self._now: dict[str, WorkView] = {}
        self._told_at = time.monotonic()  # of the one run that goes on
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self, episode: str, producer: str | None = None) -> WorkView:
        """Have an episode brought up to date, for this producer's account name; how it stands.

        Raises EnvironmentFailure where too much waits.
        """
        return self._take(_Job(episode, lambda: self._run(episode, producer)))

    def add(self, episode: str, add: Callable[[], object]) -> WorkView:
        """Have a new episode taken in: told as a stage called "add"."""

        def steps() -> Iterator[WorkView]:
            yield WorkView(episode, "add", "start", 1, 1, 0.0, "")
            add()
            yield WorkView(episode, "add", "done", 0, 1, 0.0, "")

        return self._take(_Job(episode, steps))

    def _take(self, job: _Job) -> WorkView:
        episode = job.episode
        with self._lock:
            if episode in self._now:
                return self._now[episode]
            if len(self._now) >= MOST_WAITING:
                raise EnvironmentFailure("too many episodes wait for their run; wait until some are done")
            view = self._now[episode] = WorkView(episode, "", "waiting", 0, 0, 0.0, "")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="stablecast-work", daemon=True)
                self._thread.start()
        self._tell(view)
        self._waiting.put(job)
        return view

    def at(self, episode: str) -> WorkView | None:
        """How an episode's run stands; None where none waits or runs."""
        return next((view for view in self.now() if view.episode == episode), None)

    def now(self) -> tuple[WorkView, ...]:
        """How every run stands that waits or runs; the time since it was last told is taken off what is left."""
        with self._lock:
            passed_s = time.monotonic() - self._told_at
            return tuple(
                view if view.left_s is None else replace(view, left_s=max(0.0, view.left_s - passed_s))
                for view in self._now.values()
            )

    def close(self) -> None:
        """Stop after the stage that runs now. What it made so far stays; the next run goes on there."""
        self._stopping.set()
        self._waiting.put(None)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None and not self._stopping.is_set():
            ended = WorkView(job.episode, "", "ended", 0, 0, 0.0, "")
            try:
                for view in job.steps():
                    with self._lock:
                        self._now[job.episode], self._told_at = view, time.monotonic()
                    self._tell(view)
                    if self._stopping.is_set():
                        return
            except StablecastError as refused:
                self._tell(WorkView(job.episode, "", "failed", 0, 0, 0.0, str(refused)))
            except Exception as failed:  # noqa: BLE001 - the next run must go on; what it says may hold private words
                _LOG.error("a run failed: %s", type(failed).__name__)
                sentence = "something went wrong in the program; run it again"
                self._tell(WorkView(job.episode, "", "failed", 0, 0, 0.0, sentence))
            with self._lock:
                self._now.pop(job.episode, None)
            self._tell(ended)

    def _run(self, episode: str, producer: str | None) -> Iterator[WorkView]:
        total = 0
        for told in self._studio.run((episode,), jobs=1, producer=producer):
            total = max(total, told.left)
            share, left_s = (told.forecast.share, told.forecast.left_s) if told.forecast else (None, None)
            yield WorkView(
                episode, told.stage, told.event, told.left, total, told.seconds, told.sentence, share, left_s
            )

    def _tell(self, view: WorkView) -> None:
        for listened in (BOARD, topic(view.episode)):
            self._live.publish(listened, "progress", view)
