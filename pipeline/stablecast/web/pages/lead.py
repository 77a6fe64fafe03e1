"""The safeguarding lead's page: risk, history, hold and withdraw."""

from __future__ import annotations

from flask import Blueprint

from stablecast.web.frame import Answer, Role, page, show

pages = Blueprint("lead", __name__)


@pages.get("/episodes/<episode>/lead")
@page(Role.LEAD)
def lead(episode: str) -> Answer:
    """The safeguarding lead's page: risk, history, hold and withdraw."""
    return show("placeholder.html", what="lead", episode=episode)
