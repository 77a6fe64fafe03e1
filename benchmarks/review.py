"""How soon the reviewer's page of a long episode can be used, and how soon it seeks, in Chromium on this machine.

    python benchmarks/review.py [HOURS]     2 unless told otherwise

Behind the real app is the tests' studio in memory, at two hours with 18,750 words in 1,500 paragraphs and 127 MB of sound at
128 kbit/s. What the real studio takes to open and to read them comes on top.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from harness import Row, Scale
from playwright.sync_api import sync_playwright

from desks import serve
from fake_studio import EP, FakeStudio

RUNS, SEEKS = 5, 20
AN_HOUR = 750  # paragraphs
SEEK = """async (to) => {
    const audio = document.querySelector("#audio"), began = performance.now();
    const there = new Promise((done) => audio.addEventListener("seeked", done, { once: true }));
    audio.currentTime = to;
    await there;
    return performance.now() - began;
}"""


def main(hours: float) -> None:
    """Print the figures."""
    for what, values in figures(hours, RUNS).items():
        print(f"{what:24} median {statistics.median(values):6.0f} ms, worst {max(values):6.0f} ms")


def rows(scale: Scale) -> Iterator[Row]:
    """For `make bench`."""
    hours = 4 * min(1.0, max(0.1, scale.factor))
    found = {what: statistics.median(values) for what, values in figures(hours, scale.runs).items()}
    for what in ("ready to type and play", "seek", "saved after a letter"):
        yield Row(
            f"review, {what}",
            found[what],
            None,
            None,
            "none set",
            None,
            "ms",
            "the reviewer's page in Chromium",
            f"play after a seek {found['play after a seek']:.0f} ms",
            f"first words seen: {found['first words seen']:.0f} ms",
            f"an episode of {hours:g} h",
        )


def figures(hours: float, runs: int) -> dict[str, list[float]]:
    """Milliseconds, by what they are of."""
    studio = FakeStudio(round(AN_HOUR * hours), kbps=128)
    said = studio.manuscript(EP)
    print(
        f"{sum(len(one.words) for one in said.paragraphs):,} words in {len(said.paragraphs):,} paragraphs, "
        f"{studio.duration_s / 3600:.1f} h, {len(studio.audio) / 1e6:.0f} MB"
    )
    with serve(cast(Any, studio)) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        shown, opened, sought, played, saved = [], [], [], [], []
        for _ in range(runs):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            secret = served.house.sessions.begin("b")
            name = f"desk-{served.house.address.port}"
            context.add_cookies([{"name": name, "value": secret, "url": served.origin}])
            page = context.new_page()
            page.goto(f"{served.origin}/episodes/{EP}/review", wait_until="commit")
            page.locator("html[data-ready]").wait_for(state="attached")
            opened.append(page.evaluate("Number(document.documentElement.dataset.ready)"))
            shown.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"))
            page.locator("html[data-full]").wait_for(state="attached")
            for k in range(SEEKS):
                sought.append(page.evaluate(SEEK, (k * 2377 + 1000) % studio.duration_s))
            middle_s = studio.duration_s // 2
            page.evaluate(f"document.querySelector('#audio').currentTime = {middle_s}")
            began = time.perf_counter()
            page.keyboard.press("Alt+k")
            while page.evaluate("document.querySelector('#audio').currentTime") <= middle_s + 0.02:
                page.wait_for_timeout(5)
            played.append((time.perf_counter() - began) * 1000)
            page.keyboard.press("Alt+k")
            page.keyboard.press("Alt+e")
            began = time.perf_counter()
            page.keyboard.type("x")
            page.locator("#saved[data-state=saved]").wait_for(state="attached")
            saved.append((time.perf_counter() - began) * 1000)
            context.close()
        browser.close()
    return {
        "first words seen": shown,
        "ready to type and play": opened,
        "seek": sought,
        "play after a seek": played,
        "saved after a letter": saved,
    }


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
