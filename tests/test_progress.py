"""What is shown of a run: only what is known, in words, and for programs under the keys that docs/cli.md names."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console as Terminal

from stablecast.cli.console import Events
from stablecast.cli.live import Live
from stablecast.cli.times import about
from stablecast.engine.forecast import Forecast
from stablecast.model import Slug
from stablecast.runner import Progress
from stablecast.web.live import BOARD
from stablecast.web.live import Live as Hub
from stablecast.web.work import Work, WorkView

CLI = Path(__file__).parent.parent / "docs" / "cli.md"
BEGUN = Progress(Slug("ep-001"), "transcribe/1", "start", 12, forecast=Forecast(0.25, 300.0, 0.1, 7200.0, 60.0))


@pytest.mark.parametrize(
    ("left_s", "words"),
    [
        (None, "time left not known yet"),
        (-1.0, "longer than expected"),
        (20.0, "less than a minute left"),
        (61.0, "about 1 min left"),
        (300.0, "about 5 min left"),
        (9000.0, "about 2.5 h left"),
    ],
)
def test_time_left_is_told_no_more_exactly_than_it_is_known(left_s: float | None, words: str) -> None:
    """No second is promised, and nothing where nothing was measured."""
    assert about(left_s) == words


def drawn(live: Live) -> str:
    """What the terminal shows now."""
    terminal = Terminal(width=160, record=True, file=io.StringIO())
    terminal.print(live._bars.get_renderable())
    return terminal.export_text()


def test_a_terminal_shows_each_episode_and_all_of_them() -> None:
    """Share, time left and every stage that runs; a second episode brings the line of the whole run."""
    live = Live()
    live.show(BEGUN)
    live.show(replace(BEGUN, stage="transcribe/2"))
    assert re.search(r"ep-001.* 25 %.*about 5 min left.*transcribe/1, transcribe/2", drawn(live))
    assert "all" not in drawn(live)
    live.show(replace(BEGUN, slug=Slug("ep-002"), forecast=Forecast(0.0, None, 0.1, 7200.0)))
    assert re.search(r"ep-002.* 0 %.*not known yet", drawn(live))
    assert re.search(r"all.* 10 %.*about 2.0 h left", drawn(live))
    live.show(Progress(Slug("ep-001"), "", "done", 0, forecast=Forecast(1.0, 0.0, 0.5, 60.0)))
    assert re.search(r"ep-001.*100 %.*done", drawn(live))
    live.show(Progress(Slug("ep-002"), "find", "failed", 3, forecast=Forecast(0.0, None, 1.0, 0.0)))
    assert "ep-002" not in drawn(live)
    assert re.search(r"all.*100 %", drawn(live))


def test_what_is_no_run_is_counted() -> None:
    """Work that tells no forecast is shown by its stages, as much as there ever was to do."""
    live = Live()
    live.show(Progress(Slug("ep-001"), "find", "start", 4))
    live.show(Progress(Slug("ep-001"), "find", "done", 3))
    assert re.search(r"ep-001.* 25 %", drawn(live))


def test_a_program_is_told_every_event_under_the_keys_of_the_document(capfd: pytest.CaptureFixture[str]) -> None:
    """A line an event on stderr, nothing on stdout; what is not known is null and no guess."""
    Events().show(BEGUN)
    Events().show(Progress(Slug("ep-001"), "prove", "failed", 1, 2.0, "it \x1b[2Jfailed", 4))
    out, err = capfd.readouterr()
    begun, failed = (json.loads(line) for line in err.splitlines())
    assert out == ""
    section = CLI.read_text(encoding="utf-8").partition("### Progress")[2].partition("###")[0]
    assert list(begun) == re.findall(r'^[ {]"(\w+)":', section, re.M)
    assert (begun["expected_s"], begun["left_s"], begun["all_left_s"], begun["share"]) == (60.0, 300.0, 7200.0, 0.25)
    assert (failed["reason"], failed["exit_code"], failed["left_s"]) == ("it [2Jfailed", 4, None)


def test_a_page_that_opens_during_a_run_is_told_how_it_stands() -> None:
    """The first event of a stream, with the time since it was told taken off what is left."""
    hub = Hub()
    work = Work(None, hub)  # type: ignore[arg-type]  # nothing is run
    work._now["ep-001"] = WorkView("ep-001", "transcribe/1", "start", 12, 12, 0.0, "", 0.25, 300.0)
    work._told_at -= 100
    stream = hub.listen("me", BOARD, first=[("progress", view) for view in work.now()])
    next(stream)
    told = json.loads(next(stream).partition("data: ")[2])
    assert told["share"] == 0.25
    assert told["left_s"] == pytest.approx(200, abs=5)
    work._told_at -= 1000
    (view,) = work.now()
    assert view.left_s == 0
