"""The characters a young person can choose from: how a new voice sounds, never how well an old one is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast import codecs

_DONOR = re.compile(r"[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?")


def donor_name(text: str) -> str:
    """`text` as a donor's name: 1 to 32 of a–z, 0–9 and inner hyphens. Raises ValueError otherwise."""
    if not _DONOR.fullmatch(text):
        raise ValueError("donor is named by 1 to 32 small letters, digits and hyphens, such as willow")
    return text


@dataclass(frozen=True, slots=True)
class Character:
    """A new voice's centre; every episode's draw moves away from it, so a character is not one voice."""

    name: str
    register_hz: float  # median f0
    tract: float  # formants against a middle voice's: under 1 sounds bigger, over 1 smaller
    words: str = ""  # how it sounds, in plain words for the person who chooses
    donor: str = "alder"  # whose sound it has: one that ships with us, or a file in config/donors

    def __post_init__(self) -> None:
        if not 80 <= self.register_hz <= 300:
            raise ValueError("register_hz is 80 to 300: lower or higher is no voice people can follow")
        if not 0.8 <= self.tract <= 1.25:
            raise ValueError("tract is 0.8 to 1.25: beyond that vowels are mistaken for others")
        donor_name(self.donor)


DEFAULTS: Mapping[str, Character] = {
    character.name: character
    for character in (
        Character("hazel", 150.0, 1.0, "a middle voice, neither high nor low", "alder"),
        Character("rowan", 104.0, 0.93, "a deep, big voice", "birch"),
        Character("linden", 124.0, 0.97, "a low, soft voice", "elder"),
        Character("ash", 190.0, 1.05, "a higher, lighter voice", "cedar"),
        Character("sorrel", 225.0, 1.08, "a high, bright voice", "maple"),
    )
}


def characters(table: Mapping[str, object]) -> Mapping[str, Character]:
    """The built-in characters with those of config/voices.toml added; one of the same name takes the place of ours.

    Raises codecs.Misfit, which names the key, for what is unknown, missing, of a wrong type or out of range.
    """
    own = {name: _character(name, entry) for name, entry in table.items()}
    return {**DEFAULTS, **own}


def _character(name: str, entry: object) -> Character:
    if not isinstance(entry, Mapping):
        raise codecs.Misfit((name,), "needs a table")
    if "name" in entry:
        raise codecs.Misfit((name, "name"), "is not a setting: the heading is the name")
    read: Character = codecs.read(Character, {**entry, "name": name}, (name,))
    return read
