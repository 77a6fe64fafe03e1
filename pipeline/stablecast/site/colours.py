"""The colours of the pages: a show's own, or a scheme made from its title; refused where they could not be read."""

from __future__ import annotations

import colorsys
import dataclasses
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

READABLE: Final = 4.5  # WCAG 2.2, 1.4.3: text on its ground
VISIBLE: Final = 3.0  # WCAG 2.2, 1.4.11: what is no text and has to be seen

_HEX: Final = re.compile(r"#[0-9a-f]{6}")
_HUES: Final = (
    0.055,
    0.36,
    0.57,
    0.95,
    0.10,
)  # of a title, in the order of the covers drawn for it: clay, moss, sea, heather, straw


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one look, as #rrggbb. Raises ValueError where two that lie on each other have too little contrast."""

    page: str
    panel: str
    text: str
    quiet: str
    link: str
    rule: str
    focus: str

    def __post_init__(self) -> None:
        for name in ("text", "quiet", "link"):
            for ground in ("page", "panel"):
                self._check(name, ground, READABLE)
        self._check("focus", "page", VISIBLE)
        self._check("focus", "panel", VISIBLE)

    def _check(self, name: str, ground: str, least: float) -> None:
        found = contrast(getattr(self, name), getattr(self, ground))
        if found < least:
            raise ValueError(
                f"{name} cannot be seen well enough on {ground}: their contrast is {found:.1f} and has to be {least:g}; "
                f"make one of them lighter or darker"
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """The colours a show chose for one look; what is empty is taken from the scheme."""

    page: str = ""  # behind everything
    panel: str = ""  # behind content notes and boxes
    text: str = ""
    quiet: str = ""  # dates, lengths, names of speakers
    link: str = ""  # links and buttons
    rule: str = ""  # thin lines
    focus: str = ""  # the ring around what the keyboard is at

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if value and not _HEX.fullmatch(value.lower()):
                raise ValueError(f'{each.name} is a colour such as "#8c3a1c": a # and six of 0–9 and a–f')


@dataclass(frozen=True, slots=True)
class Choices:
    """Table [colours] of config/site.toml."""

    light: Choice = field(default_factory=Choice)
    dark: Choice = field(default_factory=Choice)


@dataclass(frozen=True, slots=True)
class Colours:
    """What the pages look like by day, and where a device asks for a dark look."""

    light: Palette
    dark: Palette


def chosen(choices: Choices, title: str) -> Colours:
    """The colours of the show called `title`. Raises ValueError, beginning with the look and the colour to change."""
    scheme = scheme_for(title)
    looks = {}
    for look in ("light", "dark"):
        own = {name: value.lower() for name, value in dataclasses.asdict(getattr(choices, look)).items() if value}
        try:
            looks[look] = dataclasses.replace(getattr(scheme, look), **own)
        except ValueError as unreadable:
            raise ValueError(f"colours.{look}.{unreadable}") from unreadable
    return Colours(**looks)


def scheme_number(title: str) -> int:
    """Which of the schemes belongs to a title: that of the cover drawn for it."""
    return hashlib.sha256(title.encode("utf-8", "replace")).digest()[0] % len(_HUES)


def scheme_for(title: str) -> Colours:
    """Quiet colours for a show that chose none. The same title gives the same ones; all can be read."""
    hue = _HUES[scheme_number(title)]
    across = (hue + 0.5) % 1
    return Colours(
        Palette(
            page=_hsl(hue, 0.60, 0.972),
            panel=_hsl(hue, 0.55, 0.91),
            text=_hsl(hue, 0.16, 0.15),
            quiet=_hsl(hue, 0.13, 0.35),
            link=_hsl(hue, 0.62, 0.28),
            rule=_hsl(hue, 0.30, 0.84),
            focus=_hsl(across, 0.60, 0.30),
        ),
        Palette(
            page=_hsl(hue, 0.14, 0.10),
            panel=_hsl(hue, 0.16, 0.16),
            text=_hsl(hue, 0.25, 0.91),
            quiet=_hsl(hue, 0.16, 0.72),
            link=_hsl(hue, 0.72, 0.76),
            rule=_hsl(hue, 0.14, 0.28),
            focus=_hsl(across, 0.65, 0.72),
        ),
    )


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours #rrggbb, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(colour: str) -> tuple[int, int, int]:
    """A colour #rrggbb as three numbers to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _luminance(colour: str) -> float:
    shares = (part / 255 for part in rgb(colour))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hsl(hue: float, saturation: float, lightness: float) -> str:
    parts = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
