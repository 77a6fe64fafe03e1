"""The published pages in a real browser: they work without a script, ask nobody else for anything, and play."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path, PurePosixPath

import pytest
from playwright.sync_api import Page, Request

from chromium import PLAYING, browsing, needs_chromium
from recordings import run
from stablecast.model import Alias, Cue, Details, Digest, Outcomes, PublicEpisode, ShowInfo
from stablecast.stages.publish import Release, media_paths, publish

pytestmark = needs_chromium

AUDIO = Digest("ab" * 32)
PUBLIC_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published show with one episode whose words try to be more than words."""
    folder = tmp_path_factory.mktemp("site")
    paths = media_paths(PUBLIC_ID, AUDIO)
    hostile = "<script>document.title='broken'</script><img src=x onerror=alert(1)> & so on"
    episode = PublicEpisode(
        public_id=PUBLIC_ID,
        guid="urn:uuid:00000000-0000-4000-8000-000000000000",
        details=Details("What helped " + hostile, "A summary.", "Being afraid, at the beginning."),
        duration_s=3.0,
        language="en",
        enclosure=paths.enclosure,
        enclosure_bytes=1,
        enclosure_type="audio/mpeg",
        vtt=paths.vtt,
        srt=paths.srt,
        chapters=paths.chapters,
        cues=(Cue(0, 3000, Alias("Robin"), "Somebody listened. " + hostile),),
    )
    release = Release(episode, date(2026, 11, 22), dict.fromkeys((paths.enclosure, paths.vtt, paths.srt), AUDIO))
    tree = publish(ShowInfo(title="Small steps"), "7a1f17d1-805d-58c4-a456-7c4b6b72057a", [release], Outcomes((), ()))
    for path, data in tree.texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "media").mkdir()
    run("-f", "lavfi", "-i", "sine=440:d=3", "-b:a", "64k", folder / paths.enclosure)
    return folder


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on 127.0.0.1, as a static host would serve it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

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
def browser_page(*, script: bool = True) -> Iterator[tuple[Page, list[str], list[str]]]:
    """A page, what it asked for, and what it complained about."""
    with browsing(PLAYING) as browser:
        page = browser.new_context(java_script_enabled=script, viewport={"width": 320, "height": 800}).new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(_url(request)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: complaints.append("a dialog"))
        yield page, asked, complaints


def _url(request: Request) -> str:
    return str(request.url)


@pytest.mark.parametrize("path", [PurePosixPath("index.html"), PurePosixPath("episodes", f"{PUBLIC_ID}.html")])
def test_pages_ask_nobody_else_and_run_nothing(site: Path, path: PurePosixPath) -> None:
    """Every request goes to the page's own host; hostile words stay words; nothing is wider than a small phone."""
    with served(site) as host, browser_page() as (page, asked, complaints):
        page.goto(f"{host}/{path}")
        assert asked
        assert all(url.startswith((host, "data:")) for url in asked), asked
        assert complaints == []
        assert "broken" not in page.title() or "script" in page.title()
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 320


@pytest.mark.parametrize("from_disk", [False, True])
def test_an_episode_plays_from_a_host_and_from_the_disk(site: Path, from_disk: bool) -> None:
    """The policy in the page lets its own sound through, also when a page is opened as a file."""
    with served(site) as host, browser_page() as (page, _, complaints):
        root = site.as_uri() if from_disk else host
        page.goto(f"{root}/episodes/{PUBLIC_ID}.html")
        assert (
            page.evaluate("document.querySelector('audio').play().then(() => 'plays', error => error.message)")
            == "plays"
        )
        for _ in range(100):  # the page's policy forbids what Playwright would wait with
            if page.evaluate("document.querySelector('audio').currentTime") > 0.2:
                break
            page.wait_for_timeout(100)
        assert page.evaluate("document.querySelector('audio').currentTime") > 0.2
        assert complaints == []


def test_the_content_note_comes_before_the_player(site: Path) -> None:
    """Who listens knows what is coming before anything can play; all of it is there without a script."""
    with served(site) as host, browser_page(script=False) as (page, _, _):
        page.goto(f"{host}/episodes/{PUBLIC_ID}.html")
        note = page.get_by_text("Being afraid, at the beginning.").first.bounding_box()
        player = page.locator("audio").bounding_box()
        assert note is not None
        assert player is not None
        assert note["y"] < player["y"]
        assert page.get_by_text("Somebody listened.").first.is_visible()
