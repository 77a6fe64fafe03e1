"""Shows the demo: what happened to each identifying word, and every figure that was measured."""

from __future__ import annotations

import webbrowser
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Console as Terminal
from rich.table import Table

from stablecast.cli.console import Console
from stablecast.errors import IntegrityFailure
from stablecast.studio import trial
from stablecast.studio.trial import DemoView, Said
from stablecast.studio.views import Progress


def run_demo(console: Console, *, open_page: bool) -> None:
    """Run the demo in the show folder that was named, and print its tables."""
    root = console.show
    if console.passphrase_file is None:
        trial.passphrase(root)
        console = replace(console, passphrase_file=trial.keys_folder(root) / "passphrase")
    ended: DemoView | None = None
    with console.progress() as drawn:
        for event in trial.demo(console.studio(root)):
            if isinstance(event, Said):
                console.say(event.sentence)
            elif isinstance(event, Progress):
                drawn.show(event)
            else:
                ended = event
    if ended is None:
        raise IntegrityFailure("the demo did not come to its end")
    if console.json:
        console.answer(ended, [])
    else:
        terminal = Terminal(width=None if Terminal().is_terminal else 110, highlight=False)
        for table in _tables(ended):
            terminal.print(table)
        console.answer(ended, [f"Feed: {ended.feed}", f"Open: {ended.index}"])
    if open_page:
        webbrowser.open(ended.index)
    if not ended.verify.holds:
        raise IntegrityFailure("a promise of the workflow is broken in the demo; `stablecast verify` says which")


def _tables(ended: DemoView) -> Iterator[Table]:
    for episode in ended.evidence:
        words = Table(title=f"{episode.episode}: what happened to each identifying word", title_justify="left")
        for heading in (
            "word",
            "heard in the recording",
            "proposed",
            "taken out",
            "left in the voice",
            "public files with it",
        ):
            words.add_column(heading, justify="left" if heading == "word" else "right")
        for word in episode.words:
            left = "silence" if word.left_dbfs <= -120 else f"{word.left_dbfs} dBFS"
            words.add_row(
                word.word, f"{word.heard}×", f"{word.proposed}×", f"{word.redacted}×", left, str(word.public_files)
            )
        yield words
        figures = Table(
            title=f"{episode.episode}: {episode.duration_s:.1f} s, method {episode.method}", title_justify="left"
        )
        for heading in ("check", "result", "what was measured in the finished file"):
            figures.add_column(heading)
        for check in episode.checks:
            figures.add_row(check.name, "passed" if check.passed else "FAILED", check.sentence)
        yield figures
    promises = Table(title="The promises of the workflow, checked from the disk", title_justify="left")
    for heading in ("", "promise", ""):
        promises.add_column(heading)
    for view in ended.verify.invariants:
        promises.add_row(view.id, view.title, "holds" if view.holds else "BROKEN: " + "; ".join(view.problems))
    yield promises
