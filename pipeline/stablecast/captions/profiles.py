"""What captions have to fit: the screen they are read on, and how fast people read.

After the BBC Subtitle Guidelines 1.2, the Netflix Timed Text Style Guide (English) and Podcasting 2.0, read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FINEST_GRID_S: Final = 0.25  # a finer one would publish when words were said


@dataclass(frozen=True, slots=True)
class CaptionParams:
    """How captions are cut and timed."""

    line_chars: int = 37  # characters in a line, landscape and square (BBC)
    lines: int = 2  # lines in a cue, landscape and square
    vertical_line_chars: int = 25  # characters in a line of a tall picture (BBC, 9:16)
    vertical_lines: int = 3  # lines in a cue there
    srt_line_chars: int = 32  # characters in a line of an SRT file (Podcasting 2.0)
    srt_lines: int = 2  # lines in a cue there
    shortest_s: float = 1.0  # seconds a cue stays at least
    longest_s: float = 7.0  # seconds a cue stays at most (Netflix)
    most_cps: float = 20.0  # characters a second nobody should have to exceed (Netflix, adults): more is refused
    warn_cps: float = 17.0  # characters a second from which the lint warns (Netflix, children)
    aim_cps: float = 15.0  # characters a second to aim for where there is time (BBC, 160–180 words a minute)
    gap_s: float = 1.0  # a gap shorter than this is closed, so that captions do not flicker (BBC)
    grid_s: float = 0.5  # all times are multiples of this: word times would publish the rhythm of the raw voice

    def __post_init__(self) -> None:
        if not FINEST_GRID_S <= self.grid_s <= self.shortest_s <= self.longest_s:
            raise ValueError(f"grid_s is {FINEST_GRID_S:g} or more, and grid_s ≤ shortest_s ≤ longest_s")
        if self.line_chars * self.lines > self.most_cps * self.longest_s:
            raise ValueError("a full cue could not be read in longest_s at most_cps")
        shapes = (
            (self.line_chars, self.lines),
            (self.vertical_line_chars, self.vertical_lines),
            (self.srt_line_chars, self.srt_lines),
        )
        if any(chars < 8 or lines < 1 for chars, lines in shapes):
            raise ValueError("a cue needs at least a line of 8 characters")
        if not 0 < self.aim_cps <= self.warn_cps <= self.most_cps:
            raise ValueError("aim_cps ≤ warn_cps ≤ most_cps, all above 0")


class Shape(StrEnum):
    """Where captions are read."""

    LANDSCAPE = "landscape"  # WebVTT in apps and pages, wide video
    SQUARE = "square"
    VERTICAL = "vertical"
    SRT = "srt"


@dataclass(frozen=True, slots=True)
class Profile:
    """The measures of one shape: what layout, writers and lint go by."""

    shape: Shape
    line_chars: int
    lines: int
    shortest_s: float
    longest_s: float
    aim_cps: float
    warn_cps: float
    most_cps: float
    gap_s: float
    grid_s: float
    labelled: bool  # a new speaker's alias stands in the text and takes room there; else it is beside it


def profile(shape: Shape, params: CaptionParams | None = None) -> Profile:
    """The profile of a shape under these settings, or the defaults."""
    params = params or CaptionParams()
    chars, lines = {
        Shape.LANDSCAPE: (params.line_chars, params.lines),
        Shape.SQUARE: (params.line_chars, params.lines),
        Shape.VERTICAL: (params.vertical_line_chars, params.vertical_lines),
        Shape.SRT: (params.srt_line_chars, params.srt_lines),
    }[shape]
    return Profile(
        shape=shape,
        line_chars=chars,
        lines=lines,
        shortest_s=params.shortest_s,
        longest_s=params.longest_s,
        aim_cps=params.aim_cps,
        warn_cps=params.warn_cps,
        most_cps=params.most_cps,
        gap_s=params.gap_s,
        grid_s=params.grid_s,
        labelled=shape is Shape.SRT,
    )
