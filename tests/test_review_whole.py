"""The whole way in the browser, as three people go it: a real server, a real browser, real recognition, a real voice."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import PLAYING, browsing, needs_chromium
from recordings import run
from showcase import ITEMS, Showcase

pytestmark = [
    needs_chromium,
    pytest.mark.model,
    pytest.mark.slow,
]

EP = "ep-001"
MADE_MS = 420_000  # ms for a run of a quarter of a minute of speech on two busy cores
HEARD_MS = 90_000


@dataclass
class Server:
    """`stablecast review` at a terminal of its own."""

    show: Showcase
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    terminal: int = -1
    said: bytes = b""
    shown: int = field(default=0)

    def start(self) -> None:
        """Begin, on the same port as before if there was one."""
        mine, its = pty.openpty()
        options = ["--port", str(self.port)] if self.port else []
        self.process = subprocess.Popen(
            self.show.command("review", "--no-browser", *options),
            env=self.show.environment, stdin=its, stdout=its, stderr=its, close_fds=True,
        )  # fmt: skip
        os.close(its)
        os.set_blocking(mine, False)
        self.terminal, self.said, self.shown = mine, b"", 0

    def address(self) -> str:
        """An address that lets one more browser in."""
        if self.shown:
            os.write(self.terminal, b"\n")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError, OSError):
                self.said += os.read(self.terminal, 65_536)
            found = re.findall(rb"http://127\.0\.0\.1:(\d+)/\S*#[A-Za-z0-9_-]+", self.said)
            whole = re.findall(rb"(http://127\.0\.0\.1:\d+/\S*#[A-Za-z0-9_-]+)\s", self.said)
            if len(whole) > self.shown:
                self.shown += 1
                self.port = int(found[0])
                return bytes(whole[self.shown - 1]).decode()
            time.sleep(0.1)
        raise AssertionError(self.said)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.terminal)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with browsing(PLAYING) as found:
        yield found


@dataclass
class House:
    """The server, the browsers at it, and all that a page complained about."""

    show: Showcase
    server: Server
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def _page(self) -> Page:
        page = self.browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))
        page.on("dialog", lambda dialog: dialog.accept())
        return page

    def _asked(self, url: str) -> None:
        if not url.startswith((f"http://127.0.0.1:{self.server.port}/", "data:", "blob:")):
            self.complaints.append(f"asked {url}")

    def signed_in(self, name: str, page: Page | None = None) -> Page:
        """Somebody of the staff in a browser of their own."""
        page = page or self._page()
        page.goto(self.server.address())
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(f"password of {name}")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/board")
        return page

    def at(self, page: Page, path: str) -> None:
        page.goto(f"http://127.0.0.1:{self.server.port}{path}")

    def young_person(self, link: str) -> Page:
        page = self._page()
        page.goto(link)
        page.locator("[data-with='beside']").click()
        page.wait_for_url("**/yours/**")
        return page


@pytest.fixture
def house(tmp_path: Path, browser: Browser) -> Iterator[House]:
    show = Showcase(tmp_path)
    show.init()
    second = show.folder / "ravi.password"
    second.write_text("password of ravi\n")
    show.ok("users", "add", "ravi", "--role", "reviewer", "--password-file", second)
    show.set(demo={"clock_ahead_h": 0.0}, show={"title": "A show"})
    server = Server(show)
    server.start()
    found = House(show, server, browser)
    yield found
    if server.process is not None and server.process.poll() is None:
        server.stop()
    assert found.complaints == []


def run_to_the_end(page: Page, show: Showcase) -> None:
    """Wait until nothing is left to run."""
    deadline = time.monotonic() + MADE_MS / 1000
    while time.monotonic() < deadline:
        found = show.status(EP)
        if found["gate"]["name"] != "run" and all(stage["up_to_date"] for stage in found["stages"]):
            if found["gate"]["name"] == "prove":
                show.made(EP)
            return
        assert found["state"] != "failed", found
        page.wait_for_timeout(1500)
    raise AssertionError(show.status(EP))


def make_link(house: House, page: Page, name: str) -> str:
    house.at(page, f"/episodes/{EP}")
    page.locator("#who").select_option(label=name)
    page.locator("#link-form button").click()
    expect(page.locator("#link-box")).to_be_visible()
    return str(page.locator("#link").text_content()).strip()


def says_yes(house: House, page: Page) -> None:
    """The young person hears it, answers both questions and says yes."""
    house.at(page, "/yours/answer")
    page.locator("input[name='known'][value='no']").check()
    page.locator("input[name='how'][value='heard']").check()
    page.locator("#answer-yes").click()
    page.locator("#done").wait_for()


def hears_all(page: Page) -> None:
    """Play the cut of the reviewer's page from its beginning to its end at twice the speed."""
    page.evaluate(
        "() => { const a = document.querySelector('audio'); a.currentTime = 0; a.playbackRate = 2; return a.play(); }"
    )
    page.wait_for_function("() => document.querySelector('audio').ended", timeout=HEARD_MS)


def settled(page: Page) -> None:
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved", timeout=15_000)


def test_three_people_go_the_whole_way(house: House, demo_data: Path) -> None:
    """From a dragged-in recording to a cut that all three approved: an edit voids a yes, a crash loses nothing, and two
    reviewers at once see one another.
    """
    show = house.show
    recording = show.folder / "Quillfeather.wav"
    run("-t", "13", "-i", demo_data / "she-listened-to-the-end-robin.opus", recording)

    # the producer takes it in
    producer = house.signed_in("sam")
    house.at(producer, "/new")
    producer.locator("#files").set_input_files(recording)
    producer.locator(".alias").fill("Robin")
    producer.locator("#name").fill(EP)
    producer.locator("#title").fill("She listened")
    producer.locator("#content-note").fill("none")
    producer.locator("#protect").fill("Middlemarch")
    for item in ITEMS:
        producer.locator(f"input[name='consent'][value='{item}']").check()
    expect(producer.locator("#uploads [data-state='whole'], #uploads li[data-state='whole']")).to_have_count(
        1, timeout=60_000
    )
    producer.locator("#create").click()
    receipt = producer.locator(".code").first
    expect(receipt).to_have_text(re.compile(r"\d{4} \d{4} \d{4} \d{4}"), timeout=60_000)
    code = str(receipt.text_content()).strip()

    # answers what may identify somebody, and runs it
    house.at(producer, f"/episodes/{EP}")
    producer.locator("#see-proposals").click()
    leave = producer.get_by_role("button", name=re.compile("^Leave it in"))
    expect(leave.first).to_be_visible(timeout=MADE_MS)
    while leave.count():
        before = leave.count()
        leave.first.click()
        expect(leave).to_have_count(before - 1, timeout=60_000)
    producer.locator("#run").click()
    run_to_the_end(producer, show)

    # the young person chooses, hears, says yes, by a link that works once
    link = make_link(house, producer, "robin")
    young = house.young_person(link)
    again = house._page()
    again.goto(link)
    again.locator("[data-with='alone']").click()
    expect(again.locator("#problem")).to_be_visible()
    house.at(young, "/yours/listen")
    expect(young.locator("#lines .line").first).to_be_visible()
    says_yes(house, young)
    assert show.status(EP)["state"] == "young-person-approved"

    # two reviewers at once; a crash in the middle of an edit loses nothing; the edit voids the yes
    kim, ravi = house.signed_in("kim"), house.signed_in("ravi")
    for page in (kim, ravi):
        house.at(page, f"/episodes/{EP}/review")
        page.locator("html[data-full]").wait_for(state="attached")
    ravi.locator("article.para .text").last.click()
    expect(kim.locator("#people")).to_contain_text("ravi", timeout=20_000)
    first = kim.locator("article.para .text").first
    first.click()
    kim.keyboard.press("End")
    kim.keyboard.type(" truly")
    settled(kim)
    expect(ravi.locator("article.para .text").first).to_contain_text("truly", timeout=20_000)
    assert show.status(EP)["gate"]["name"] == "changes"
    house.server.kill()
    second = kim.locator("article.para .text").nth(1)
    second.click()
    kim.keyboard.press("End")
    kim.keyboard.type(" indeed")
    kim.wait_for_timeout(1500)
    house.server.start()
    beside = kim.context.new_page()
    house.signed_in("kim", beside)
    settled(kim)
    house.signed_in("ravi", ravi)
    house.at(ravi, f"/episodes/{EP}/review")
    ravi.locator("html[data-full]").wait_for(state="attached")
    expect(ravi.locator("article.para .text").first).to_contain_text("truly")
    expect(ravi.locator("article.para .text").nth(1)).to_contain_text("indeed")

    # the new cut is clearly new, and everybody is asked again
    ravi.locator("#run").click()
    run_to_the_end(ravi, show)
    if not show.leave_all(
        EP
    ):  # else the cut is frozen at the command line, of which a page knows nothing before a reload
        expect(kim.locator("#news")).to_be_visible(timeout=60_000)
    assert show.status(EP)["state"] == "frozen"
    says_yes(house, young)
    house.at(kim, f"/episodes/{EP}/review")
    kim.locator("html[data-full]").wait_for(state="attached")
    expect(kim.locator("#panel-gate")).to_contain_text("New in it")
    expect(kim.locator("#approve")).to_have_attribute("aria-disabled", "true")
    for box in kim.locator("[data-check]").all():
        box.check()
    hears_all(kim)
    expect(kim.locator("#approve")).to_have_attribute("aria-disabled", "false", timeout=30_000)
    kim.locator("#approve").click()
    expect(kim.locator("#approvals")).to_contain_text(re.compile("reviewer", re.I))
    kim.wait_for_timeout(1000)
    assert show.status(EP)["state"] == "staff-approved"

    # the lead
    lead = house.signed_in("dana")
    house.at(lead, f"/episodes/{EP}/lead")
    for key in ("identifiable", "threat", "others", "proceedings", "timing"):
        lead.locator(f"input[name='{key}'][value='no']").check()
    lead.locator("#note-support").fill("A worker calls on the day.")
    hears_all(lead)
    lead.wait_for_timeout(6000)
    lead.locator("#approve").click()
    lead.wait_for_timeout(1500)
    assert show.status(EP)["state"] == "cooling-off"
    assert house.server.stop() == 0
    assert show.ok("verify", as_json=True).json["holds"]
    assert show.ok("withdraw", "--receipt", code, as_json=True).json["episode"] == EP
