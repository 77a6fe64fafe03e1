"""Recordings from a browser: piece by piece, each one sealed as it comes, and an episode of those that arrived."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import flask
from flask import Blueprint, Response, request

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Alias, ContentNote, slug_of
from stablecast.studio import PIECE_BYTES
from stablecast.studio.intake import Additions
from stablecast.web.frame import BYTES, Answer, Role, api, given, house
from stablecast.web.work import WorkView

pages = Blueprint("uploads", __name__)

_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that somebody chose."""

    name: str = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class UploadView:
    """How far an upload is: the next piece begins at `arrived`."""

    id: str
    arrived: int


@dataclass(frozen=True, slots=True)
class Part:
    """An upload, and who speaks in it."""

    upload: str
    speaker: str


@dataclass(frozen=True, slots=True)
class NewEpisode:
    """What an episode is made of. `together`: one recording, in which these people take turns."""

    name: str
    recordings: tuple[Part, ...]
    title: str | None = None
    summary: str | None = None
    content_note: str | None = None
    notes: tuple[ContentNote, ...] = ()
    outcomes: tuple[str, ...] = ()
    explicit: bool | None = None
    protect: tuple[str, ...] = field(default=(), repr=False)
    together: tuple[str, ...] = ()


@pages.post("/uploads")
@api(Role.PRODUCER)
def begin() -> UploadView:
    """Make room for a recording."""
    file = given(Announced)
    return UploadView(house().uploads.begin(file.name, file.size), 0)


@pages.get("/uploads/<known_by>")
@api(Role.PRODUCER)
def arrived(known_by: str) -> Answer:
    """How far it is, so that it can go on after a break."""
    found = house().uploads.arrived(known_by)
    response = flask.jsonify({"id": known_by, "arrived": found})
    response.headers["Upload-Offset"] = str(found)
    return response


@pages.patch("/uploads/<known_by>")
@api(Role.PRODUCER)
def piece(known_by: str) -> UploadView:
    """The next piece: where it begins is in `Content-Range: bytes FIRST-LAST/SIZE`."""
    request.max_content_length = PIECE_BYTES
    stated = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    data = request.get_data(cache=False)
    if request.mimetype != BYTES or stated is None or int(stated[2]) - int(stated[1]) + 1 != len(data):
        raise UsageRefused("this page and the server do not understand each other; reload the page")
    return UploadView(known_by, house().uploads.put(known_by, int(stated[1]), data))


@pages.post("/uploads/<known_by>/drop")
@api(Role.PRODUCER)
def drop(known_by: str) -> Answer:
    """Let go of a recording."""
    house().uploads.drop(known_by)
    return Response(status=204)


@pages.post("/episodes")
@api(Role.PRODUCER)
def make() -> WorkView:
    """Make an episode of what arrived, in the background: how it goes is told on the board. The uploads are let go of then."""
    new = given(NewEpisode)
    uploads, studio = house().uploads, house().studio
    try:
        slug = slug_of(new.name)
        aliases = tuple(Alias(part.speaker) for part in new.recordings)
        together = tuple(Alias(name) for name in new.together)
    except ValueError as unfit:
        raise UsageRefused(str(unfit)) from None
    if not aliases or not all((*aliases, *together)):
        raise UsageRefused("name a speaker for each recording")
    if studio.knows(slug):
        raise GateClosed("there is an episode of this name already; choose another name")
    recordings = tuple((alias, uploads.whole(part.upload)) for alias, part in zip(aliases, new.recordings, strict=True))
    additions = Additions(
        title=new.title,
        summary=new.summary,
        content_note=new.content_note,
        notes=new.notes,
        outcomes=new.outcomes,
        explicit=new.explicit,
        protect=new.protect,
    )

    def add() -> None:
        studio.add(slug, recordings, additions, together)
        for part in new.recordings:
            uploads.drop(part.upload)

    return house().work.add(slug, add)
