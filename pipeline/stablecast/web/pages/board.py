"""The board: every episode and what it needs next."""

from __future__ import annotations

from flask import Blueprint

from stablecast.web.frame import Answer, Role, page, show

pages = Blueprint("board", __name__)


@pages.get("/board")
@page(Role.PRODUCER, Role.REVIEWER, Role.LEAD)
def board() -> Answer:
    """The board: every episode and what it needs next."""
    return show("placeholder.html", what="board")
