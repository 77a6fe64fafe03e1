"""All episodes at a glance, and what was done with one, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stablecast.engine.audit import Entry
from stablecast.engine.workflow import State
from stablecast.errors import IntegrityFailure, StablecastError
from stablecast.model import Role
from stablecast.runner import EnclosureNotes
from stablecast.store import episode
from stablecast.store.episode import Tracks
from stablecast.store.state import EpisodeRow
from stablecast.studio import deciding, making
from stablecast.studio.reviewing import CHANGE
from stablecast.studio.reviews import BoardView, CardView, TimelineView
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import EpisodeView

_LANES: Final[Mapping[str, str]] = {
    State.FROZEN: "young-person",
    State.YOUNG_PERSON_APPROVED: "reviewer",
    State.STAFF_APPROVED: "lead",
    State.COOLING_OFF: "cooling-off",
    State.READY: "ready",
    State.PUBLISHED: "public",
    State.HELD: "held",
    State.WITHDRAWN: "withdrawn",
    State.ERASED: "withdrawn",
}
IN_THE_MAKING: Final = "words"


def board(show: OpenShow) -> BoardView:
    """Every episode with what is next. Needs the key: titles and aliases are sealed."""
    withdrawn = show.state.withdrawals()
    cards = tuple(_card(show, row) for row in show.state.episodes() if show.known(row) or row.id in withdrawn)
    return BoardView(show.state.show.demo, show.settings.show.title, cards)


def card(show: OpenShow, name: str) -> CardView | None:
    """One card of the board; None where there is no such episode. Needs the key."""
    row = next((row for row in show.state.episodes() if row.slug == name), None)
    if row is None or not (show.known(row) or row.id in show.state.withdrawals()):
        return None
    return _card(show, row)


def _card(show: OpenShow, row: EpisodeRow) -> CardView:
    try:
        facts = show.facts(row)
        view = making.view(show, row, facts)
    except IntegrityFailure as broken:  # the others are shown all the same
        return _damaged(making.damaged_view(show, row, broken))
    title, speakers, waiting = _told(show, row)
    return CardView(
        episode=row.slug,
        title=title,
        state=view.state,
        lane=_LANES.get(view.state, IN_THE_MAKING),
        gate=view.gate,
        cut=view.cut,
        approvals=view.approvals,
        doubts=view.doubts,
        open_proposals=facts.proposals,
        duration_s=_duration(show, row, view),
        changes_waiting=waiting,
        held=facts.held,
        wish=CHANGE if facts.sent_back else None,
        method=view.method,
        speakers=speakers,
    )


def _damaged(view: EpisodeView) -> CardView:
    return CardView(
        episode=view.episode,
        title=view.episode,
        state=view.state,
        lane=IN_THE_MAKING,
        gate=view.gate,
        cut=None,
        approvals=(),
        doubts=0,
        open_proposals=0,
        duration_s=None,
        changes_waiting=0,
        held=False,
        wish=None,
        method=view.method,
        speakers=(),
    )


def _told(show: OpenShow, row: EpisodeRow) -> tuple[str, tuple[str, ...], int]:
    """Title, aliases and changes that wait; an episode whose key is gone has its slug alone."""
    try:
        keys = show.keyring.entry(row.id).keys
        record = episode.read(show.workspace, row.slug)
        tracks = episode.get_input(show.workspace, row.slug, record, "tracks", Tracks, keys).tracks
        title = making.bench(show, row).details().title
        return title, tuple(track.speaker for track in tracks), deciding.kept(show, row).waiting
    except StablecastError:
        return row.slug, (), 0


def _duration(show: OpenShow, row: EpisodeRow, view: EpisodeView) -> float | None:
    if not any(stage.stage == "tag" and stage.up_to_date for stage in view.stages):
        return None
    return making.bench(show, row).notes("tag", EnclosureNotes)[0].duration_s


# --- what was done ---------------------------------------------------------------------------------------------------------

_DONE: Final[Mapping[str, str]] = {
    "added": "took the recordings in",
    "details-changed": "changed the words about the episode",
    "consent": "recorded what the young person said yes to",
    "processed": "worked the recordings through",
    "frozen": "froze a new cut",
    "corrected": "made a cut that follows what was decided",
    "words-changed": "changed words or marks",
    "words-exported": "wrote the words into a file",
    "proposals-answered": "answered places that may identify somebody",
    "previewed": "listened to voices",
    "heard": "laid the cut in a folder, to be heard",
    "link-made": "made a link for the young person",
    "link-opened": "opened their link",
    "receipt-made": "made a new receipt code",
    "approved-young-person": "said yes as the young person",
    "approved-reviewer": "said yes as the reviewer",
    "approved-lead": "said yes as the safeguarding lead",
    "approval-refused": "tried to say yes, with a wrong name or password",
    "change-asked": "asked for a change",
    "held": "put it on hold",
    "hold-lifted": "lifted the hold",
    "published": "published it",
    "withdrawn": "withdrew it",
    "purge-begun": "asked for everything to be destroyed",
    "erased": "destroyed everything of it",
    "kept-long-enough": "came to the end of the time that it is kept for",
    "recording-destroyed": "destroyed the recording",
    "kept-longer": "chose to keep it longer",
    "protected": "added a word to the list of those that must go",
    "speaker-renamed": "gave a speaker another alias",
    "filmed": "made a film",
    "reported": "wrote a report",
}


def timeline(show: OpenShow, name: str) -> tuple[TimelineView, ...]:
    """What was done with an episode, oldest first. People are named as they call themselves here."""
    row = show.row(name)
    names = {
        account.id: "the young person" if account.roles == (Role.YOUNG_PERSON,) else account.name
        for account in show.state.accounts()
    }
    return tuple(
        TimelineView(entry.at[:19], _who(entry, names), _DONE.get(entry.action, entry.action.replace("-", " ")))
        for entry in show.state.audit()
        if entry.episode == row.id
    )


def _who(entry: Entry, names: Mapping[str, str]) -> str:
    if entry.actor == OPERATOR:
        return "somebody at this computer"
    return names.get(entry.actor, "the receipt code" if entry.actor == "receipt" else "the computer")
