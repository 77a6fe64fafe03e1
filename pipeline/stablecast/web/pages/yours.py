"""The young person's pages: choose a sound, hear it, take out, say yes, change it, wait or stop.

They belong to one link, for one episode. Scripts go from page to page in the place of the page before, so the browser's
"back" never leads here; every answer says where to go on to.
"""

from __future__ import annotations

import calendar
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import flask
from flask import Blueprint, request
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from stablecast import codecs
from stablecast.errors import GateClosed
from stablecast.model import Alias, Role
from stablecast.studio.reviews import CardView, CutView, LinkView
from stablecast.web import media, strings
from stablecast.web.frame import (
    ANYBODY,
    LINK,
    LINK_DAYS,
    Answer,
    api,
    drop,
    enter,
    given,
    house,
    keep,
    page,
    show,
    t,
    visitor,
)
from stablecast.web.steps import card_of

pages = Blueprint("yours", __name__)

NO_SPEECH_S: Final = 2.0  # a pause that ends a line to read
LONGEST_LINE_S: Final = 15.0
_CUE: Final = re.compile(r"(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})")
_VOICE: Final = re.compile(r"<v(?:\.[^ >]*)? ([^>]*)>")
_TAG: Final = re.compile(r"<[^>]*>")
_ENDS: Final = re.compile(r"[.!?…。！？؟۔][\"'”’»)\]]*$")


# --- what is sent ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A link, and whether somebody sits beside the young person."""

    token: str
    companion: bool = False


@dataclass(frozen=True, slots=True)
class LanguageForm:
    """A language to speak from now on."""

    language: str


@dataclass(frozen=True, slots=True)
class VoiceForm:
    """How somebody wants to sound."""

    character: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class PlaceForm:
    """Where somebody stopped."""

    digest: str
    place_s: float


@dataclass(frozen=True, slots=True)
class HeardForm:
    """What somebody really played."""

    digest: str
    stretches: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MarkForm:
    """A stretch that somebody does not want in it."""

    digest: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class UnmarkForm:
    """A mark to take back."""

    digest: str
    number: int
    version: int


@dataclass(frozen=True, slots=True)
class YesForm:
    """A yes, and the question that goes with it."""

    digest: str
    known: str
    how: str


@dataclass(frozen=True, slots=True)
class ChangeForm:
    """A wish for another cut."""

    digest: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class NothingForm:
    """What asks for nothing more than that it happens."""

    digest: str = ""


# --- what is answered ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GoView:
    """Where to go on."""

    go: str


@dataclass(frozen=True, slots=True)
class DoneView:
    """That it happened."""

    done: bool = True


@dataclass(frozen=True, slots=True)
class CodeView:
    """A receipt code, this once."""

    code: str


@dataclass(frozen=True, slots=True)
class MineView:
    """A stretch that the young person marked in this cut."""

    number: int
    start_s: float
    end_s: float
    version: int


@dataclass(frozen=True, slots=True)
class MarksView:
    """All of them."""

    mine: tuple[MineView, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence to read, to hear from, to take out."""

    start_s: float
    end_s: float
    speaker: str
    text: str
    new_speaker: bool


# --- opening ---------------------------------------------------------------------------------------------------------------


@pages.get("/yours")
@page(ANYBODY)
def start() -> Answer:
    """The page that a link leads to."""
    return _show("yours_open.html")


@pages.post("/yours/open")
@api(ANYBODY, opens=True)
def open_link() -> AnyResponse:
    """Use a link, once: from now on this browser is the young person's, until the link's days are over."""
    return enter(given(OpenForm).token)


@pages.post("/yours/lock")
@api(LINK)
def lock() -> AnyResponse:
    """Make this browser forget: whoever comes next cannot go on here."""
    response = flask.jsonify(codecs.plain(DoneView()))
    drop(response, "yours")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@pages.post("/yours/language")
@api(ANYBODY, opens=True)
def speak() -> AnyResponse:
    """Keep the language that somebody chose."""
    wanted = given(LanguageForm).language
    response = flask.jsonify(codecs.plain(DoneView()))
    if wanted in strings.languages():
        keep(response, "language", wanted, days=LINK_DAYS)
    return response


@pages.get("/away")
@page(ANYBODY)
def away() -> Answer:
    """A calendar."""
    today = datetime.now(UTC).astimezone().date()
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return show(
        "away.html",
        month=f"{t(f'month.{today.month}').capitalize()} {today.year}",
        days=[t(f"yours.away.{day}") for day in days],
        weeks=calendar.monthcalendar(today.year, today.month),
        today=today.day,
    )


# --- how I sound -----------------------------------------------------------------------------------------------------------


@pages.get("/yours/voice")
@page(LINK)
def voice() -> Answer:
    """The same seconds in every voice there is to choose."""
    link, card = _link(), _card()
    speakers = card.speakers
    speaker = request.args.get("speaker", "")
    speaker = speaker if speaker in speakers else (speakers[0] if speakers else "")
    try:
        previews = house().studio.previews(link.episode, speaker or None)
    except GateClosed:
        previews = ()
    shown = [
        {"character": p.character, "words": _described(p.character, p.words), "chosen": p.chosen} for p in previews
    ]
    fixed, has_cut = card.lane in ("public", "withdrawn"), card.cut is not None
    return _show(
        "yours_voice.html",
        part="voice",
        previews=shown,
        speakers=speakers,
        speaker=speaker,
        fixed=fixed,
        has_cut=has_cut,
    )


def _described(character: str, words: str) -> str:
    """How a voice sounds, in the page's language where it is one of the built-in ones and the show did not rewrite it."""
    key = f"yours.character.{character}"
    return t(key) if strings.table(strings.FIRST).get(key) == words else words


@pages.get("/yours/sample/<character>")
@page(LINK)
def sample(character: str) -> Answer:
    """Some seconds in one voice."""
    found = house().studio.preview_sample(_link().episode, character, request.args.get("speaker") or None)
    return media.answer(found, hashlib.sha256(found.data).hexdigest())


@pages.post("/yours/voice")
@api(LINK)
def choose() -> DoneView:
    """Sound like this from the next cut on."""
    form = given(VoiceForm)
    house().studio.choose(_link().episode, form.character, Alias(form.speaker) if form.speaker else None)
    return DoneView()


# --- hearing ---------------------------------------------------------------------------------------------------------------


@pages.get("/yours/listen")
@page(LINK)
def listen() -> Answer:
    """The cut to hear and to read, and what is marked in it."""
    link = _link()
    cut = _cut(link)
    if cut is None:
        return _show("yours_listen.html", part="listen", cut=None)
    return _show(
        "yours_listen.html",
        part="listen",
        cut=cut,
        lines=tuple(lines_of(cut)),
        mine=codecs.plain(_mine(link)),
        place_s=house().studio.listened(link.episode, link.who, cut.digest).place_s,
    )


def lines_of(cut: CutView) -> Iterator[Line]:
    """The captions of a cut as sentences: what is published, and nothing besides."""
    text = house().shelf.file(cut.episode, cut.digest, "captions").data.decode()
    before = ""
    for start_s, end_s, speaker, said in _sentences(_cues(text)):
        yield Line(start_s, end_s, speaker, said, speaker != before)
        before = speaker


def _cues(text: str) -> Iterator[tuple[float, float, str, str]]:
    """The cues of a WebVTT file of ours: from, to, who, what."""
    for block in re.split(r"\n{2,}", text.replace("\r\n", "\n")):
        lines = block.split("\n")
        at = next((number for number, line in enumerate(lines) if _CUE.match(line)), len(lines))
        time, said = "".join(lines[at : at + 1]), "\n".join(lines[at + 1 :])
        found = _CUE.match(time)
        if not found or not said.strip():
            continue
        h1, m1, s1, ms1, h2, m2, s2, ms2 = (int(part or 0) for part in found.groups())
        who = _VOICE.search(said)
        what = " ".join(html.unescape(_TAG.sub("", said)).split())
        yield h1 * 3600 + m1 * 60 + s1 + ms1 / 1000, h2 * 3600 + m2 * 60 + s2 + ms2 / 1000, _name(who), what


def _name(found: re.Match[str] | None) -> str:
    return html.unescape(found.group(1)).strip() if found else ""


def _sentences(cues: Iterator[tuple[float, float, str, str]]) -> Iterator[tuple[float, float, str, str]]:
    kept: tuple[float, float, str, str] | None = None
    for start_s, end_s, who, said in cues:
        if kept is None:
            kept = (start_s, end_s, who, said)
        elif (
            who != kept[2]
            or start_s - kept[1] > NO_SPEECH_S
            or end_s - kept[0] > LONGEST_LINE_S
            or _ENDS.search(kept[3]) is not None
        ):
            yield kept
            kept = (start_s, end_s, who, said)
        else:
            kept = (kept[0], end_s, who, f"{kept[3]} {said}")
    if kept is not None:
        yield kept


@pages.post("/yours/place")
@api(LINK)
def place() -> DoneView:
    """Keep the place."""
    link, form = _link(), given(PlaceForm)
    house().studio.keep_place(link.episode, link.who, form.digest, form.place_s)
    return DoneView()


@pages.post("/yours/heard")
@api(LINK)
def heard() -> DoneView:
    """What was played."""
    link, form = _link(), given(HeardForm)
    house().heard(visitor(), link.episode, form.digest, form.stretches)
    return DoneView()


@pages.post("/yours/mark")
@api(LINK)
def mark() -> AnyResponse | MarksView:
    """Take this out."""
    link, form = _link(), given(MarkForm)
    if _replaced(link, form.digest):
        return _no("replaced")
    house().studio.mark(link.episode, link.who, form.start_s, form.end_s)
    return MarksView(_mine(link))


@pages.post("/yours/unmark")
@api(LINK)
def unmark() -> AnyResponse | MarksView:
    """It stays in after all: only what the young person marked can be taken back here."""
    link, form = _link(), given(UnmarkForm)
    if _replaced(link, form.digest):
        return _no("replaced")
    if form.number not in {marked.number for marked in _mine(link)}:
        flask.abort(404)
    house().studio.unmark(link.episode, link.who, form.number, form.version)
    return MarksView(_mine(link))


def _mine(link: LinkView) -> tuple[MineView, ...]:
    found = house().studio.redactions(link.episode)
    return tuple(
        MineView(r.number, r.start_s, r.end_s, found.version)
        for r in found.redactions
        if r.by == "young-person" and r.redact and not r.applied
    )


# --- my answer -------------------------------------------------------------------------------------------------------------


@pages.get("/yours/answer")
@page(LINK)
def answer() -> Answer:
    """Yes, change it, wait, stop."""
    link, card, cut = _link(), _card(), _cut(_link())
    said, said_on = _said(card)
    done = request.args.get("done", "")
    done = done if done in ("yes", "change", "pause") and done == said else ""
    pending = cut is not None and said not in ("stop", "change") and (card.changes_waiting > 0 or bool(_mine(link)))
    return _show(
        "yours_answer.html",
        part="answer",
        cut=cut,
        said=said,
        said_on=said_on,
        done=done,
        pending=pending,
        may_yes=cut is not None and not pending and not said,
        was_public=False,
    )


@pages.get("/yours/stopped")
@page(ANYBODY)
def stopped() -> Answer:
    """It is stopped. Says nothing of which episode, and so needs no link: that ends with the episode."""
    return _show(
        "yours_answer.html",
        cut=None,
        said="stop",
        said_on="",
        done="stop",
        pending=False,
        may_yes=False,
        was_public="public" in request.args,
    )


@pages.post("/yours/yes")
@api(LINK)
def yes() -> AnyResponse | GoView:
    """A yes to exactly this cut. Who is not sure, or is sure of the bad, is asked to talk with somebody first."""
    link, form = _link(), given(YesForm)
    try:
        answers = {"known": form.known, "how": form.how}
        house().studio.approve_cut(link.episode, link.who, Role.YOUNG_PERSON, form.digest, answers)
    except GateClosed:
        if form.known in ("unsure", "yes"):
            return _no("talk")
        if _replaced(link, form.digest):
            return _no("replaced")
        raise
    return GoView("/yours/answer?done=yes")


@pages.post("/yours/change")
@api(LINK)
def change() -> AnyResponse | GoView:
    """Not like this."""
    link, form = _link(), given(ChangeForm)
    if _replaced(link, form.digest):
        return _no("replaced")
    house().studio.ask_change(link.episode, link.who, form.digest, form.note.strip())
    return GoView("/yours/answer?done=change")


@pages.post("/yours/pause")
@api(LINK)
def pause() -> GoView:
    """Not now."""
    given(NothingForm)
    house().studio.pause(_link().episode, _link().who)
    return GoView("/yours/answer?done=pause")


@pages.post("/yours/stop")
@api(LINK)
def stop() -> GoView:
    """Never. At once, without a reason and without a second question."""
    given(NothingForm)
    done = house().studio.stop(_link().episode, _link().who)
    return GoView("/yours/stopped?public" if done.was_public else "/yours/stopped")


# --- my code ---------------------------------------------------------------------------------------------------------------


@pages.get("/yours/code")
@page(LINK)
def code() -> Answer:
    """What the code is for, and where the voice is now."""
    card = _card()
    public_on = ""
    where = {"public": "public", "withdrawn": "stopped"}.get(card.lane, "none")
    if where == "public":
        on = house().studio.desk(card.episode).public_on
        public_on = _date(on) if on else ""
    title = house().studio.title()
    return _show("yours_code.html", part="code", where=where, public_on=public_on, show_title=title)


@pages.post("/yours/receipt")
@api(LINK)
def receipt() -> CodeView:
    """One more code, shown once."""
    given(NothingForm)
    return CodeView(house().studio.new_receipt(_link().episode, _link().who))


# --- what they share -------------------------------------------------------------------------------------------------------


def _link() -> LinkView:
    link = visitor().link
    assert link is not None  # noqa: S101  for mypy: the audience says so
    return link


def _card() -> CardView:
    """How the episode stands. Raises 404 where it is gone."""
    return card_of(_link().episode)


def _cut(link: LinkView) -> CutView | None:
    try:
        return house().studio.cut(link.episode)
    except GateClosed:
        return None


def _replaced(link: LinkView, digest: str) -> bool:
    cut = _cut(link)
    return cut is None or cut.digest != digest


def _no(why: str) -> AnyResponse:
    """A refusal that the page has words for."""
    response = flask.jsonify({"error": t("yours.sorry"), why: True})
    response.status_code = 409
    return response


def _said(card: CardView) -> tuple[str, str]:
    """What the young person said last, and when they said yes."""
    if card.lane == "withdrawn":
        return "stop", ""
    if card.held:
        return "pause", ""
    if card.wish == "change":
        return "change", ""
    at = next((approval.at for approval in card.approvals if approval.role is Role.YOUNG_PERSON), None)
    return ("yes", _date(at)) if at else ("", "")


def _date(iso: str) -> str:
    day = date.fromisoformat(iso[:10])
    return t("date", day=day.day, month=t(f"month.{day.month}"), year=day.year)


def _show(template: str, **values: object) -> Answer:
    try:
        link = visitor().link
    except Unauthorized:  # a link that is not used yet
        link = None
    until = _date(link.expires_at) if link and link.expires_at else ""
    tongues = [(tag, strings.text(tag, "language")) for tag in strings.languages()]
    return show(template, opened=link is not None, until=until, tongues=tongues, **values)
