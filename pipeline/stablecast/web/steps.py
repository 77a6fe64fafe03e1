"""What an episode needs next, in plain words for the pages: what `status` says in commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import flask

from stablecast.model import Role
from stablecast.studio.reviews import CardView
from stablecast.web import strings
from stablecast.web.house import house

LANES: Final = (
    ("words", "In the making", "Recordings, words and changes"),
    ("young-person", "The young person hears it", "Before anybody else says yes"),
    ("reviewer", "A reviewer listens", "To all of it"),
    ("lead", "The safeguarding lead decides", "With the risk form"),
    ("cooling-off", "Cooling off", "Anyone can still stop it"),
    ("ready", "Ready to publish", "A person does it"),
    ("public", "Public", "On the page and in the feed"),
    ("held", "On hold", "Nothing of it is public"),
    ("withdrawn", "Withdrawn", "For good"),
)
SHOWN_EMPTY: Final = frozenset(
    ("words", "young-person", "reviewer", "lead")
)  # the others only when something is in them

_PASSED: Final = {
    "young-person": "Make a link and sit down with the young person.",
    "reviewer": "A reviewer who did not make this cut hears all of it.",
    "lead": "The safeguarding lead hears it and answers the risk form.",
    "publish": "Everybody said yes and the waiting time is over. A person publishes it with the command `publish`.",
}
_CLOSED: Final = {
    "proposals": "Answer the places that may identify somebody.",
    "prove": "Mend what the last check found, then run it again.",
    "content-note": "Write the content note, so that listeners know what is coming.",
    "consent": "Record what the young person said yes to.",
    "freeze": "Run it once more to freeze the cut.",
    "changes": "Somebody changed words or marks. Run it to make the new cut.",
    "cooling-off": "Wait. Anyone can still stop it.",
    "hold": "It is on hold until the safeguarding lead lifts that.",
    "verify": "It is damaged. Put it back from a backup.",
}


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed, why, and on which part of the desk it is done."""

    what: str
    why: str
    place: str


def need(card: CardView) -> Need:
    """What this episode needs next."""
    gate = card.gate
    if card.lane == "withdrawn":
        return Need("Nothing. It is withdrawn and does not come back.", "", "")
    if card.held:
        return Need(_CLOSED["hold"], "", "")
    if card.wish == "change":
        return Need("A change was asked for. Make it, then run it again.", "", "words")
    if gate is None:
        return Need("Nothing. It is published as it was approved.", "", "")
    if gate.reason is None:
        return Need(_PASSED.get(gate.name, gate.next), "", "link" if gate.name == "young-person" else "")
    why = sentence(gate.reason) if gate.name not in ("proposals", "content-note", "changes") else ""
    if gate.name == "run":
        what = "Run it again." if card.state == "failed" else "Run it: this computer works the recordings through."
        return Need(what, why if card.state == "failed" else "", "run")
    places = {"content-note": "details", "prove": "run", "freeze": "run", "changes": "run"}
    return Need(_CLOSED.get(gate.name, sentence(gate.reason)), why, places.get(gate.name, gate.name))


def sentence(text: str) -> str:
    """A reason as a sentence of its own."""
    text = text.strip()
    return text if not text else text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def said_yes(card: CardView) -> int:
    """How many of the three have said yes to this cut."""
    return len({approval.role for approval in card.approvals} & {Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD})


def card_of(episode: str) -> CardView:
    """The card of one episode. Raises 404 where there is none."""
    found = house().studio.card(episode)
    if found is None:
        flask.abort(404)
    return found


def day(iso: str) -> str:
    """A day as the staff's pages write it."""
    at = date.fromisoformat(iso[:10])
    return f"{at.day} {strings.text(strings.FIRST, f'month.{at.month}')} {at.year}"


def clock(seconds: float) -> str:
    """65.2 as 1:05."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
