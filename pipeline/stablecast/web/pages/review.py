"""The reviewer's page: hear, read, correct, approve."""

from __future__ import annotations

from flask import Blueprint

from stablecast.web.frame import Answer, Role, page, show

pages = Blueprint("review", __name__)


@pages.get("/episodes/<episode>/review")
@page(Role.REVIEWER, Role.PRODUCER, Role.LEAD)
def review(episode: str) -> Answer:
    """The reviewer's page: hear, read, correct, approve."""
    return show("placeholder.html", what="review", episode=episode)
