"""Memory of `run` by the length of an episode: what ten minutes take, four hours have to take as well.

Each length is a run of its own, an hour or more for the longest: alone on the machine, `make bench ONLY=memory`.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import Row, Scale
from whole import PEAK_MB, pipeline

LENGTHS_S = {"10 min": 600.0, "1 h": 3600.0, "4 h": 4 * 3600.0}


def rows(scale: Scale) -> Iterator[Row]:
    from sound import speech

    first = 0.0
    for name, whole_s in LENGTHS_S.items():
        seconds = scale.seconds(whole_s, 60)
        run = pipeline(speech(seconds))
        first = first or run.peak_mb
        yield Row(
            f"memory, {name}",
            run.peak_mb,
            first,
            run.peak_mb / first,
            f"≤ {PEAK_MB:,.0f} MB",
            run.peak_mb <= PEAK_MB if scale.whole else None,
            "MB",
            "`run`, all processes together, at the highest",
            "the shortest of these",
            f"weights of recogniser and voice; a master of this length is {seconds * 88_200 / 1e6:,.0f} MB",
            f"{seconds / 60:.0f} min of speech, {run.wall_s / seconds:.2f} of real time",
        )
