"""The board: every episode and what it needs next."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from stablecast.web.frame import Answer, Role, api, house, page, show, stream
from stablecast.web.live import BOARD
from stablecast.web.steps import LANES, SHOWN_EMPTY, need, said_yes

pages = Blueprint("board", __name__)


@pages.get("/board")
@page(Role.PRODUCER, Role.REVIEWER, Role.LEAD)
def board() -> Answer:
    """The board: every episode and what it needs next."""
    found = house().studio.board()
    lanes = [
        (lane, title, words, cards)
        for lane, title, words in LANES
        if (cards := [card for card in found.cards if card.lane == lane]) or (lane in SHOWN_EMPTY and found.cards)
    ]
    return show("board.html", board=found, lanes=lanes, need=need, said_yes=said_yes, work=house().work)


@pages.get("/board/events")
@api(Role.PRODUCER, Role.REVIEWER, Role.LEAD)
def events() -> AnyResponse:
    """How runs go, as they go."""
    return stream(BOARD, first=[("progress", view) for view in house().work.now()])
