"""The app: pages behind a guard."""

from __future__ import annotations

from collections.abc import Mapping

import flask
import jinja2
from flask import Blueprint

from stablecast.studio import PIECE_BYTES
from stablecast.web import frame
from stablecast.web.guard import GATES, Address, Gate, Guard
from stablecast.web.house import House
from stablecast.web.pages import board, desk, door, lead, media, review, uploads, yours

BODY_BYTES = 1024**2  # of any request but a piece of a recording
MOST_BODY_BYTES = PIECE_BYTES
FORM_FIELDS = 64
ROOMS = (door.pages, board.pages, desk.pages, review.pages, lead.pages, yours.pages, media.pages, uploads.pages)
PHONE_ROOMS = (door.shared, yours.pages, media.pages)


def create_app(
    house: House,
    address: Address | None = None,
    *,
    rooms: tuple[Blueprint, ...] = ROOMS,
    gates: tuple[Gate, ...] = GATES,
    rules: tuple[frame.Rule, ...] = frame.RULES,
    admit: frame.Admit = frame.admit,
    headers: Mapping[str, str] | None = None,
) -> flask.Flask:
    """The app of a house as it is asked for at `address`. What it is guarded by are parameters, so that a test can leave one out.

    Raises ValueError where a route does not say who may ask for it.
    """
    app = flask.Flask("stablecast.web", static_folder=None)
    app.extensions["stablecast"] = house
    app.config.update(
        ADDRESS=address or house.address,
        ADMIT=admit,
        STAFF=door.pages in rooms,
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        MAX_FORM_PARTS=FORM_FIELDS,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.url_map.merge_slashes = False
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    frame.install(app, rules)
    for room in rooms:
        app.register_blueprint(room)
    for endpoint, view in app.view_functions.items():
        if not getattr(view, "audience", None):
            raise ValueError(f"{endpoint} does not say who may ask for it")
    app.wsgi_app = Guard(app.wsgi_app, address or house.address, gates, headers)  # type: ignore[method-assign]
    return app
