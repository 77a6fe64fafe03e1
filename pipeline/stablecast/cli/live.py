"""A live picture of a run: one bar an episode, with what is done and what is left."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from stablecast.cli.shown import Drawn, clean
from stablecast.studio.views import Progress


class Live(Drawn):
    """Draws progress until the block ends."""

    def __init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}"),
            TimeElapsedColumn(),
            console=Terminal(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}

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
            return
        if not progress.stage and progress.slug not in self._tasks:
            self._bars.console.print(f"{progress.slug}: up to date", highlight=False)
            return
        task = self._tasks.get(progress.slug)
        if task is None:
            task = self._bars.add_task(progress.slug, total=progress.left, now="")
            self._tasks[progress.slug] = task
        total = self._bars.tasks[task].total or 0
        if progress.event == "start":
            # A stage whose result stayed the same spares those after it: what is left is what counts.
            self._bars.update(task, completed=total - progress.left, now=progress.stage)
        else:
            self._bars.update(task, completed=total - progress.left, now=progress.stage or "done")
