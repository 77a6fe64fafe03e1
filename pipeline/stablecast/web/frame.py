"""How a route is written: who may ask for it, what it is given, and what it answers.

    pages = Blueprint("lead", __name__)

    @pages.get("/episodes/<episode>/lead")
    @page(Role.LEAD)
    def lead(episode: str) -> Answer:
        return show("lead.html", cut=house().studio.cut(episode))

    @pages.post("/episodes/<episode>/hold")
    @api(Role.LEAD)
    def hold(episode: str) -> bool:
        return house().studio.hold(episode, visitor().who)

A route without one of these decorators keeps the app from starting. Whatever changes something is a POST or PATCH, and its
CSRF token is checked before the route is looked at. An `api` answers with a frozen value as JSON, and refuses with
`{"error": sentence}`; a `page` shows its sentence on a page.
"""

from __future__ import annotations

import functools
import hmac
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, TypeVar

import flask
from flask import Response, g, render_template, request
from werkzeug.exceptions import HTTPException, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from stablecast import codecs
from stablecast.errors import StablecastError, UsageRefused
from stablecast.model import Role
from stablecast.web import strings
from stablecast.web.guard import SAFE
from stablecast.web.house import House, house
from stablecast.web.sessions import Visitor, csrf_of, key_of

__all__ = [
    "ANYBODY",
    "LINK",
    "Answer",
    "House",
    "Role",
    "addresses",
    "api",
    "enter",
    "given",
    "house",
    "page",
    "show",
    "stream",
    "t",
    "visitor",
]

Answer = str | AnyResponse
View = Callable[..., object]
Route = Callable[..., AnyResponse]
T = TypeVar("T")

LINK: Final = "link"  # a young person by their link
ANYBODY: Final = "anybody"
Audience = Role | Literal["link", "anybody"]

Admit = Callable[[tuple[Audience, ...], str | None], None]

STATUS: Final = {2: 400, 3: 422, 4: 409, 5: 423, 6: 500, 7: 503}  # by the exit code of what was raised
_LOG = logging.getLogger("stablecast.web")
LINK_DAYS = 14


# --- who is asking ---------------------------------------------------------------------------------------------------------


def visitor() -> Visitor:
    """Whoever sent this request. Raises 401 where nobody opened this browser from the terminal or by a link."""
    found = _visitor()
    if found is None:
        raise Unauthorized
    return found


def _visitor() -> Visitor | None:
    if "visitor" not in g:
        g.visitor = _by_link() if getattr(_view(), "audience", ()) == (LINK,) else _by_session_or_link()
    found: Visitor | None = g.visitor
    return found


def _by_session_or_link() -> Visitor | None:
    session = _by_session()
    return session if session and session.person else (_by_link() or session)


def _view() -> Callable[..., Any] | None:
    return flask.current_app.view_functions.get(request.endpoint or "")


def _by_session() -> Visitor | None:
    if not flask.current_app.config["STAFF"]:  # a phone: there is no signing in
        return None
    secret = request.cookies.get(cookie("desk"), "")
    kept = house().sessions.find(secret, seen=_by_a_person()) if secret else None
    if kept is None:
        return None
    account, password = kept
    person = house().studio.person(account) if account else None
    if account and (person is None or password not in (None, person.password)):  # the account is gone, or its password
        house().sessions.end(secret)
        return None
    return Visitor(key_of(secret), csrf_of(secret), person)


def _by_a_person() -> bool:
    """Whether somebody did something: a page that keeps itself up to date does not keep its session alive."""
    view = _view()
    if getattr(view, "is_api", False):
        return request.method not in SAFE and not getattr(view, "quiet", False)
    return True


def _by_link() -> Visitor | None:
    secret = request.cookies.get(cookie("yours"), "")
    link = house().studio.link_session(secret) if secret else None
    return None if link is None else Visitor(key_of(secret), csrf_of(secret), link=link)


def cookie(name: str) -> str:
    """A cookie's name. Browsers keep the cookies of all ports of one host together, so the port is in it."""
    return f"{name}-{address().port}"


def address() -> Any:
    """Where this app is asked for."""
    return flask.current_app.config["ADDRESS"]


def keep(response: AnyResponse, name: str, secret: str, *, days: int | None = None) -> None:
    """Give the browser a session's secret; without `days` it forgets it when it is closed."""
    response.set_cookie(
        cookie(name),
        secret,
        max_age=None if days is None else days * 86_400,
        secure=address().scheme == "https",
        httponly=True,
        samesite="Strict",
        path="/",
    )


def drop(response: AnyResponse, name: str) -> None:
    """Make the browser forget a session's secret."""
    response.delete_cookie(cookie(name), secure=address().scheme == "https", httponly=True, samesite="Strict", path="/")


def enter(token: str) -> AnyResponse:
    """Open a young person's link in this browser: it is theirs from now on, and nobody of the staff is signed in here.

    Raises GateClosed where the link is used or old.
    """
    link = house().studio.open_link(token)
    house().sessions.end(request.cookies.get(cookie("desk"), ""))
    response = Response(status=204)
    drop(response, "desk")
    keep(response, "yours", link.session, days=LINK_DAYS)
    return response


def addresses(token: str) -> tuple[str, ...]:
    """Where a young person's link can be opened: on this machine, and on a phone where that is switched on."""
    return tuple(f"{place.origin}/yours#{token}" for place in (house().address, *house().links))


# --- rules for what changes something --------------------------------------------------------------------------------------

Rule = Callable[[], None]

PLAIN_FORM: Final = "application/x-www-form-urlencoded"
BYTES: Final = "application/octet-stream"


def known_body() -> None:
    """Refuses bodies that are packed, or of a kind that no route reads.

    Those of several parts would be put on the disk; plain text is what another origin's page may send without being asked.
    """
    if request.headers.get("Content-Encoding") or (request.content_length or request.headers.get("Transfer-Encoding")):
        kinds = (BYTES,) if request.method == "PATCH" else ("application/json", PLAIN_FORM)
        if request.headers.get("Content-Encoding"):
            flask.abort(415)
        if request.mimetype not in kinds:
            flask.abort(403)


def own_token() -> None:
    """Refuses what does not carry the CSRF token of its own session."""
    view = _view()
    if view is None or getattr(view, "opens", False):
        return
    found = _visitor()
    if found is None:
        flask.abort(401 if request.headers.get("X-CSRF") or request.mimetype == PLAIN_FORM else 403)
    sent = request.headers.get("X-CSRF") or (request.form.get("csrf", "") if request.mimetype == PLAIN_FORM else "")
    if not hmac.compare_digest(sent.encode(), found.csrf.encode()):
        flask.abort(403)


RULES: Final[tuple[Rule, ...]] = (known_body, own_token)


# --- routes ----------------------------------------------------------------------------------------------------------------


def page(*audience: Audience, opens: bool = False) -> Callable[[View], Route]:
    """A route that answers with a page. `opens`: it makes a session, so there is no CSRF token yet."""
    return _route(audience, opens=opens, quiet=False, answers=flask.make_response)


def api(*audience: Audience, opens: bool = False, quiet: bool = False) -> Callable[[View], Route]:
    """A route that answers with a value, as JSON. `quiet`: pages ask for it by themselves, whether somebody is there or not."""
    return _route(audience, opens=opens, quiet=quiet, answers=_json)


def _route(
    audience: tuple[Audience, ...], *, opens: bool, quiet: bool, answers: Callable[[Any], AnyResponse]
) -> Callable[[View], Route]:
    if not audience:
        raise ValueError("a route says who may ask for it")

    def decorated(view: View) -> Route:
        @functools.wraps(view)
        def checked(*args: Any, **kwargs: Any) -> AnyResponse:
            flask.current_app.config["ADMIT"](audience, kwargs.get("episode"))
            return answers(view(*args, **kwargs))

        checked.audience = audience  # type: ignore[attr-defined]
        checked.opens = opens  # type: ignore[attr-defined]
        checked.quiet = quiet  # type: ignore[attr-defined]
        checked.is_api = answers is _json  # type: ignore[attr-defined]
        return checked

    return decorated


def admit(audience: tuple[Audience, ...], episode: str | None) -> None:
    """Refuses who is not in the audience, and who came by a link to another episode."""
    if ANYBODY in audience:
        return
    found = visitor()
    if found.link is not None and LINK in audience:
        if episode is not None and episode != found.link.episode:
            flask.abort(404)
        return
    if found.person is None:
        raise Unauthorized
    if not found.has(*(role for role in audience if isinstance(role, Role))):
        flask.abort(403)


def _json(value: object) -> AnyResponse:
    if isinstance(value, AnyResponse):
        return value
    return flask.jsonify(codecs.plain(value))


def given(kind: type[T]) -> T:
    """The JSON that was sent, as a frozen value. Raises UsageRefused where it is not one."""
    try:
        return codecs.parsed(kind, request.get_data())
    except ValueError:  # what it says may quote what was sent
        raise UsageRefused("this page and the server do not understand each other; reload the page") from None


def show(template: str, **values: object) -> Answer:
    """A page from a template."""
    return render_template(template, **values)


def stream(*topics: str, first: Iterable[tuple[str, object]] = ()) -> AnyResponse:
    """Server-sent events of some topics, for this visitor; `first` those that say how things stand."""
    texts = house().live.listen(visitor().key, *topics, first=first)
    return Response(texts, mimetype="text/event-stream")


# --- words -----------------------------------------------------------------------------------------------------------------


def language() -> str:
    """The language of this page: the one that was chosen, else the first that browser and strings share."""
    chosen = request.cookies.get(cookie("language"))
    if chosen in strings.languages():
        return str(chosen)
    return request.accept_languages.best_match(strings.languages()) or strings.FIRST


def t(key: str, **values: object) -> str:
    """A string in the language of this page."""
    return strings.text(language(), key, **values)


# --- refusals --------------------------------------------------------------------------------------------------------------


def refused(status: int, sentence: str) -> tuple[AnyResponse, int]:
    """A refusal: a page for those who asked for one, else JSON."""
    if getattr(_view(), "is_api", request.accept_mimetypes.best != "text/html"):
        return flask.jsonify({"error": sentence}), status
    found = _visitor() if status == 401 else None
    if status == 401 and (found is None or found.link is not None):
        return flask.make_response(show("launch.html")), status
    if status == 401:
        return flask.make_response(show("sign-in.html", sentence="", to=request.path)), status
    return flask.make_response(show("refused.html", sentence=sentence, status=status)), status


def install(app: flask.Flask, rules: Iterable[Rule] = RULES) -> None:
    """Make an app follow the rules, speak our sentences, and tell its log nothing but where it failed."""

    def check() -> None:
        if request.method not in SAFE:
            for rule in rules:
                rule()

    def of_ours(error: StablecastError) -> tuple[AnyResponse, int]:
        return refused(STATUS.get(error.exit_code, 500), str(error))

    def of_http(error: HTTPException) -> tuple[AnyResponse, int]:
        status = error.code or 500
        if status < 400:  # a redirect
            return error.get_response(), status
        key = f"refused.{status}"
        return refused(status, t(key if key in strings.table(strings.FIRST) else "refused.other"))

    def of_nobody(error: Exception) -> tuple[AnyResponse, int]:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "nowhere"
        _LOG.error("a page failed: %s at %s", type(error).__name__, place)
        return refused(500, t("refused.500"))

    app.before_request(check)
    app.register_error_handler(StablecastError, of_ours)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_nobody)
    app.context_processor(_for_templates)


def _for_templates() -> dict[str, object]:
    found = _visitor()
    return {
        "t": t,
        "language": language(),
        "languages": strings.languages(),
        "visitor": found,
        "csrf": found.csrf if found else "",
        "Role": Role,
    }
