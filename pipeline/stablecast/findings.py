"""What a lint says of something that will be public: which rule, how bad, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps a show out of a directory, or tells too much, or cannot be read; a warning makes it worse for some."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what to do about it."""

    rule: str
    severity: Severity
    source: str  # who asks for it
    place: str  # "channel", "item 3" counted from the top, "cue 12 at 1:02.5"; never a word of it
    message: str
