"""The published pages in a real browser: readable by everyone, asking nobody else for anything, whole without a script."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request

from chromium import PLAYING, browsing, needs_chromium
from recordings import run
from stablecast.model import (
    Alias,
    Chapter,
    Cue,
    Details,
    Digest,
    Outcome,
    Outcomes,
    Principle,
    PublicEpisode,
    PublicTranslation,
    ShowInfo,
)
from stablecast.site.design import Design, Link, own_page
from stablecast.stages.publish import Release, media_paths, publish

pytestmark = needs_chromium

AUDIO = Digest("ab" * 32)
PUBLIC_ID = "0123456789abcdef0123456789abcdef"
EPISODE = f"episodes/{PUBLIC_ID}.html"
KINDS = (
    "index.html",
    "episodes/index.html",
    EPISODE,
    "outcomes/index.html",
    "outcomes/believed.html",
    "outcomes/freedom.html",
    "principles/heard.html",
    "change.html",
    "support.html",
    "pages/about.html",
    "404.html",
)
OUTCOMES = Outcomes(
    (Principle("heard", "The right to be heard", 12),),
    (Outcome("believed", "Being believed", "heard"), Outcome("freedom", "Freedom", "heard")),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published show with one episode whose words try to be more than words."""
    folder = tmp_path_factory.mktemp("site")
    paths = media_paths(PUBLIC_ID, AUDIO)
    hostile = "<script>document.title='broken'</script><img src=x onerror=alert(1)> & so on"
    said = [f"Line {number}, and what helped me then." for number in range(40)]
    cues = tuple(Cue(500 * n, 500 * n + 500, Alias("Robin" if n < 20 else "Kit"), text) for n, text in enumerate(said))
    episode = PublicEpisode(
        public_id=PUBLIC_ID,
        guid="urn:uuid:00000000-0000-4000-8000-000000000000",
        details=Details(
            "What helped " + hostile,
            "A summary.",
            "Being afraid, at the beginning.",
            ("believed",),
            (Chapter(0.0, "Arriving"), Chapter(12.0, "Staying")),
        ),
        duration_s=20.0,
        language="en",
        enclosure=paths.enclosure,
        enclosure_bytes=1,
        enclosure_type="audio/mpeg",
        vtt=paths.vtt,
        srt=paths.srt,
        chapters=paths.chapters,
        cues=(*cues, Cue(20_000, 20_500, Alias("Robin"), "Somebody listened. " + hostile)),
        translations=(
            PublicTranslation("ar", *paths.captions_in("ar"), (Cue(0, 500, Alias("Robin"), "استمعوا إليّ."),)),
        ),
    )
    release = Release(episode, date(2026, 11, 22), dict.fromkeys((paths.enclosure, paths.vtt, paths.srt), AUDIO))
    show = ShowInfo(
        title="Small steps", support="0800 000 000, day and night\nhttps://help.example/chat", url="http://127.0.0.1/"
    )
    design = Design(
        subscribe=(Link("Apple Podcasts", "https://podcasts.example/1"),),
        pages=(own_page("about", "# About us\n\n## What we do\n\nWe [meet](https://meet.example/).\n\n> Together."),),
    )
    tree = publish(show, "7a1f17d1-805d-58c4-a456-7c4b6b72057a", [release], OUTCOMES, design=design)
    for path, data in tree.texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "media").mkdir()
    run("-f", "lavfi", "-i", "sine=440:d=21", "-b:a", "64k", folder / paths.enclosure)
    return folder


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on 127.0.0.1, as a static host would serve it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            """Ranges too: without them no browser can seek."""
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            path = Path(self.translate_path(self.path))
            if asked is None or not path.is_file():
                super().do_GET()
                return
            data = path.read_bytes()
            first, last = int(asked[1]), int(asked[2] or len(data) - 1)
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            self.wfile.write(data[first : last + 1])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def browser_page(
    *, script: bool = True, width: int = 320, **options: Any
) -> Iterator[tuple[Page, list[str], list[str]]]:
    """A page, what it asked for, and what it complained about."""
    with browsing(PLAYING) as browser:
        size = {"width": width, "height": 800}
        page = browser.new_context(java_script_enabled=script, viewport=size, **options).new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(_url(request)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: complaints.append("a dialog"))
        yield page, asked, complaints


def _url(request: Request) -> str:
    return str(request.url)


def test_pages_ask_nobody_else_and_keep_nothing(site: Path) -> None:
    """Every request goes to the page's own host; no cookie, no storage; hostile words stay words; all fits a small phone (T39)."""
    with served(site) as host, browser_page() as (page, asked, complaints):
        for path in KINDS:
            page.goto(f"{host}/{path}")
            page.mouse.wheel(0, 4000)
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 320, path
            assert "broken" not in page.title() or "script" in page.title()
        assert len(asked) >= 2 * len(KINDS)
        assert all(url.startswith((host, "data:")) for url in asked), asked
        assert complaints == []
        kept = "[document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length]"
        assert page.evaluate(f"(async () => {kept})()") == ["", 0, 0, 0]
        assert page.context.cookies() == []


@pytest.mark.slow
@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_axe_finds_nothing(site: Path, look: str) -> None:
    """WCAG 2.2 AA and good practice as far as a machine can say, on every kind of page, also while words are followed."""
    width, scheme = (320 if look == "narrow" else 1100), ("dark" if look == "dark" else "light")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    with served(site) as host, browser_page(width=width, color_scheme=scheme) as (page, _, complaints):
        for path in KINDS:
            page.goto(f"{host}/{path}")
            if path == EPISODE:
                page.locator("[data-t]").nth(3).click()
                page.locator("[data-t][aria-current]").first.wait_for()
            found = Axe().run(page, options={"runOnly": tags}).response["violations"]
            assert [(path, v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found] == []
        assert complaints == []


def test_a_page_is_whole_without_a_script(site: Path) -> None:
    """Everything is there to be read, heard and taken along; only what needs the script is not."""
    with served(site) as host, browser_page(script=False) as (page, asked, _):
        page.goto(f"{host}/{EPISODE}")
        assert page.locator("audio[controls]").is_visible()
        assert page.locator("[data-t]").count() == 42
        assert page.get_by_role("button").count() == page.get_by_role("checkbox").count() == 0
        assert page.get_by_role("link", name="Captions, VTT").count() == 2
        page.get_by_role("link", name="Being believed").click()
        assert page.get_by_role("link", name="What helped").is_visible()
        assert not [url for url in asked if url.endswith(".js")]


def current(page: Page) -> list[str]:
    return page.locator("[data-t][aria-current]").all_inner_texts()


def eventually(page: Page, holds: str) -> None:
    for _ in range(100):  # the page's policy forbids what Playwright would wait with
        if page.evaluate(holds):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never: {holds}")


def test_a_line_plays_from_where_it_is_said(site: Path) -> None:
    """A click on a line seeks to its time and plays; the line that is heard is marked, in each language."""
    with served(site) as host, browser_page(width=900) as (page, _, complaints):
        page.goto(f"{host}/{EPISODE}")
        page.get_by_text("Line 30, and").click()
        eventually(page, "document.querySelector('audio').currentTime > 15.6")
        assert page.evaluate("document.querySelector('audio').currentTime") < 18
        page.evaluate("document.querySelector('audio').pause()")
        page.evaluate("document.querySelector('audio').currentTime = 7.2")
        eventually(page, "document.querySelector('[data-t][aria-current]').textContent.startsWith('Line 14,')")
        assert current(page) == ["Line 14, and what helped me then.", "استمعوا إليّ."]
        assert complaints == []


def test_the_keyboard_plays_from_each_paragraph(site: Path) -> None:
    """Each paragraph has one button that says what it does; Enter is enough."""
    with served(site) as host, browser_page(width=900) as (page, _, _):
        page.goto(f"{host}/{EPISODE}")
        buttons = page.locator(".transcript button")
        assert buttons.count() < page.locator("[data-t]").count() / 2
        button = page.get_by_role("button", name="Play from 0:12")
        button.focus()
        page.keyboard.press("Enter")
        eventually(page, "document.querySelector('audio').currentTime > 12.1")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_words_come_into_view_for_who_wants_it(site: Path, motion: str) -> None:
    """The page follows the sound, unless a person asked for less motion, unticked it, or scrolled elsewhere."""
    with served(site) as host, browser_page(width=900, reduced_motion=motion) as (page, _, _):
        page.goto(f"{host}/{EPISODE}")
        follow = page.get_by_role("checkbox", name="Follow the words while it plays")
        assert follow.is_checked() is (motion == "no-preference")
        follow.check()
        page.evaluate("document.querySelector('audio').play()")
        page.evaluate("document.querySelector('audio').currentTime = 19")
        eventually(page, "scrollY > 300")
        page.mouse.wheel(0, -5000)
        eventually(page, "!document.querySelector('.follow input').checked")


@pytest.mark.parametrize("from_disk", [False, True])
def test_an_episode_plays_from_a_host_and_from_the_disk(site: Path, from_disk: bool) -> None:
    """The policy in the page lets its own sound through, also when a page is opened as a file."""
    with served(site) as host, browser_page() as (page, _, complaints):
        root = site.as_uri() if from_disk else host
        page.goto(f"{root}/{EPISODE}")
        assert (
            page.evaluate("document.querySelector('audio').play().then(() => 'plays', error => error.message)")
            == "plays"
        )
        eventually(page, "document.querySelector('audio').currentTime > 0.2")
        assert complaints == []


def test_the_content_note_comes_before_the_player(site: Path) -> None:
    """Who listens knows what is coming before anything can play; all of it is there without a script."""
    with served(site) as host, browser_page(script=False) as (page, _, _):
        page.goto(f"{host}/{EPISODE}")
        note = page.get_by_text("Being afraid, at the beginning.").first.bounding_box()
        player = page.locator("audio").bounding_box()
        assert note is not None
        assert player is not None
        assert note["y"] < player["y"]
        assert page.get_by_text("Somebody listened.").first.is_visible()
