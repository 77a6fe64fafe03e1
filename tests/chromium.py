"""The system's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PLAYING = "--autoplay-policy=no-user-gesture-required"  # sound may begin before anybody touched the page

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (CI installs it)")


@contextmanager
def browsing(*options: str) -> Iterator[Browser]:
    """A browser of its own; `options` are Chromium's."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *options])
        try:
            yield browser
        finally:
            browser.close()
