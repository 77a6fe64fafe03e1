"""What was measured of an episode, as one page for staff: how loud it is, where something was taken out, how the attack ended."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, StrictUndefined

from stablecast.errors import GateClosed, UsageRefused
from stablecast.loudness.meter import FLOOR_DB, measure, short_term, true_peaks
from stablecast.model import Loudness
from stablecast.paragraphs import clock
from stablecast.runner import EnclosureNotes
from stablecast.stages.attack import Attacked
from stablecast.stages.prove import Check, Proof
from stablecast.store import files
from stablecast.stretches import merged
from stablecast.studio import making
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.tools.codec import FfmpegCodec

_WIDE: Final = 880  # of the plot, in units of the drawing; the page scales it
_DUAL_MONO_LU: Final = 10 * float(np.log10(2))
_SHORT_TERM_S, _PEAK_S = 3.0, 2.0  # seconds that one value stands for
_FINEST: Final = 880  # values drawn: a four-hour episode has fewer points than the page has dots


@dataclass(frozen=True, slots=True)
class Axis:
    """One plot: values from `low` to `high`, a line at `limit`, drawn `height` high."""

    low: float
    high: float
    limit: float
    height: float = 200.0

    def y(self, value: float) -> float:
        """How far below the top a value lies; what is off the scale lies at its edge."""
        return self.height * (1 - (min(max(value, self.low), self.high) - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class Facts:
    """All that stands in a report. No word of the episode, no title and no name."""

    episode: str
    duration_s: float
    method: str
    loudness: Loudness
    target_lufs: float
    ceiling_dbtp: float
    dual_mono: bool
    short_term: tuple[float, ...]  # LUFS, once a second
    peaks: tuple[float, ...]  # dBTP, one for every two seconds
    removals: tuple[tuple[float, float], ...]  # seconds of the finished file
    attacks: tuple[Attacked, ...]
    checks: tuple[Check, ...]
    cut: str | None


def report(show: OpenShow, name: str, path: Path) -> None:
    """Write the report of an episode as it is now into a new file. Needs the key.

    Raises GateClosed where it is not made yet, UsageRefused for a file that exists or would become public.
    """
    if path.exists():
        raise UsageRefused("this file is there already; name a new one")
    if path.resolve().is_relative_to(show.workspace.public):
        raise UsageRefused("a report is for staff, and this folder is public; name another")
    files.write(path, page(_facts(show, name)).encode())
    show.state.log(show.now(), OPERATOR, "reported", show.episode(name).id)


def _facts(show: OpenShow, name: str) -> Facts:
    row = show.episode(name)
    facts = show.facts(row)
    if facts.pending:
        raise GateClosed("there is nothing to measure yet; `stablecast run` first")
    bench, target = making.bench(show, row), show.settings.master
    notes, data = bench.data("tag", EnclosureNotes)
    finished, timeline = FfmpegCodec().decode(data), bench.timeline()
    placed = ((timeline.heard_s(s.start_s), timeline.heard_s(s.end_s)) for s in bench.redaction().spans)
    return Facts(
        episode=row.slug,
        duration_s=notes.duration_s,
        method=facts.method,
        loudness=measure(finished),
        target_lufs=target.target_lufs,
        ceiling_dbtp=target.true_peak_dbtp,
        dual_mono=target.dual_mono,
        short_term=tuple(map(float, short_term(finished))),
        peaks=tuple(map(float, true_peaks(finished))),
        removals=merged(placed),
        attacks=tuple(bench.value(f"attack/{k}", Attacked) for k in bench.tracks()),
        checks=bench.value("prove", Proof).checks,
        cut=facts.cut,
    )


def page(facts: Facts) -> str:
    """The report as a page of its own: no script, nothing from anywhere else. Equal facts give equal bytes."""
    added = _DUAL_MONO_LU if facts.dual_mono else 0.0
    loud = Axis(facts.target_lufs - 24, facts.target_lufs + 9, facts.target_lufs)
    peak = Axis(facts.ceiling_dbtp - 23, facts.ceiling_dbtp + 2, facts.ceiling_dbtp, 130.0)
    template = (resources.files("stablecast.studio") / "templates" / "report.html").read_text("utf-8")
    return (
        Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        .from_string(template)
        .render(
            facts=facts,
            integrated=facts.loudness.dual_mono if facts.dual_mono else facts.loudness.mono,
            wide=_WIDE,
            loud=loud,
            loud_line=_line([v + added for v in facts.short_term], _SHORT_TERM_S / 2, 1.0, facts.duration_s, loud),
            peak=peak,
            peak_line=_line(facts.peaks, _PEAK_S / 2, _PEAK_S, facts.duration_s, peak),
            removals=[
                (
                    _x(start_s, facts.duration_s),
                    max(2.0, _x(end_s - start_s, facts.duration_s)),
                    clock(start_s),
                    clock(end_s),
                )
                for start_s, end_s in facts.removals
            ],
            ticks=[(_x(time_s, facts.duration_s), clock(time_s)) for time_s in _ticks(facts.duration_s)],
            quietest=_told(min(facts.short_term, default=FLOOR_DB), added),
            loudest=_told(max(facts.short_term, default=FLOOR_DB), added),
            highest=max(facts.peaks, default=FLOOR_DB),
            length=clock(facts.duration_s),
        )
    )


def _line(values: Sequence[float], first_s: float, step_s: float, duration_s: float, axis: Axis) -> str:
    """The values as points of a line; of many that fall on one dot, the highest."""
    each = max(1, -(-len(values) // _FINEST))
    points = []
    for number in range(0, len(values), each):
        highest = max(values[number : number + each])
        points.append(f"{_x(first_s + number * step_s, duration_s):.1f},{axis.y(highest):.1f}")
    return " ".join(points)


def _x(time_s: float, duration_s: float) -> float:
    return round(_WIDE * time_s / duration_s, 1) if duration_s else 0.0


def _ticks(duration_s: float) -> Iterator[float]:
    """Round times, five to ten of them."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
    step = next((s for s in steps if duration_s / s <= 10), steps[-1])
    yield from itertools.takewhile(lambda at: at <= duration_s, itertools.count(0, step))


def _told(value: float, added: float) -> str:
    return "silence" if value <= FLOOR_DB else f"{value + added:.1f} LUFS"
