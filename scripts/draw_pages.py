#!/usr/bin/env python3
"""Draw the pages of the review for docs/review.md: the real app in a real browser, over made-up episodes.

python scripts/draw_pages.py            write docs/review/*.png; needs Chromium
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from chromium import browsing  # noqa: E402
from desks import serve  # noqa: E402
from fake_people import FakeShow  # noqa: E402
from fake_studio import EP, FakeStudio  # noqa: E402
from tour import PAGES  # noqa: E402

FOLDER = ROOT / "docs" / "review"
WIDE = {"width": 1180, "height": 900}
PHONE = {"width": 390, "height": 844}
DARK = frozenset(("yours-code", "lead", "review-dark"))  # drawn as somebody sees them at night
COLOURS = 96  # of a picture: what is flat stays sharp and small


def page_of(browser: Browser, name: str) -> Page:
    """A page in a context of its own: a phone for the young person, a desk for the staff."""
    size = PHONE if name.startswith("yours") or name.endswith("narrow") else WIDE
    scheme = "dark" if name in DARK else "light"
    return browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()


def draw(page: Page, name: str) -> None:
    """What is seen now, in few colours."""
    page.wait_for_timeout(700)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    page.context.close()


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with browsing() as browser:
        for name, (go, then) in PAGES.items():
            show = FakeShow()
            with serve(show) as served:  # type: ignore[arg-type]
                page = page_of(browser, name)
                go(served, show, page)
                if then is not None:
                    then(page)
                draw(page, name)
        with serve(FakeStudio(60)) as served:  # type: ignore[arg-type]
            for name in ("review", "review-dark", "review-narrow"):
                page = page_of(browser, name)
                secret = served.house.sessions.begin("r")
                cookie = f"desk-{served.house.address.port}"
                page.context.add_cookies([{"name": cookie, "value": secret, "url": served.origin}])
                page.goto(f"{served.origin}/episodes/{EP}/review")
                page.locator("html[data-full]").wait_for(state="attached")
                draw(page, name)


if __name__ == "__main__":
    main()
