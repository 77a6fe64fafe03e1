"""A live picture of a run: a bar an episode and one for all, with what is done and how long the rest will take."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console as Terminal
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from stablecast.cli.shown import Drawn, clean
from stablecast.cli.times import about
from stablecast.studio.views import Progress

ALL = "all"


class _Left(ProgressColumn):
    """How long the rest will take, counted down from when it was told."""

    def render(self, task: Task) -> Text:
        told: tuple[float | None, float] = task.fields["left"]
        if task.finished:
            return Text("")
        left_s, at = told
        return Text(about(None if left_s is None else left_s - (time.monotonic() - at)))


class Live(Drawn):
    """Draws progress until the block ends."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            _Left(),
            TextColumn("{task.fields[now]}"),
            TimeElapsedColumn(),
            console=Terminal(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._running: dict[str, list[str]] = {}
        self._most: dict[str, int] = {}  # stages that were ever left of an episode, where only these are told

    def __enter__(self) -> Live:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, progress: Progress) -> None:
        if progress.event == "failed":
            self._bars.console.print(
                clean(f"{progress.slug}: {progress.sentence}"), style="bold", highlight=False, markup=False
            )
            if progress.slug in self._tasks:
                self._bars.remove_task(self._tasks.pop(progress.slug))
            if progress.forecast is not None and ALL in self._tasks:
                self._draw(ALL, progress.forecast.all_share, progress.forecast.all_left_s, "")
            return
        if not progress.stage and progress.slug not in self._tasks:
            self._bars.console.print(f"{progress.slug}: up to date", highlight=False)
            return
        running = self._running.setdefault(progress.slug, [])
        if progress.event == "start":
            running.append(progress.stage)
        elif progress.stage in running:
            running.remove(progress.stage)
        elif not progress.stage:
            running.clear()
        now = ", ".join(running) or ("" if progress.stage else "done")
        told = progress.forecast
        if told is None:  # told by what is no run: there is only a count
            most = self._most[progress.slug] = max(self._most.get(progress.slug, 0), progress.left)
            self._draw(progress.slug, (most - progress.left) / most if most else 1.0, None, now)
            return
        self._draw(progress.slug, told.share, told.left_s, now)
        if len(self._tasks) > 1:
            self._draw(ALL, told.all_share, told.all_left_s, "")

    def _draw(self, name: str, share: float, left_s: float | None, now: str) -> None:
        left = (left_s, time.monotonic())
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=1.0, now=now, left=left)
        self._bars.update(self._tasks[name], completed=share, now=now, left=left)
