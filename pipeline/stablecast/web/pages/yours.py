"""The young person's pages: hear it, mark it, say yes, change it or stop."""

from __future__ import annotations

from flask import Blueprint

from stablecast.web.frame import LINK, Answer, page, show

pages = Blueprint("yours", __name__)


@pages.get("/yours/listen")
@page(LINK)
def yours() -> Answer:
    """The young person's pages: hear it, mark it, say yes, change it or stop."""
    return show("placeholder.html", what="yours")
