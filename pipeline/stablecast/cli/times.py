"""Times and stretches of a recording, as people type and read them."""

from __future__ import annotations

import re

import click

_TIME = re.compile(
    r"(?:(?:(\d{1,4}):)?(\d{1,2}):)?(\d{1,7}(?:\.\d{1,9})?)"
)  # longer numbers are no times, and int() refuses some


def seconds(text: str) -> float:
    """Seconds, or minutes and seconds, or hours, minutes and seconds."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise click.BadParameter(f"{text!r} is not a time such as 75, 1:15 or 1:01:15.5")
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)


def stretch(text: str) -> tuple[float, float]:
    """FROM-TO in seconds."""
    start, dash, end = text.partition("-")
    if not dash:
        raise click.BadParameter(f"{text!r} is written FROM-TO, such as 1:15.2-1:16.8")
    start_s, end_s = seconds(start), seconds(end)
    if not start_s < end_s:
        raise click.BadParameter(f"{text!r} ends before it begins")
    return start_s, end_s


def clock(time_s: float) -> str:
    """A time as it can be typed again: 1:02:03.4."""
    tenths = round(time_s * 10)
    minutes, hours = tenths // 600, tenths // 36_000
    before = f"{hours}:{minutes % 60:02}" if hours else f"{minutes}"
    return f"{before}:{tenths % 600 / 10:04.1f}"


def between(start_s: float, end_s: float) -> str:
    """A stretch as it can be typed again: 1:15.2-1:16.8."""
    return f"{clock(start_s)}-{clock(end_s)}"


def about(left_s: float | None) -> str:
    """How long something will still take, no more exact than it is known."""
    if left_s is None:
        return "time left not known yet"
    if left_s < 0:
        return "longer than expected"
    if left_s < 50:
        return "less than a minute left"
    minutes = round(left_s / 60)
    return f"about {minutes} min left" if minutes < 90 else f"about {left_s / 3600:.1f} h left"
