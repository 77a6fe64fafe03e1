"""The files of a frozen cut, as a player asks for them."""

from __future__ import annotations

import re
from typing import Final

import flask
from flask import Blueprint

from stablecast.web import media
from stablecast.web.frame import LINK, Answer, Role, api, house, visitor

pages = Blueprint("media", __name__)

_KINDS: Final = re.compile(r"(audio)|(captions)(?:\.([A-Za-z-]{2,12}))?\.vtt")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@pages.get("/media/<episode>/<digest>/<name>")
@api(Role.PRODUCER, Role.REVIEWER, Role.LEAD, LINK)
def file(episode: str, digest: str, name: str) -> Answer:
    """A file by digest and kind: no part of the address is ever a path."""
    kind = _KINDS.fullmatch(name)
    if kind is None or not _DIGEST.fullmatch(digest):
        flask.abort(404)
    if kind[1]:
        found, session = house().shelf.file(episode, digest, "audio"), visitor().key
        listening = house().listening  # looked up now: the bytes go out when the request is over
        return media.answer(found, digest, lambda start, stop: listening.sent(session, digest, start, stop))
    name = f"captions.{kind[3]}" if kind[3] else "captions"
    return media.answer(house().shelf.file(episode, digest, name), f"{digest} {name}")
