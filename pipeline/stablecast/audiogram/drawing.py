"""The still parts of a film: the ground with cover and title, the card with the content note, and a card for each caption.

Drawn here and not by ffmpeg, so that the same font is measured and used, and no words go through a file that ffmpeg reads.
"""

from __future__ import annotations

import bisect
import functools
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stablecast.audiogram.frames import Box, Frame
from stablecast.captions.fitting import Shown, fitted
from stablecast.captions.profiles import Profile
from stablecast.model import Cue
from stablecast.site import artwork

_LEAST_CONTRAST: Final = 7.0  # WCAG 2.2, 1.4.6 (enhanced)
_LEADING: Final = 1.28  # of a line, in sizes
_ALIAS: Final = 0.62  # an alias is so much smaller than what is said
_SMALLEST_PX: Final = 18
_INK: Final = (255, 255, 255)
_CLEAR: Final = (0, 0, 0, 0)

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a film, taken from its cover. Both are read on `ground`."""

    ground: tuple[int, int, int]
    accent: tuple[int, int, int]  # waveform, aliases


@dataclass(frozen=True, slots=True)
class Card:
    """What is laid over the ground from one time on: RGBA rows, `box` large."""

    start_ms: int
    pixels: bytes


def colours(cover: bytes) -> Colours:
    """A dark ground and a light accent out of the cover, made darker or lighter until white and accent are read on it."""
    small = Image.open(io.BytesIO(cover)).convert("RGB").resize((48, 48), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float64).reshape(-1, 3)
    order = np.argsort(pixels @ np.array([0.2126, 0.7152, 0.0722]))
    ground = pixels[order[: len(order) // 8]].mean(axis=0)
    vivid = pixels[np.argmax(pixels.max(axis=1) - pixels.min(axis=1))]
    while contrast(_rounded(ground), _INK) < 2 * _LEAST_CONTRAST and ground.max() > 1:
        ground *= 0.9
    accent = vivid
    while contrast(_rounded(accent), _rounded(ground)) < _LEAST_CONTRAST:
        accent = accent + (255 - accent) * 0.1 + 1
    return Colours(_rounded(ground), _rounded(accent))


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""

    def luminance(colour: tuple[int, int, int]) -> float:
        shares = np.asarray(colour, np.float64) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        return float(linear @ np.array([0.2126, 0.7152, 0.0722]))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ground(frame: Frame, cover: bytes, title: str, show: str, font: bytes) -> bytes:
    """The picture without waveform and captions: RGB rows."""
    used = colours(cover)
    image = Image.new("RGB", (frame.width, frame.height), used.ground)
    if frame.art is not None:
        art = Image.open(io.BytesIO(cover)).convert("RGB")
        image.paste(
            art.resize((frame.art.width, frame.art.height), Image.Resampling.LANCZOS), (frame.art.x, frame.art.y)
        )
    draw = ImageDraw.Draw(image)
    box, small = frame.title, round(frame.title_px * _ALIAS)
    _block(draw, Box(box.x, box.y, box.width, small * 2), [show], _font(font, small), used.accent, frame.centred)
    below = Box(box.x, box.y + round(small * 1.7), box.width, box.height - round(small * 1.7))
    lines, size = _fitting(draw, title, font, frame.title_px, below)
    _block(draw, below, lines, _font(font, size), _INK, frame.centred)
    return image.tobytes()


def note_card(frame: Frame, cover: bytes, heading: str, note: str, support: str, font: bytes) -> bytes:
    """What stands in the whole picture before anything is heard: RGBA rows."""
    used = colours(cover)
    image = Image.new("RGBA", (frame.width, frame.height), (*used.ground, 255))
    draw = ImageDraw.Draw(image)
    side = round(frame.width * 0.09)
    top, width = round(frame.height * 0.2), frame.width - 2 * side
    large = round(frame.width / 24) if frame.width > frame.height else round(frame.width / 17)
    _block(draw, Box(side, top, width, 2 * large), [heading], _font(font, large), used.accent, False)
    room = Box(side, top + round(1.9 * large), width, round(frame.height * 0.4))
    lines, size = _fitting(draw, note, font, large, room)
    _block(draw, room, lines, _font(font, size), _INK, False)
    if support:
        under = Box(side, room.y + room.height + large, width, round(frame.height * 0.2))
        lines, size = _fitting(draw, support, font, round(large * 0.7), under)
        _block(draw, under, lines, _font(font, size), _INK, False)
    return image.tobytes()


def cards(
    cues: Sequence[Cue], profile: Profile, frame: Frame, accent: tuple[int, int, int], font: bytes
) -> Iterator[Card]:
    """A card wherever what is read changes, in order; the first at 0, and an empty one wherever nothing is said."""
    named = len({cue.speaker for cue in cues}) > 1
    shown = list(fitted(cues, profile))
    empty = bytes(4 * frame.captions.width * frame.captions.height)
    yield Card(0, empty)
    for each, after in itertools.zip_longest(shown, shown[1:]):
        yield Card(each.cue.start_ms, _caption(each, frame, accent if named else None, font))
        if after is None or after.cue.start_ms > each.cue.end_ms:
            yield Card(each.cue.end_ms, empty)


def layer(cards: Sequence[Card], *, start_s: float, length_s: float, lead_s: float, fps: int) -> Iterator[bytes]:
    """The cards as so many pictures a second, for a film of `length_s` that begins at `start_s`, after `lead_s` without any."""
    starts, empty = [card.start_ms for card in cards], bytes(len(cards[0].pixels))
    yield from itertools.repeat(empty, round(lead_s * fps))
    for number in range(round(length_s * fps)):
        at_ms = round(1000 * (start_s + number / fps))
        yield cards[bisect.bisect_right(starts, at_ms) - 1].pixels


def letters(texts: Sequence[str]) -> frozenset[str]:
    """Every letter and sign a font has to have for these texts."""
    return frozenset("".join(texts)) - frozenset(" \n\t\u00a0\u200b\u200c\u200d\u2060")


def has_letters(font: bytes, wanted: frozenset[str]) -> bool:
    """Whether a font can write all of `wanted`. False for bytes that are no font."""
    try:
        return artwork.has_letters(_font(font, 24), wanted)
    except OSError:
        return False


def _caption(shown: Shown, frame: Frame, accent: tuple[int, int, int] | None, font: bytes) -> bytes:
    box = Box(0, 0, frame.captions.width, frame.captions.height)
    image = Image.new("RGBA", (box.width, box.height), _CLEAR)
    draw = ImageDraw.Draw(image)
    size, top = frame.caption_px, 0
    if accent is not None:
        small = round(size * _ALIAS)
        _block(draw, Box(0, 0, box.width, 2 * small), [shown.cue.speaker], _font(font, small), accent, frame.centred)
        top = round(small * 1.5)
    while size > _SMALLEST_PX and not (
        all(draw.textlength(line, font=_font(font, size)) <= box.width for line in shown.lines)
        and top + len(shown.lines) * size * _LEADING <= box.height
    ):
        size -= 2
    _block(draw, Box(0, top, box.width, box.height - top), list(shown.lines), _font(font, size), _INK, frame.centred)
    return image.tobytes()


def _fitting(draw: ImageDraw.ImageDraw, text: str, font: bytes, largest: int, box: Box) -> tuple[list[str], int]:
    """`text` in lines that fit into `box`, in the largest size in which they do; the smallest if none does."""
    lines: list[str] = []
    for size in range(largest, _SMALLEST_PX - 1, -2):
        lines = [part for row in text.splitlines() for part in _wrapped(draw, row, _font(font, size), box.width)]
        if len(lines) * size * _LEADING <= box.height and all(
            draw.textlength(line, font=_font(font, size)) <= box.width for line in lines
        ):
            return lines, size
    return lines, _SMALLEST_PX


def _wrapped(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or draw.textlength(longer, font=font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _block(
    draw: ImageDraw.ImageDraw, box: Box, lines: list[str], font: Font, colour: tuple[int, int, int], centred: bool
) -> None:
    for number, text in enumerate(lines):
        x = box.x + (round((box.width - draw.textlength(text, font=font)) / 2) if centred else 0)
        draw.text((x, box.y + round(number * font.size * _LEADING)), text, fill=colour, font=font)


@functools.lru_cache(maxsize=64)
def _font(font: bytes, size: int) -> Font:
    return ImageFont.truetype(io.BytesIO(font), size)


def _rounded(colour: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[int, int, int]:
    red, green, blue = (round(float(part)) for part in np.clip(colour, 0, 255))
    return red, green, blue
