"""Every page with hostile words in all it shows, and every page beside a hostile page (T26, T34, T36), in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, render_template_string
from playwright.sync_api import Browser, BrowserContext, Page

from chromium import browsing, needs_chromium
from desks import Served, StandIn, serve
from fake_people import FakeShow
from fake_studio import EP, FakeStudio
from stablecast.studio.reviews import ParagraphView
from stablecast.web import frame
from stablecast.web.app import ROOMS
from stablecast.web.guard import HEADERS

pytestmark = needs_chromium

EVIL = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'><svg onload=alert(3)><math href=javascript:alert(4)>{{7*7}}"
    "${7*7}]]></textarea></title></script><a href=javascript:alert(5)>x</a>[x](javascript:alert(6))"
    "![x](https://evil.example/x.png)\u2028<iframe src=https://evil.example></iframe><base href=https://evil.example/>"
)
MARK = "alert(1)</script>"  # what a reader sees of it where it is shown as it is


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as found:
        yield found


@dataclass
class Watch:
    """What a browser did that no page of ours may make it do."""

    origin: str
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def nothing_happened(self, page: Page) -> None:
        """T26, T36: no dialog, no request to anywhere else, nothing that the policy had to stop, nothing injected."""
        assert self.dialogs == []
        assert [url for url in self.asked if not url.startswith((self.origin + "/", "data:", "blob:"))] == []
        assert [text for text in self.complaints if "Security Policy" in text or "Error" in text] == []
        injected = (
            "iframe, base, math, [onerror], [onload], a[href^=javascript], img[src=x], script:not([src^='/static/'])"
        )
        assert page.locator(injected).count() == 0
        assert "49" not in page.locator("title").inner_text()


@contextmanager
def at(browser: Browser, served: Served, cookies: dict[str, str]) -> Iterator[tuple[Watch, Page]]:
    """A browser of somebody who has these cookies."""
    context = browser.new_context()
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": f"{n}-{served.port}", "value": v, "url": served.origin} for n, v in cookies.items()])
    watch = Watch(served.origin)
    try:
        yield watch, watch.over(context)
    finally:
        context.close()


def evil(value: Any) -> Any:
    """A view with hostile words in every text that people write."""
    written = {
        "title",
        "summary",
        "content_note",
        "speaker",
        "speakers",
        "producer_name",
        "note",
        "who",
        "what",
        "text",
    }
    written |= {"words", "show_title", "reason", "reasons", "outcomes", "name", "label"}
    if isinstance(value, tuple):
        return tuple(map(evil, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for one in fields(value):
        found = getattr(value, one.name)
        if one.name in written and isinstance(found, str):
            changed[one.name] = EVIL
        elif one.name in written and isinstance(found, tuple) and all(isinstance(item, str) for item in found):
            changed[one.name] = tuple(f"{EVIL}{number}" for number, _ in enumerate(found))
        else:
            changed[one.name] = evil(found)
    return replace(value, **changed)


def _evil_answers(kind: type, names: tuple[str, ...]) -> type:
    def made(name: str) -> Callable[..., Any]:
        honest = getattr(kind, name)

        def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
            found = honest(self, *args, **kwargs)
            return (evil(one) for one in found) if hasattr(found, "__next__") else evil(found)

        return answer

    return type(f"Evil{kind.__name__}", (kind,), {name: made(name) for name in names})


PEOPLES = ("board", "cut", "wishes", "timeline", "doubts_in_file", "proposals", "desk", "outcomes", "forms", "previews")
REVIEWS = ("cut", "board", "doubts_in_file", "proposals_in_file", "wishes")
VISITS = (
    ("p", "/board", "h1"),
    ("p", "/new", "h1"),
    ("p", "/episodes/ep-001", "h1"),
    ("p", "/episodes/ep-004", "h1"),
    ("l", "/episodes/ep-003/lead", "h1"),
    ("", "/yours/voice", "h1"),
    ("", "/yours/listen", "h1"),
    ("", "/yours/answer", "h1"),
    ("", "/yours/code", "h1"),
)


def test_hostile_words_are_words(browser: Browser) -> None:
    """T26, T36: on the board, the desk, the lead's page and the young person's, with all that can be written hostile."""
    show = _evil_answers(FakeShow, PEOPLES)()
    seen = 0
    with serve(show) as served:
        for who, path, ready in VISITS:
            cookies = {"desk": served.house.sessions.begin(who)} if who else {}
            if not who:
                cookies["yours"] = show.open_link(show.make_link("ep-001", "p")).session
            with at(browser, served, cookies) as (watch, page):
                page.goto(f"{served.origin}{path}", wait_until="networkidle" if "yours" in path else "load")
                page.locator(ready).first.wait_for()
                page.wait_for_timeout(150)
                watch.nothing_happened(page)
                assert "That did not work" not in page.locator("h1").first.inner_text(), path
                seen += MARK in page.content().replace("&lt;", "<").replace("&gt;", ">")
    assert seen >= 6


def test_hostile_speech_is_words(browser: Browser) -> None:
    """T26: what a recogniser heard somebody say, in the reviewer's page: shown, typed on, in lists and captions."""
    studio = _evil_answers(FakeStudio, REVIEWS)(6)

    def spoken(said: ParagraphView) -> ParagraphView:
        words = tuple(replace(word, text=EVIL if word.text else None) for word in said.words[:4])
        return replace(said, speaker=EVIL, words=words)

    studio.state.paragraphs = {known_by: spoken(said) for known_by, said in studio.state.paragraphs.items()}
    with serve(studio) as served, at(browser, served, {"desk": served.house.sessions.begin("b")}) as (watch, page):
        page.goto(f"{served.origin}/episodes/{EP}/review")
        page.locator("html[data-full]").wait_for(state="attached")
        page.wait_for_timeout(300)
        for tab in page.get_by_role("tab").all():
            tab.click()
            page.wait_for_timeout(50)
        watch.nothing_happened(page)
        assert MARK in page.locator("main").inner_text()


_careless = Blueprint("careless", __name__)


@_careless.get("/careless")
@frame.page(frame.ANYBODY)
def careless() -> str:
    """A page that trusts what it shows, and takes a picture from elsewhere."""
    page = "<!doctype html><title>x</title><h1>x</h1>{{ text | safe }}<img alt='' src='https://evil.example/a.png'>"
    return render_template_string(page, text=EVIL)


@pytest.mark.parametrize("headers", [dict(HEADERS), {}], ids=["with the policy", "without"])
def test_a_page_that_trusts_its_words_is_seen(browser: Browser, show: Path, headers: dict[str, str]) -> None:
    """T26, T36: the check fails where a page does not escape; the policy alone keeps its scripts from running."""
    with (
        serve(StandIn(show), rooms=(*ROOMS, _careless), headers=headers) as served,
        at(browser, served, {}) as (watch, page),
    ):
        page.goto(f"{served.origin}/careless")
        page.wait_for_timeout(200)
        with pytest.raises(AssertionError):
            watch.nothing_happened(page)
        assert bool(watch.dialogs) == (not headers)


# --- beside a hostile page -------------------------------------------------------------------------------------------------


@contextmanager
def hostile_site(target: str) -> Iterator[str]:
    """Another origin, whose page frames ours and opens it."""
    body = f"<!doctype html><title>evil</title><iframe id=f src='{target}'></iframe>".encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def keeps_apart(browser: Browser, served: Served) -> None:
    """T34: our page shows in nobody's frame, and has no hold on who opened it, nor they on it."""
    ours = f"{served.origin}/away"
    with hostile_site(ours) as site, at(browser, served, {}) as (_, page):
        page.goto(site)
        page.wait_for_timeout(300)
        framed = page.frame_locator("#f").locator("body").inner_html(timeout=2000)
        assert "href" not in framed
        assert "<main" not in framed
        with page.expect_popup() as opened:
            page.evaluate("target => { window.theirs = window.open(target); }", ours)
        opened.value.wait_for_load_state()
        assert opened.value.url == ours
        assert opened.value.evaluate("window.opener") is None
        assert page.evaluate("window.theirs.closed") is True  # all that they can see of it


def test_no_page_of_ours_is_framed_or_held(browser: Browser, show: Path) -> None:
    """T34: and without the headers, the check fails."""
    with serve(StandIn(show)) as served:
        keeps_apart(browser, served)
    with serve(StandIn(show), headers={}) as served, pytest.raises(AssertionError):
        keeps_apart(browser, served)


def test_a_hostile_page_changes_nothing(browser: Browser, show: Path) -> None:
    """T22, T35: with the browser's own cookies, another site's page sends forms, requests and streams, and reads nothing."""
    with serve(StandIn(show)) as served, hostile_site("about:blank") as site:
        who = served.signed_in("Rio")
        with at(browser, served, {"desk": next(iter(who.cookies.values()))}) as (_, page):
            page.goto(site)
            script = """async ours => {
                const read = [];
                for (const options of [{}, {mode: "no-cors"}, {method: "POST", body: "{}", mode: "no-cors"},
                        {method: "POST", body: "{}", headers: {"Content-Type": "application/json", "X-CSRF": "x"}}]) {
                    try {
                        const answer = await fetch(ours + "/me", {credentials: "include", ...options});
                        read.push(await answer.text());
                    } catch {}
                }
                const stream = new EventSource(ours + "/board/events", {withCredentials: true});
                await new Promise(done => { stream.onopen = () => { read.push("open"); done(); }; stream.onerror = done; });
                stream.close();
                return read.filter(text => text);
            }"""
            assert page.evaluate(script, served.origin) == []
            with page.expect_navigation():
                page.evaluate(
                    """ours => {
                        const form = document.createElement("form");
                        form.method = "post";
                        form.action = ours + "/sign-out";
                        document.body.append(form);
                        form.submit();
                    }""",
                    served.origin,
                )
        assert who.ask("GET", "/me").status == 200
        assert served.studio.done == []
