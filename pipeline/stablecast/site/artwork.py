"""The pictures of a show: its own cover, made anew from its pixels, or quiet hills made of waves under the title.

A cover comes from outside. Its size and its end are read from its structure before any decoder sees it; the decoder sees
the picture alone, and only pixels go on: no place where it was taken, no name, no thumbnail, nothing hidden behind its end.
"""

from __future__ import annotations

import functools
import hashlib
import io
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stablecast.errors import InputRefused
from stablecast.site.colours import Palette, rgb, scheme_number

SIDE_PX: Final = 1600  # Apple: square, 1400 to 3000
MAX_BYTES: Final = 512 * 1024
SMALL_PX: Final = 480  # on a page: at most 240 wide, and twice that for fine screens
CARD_PX: Final = (1200, 630)  # what Open Graph's readers ask for
TAKEN_PX: Final = (1400, 3000)  # of a cover somebody made
TAKEN_BYTES: Final = 24 * 1024 * 1024

_MARGIN_PX: Final = 130
_TITLE_PX: Final = range(190, 70, -6)  # sizes to try, the largest first
_TITLE_HEIGHT_PX: Final = 660
_LEADING: Final = 1.16  # of a line, in sizes

# Sky at the top, sky at the horizon, hills from far to near, letters.
_PALETTES: Final = (
    ("#fbeedd", "#f6c9a0", ("#e9a06f", "#cf7550", "#9c4a3c", "#6a2f33", "#3d1d2a"), "#4a2027"),
    ("#f3f0e2", "#d9e0c3", ("#b3c29a", "#86a17c", "#5b7f66", "#375d52", "#1e3d3b"), "#1f3f3b"),
    ("#eef1f4", "#cfdbe6", ("#a6bed0", "#7b9cb6", "#557893", "#385670", "#21374c"), "#21374c"),
    ("#f8ebe8", "#ecc7c4", ("#d59a9c", "#b4707d", "#8b4f66", "#63374f", "#3f2238"), "#47253c"),
    ("#fdf3d8", "#f4d79a", ("#dfb163", "#bd8743", "#8f6038", "#624330", "#3b2a24"), "#45302a"),
)


_MODES: Final = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_PICTURE: Final = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_JPEG_ASIDES: Final = frozenset(
    (*range(0xE0, 0xEE), 0xEF, 0xFE)
)  # all APPn but Adobe's, which says how colours are coded
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length


@dataclass(frozen=True, slots=True)
class Art:
    """The pictures of a show as JPEG: for the feed and films, for its pages, and for a link somebody shares."""

    cover: bytes = field(repr=False)
    small: bytes = field(repr=False)
    card: bytes = field(repr=False)  # cover and title of the show, and nothing of an episode


@functools.lru_cache(maxsize=4)
def art(title: str, palette: Palette, own: bytes | None = None) -> Art:
    """The pictures of a show with this title, from its `own` cover as `taken` made it, else from one drawn for it.

    Equal input gives equal bytes.
    """
    made = own if own is not None else cover(title)
    image = Image.open(io.BytesIO(made), formats=("JPEG",))
    small = image.resize((SMALL_PX, SMALL_PX), Image.Resampling.LANCZOS)
    beside = image if own is not None else _hills(title)  # the card says the title itself
    card = Image.new("RGB", CARD_PX, rgb(palette.page))
    card.paste(beside.resize((CARD_PX[1], CARD_PX[1]), Image.Resampling.LANCZOS), (0, 0))
    _title(card, " ".join(title.split()), palette)
    return Art(made, _stored(small), _stored(card))


def taken(data: bytes) -> bytes:
    """A cover somebody made, as a JPEG of our own: its pixels and nothing else. Raises InputRefused.

    PNG or JPEG, square, 1400 to 3000 px, one still picture that ends where its file does.
    """
    if len(data) > TAKEN_BYTES:
        raise InputRefused(f"the cover is larger than {TAKEN_BYTES // 2**20} MB; save it smaller, as JPEG or PNG")
    try:
        width, height, picture = _looked_at(data)
    except (struct.error, IndexError) as cut_off:
        raise InputRefused("the cover is damaged or cut off; save it anew, as JPEG or PNG") from cut_off
    least, most = TAKEN_PX
    if width != height or not least <= width <= most:
        raise InputRefused(f"the cover is {width} × {height} px; it has to be square, {least} to {most} px")
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as image:
            if image.format not in ("JPEG", "PNG") or image.size != (width, height) or image.mode not in _MODES:
                raise InputRefused("the cover is of a kind that is not taken; save it as JPEG or PNG, 8 bits a colour")
            plain = image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
            if plain.mode == "RGBA":
                plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain).convert("RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as damaged:
        raise InputRefused("the cover cannot be read; save it anew, as JPEG or PNG") from damaged
    if width > SIDE_PX:
        plain = plain.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    return _stored(plain)


def _looked_at(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and the bytes to decode, from the structure alone. Raises InputRefused for what is not one picture."""
    if data.startswith(_PNG):
        return _looked_at_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _looked_at_jpeg(data)
    raise InputRefused("the cover is neither JPEG nor PNG, whatever it is called; save it as one of them")


def _looked_at_png(data: bytes) -> tuple[int, int, bytes]:
    width, height = struct.unpack_from(">II", data, 16)
    at, kept, kind = len(_PNG), [_PNG], b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise IndexError(end)
        if kind == b"acTL":
            raise InputRefused("the cover moves; save one still picture, as JPEG or PNG")
        if kind in _PNG_PICTURE:  # what is packed in other chunks is never unpacked
            kept.append(data[at:end])
        at = end
    _nothing_after(data, at)
    return width, height, b"".join(kept)


def _looked_at_jpeg(data: bytes) -> tuple[int, int, bytes]:
    at, kept, size = 2, [data[:2]], (0, 0)
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        lead, marker = data[at], data[at + 1]
        if lead != 0xFF or marker in (0x00, _SOI):
            raise IndexError(at)
        start, at = at, at + 2
        if marker == _EOI:
            break
        if marker not in _BARE:
            (length,) = struct.unpack_from(">H", data, at)
            if length < 2:
                raise IndexError(at)
            if marker in _SOF:
                height, width = struct.unpack_from(">HH", data, at + 3)
                if size not in ((0, 0), (width, height)):
                    raise IndexError(at)
                size = (width, height)
            at += length
            if marker == _SOS:
                at = _after_scan(data, at)
        if marker not in _JPEG_ASIDES:
            kept.append(data[start:at])
    _nothing_after(data, at)
    return *size, b"".join([*kept, b"\xff\xd9"])


def _after_scan(data: bytes, at: int) -> int:
    """Where the next marker is that does not belong to the coded pixels."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError(at)
        if data[at + 1] != 0x00 and data[at + 1] not in _BARE:
            return at
        at += 2


def _nothing_after(data: bytes, end: int) -> None:
    if data[end:].strip(b"\0"):
        raise InputRefused("the cover has something behind the end of its picture; save it anew, as JPEG or PNG")


@functools.lru_cache(maxsize=4)
def cover(title: str) -> bytes:
    """A square RGB JPEG for a show with this title, without metadata. The same title gives the same picture.

    A title in letters the built-in font does not have is left out: the picture stands alone.
    """
    image = _hills(title).copy()
    _write(image, " ".join(title.split()), _PALETTES[scheme_number(title)][3])
    return _stored(image)


@functools.lru_cache(maxsize=1)
def _hills(title: str) -> Image.Image:
    """The picture under a title, without it."""
    seed = hashlib.sha256(title.encode("utf-8", "replace")).digest()
    top, horizon, hills, _ = _PALETTES[scheme_number(title)]
    return Image.fromarray(_landscape(seed, _rgb(top), _rgb(horizon), [_rgb(hill) for hill in hills]), "RGB")


def _stored(image: Image.Image) -> bytes:
    """The pixels as a JPEG that has a JFIF header and no other metadata."""
    bare = Image.frombytes("RGB", image.size, image.tobytes())
    for quality in range(90, 10, -10):
        stored = io.BytesIO()
        bare.save(stored, "JPEG", quality=quality, subsampling=0, optimize=True)
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
    room = (SIDE_PX - 2 * _MARGIN_PX, _TITLE_HEIGHT_PX)
    draw = ImageDraw.Draw(image)
    lines, size = _fitted(draw, title, room, _TITLE_PX)
    _lines(draw, lines, size, (_MARGIN_PX, _MARGIN_PX), colour)


def _title(card: Image.Image, title: str, palette: Palette) -> None:
    """The title in the middle of the free part of a card, over a short line in the colour of links."""
    draw, left, width = ImageDraw.Draw(card), CARD_PX[1] + 60, CARD_PX[0] - CARD_PX[1] - 120
    lines, size = _fitted(draw, title, (width, 400), range(84, 30, -4))
    top = (CARD_PX[1] - len(lines) * size * _LEADING) / 2
    _lines(draw, lines, size, (left, top - 16), palette.text)
    below = (CARD_PX[1] + len(lines) * size * _LEADING) / 2 + 12
    draw.rectangle((left, below, left + 96, below + 8), fill=palette.link)


def _fitted(draw: ImageDraw.ImageDraw, title: str, room: tuple[int, int], sizes: range) -> tuple[list[str], int]:
    """The title in lines, and the largest of `sizes` at which it fits; no lines where it does not, or lacks letters."""
    for size in sizes:
        font = ImageFont.load_default(size)
        if not title or not has_letters(font, title):
            break
        lines = _wrapped(draw, title, font, room[0])
        if lines and len(lines) * size * _LEADING <= room[1]:
            return lines, size
    return [], sizes[-1]


def _lines(draw: ImageDraw.ImageDraw, lines: list[str], size: int, at: tuple[float, float], colour: str) -> None:
    for number, text in enumerate(lines):
        draw.text((at[0], at[1] + number * size * _LEADING), text, fill=colour, font=ImageFont.load_default(size))


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
