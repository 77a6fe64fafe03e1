"""Memory of `run` on four hours of which a tenth is speech.

Every array is as long as for a talk of four hours; the recogniser has a tenth of the work, so it takes most of an hour and not
three. Words are a tenth of a talk's, a few megabytes. Four hours of speech: `make bench ONLY=memory`.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness import Row, Scale
from whole import PEAK_MB, pipeline

SECONDS, TALKED = 4 * 3600.0, 0.1


def rows(scale: Scale) -> Iterator[Row]:
    from sound import speech

    seconds = scale.seconds(SECONDS, 600)
    run = pipeline(speech(seconds, talked=TALKED))
    yield Row(
        "memory, pauses",
        run.peak_mb,
        None,
        None,
        f"≤ {PEAK_MB:,.0f} MB",
        run.peak_mb <= PEAK_MB if scale.whole else None,
        "MB",
        "`run`, all processes together, at the highest",
        f"{run.wall_s / seconds:.2f} of real time, {run.cpu_s / seconds:.2f} s of processor a second",
        "weights of recogniser and voice",
        f"{seconds / 3600:.2g} h, of which {seconds * TALKED / 60:.0f} min are speech",
    )
