"""Fonts to write with: the show's own, the one that comes with Pillow, and those of this computer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import ImageFont

from stablecast.errors import UsageRefused

LARGEST: Final = 32 * 1024**2  # bytes; the largest fonts there are hold a whole writing system
_FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
)
_PLAIN: Final = ("Sans-Regular", "Sans", "Regular")  # in a file's name: upright, not bold, easy to read


def fonts(own: Path | None) -> Iterator[bytes]:
    """Font files to try, best first. `own` alone where the show names one. Raises UsageRefused where that is none.

    Files that cannot be read are passed over; fonts of this computer come in an order that depends on their names alone.
    """
    if own is not None:
        yield _own(own)
        return
    shipped = ImageFont.load_default(24)
    if isinstance(shipped, ImageFont.FreeTypeFont) and isinstance(shipped.path, io.BytesIO):
        yield shipped.path.getvalue()
    found = {path for folder in _FOLDERS for path in folder.expanduser().rglob("*") if path.suffix in (".ttf", ".otf")}
    for path in sorted(found, key=_order):
        try:
            if path.stat().st_size <= LARGEST:
                yield path.read_bytes()
        except OSError:
            continue


def _own(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageRefused("show.toml: audiogram.font names a file that is too large for a font")
        data = path.read_bytes()
        ImageFont.truetype(io.BytesIO(data), 24)
    except OSError as unreadable:
        raise UsageRefused("show.toml: audiogram.font names a file in config/ that is no font") from unreadable
    return data


def _order(path: Path) -> tuple[int, str, str]:
    plain = next((number for number, part in enumerate(_PLAIN) if path.stem.endswith(part)), len(_PLAIN))
    return plain, path.name, str(path)
