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
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from desks import serve  # noqa: E402
from fake_people import FakeShow  # noqa: E402
from tour import PAGES  # noqa: E402

KEPT = ("yours-open", "yours-listen", "yours-answer", "yours-voice-vi", "board", "desk", "lead")
COLOURS = 128  # of a kept picture: flat pages need no more


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
