"""The safeguarding lead's page: risk, history, hold and withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint

from stablecast.errors import GateClosed, UsageRefused
from stablecast.studio.reviews import RISKS, CutView, HeardView
from stablecast.studio.views import WithdrawView
from stablecast.web.frame import Answer, Role, api, given, house, page, show, visitor
from stablecast.web.live import BOARD
from stablecast.web.pages.yours import DoneView, Line, lines_of
from stablecast.web.steps import LANES, card_of, clock, day, need

pages = Blueprint("lead", __name__)

QUESTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "identifiable": (
        "Can somebody be recognised?",
        "By the story, the places, the words they always use, the people around them: by somebody who was there.",
    ),
    "threat": ("Is there a threat now?", "Somebody who looks for them, or who may harm them or others when it is out."),
    "others": ("Are other people named or described?", "Family, friends, workers, those who did harm."),
    "proceedings": (
        "Are legal proceedings under way?",
        "Criminal, asylum, family, a claim. If so, what did the legal adviser say?",
    ),
    "timing": (
        "Is this the right time?",
        "For the young person, for a case, for an anniversary, for the support there is.",
    ),
    "support": (
        "Who is there for the young person?",
        "On the day it comes out, and after. Who, and how are they reached?",
    ),
}


@dataclass(frozen=True, slots=True)
class YesForm:
    """A yes to exactly this cut, with the risk form: to each question yes or no, and what to know about it."""

    digest: str
    answers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BackForm:
    """A wish for another cut."""

    digest: str
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class EmptyForm:
    """Nothing but that it is asked for."""


@pages.get("/episodes/<episode>/lead")
@page(Role.LEAD)
def lead(episode: str) -> Answer:
    """The safeguarding lead's page: risk, history, hold and withdraw."""
    studio = house().studio
    card = card_of(episode)
    cut: CutView | None = None
    heard: HeardView | None = None
    lines: tuple[Line, ...] = ()
    try:
        cut = studio.cut(episode)
        heard = studio.listened(episode, visitor().who, cut.digest)
        lines = tuple(lines_of(cut))
    except GateClosed:
        cut = None
    return show(
        "lead.html",
        card=card,
        cut=cut,
        heard=heard,
        lines=lines,
        questions=QUESTIONS,
        forms={form.role: dict(form.answers) for form in studio.forms(episode)} if cut else {},
        wishes=studio.wishes(episode) if cut else (),
        timeline=tuple(reversed(studio.timeline(episode))),
        lane=next(title for lane, title, _ in LANES if lane == card.lane),
        needed=need(card),
        clock=clock,
        day=day,
    )


def _changed(episode: str) -> DoneView:
    """Tell the board that an episode stands elsewhere now."""
    house().live.publish(BOARD, "changed", {"episode": episode})
    return DoneView()


@pages.post("/episodes/<episode>/hold")
@api(Role.LEAD)
def hold(episode: str) -> DoneView:
    """Close every gate, and take it down if it is out."""
    given(EmptyForm)
    house().studio.hold(episode, visitor().who)
    return _changed(episode)


@pages.post("/episodes/<episode>/lift")
@api(Role.LEAD)
def lift(episode: str) -> DoneView:
    """End a hold."""
    given(EmptyForm)
    house().studio.lift(episode, visitor().who)
    return _changed(episode)


@pages.post("/episodes/<episode>/withdraw")
@api(Role.LEAD)
def withdraw(episode: str) -> WithdrawView:
    """Out of the world, at once and for good. Asks nothing."""
    given(EmptyForm)
    done = house().studio.withdraw(episode, None)
    _changed(episode)
    return done


@pages.post("/episodes/<episode>/lead/approve")
@api(Role.LEAD)
def yes(episode: str) -> DoneView:
    """The lead's yes to a cut. It publishes nothing: a person does, after the cooling-off time."""
    form = given(YesForm)
    if missing := [key for key in RISKS if not form.answers.get(key, "").strip()]:
        raise UsageRefused(f"the risk form is not complete: {QUESTIONS[missing[0]][0]}")
    house().studio.approve_cut(episode, visitor().who, Role.LEAD, form.digest, dict(form.answers))
    return _changed(episode)


@pages.post("/episodes/<episode>/lead/send-back")
@api(Role.LEAD)
def back(episode: str) -> DoneView:
    """Ask for another cut."""
    form = given(BackForm)
    if not form.reason.strip():
        raise UsageRefused("say what has to change, without names")
    house().studio.send_back(episode, visitor().who, Role.LEAD, form.digest, form.reason.strip())
    return _changed(episode)
