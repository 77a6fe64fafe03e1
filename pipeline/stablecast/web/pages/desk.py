"""The producer's desk: one episode in the making."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from flask import Blueprint, request

from stablecast.errors import GateClosed, StablecastError, UsageRefused
from stablecast.model import Alias, ContentNote, Item
from stablecast.studio.desk import Written
from stablecast.studio.finding import Given
from stablecast.studio.intake import SealedPerson
from stablecast.studio.views import ProposalsView
from stablecast.web import media
from stablecast.web.frame import Answer, Role, api, given, house, page, show, visitor
from stablecast.web.pages.yours import CodeView, DoneView
from stablecast.web.steps import LANES, card_of, clock, day, need
from stablecast.web.work import WorkView

pages = Blueprint("desk", __name__)


@dataclass(frozen=True, slots=True)
class DetailsForm:
    """What listeners will read."""

    title: str
    summary: str = ""
    content_note: str = ""
    notes: tuple[ContentNote, ...] = ()
    outcomes: tuple[str, ...] = ()
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class ConsentForm:
    """What the young person said yes to, item by item."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class LinkForm:
    """For whom a link is: an account, or else somebody new of this name."""

    account: str = ""
    name: str = ""
    companion: bool = False


@dataclass(frozen=True, slots=True)
class LinkMade:
    """A link, this once."""

    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswersForm:
    """Answers to proposals, by their numbers."""

    accept: tuple[int, ...] = ()
    leave: tuple[int, ...] = ()
    reopen: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class VoiceForm:
    """A voice for a speaker."""

    character: str
    speaker: str


@dataclass(frozen=True, slots=True)
class WordsForm:
    """Words that must not be heard."""

    words: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProtectedView:
    """How many words are protected now; never which."""

    protected: int


@pages.get("/new")
@page(Role.PRODUCER)
def new() -> Answer:
    """Take recordings in."""
    return show("new.html", outcomes=house().studio.outcomes())


@pages.get("/episodes/<episode>")
@page(Role.PRODUCER)
def desk(episode: str) -> Answer:
    """The producer's desk: one episode in the making."""
    studio = house().studio
    card = card_of(episode)
    if card.lane == "withdrawn":
        raise GateClosed("this episode was withdrawn and does not come back; nothing more is done with it")
    try:
        cut = studio.cut(episode)
        wishes = studio.wishes(episode)
    except GateClosed:
        cut, wishes = None, ()
    try:
        doubts = studio.doubts_in_file(episode).doubts
    except StablecastError:  # there are no words yet
        doubts = ()
    return show(
        "desk.html",
        card=card,
        cut=cut,
        wishes=wishes,
        doubts=doubts,
        desk=studio.desk(episode),
        lane=next(title for lane, title, _ in LANES if lane == card.lane),
        needed=need(card),
        stages=studio.status((episode,)).episodes[0].stages,
        characters=studio.voices().characters,
        run=house().work.at(episode),
        clock=clock,
        day=day,
    )


@pages.post("/episodes/<episode>/run")
@api(Role.PRODUCER)
def run(episode: str) -> WorkView:
    """Bring it up to date, in the background."""
    person = visitor().person
    card_of(episode)
    return house().work.run(episode, person.name if person else None)


@pages.post("/episodes/<episode>/details")
@api(Role.PRODUCER)
def details(episode: str) -> DoneView:
    """What listeners will read takes the place of what stood there."""
    form = given(DetailsForm)
    if not form.title.strip():
        raise UsageRefused("an episode needs a title; it tells nobody's name and no place")
    written = Written(form.title, form.summary, form.content_note, form.notes, form.outcomes, form.explicit)
    house().studio.set_details(episode, visitor().who, written)
    return DoneView()


@pages.post("/episodes/<episode>/consent")
@api(Role.PRODUCER)
def consent(episode: str) -> CodeView:
    """Record what the young person said yes to; the receipt's code is told once."""
    return CodeView(house().studio.consent(episode, given(ConsentForm).items, SealedPerson()))


@pages.post("/episodes/<episode>/link")
@api(Role.PRODUCER)
def link(episode: str) -> LinkMade:
    """A link for the young person, told once. Its secret stands behind the "#", which browsers send to nobody."""
    form = given(LinkForm)
    token = house().studio.make_link(
        episode,
        visitor().who,
        account=form.account or None,
        name=form.name.strip(),
        companion=form.companion,
    )
    origin = (house().links or (house().address,))[0].origin
    return LinkMade(f"{origin}/yours#{token}")


@pages.get("/episodes/<episode>/desk/proposals")
@api(Role.PRODUCER)
def proposals(episode: str) -> ProposalsView:
    """What may identify somebody, with its words: they are audible until somebody answers."""
    return _proposals(episode, None)


@pages.post("/episodes/<episode>/desk/proposals")
@api(Role.PRODUCER)
def answer(episode: str) -> ProposalsView:
    """Say what becomes of some of them."""
    form = given(AnswersForm)
    return _proposals(episode, Given(accept=form.accept, leave=form.leave, reopen=form.reopen))


def _proposals(episode: str, answers: Given | None) -> ProposalsView:
    *_, view = house().studio.proposals(episode, answers, quote=True)
    assert isinstance(view, ProposalsView)  # noqa: S101  for mypy: it comes last
    return view


@pages.get("/episodes/<episode>/sample/<character>")
@page(Role.PRODUCER)
def sample(episode: str, character: str) -> Answer:
    """Some seconds of a speaker in one voice."""
    found = house().studio.preview_sample(episode, character, request.args.get("speaker") or None)
    return media.answer(found, hashlib.sha256(found.data).hexdigest())


@pages.post("/episodes/<episode>/voices")
@api(Role.PRODUCER)
def voices(episode: str) -> DoneView:
    """Give a speaker a voice."""
    form = given(VoiceForm)
    house().studio.choose(episode, form.character, Alias(form.speaker))
    return DoneView()


@pages.post("/episodes/<episode>/desk/protect")
@api(Role.PRODUCER)
def protect(episode: str) -> ProtectedView:
    """Add words that must not be heard. They are not shown again to anybody."""
    words = tuple(dict.fromkeys(word.strip() for word in given(WordsForm).words if word.strip()))
    for word in words:
        house().studio.protect(episode, visitor().who, word)
    return ProtectedView(house().studio.desk(episode).protected)
