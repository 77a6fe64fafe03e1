"""The producer's desk: one episode in the making."""

from __future__ import annotations

from flask import Blueprint

from stablecast.web.frame import Answer, Role, page, show

pages = Blueprint("desk", __name__)


@pages.get("/episodes/<episode>")
@page(Role.PRODUCER)
def desk(episode: str) -> Answer:
    """The producer's desk: one episode in the making."""
    return show("placeholder.html", what="desk", episode=episode)
