"""The reviewer's page: hear a cut, read and correct its words, and say yes to exactly its bytes.

The page is readable as the server sends it; the rest are small answers to its scripts. Every change is told to the other
pages that have the episode open: which version there is now and who made it, never a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from flask import Blueprint, request

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import REDACTED, Role
from stablecast.studio.finding import Given
from stablecast.studio.reviews import (
    CHECKLIST,
    CutView,
    FindingsView,
    HeardView,
    ManuscriptView,
    ParagraphView,
    PeaksView,
    RedactionsView,
    SavedView,
    StepView,
    Token,
    WishView,
)
from stablecast.studio.views import DoubtsView, GateView, ProposalsView, VersionView
from stablecast.web.frame import Answer, api, given, house, page, show, stream, visitor
from stablecast.web.live import HereView, topic
from stablecast.web.work import WorkView

pages = Blueprint("review", __name__)

READERS: Final = (Role.PRODUCER, Role.REVIEWER, Role.LEAD)
EDITORS: Final = (Role.PRODUCER, Role.REVIEWER)
MOST_STRETCHES: Final = 1000  # that one request may mark

CHECKS: Final[Mapping[str, str]] = {
    "names": "No name is left, of anybody.",
    "places": "No place, school, date or number is left that leads to somebody.",
    "others": "Nobody else can be recognised by what is told about them.",
    "note": "The content note says what is coming.",
    "captions": "The captions say what is said, and nothing that is taken out.",
    "sound": "No own voice is heard anywhere, and nothing can be heard where something is taken out.",
}
assert set(CHECKS) == set(CHECKLIST)  # noqa: S101  a question the gate asks for and the page does not show closes it for good


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph as it is first shown."""

    id: str
    speaker: str
    start_s: float
    text: str = field(repr=False)


def _line(said: ParagraphView) -> Line:
    shown = (word.text if word.text is not None else REDACTED for word in said.words)
    runs = ((text, list(run)) for text, run in groupby(shown))
    return Line(
        said.id,
        said.speaker,
        said.start_s,
        " ".join(text for text, run in runs for _ in (run[:1] if text == REDACTED else run)),
    )


@dataclass(frozen=True, slots=True)
class DeskView:
    """The cut and the gate as one person sees them."""

    cut: CutView | None
    heard: HeardView | None
    gate: GateView | None
    wishes: tuple[WishView, ...]
    held: bool
    waiting: int  # versions of the words that this cut does not have yet
    running: bool
    sentence: str  # why there is no cut


def _desk(episode: str) -> DeskView:
    studio = house().studio
    card = studio.card(episode)
    if card is None:
        raise UsageRefused("there is no episode of this name")
    running = house().work.at(episode) is not None
    try:
        cut = studio.cut(episode)
    except GateClosed as closed:
        return DeskView(None, None, card.gate, (), card.held, card.changes_waiting, running, str(closed))
    heard = studio.listened(episode, visitor().who, cut.digest)
    return DeskView(cut, heard, card.gate, studio.wishes(episode), card.held, card.changes_waiting, running, "")


@pages.get("/episodes/<episode>/review")
@page(*READERS)
def review(episode: str) -> Answer:
    """The page, with every word that may be read."""
    desk = _desk(episode)
    try:
        words: ManuscriptView | None = house().studio.manuscript(episode)
    except GateClosed:
        words = None
    return show(
        "review.html",
        episode=episode,
        desk=desk,
        cut=desk.cut,
        words=words,
        lines=[_line(paragraph) for paragraph in words.paragraphs] if words else [],
        me=visitor().key[:16],
        checks=CHECKS,
        edits=visitor().has(*EDITORS),
        approves=visitor().has(Role.REVIEWER),
    )


# --- what there is -----------------------------------------------------------------------------------------------------


@pages.get("/episodes/<episode>/cut")
@api(*READERS)
def cut(episode: str) -> DeskView:
    """The cut, what of it was heard, and the gate."""
    return _desk(episode)


@pages.get("/episodes/<episode>/manuscript")
@api(*READERS)
def manuscript(episode: str) -> ManuscriptView:
    """Every word as it stands now."""
    return house().studio.manuscript(episode)


@pages.get("/episodes/<episode>/findings")
@api(*READERS)
def findings(episode: str) -> FindingsView:
    """What a reader would stumble over in the captions of these words."""
    return house().studio.caption_findings(episode)


@pages.get("/episodes/<episode>/redactions")
@api(*READERS)
def redactions(episode: str) -> RedactionsView:
    """Everything that is taken out."""
    return house().studio.redactions(episode)


@pages.get("/episodes/<episode>/doubts")
@api(*READERS)
def doubts(episode: str) -> DoubtsView:
    """Where words may have been recognised that nobody said."""
    return house().studio.doubts_in_file(episode)


@pages.get("/episodes/<episode>/proposals")
@api(*READERS)
def proposals(episode: str) -> ProposalsView:
    """What may identify somebody."""
    return house().studio.proposals_in_file(episode)


@pages.get("/episodes/<episode>/peaks")
@api(*READERS)
def peaks(episode: str) -> PeaksView:
    """The waveform of the cut that the page plays."""
    return house().studio.peaks(episode, request.args.get("digest", ""))


@pages.get("/episodes/<episode>/versions")
@api(*READERS)
def versions(episode: str) -> tuple[VersionView, ...]:
    """Every version of what was decided."""
    return house().studio.versions(episode)


@pages.get("/episodes/<episode>/events")
@api(*READERS)
def events(episode: str) -> Answer:
    """What happens to this episode while somebody looks."""
    return stream(topic(episode))


@dataclass(frozen=True, slots=True)
class Here:
    """Which paragraph somebody is at; "" for none."""

    paragraph: str = ""


@pages.post("/episodes/<episode>/here")
@api(*READERS, quiet=True)
def here(episode: str) -> tuple[HereView, ...]:
    """Tell the others where somebody is."""
    found = visitor()
    assert found.person is not None  # noqa: S101  for mypy: the audience says so
    return house().presence.here(episode, found.key, found.person.name, given(Here).paragraph)


# --- changes -----------------------------------------------------------------------------------------------------------


def _changed(episode: str, version: int) -> None:
    house().live.publish(topic(episode), "version", {"version": version, "by": visitor().key[:16]})


@dataclass(frozen=True, slots=True)
class Writing:
    """A paragraph as somebody typed it."""

    paragraph: str
    base_version: int
    tokens: tuple[Token, ...] = field(repr=False)


@pages.post("/episodes/<episode>/write")
@api(*EDITORS)
def write(episode: str) -> SavedView:
    """Keep what somebody typed."""
    sent = given(Writing)
    saved = house().studio.write(episode, visitor().who, sent.paragraph, sent.base_version, sent.tokens)
    if not saved.conflict:
        _changed(episode, saved.version)
    return saved


@dataclass(frozen=True, slots=True)
class Marking:
    """A stretch to take out, or to leave in."""

    start_s: float
    end_s: float
    redact: bool = True


@pages.post("/episodes/<episode>/mark")
@api(*EDITORS)
def mark(episode: str) -> RedactionsView:
    """Take a stretch out of the next cut, whoever speaks in it."""
    sent = given(Marking)
    made = house().studio.mark(episode, visitor().who, sent.start_s, sent.end_s, redact=sent.redact)
    _changed(episode, made.version)
    return made


@dataclass(frozen=True, slots=True)
class Markings:
    """Several stretches to take out."""

    stretches: tuple[tuple[float, float], ...]


@pages.post("/episodes/<episode>/mark-all")
@api(*EDITORS)
def mark_all(episode: str) -> RedactionsView:
    """Take several stretches out: every place where some words stand."""
    stretches = given(Markings).stretches
    if not 0 < len(stretches) <= MOST_STRETCHES:
        raise UsageRefused(f"mark at least one place, and {MOST_STRETCHES} at most at once")
    made = house().studio.mark_all(episode, visitor().who, stretches)
    _changed(episode, made.version)
    return made


@dataclass(frozen=True, slots=True)
class Numbered:
    """A redaction by its number in a version."""

    number: int
    version: int


@pages.post("/episodes/<episode>/unmark")
@api(*EDITORS)
def unmark(episode: str) -> RedactionsView:
    """Take a person's mark back."""
    sent = given(Numbered)
    made = house().studio.unmark(episode, visitor().who, sent.number, sent.version)
    _changed(episode, made.version)
    return made


@dataclass(frozen=True, slots=True)
class Moving:
    """A redaction's new edges."""

    number: int
    version: int
    start_s: float
    end_s: float


@pages.post("/episodes/<episode>/move-mark")
@api(*EDITORS)
def move_mark(episode: str) -> RedactionsView:
    """Widen or narrow what is taken out."""
    sent = given(Moving)
    made = house().studio.move_mark(episode, visitor().who, sent.number, sent.start_s, sent.end_s, sent.version)
    _changed(episode, made.version)
    return made


@pages.post("/episodes/<episode>/undo")
@api(*EDITORS)
def undo(episode: str) -> StepView:
    """Take back this person's own last change."""
    done = house().studio.undo(episode, visitor().who)
    _changed(episode, done.version)
    return done


@pages.post("/episodes/<episode>/redo")
@api(*EDITORS)
def redo(episode: str) -> StepView:
    """Make it again."""
    done = house().studio.redo(episode, visitor().who)
    _changed(episode, done.version)
    return done


@dataclass(frozen=True, slots=True)
class Restoring:
    """A version to go back to."""

    version: int


@pages.post("/episodes/<episode>/restore")
@api(*EDITORS)
def restore(episode: str) -> bool:
    """Make another version the one that counts."""
    made = house().studio.restore(episode, given(Restoring).version)
    _changed(episode, made.version)
    return True


@dataclass(frozen=True, slots=True)
class Renaming:
    """A speaker's alias and another one."""

    old: str
    new: str


@pages.post("/episodes/<episode>/rename")
@api(*EDITORS)
def rename(episode: str) -> bool:
    """Call a speaker something else."""
    sent = given(Renaming)
    house().studio.rename_speaker(episode, visitor().who, sent.old, sent.new)
    _changed(episode, -1)
    return True


@dataclass(frozen=True, slots=True)
class Protecting:
    """A word that must never be heard or read."""

    word: str = field(repr=False)


@pages.post("/episodes/<episode>/protect")
@api(*EDITORS)
def protect(episode: str) -> bool:
    """Add to the list of protected words."""
    house().studio.protect(episode, visitor().who, given(Protecting).word)
    _changed(episode, -1)
    return True


@dataclass(frozen=True, slots=True)
class Answering:
    """What becomes of a proposal: "accept", "leave" or "reopen"."""

    number: int
    answer: str


@pages.post("/episodes/<episode>/answer")
@api(*EDITORS)
def answer(episode: str) -> ProposalsView:
    """Answer a proposal."""
    sent = given(Answering)
    numbers = (sent.number,)
    reply = {"accept": Given(accept=numbers), "leave": Given(leave=numbers), "reopen": Given(reopen=numbers)}
    if sent.answer not in reply:
        raise UsageRefused("a proposal is accepted, left or opened again")
    for _ in house().studio.proposals(episode, reply[sent.answer]):
        pass
    _changed(episode, -1)
    return house().studio.proposals_in_file(episode)


# --- the gate ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was played of a cut."""

    digest: str
    stretches: tuple[tuple[float, float], ...]


@pages.post("/episodes/<episode>/heard")
@api(*READERS)
def heard(episode: str) -> HeardView:
    """Count what was played, if it can be true."""
    sent = given(Hearing)
    return house().heard(visitor(), episode, sent.digest, sent.stretches)


@dataclass(frozen=True, slots=True)
class Placing:
    """Where somebody is in a cut."""

    digest: str
    place_s: float


@pages.post("/episodes/<episode>/place")
@api(*READERS)
def place(episode: str) -> bool:
    """Remember it for the next time."""
    sent = given(Placing)
    house().studio.keep_place(episode, visitor().who, sent.digest, sent.place_s)
    return True


@dataclass(frozen=True, slots=True)
class Approving:
    """A yes to the bytes of this digest."""

    digest: str
    form: Mapping[str, str] = field(repr=False)


@pages.post("/episodes/<episode>/review/approve")
@api(Role.REVIEWER)
def approve(episode: str) -> str:
    """The reviewer's yes."""
    sent = given(Approving)
    digest = house().studio.approve_cut(episode, visitor().who, Role.REVIEWER, sent.digest, sent.form)
    house().live.publish(topic(episode), "cut", {"digest": digest})
    return digest


@dataclass(frozen=True, slots=True)
class SendingBack:
    """Why another cut is needed."""

    digest: str
    reason: str = field(repr=False)


@pages.post("/episodes/<episode>/review/send-back")
@api(Role.REVIEWER)
def send_back(episode: str) -> bool:
    """Ask for another cut."""
    sent = given(SendingBack)
    house().studio.send_back(episode, visitor().who, Role.REVIEWER, sent.digest, sent.reason)
    house().live.publish(topic(episode), "cut", {"digest": sent.digest})
    return True


@pages.post("/episodes/<episode>/review/run")
@api(*EDITORS)
def run(episode: str) -> WorkView:
    """Make the new cut, in the background; who changed its words is not made its producer by that."""
    return house().work.run(episode)
