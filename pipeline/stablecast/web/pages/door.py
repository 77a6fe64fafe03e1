"""The door: opening a browser from the terminal, signing in and out, and the files that every page uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

import flask
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from stablecast.errors import GateClosed, UsageRefused
from stablecast.web.frame import ANYBODY, Answer, Role, api, cookie, drop, given, house, keep, page, show, t, visitor

pages = Blueprint("door", __name__)
shared = Blueprint("shared", __name__)  # what a phone gets as well

STAFF = (Role.PRODUCER, Role.REVIEWER, Role.LEAD)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.(css|js|svg|png|woff2)")
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
}
_LOCAL: Final = re.compile(r"/([A-Za-z0-9_-]+/?)*")  # a page of ours to go on to: never another site's


@dataclass(frozen=True, slots=True)
class LaunchForm:
    """What the terminal showed."""

    token: str


@dataclass(frozen=True, slots=True)
class MeView:
    """Who is signed in here, and the token that their pages send along."""

    id: str
    name: str
    roles: tuple[Role, ...]
    csrf: str


@pages.get("/")
@page(ANYBODY)
def home() -> Answer:
    """Where somebody's work is; else the way in."""
    if visitor().person is None:
        return show("sign-in.html", sentence="", to="/")
    return redirect("/board", 303)


@pages.post("/launch")
@api(ANYBODY, opens=True)
def launch() -> Answer:
    """A browser that was opened from the terminal may sign in."""
    if not house().launches.use(given(LaunchForm).token):
        flask.abort(403)
    response = Response(status=204)
    keep(response, "desk", house().sessions.begin(None))
    return response


@pages.post("/sign-in")
@page(ANYBODY)
def sign_in() -> Answer:
    """Begin a session under a new secret. Every refusal reads the same, whatever was wrong."""
    name, password, to = (request.form.get(field, "") for field in ("name", "password", "to"))
    if visitor().link is not None:
        flask.abort(403)
    wait_s = house().throttle.wait_s(name)
    if wait_s > 0:
        response = flask.make_response(
            show("sign-in.html", sentence=t("sign-in.wait", seconds=int(wait_s) + 1), to=to), 429
        )
        response.headers["Retry-After"] = str(int(wait_s) + 1)
        return response
    try:
        person = house().studio.sign_in(name, password)
    except (GateClosed, UsageRefused) as refused:
        return flask.make_response(show("sign-in.html", sentence=str(refused), to=to), 403)
    house().throttle.passed(name)
    begun = redirect(to if _LOCAL.fullmatch(to) else "/", 303)
    _end(begun)
    keep(begun, "desk", house().sessions.begin(person.id, person.password))
    return begun


@pages.post("/sign-out")
@page(*STAFF)
def sign_out() -> Answer:
    """End the session; the browser may sign in again."""
    response = redirect("/", 303)
    _end(response)
    keep(response, "desk", house().sessions.begin(None))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _end(response: AnyResponse) -> None:
    secret = request.cookies.get(cookie("desk"), "")
    house().sessions.end(secret)
    drop(response, "desk")


@pages.get("/me")
@api(*STAFF)
def me() -> MeView:
    """For a page whose session ended: after signing in again beside it, it goes on with the new token."""
    found = visitor()
    assert found.person is not None  # noqa: S101  for mypy: the audience says so
    return MeView(found.person.id, found.person.name, found.person.roles, found.csrf)


def health() -> Answer:
    """That the server answers."""
    return Response("ok\n", mimetype="text/plain")


def static(name: str) -> Answer:
    """A file of the package that pages use: no other name reaches a path."""
    if not _NAME.fullmatch(name):
        flask.abort(404)
    file = resources.files("stablecast.web") / "static" / name
    if not file.is_file():
        flask.abort(404)
    return Response(file.read_bytes(), content_type=_TYPES[name.rpartition(".")[2]])


for room in (pages, shared):
    room.add_url_rule("/health", "health", page(ANYBODY)(health))
    room.add_url_rule("/static/<name>", "static", page(ANYBODY)(static))
