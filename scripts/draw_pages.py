#!/usr/bin/env python3
"""Take the pictures of the review's pages for docs/review.md, from the made-up show of the tests.

.venv/bin/python scripts/draw_pages.py              # docs/review/*.png
.venv/bin/python scripts/draw_pages.py build/look --all       # every page, light, dark and narrow
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from desks import Served, serve  # noqa: E402
from fake_people import PASSWORD, FakeShow  # noqa: E402

KEPT = ("yours-open", "yours-listen", "yours-answer", "yours-voice-vi", "board", "desk", "lead")
COLOURS = 128  # of a kept picture: flat pages need no more


def yours(served: Served, show: FakeShow, page: Page, path: str) -> None:
    """As a young person with a link that was just opened, or is about to be."""
    token = show.make_link("ep-001", "p")
    page.goto(f"{served.origin}/yours#{token}")
    if path:
        page.click("[data-with=beside]")
        page.wait_for_url("**/yours/listen")
        page.goto(f"{served.origin}/yours/{path}")


def staff(served: Served, page: Page, name: str, path: str) -> None:
    """As somebody signed in."""
    with page.expect_navigation():
        page.goto(served.launch("/"))
    page.wait_for_selector("#name")
    page.fill("#name", name)
    page.fill("#password", PASSWORD)
    with page.expect_navigation():
        page.click("main button")
    page.goto(f"{served.origin}{path}")


def _language(page: Page, tag: str) -> None:
    with page.expect_navigation():
        page.click(f"[data-language={tag}]")


def _mark(page: Page) -> None:
    page.locator(".line .cut").nth(2).click()
    page.wait_for_selector("#mine li")


def _unsure(page: Page) -> None:
    page.check("[name=known][value=unsure]")
    page.check("[name=how][value=heard]")
    page.click("#answer-yes")
    page.wait_for_selector("#told h3")


def _code(page: Page) -> None:
    page.click("#new")
    page.wait_for_selector("#card:not([hidden])")


def _proposals(page: Page) -> None:
    page.click("#see-proposals")
    page.wait_for_selector("#proposal-list li")


def _link(page: Page) -> None:
    page.fill("#link-name", "Robin")
    page.click("#link-form button")
    page.wait_for_selector("#link-box:not([hidden])")


PAGES: dict[str, tuple[Callable[[Served, FakeShow, Page], None], Callable[[Page], None] | None]] = {
    "yours-open": (lambda s, f, p: yours(s, f, p, ""), None),
    "yours-voice": (lambda s, f, p: yours(s, f, p, "voice"), None),
    "yours-voice-vi": (lambda s, f, p: yours(s, f, p, "voice"), lambda p: _language(p, "vi")),
    "yours-listen": (lambda s, f, p: yours(s, f, p, "listen"), _mark),
    "yours-answer": (lambda s, f, p: yours(s, f, p, "answer"), None),
    "yours-unsure": (lambda s, f, p: yours(s, f, p, "answer"), _unsure),
    "yours-code": (lambda s, f, p: yours(s, f, p, "code"), _code),
    "yours-stopped": (lambda s, f, p: p.goto(f"{s.origin}/yours/stopped?public"), None),
    "away": (lambda s, f, p: p.goto(f"{s.origin}/away"), None),
    "sign-in": (lambda s, f, p: _sign_in(s, p), None),
    "board": (lambda s, f, p: staff(s, p, "sam", "/board"), None),
    "new": (lambda s, f, p: staff(s, p, "sam", "/new"), None),
    "desk-early": (lambda s, f, p: staff(s, p, "sam", "/episodes/ep-004"), _proposals),
    "desk": (lambda s, f, p: staff(s, p, "sam", "/episodes/ep-001"), _link),
    "lead": (lambda s, f, p: staff(s, p, "dana", "/episodes/ep-003/lead"), None),
}


def _sign_in(served: Served, page: Page) -> None:
    with page.expect_navigation():
        page.goto(served.launch("/"))
    page.wait_for_selector("#name")


def take(browser: Browser, name: str, to: Path, *, width: int, height: int, scheme: Any, whole: bool) -> None:
    """One picture of one page, in a show of its own."""
    show = FakeShow()
    arrive, then = PAGES[name]
    with serve(show) as served:  # type: ignore[arg-type]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        arrive(served, show, page)
        if then is not None:
            then(page)
        page.wait_for_timeout(200)
        data = page.screenshot(full_page=whole)
        context.close()
    picture = Image.open(io.BytesIO(data)).convert("RGB").quantize(COLOURS)
    to.parent.mkdir(parents=True, exist_ok=True)
    picture.save(to, optimize=True)
    print(f"{to} {to.stat().st_size // 1024} KiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "review")
    parser.add_argument("--all", action="store_true", help="every page, whole, in light, dark and narrow")
    parser.add_argument("--only", help="pages whose name begins so")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in PAGES if given.all else KEPT:
            if given.only and not name.startswith(given.only):
                continue
            if not given.all:
                take(browser, name, given.folder / f"{name}.png", width=960, height=900, scheme="light", whole=False)
                continue
            for look, width, scheme in (("light", 1200, "light"), ("dark", 1200, "dark"), ("narrow", 320, "light")):
                to = given.folder / f"{name}-{look}.png"
                take(browser, name, to, width=width, height=900, scheme=scheme, whole=True)
        browser.close()


if __name__ == "__main__":
    main()
