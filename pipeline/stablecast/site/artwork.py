"""A cover for a show that has none: quiet hills made of waves, under the show's title."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIDE_PX: Final = 1600  # Apple: square, 1400 to 3000
MAX_BYTES: Final = 512 * 1024

_MARGIN_PX: Final = 130
_TITLE_PX: Final = range(190, 70, -6)  # sizes to try, the largest first
_TITLE_HEIGHT_PX: Final = 660

# Sky at the top, sky at the horizon, hills from far to near, letters.
_PALETTES: Final = (
    ("#fbeedd", "#f6c9a0", ("#e9a06f", "#cf7550", "#9c4a3c", "#6a2f33", "#3d1d2a"), "#4a2027"),
    ("#f3f0e2", "#d9e0c3", ("#b3c29a", "#86a17c", "#5b7f66", "#375d52", "#1e3d3b"), "#1f3f3b"),
    ("#eef1f4", "#cfdbe6", ("#a6bed0", "#7b9cb6", "#557893", "#385670", "#21374c"), "#21374c"),
    ("#f8ebe8", "#ecc7c4", ("#d59a9c", "#b4707d", "#8b4f66", "#63374f", "#3f2238"), "#47253c"),
    ("#fdf3d8", "#f4d79a", ("#dfb163", "#bd8743", "#8f6038", "#624330", "#3b2a24"), "#45302a"),
)


@functools.lru_cache(maxsize=4)
def cover(title: str) -> bytes:
    """A square RGB JPEG for a show with this title, without metadata. The same title gives the same picture.

    A title in letters the built-in font does not have is left out: the picture stands alone.
    """
    seed = hashlib.sha256(title.encode("utf-8", "replace")).digest()
    top, horizon, hills, letters = _PALETTES[seed[0] % len(_PALETTES)]
    image = Image.fromarray(_landscape(seed, _rgb(top), _rgb(horizon), [_rgb(hill) for hill in hills]), "RGB")
    _write(image, " ".join(title.split()), letters)
    for quality in range(90, 30, -10):
        stored = io.BytesIO()
        image.save(stored, "JPEG", quality=quality, subsampling=0, optimize=True)
        if stored.tell() <= MAX_BYTES:
            break
    return stored.getvalue()


def _landscape(
    seed: bytes, top: NDArray[np.float64], horizon: NDArray[np.float64], hills: list[NDArray[np.float64]]
) -> NDArray[np.uint8]:
    y = np.linspace(0, 1, SIDE_PX)[:, None]
    x = np.linspace(0, 1, SIDE_PX)[None, :]
    pixels = np.broadcast_to(_mix(top, horizon, np.clip(y / 0.62, 0, 1)[..., None]), (SIDE_PX, SIDE_PX, 3)).copy()

    centre_x, centre_y, radius = 0.25 + 0.5 * seed[1] / 255, 0.60, 0.11
    disc = np.clip((radius - np.hypot(x - centre_x, y - centre_y)) * SIDE_PX, 0, 1)
    pixels = _mix(pixels, np.full(3, 255.0), 0.55 * disc[..., None])

    for number, hill in enumerate(hills):
        phases = 2 * np.pi * np.frombuffer(seed, np.uint8)[2 + 3 * number : 5 + 3 * number] / 256
        wave = sum(
            np.sin(2 * np.pi * turns * x + phase) / turns for turns, phase in zip((1, 2, 5), phases, strict=True)
        )
        ridge = 0.62 + 0.085 * number + 0.028 * wave
        below = np.clip((y - ridge) * SIDE_PX, 0, 1)[..., None]  # one pixel of blur at the edge
        depth = np.clip((y - ridge) / 0.35, 0, 1)[..., None]
        pixels = _mix(pixels, _mix(hill, hill * 0.82, depth), below)
    return np.rint(pixels).astype(np.uint8)


def _write(image: Image.Image, title: str, colour: str) -> None:
    draw = ImageDraw.Draw(image)
    for size in _TITLE_PX:
        font = ImageFont.load_default(size)
        if not title or not has_letters(font, title):
            return
        lines = _wrapped(draw, title, font, SIDE_PX - 2 * _MARGIN_PX)
        height = len(lines) * size * 1.16
        if lines and height <= _TITLE_HEIGHT_PX:
            break
    else:
        return
    for number, text in enumerate(lines):
        draw.text((_MARGIN_PX, _MARGIN_PX + number * size * 1.16), text, fill=colour, font=font)


def _wrapped(
    draw: ImageDraw.ImageDraw, title: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    """`title` in lines no wider than `width`, or nothing if one of its words is."""
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= width:
            lines[-1] = longer
        elif draw.textlength(word, font=font) <= width:
            lines.append(word)
        else:
            return []
    return [line for line in lines if line]


def has_letters(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, wanted: Iterable[str]) -> bool:
    """Whether a font can write these letters; a space needs nothing."""
    missing = bytes(font.getmask("\uffff"))
    return all(bytes(font.getmask(letter)) != missing for letter in set(wanted) - {" "})


def _mix(below: NDArray[np.float64], above: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    return below + (above - below) * share


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], np.float64)
