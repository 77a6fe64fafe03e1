"""A content note in words: what is coming, and roughly where. Plain and short; it neither warns off nor draws in."""

from __future__ import annotations

from dataclasses import dataclass

from stablecast.model import ContentNote, Details


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How a place in an episode is said. Roughly: a listener decides by it, and does not seek to the second."""

    start: str = "near the start"
    middle: str = "around the middle"
    end: str = "near the end"
    throughout: str = "throughout"
    minute: str = "around minute {}"
    minutes: str = "between minutes {} and {}"


def content_note(details: Details, whereabouts: Whereabouts) -> str:
    """All that the note of an episode says, on one line; "" where there is none."""
    kinds = "; ".join(_told(note, whereabouts) for note in details.notes)
    text = details.content_note.strip()
    if text and kinds and not text.endswith((".", "!", "?", "…")):
        text += "."
    return f"{text} {kinds}".strip()


def _told(note: ContentNote, whereabouts: Whereabouts) -> str:
    kind = note.kind.strip().rstrip(".")
    if not note.where:
        return kind
    if note.where[0].isdigit():
        first, _, last = note.where.partition("-")
        where = whereabouts.minutes.format(first, last) if last else whereabouts.minute.format(first)
    else:
        where = getattr(whereabouts, note.where)
    return f"{kind} ({where})"
