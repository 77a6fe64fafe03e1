"""Where everything stands in the picture, for each shape. Pixels; x and y count from the left and the top.

Sizes are those that video sites ask for. The lower sixth of a tall picture stays free: apps put their own controls there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stablecast.captions.profiles import Shape

LARGEST_NOTE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class AudiogramParams:
    """config/show.toml, table [audiogram]."""

    fps: int = 25  # pictures a second
    quality: int = 21  # x264's CRF: lower is better and larger
    audio_kbps: int = 128  # kbit/s of AAC; the sound is coded a second time, so more than the MP3 has
    note_s: float = 6.0  # seconds the content note is shown before anything is heard, where there is one
    font: str = ""  # a font file in config/; empty: one on this computer that has the letters

    def __post_init__(self) -> None:
        if not 10 <= self.fps <= 60:
            raise ValueError("fps is from 10 to 60")
        if not 15 <= self.quality <= 35:
            raise ValueError("quality is from 15 to 35")
        if not 64 <= self.audio_kbps <= 320:
            raise ValueError("audio_kbps is from 64 to 320")
        if not 3 <= self.note_s <= LARGEST_NOTE_S:
            raise ValueError(f"note_s is from 3 to {LARGEST_NOTE_S:g}: a note has to be read")
        if "/" in self.font or self.font == "..":
            raise ValueError("font is the name of a file in config/, without a folder")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture of one shape. `art` and `wave` are None where only captions are shown."""

    width: int
    height: int
    art: Box | None
    title: Box
    title_px: int  # the largest size of the title; a long one is set smaller
    wave: Box | None
    captions: Box
    caption_px: int
    centred: bool


_FRAMES: Final = {
    Shape.LANDSCAPE: Frame(
        1920, 1080, Box(110, 96, 400, 400), Box(570, 96, 1240, 400), 84, Box(110, 560, 1700, 180),
        Box(110, 780, 1700, 230), 66, centred=False,
    ),
    Shape.SQUARE: Frame(
        1080, 1080, Box(70, 70, 300, 300), Box(410, 70, 600, 300), 58, Box(70, 430, 940, 150),
        Box(70, 640, 940, 300), 46, centred=False,
    ),
    Shape.VERTICAL: Frame(
        1080, 1920, Box(290, 180, 500, 500), Box(90, 720, 900, 210), 58, Box(90, 970, 900, 170),
        Box(90, 1190, 900, 390), 62, centred=True,
    ),
}  # fmt: skip

_CAPTIONS_ONLY: Final = {
    Shape.LANDSCAPE: Frame(
        1920, 1080, None, Box(160, 80, 1600, 130), 48, None, Box(160, 330, 1600, 420), 80, centred=True
    ),
    Shape.SQUARE: Frame(1080, 1080, None, Box(70, 70, 940, 120), 40, None, Box(60, 330, 960, 420), 48, centred=True),
    Shape.VERTICAL: Frame(1080, 1920, None, Box(90, 200, 900, 170), 44, None, Box(70, 620, 940, 560), 68, centred=True),
}


def frame(shape: Shape, *, captions_only: bool = False) -> Frame:
    """Where things stand in a picture of this shape. Raises ValueError for a shape that no film has."""
    found = (_CAPTIONS_ONLY if captions_only else _FRAMES).get(shape)
    if found is None:
        raise ValueError(f"there is no film in the shape of {shape}")
    return found
