"""The reviewer's page in a real browser, with a studio in memory behind the real app."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from chromium import PLAYING, browsing, needs_chromium
from desks import Served, serve
from fake_studio import EP, FakeStudio
from stablecast.errors import GateClosed
from stablecast.studio import Studio
from stablecast.studio.reviews import CHECKLIST, Token

pytestmark = needs_chromium

REFUSED = "the server responded with a status of"  # what a browser's console says of every answer over 399


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all; each test has contexts of its own."""
    with browsing(PLAYING) as found:
        yield found


@dataclass
class Desk:
    """A server with a fake studio, and the pages that are open."""

    browser: Browser
    studio: FakeStudio
    served: Served
    complaints: list[str] = field(default_factory=list)

    def open(self, who: str = "b", *, script: bool = True, **context: Any) -> Page:
        """The page as somebody sees it once all of it is there."""
        made = self.browser.new_context(java_script_enabled=script, **context)
        name = f"desk-{self.served.house.address.port}"
        secret = self.served.house.sessions.begin(who)
        made.add_cookies([{"name": name, "value": secret, "url": self.served.origin}])
        page = made.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))
        page.goto(f"{self.served.origin}/episodes/{EP}/review")
        if script:
            full(page)
        return page

    def _asked(self, url: str) -> None:
        if not url.startswith(self.served.origin):
            self.complaints.append(f"asked {url}")

    def wrote(self) -> list[tuple[str, tuple[Token, ...]]]:
        return [cast(Any, what) for name, what in self.studio.calls if name == "write"]


def full(page: Page) -> None:
    page.locator("html[data-full]").wait_for(state="attached")


@pytest.fixture
def desk(browser: Browser) -> Iterator[Desk]:
    """A desk of twelve paragraphs; whatever the page complains about fails the test."""
    with desk_of(browser, FakeStudio(12)) as found:
        yield found


def desk_of(browser: Browser, studio: FakeStudio) -> Any:
    stack = ExitStack()

    class Closing:
        def __enter__(self) -> Desk:
            served = stack.enter_context(serve(cast(Studio, studio)))
            self.desk = Desk(browser, studio, served)
            return self.desk

        def __exit__(self, *error: object) -> None:
            for context in browser.contexts:
                context.close()
            stack.close()
            if error[0] is None:
                assert [said for said in self.desk.complaints if REFUSED not in said] == []

    return Closing()


def soon(true: Callable[[], bool], page: Page) -> None:
    """Wait until something is true here."""
    end = time.monotonic() + 8
    while not true():
        assert time.monotonic() < end, "it never came true"
        page.wait_for_timeout(50)


def until(page: Page, script: str, within_s: float = 8) -> None:
    """Wait until a script says yes; the page's policy forbids what Playwright would wait with."""
    end = time.monotonic() + within_s
    while not page.evaluate(script):
        assert time.monotonic() < end, f"it never came true: {script}"
        page.wait_for_timeout(50)


def word(page: Page, paragraph: str, index: int) -> Any:
    return page.locator(f'article[data-p="{paragraph}"] [data-i="{index}"]')


def text(page: Page, paragraph: str) -> Any:
    return page.locator(f'article[data-p="{paragraph}"] .text')


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved")


# --- typing ------------------------------------------------------------------------------------------------------------


def test_what_is_typed_is_saved_and_the_rest_is_kept(desk: Desk) -> None:
    """One word typed over is one new text; every other word is kept by its number, and so keeps its own time."""
    page = desk.open()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    saved(page)
    assert len(desk.wrote()) == 1
    paragraph, tokens = desk.wrote()[0]
    assert paragraph == "1-0"
    assert tokens == (Token(0), Token(1), Token(text="that"), *(Token(i) for i in range(3, 13)))
    expect(text(page, "1-0")).to_contain_text("I remember that first morning")


def test_the_caret_stays_while_it_saves(desk: Desk) -> None:
    """Somebody who goes on typing while the server answers loses neither letters nor their place."""
    page = desk.open()
    word(page, "1-0", 0).click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" and then ")
    page.wait_for_timeout(900)
    page.keyboard.type("some more", delay=40)
    saved(page)
    wanted = "I remember the first morning there was tea and nobody asked me anything and then some more"
    expect(text(page, "1-0")).to_have_text(wanted)
    assert len(desk.wrote()) >= 2


CASES = [
    ("a b c", "a b c", [0, 1, 2]),
    ("a b c", "a c", [0, 2]),
    ("a b c", "a x c", [0, "x", 2]),
    ("a b", "a new b", [0, "new", 1]),
    ("no no no", "no no", [0, 1]),
    ("a * b", "a * b", [0, 1, 2]),
    ("a * b", "z * b", ["z", 1, 2]),
    ("* a *", "* a more *", [0, 1, "more", 2]),
    ("a b * b a", "b * b", [1, 2, 3]),
    ("a", "", []),
]


@pytest.mark.parametrize(("before", "after", "wanted"), CASES)
def test_typed_words_are_aligned_with_those_there_were(
    desk: Desk, before: str, after: str, wanted: list[int | str]
) -> None:
    """As many words as can be are kept, in order; `*`, what is taken out, stays what it was."""
    page = desk.open()
    made = page.evaluate(
        """async ([before, after]) => {
            const { tokens } = await import("/static/review-tokens.js");
            const split = (text) => text.split(" ").filter(Boolean).map((word) => word === "*" ? null : word);
            const words = split(before).map((text) => ({ text, start_s: 0, end_s: 1, probability: 1, state: "" }));
            const typed = split(after).map((text) => ({ text, from: null, marked: false }));
            return tokens(typed, words).map((token) => token.keep ?? token.text);
        }""",
        [before, after],
    )
    if before == "no no no":  # which of the three it was does not matter where nobody knows
        assert made == sorted(made)
        assert len(made) == 2
    else:
        assert made == wanted


@pytest.mark.parametrize("how", ["Backspace", "Delete", "everything", "paste", "cut"])
def test_what_is_taken_out_cannot_be_typed_over(desk: Desk, how: str) -> None:
    """However somebody tries, the chip stays, nothing is saved, and the page says why."""
    page = desk.open()
    chip = page.locator('article[data-p="1-2"] .chip')
    expect(chip).to_have_text("[removed]")
    before = text(page, "1-2").inner_text()
    word(page, "1-2", 2).click()
    place = """([side]) => {
        const chip = document.querySelector('article[data-p="1-2"] .chip'), range = document.createRange();
        range[side](chip); range.collapse(side === "setStartBefore");
        if (side === "setStartAfter") range.collapse(true);
        getSelection().removeAllRanges(); getSelection().addRange(range);
    }"""
    if how in ("Backspace", "Delete"):
        page.evaluate(place, ["setStartAfter" if how == "Backspace" else "setStartBefore"])
        page.keyboard.press(how)
    else:
        page.keyboard.press("Control+a")
        if how == "everything":
            page.keyboard.type("x")
        elif how == "cut":
            page.keyboard.press("Control+x")
        else:
            page.evaluate(
                """() => { const data = new DataTransfer(); data.setData("text/plain", "x");
                const how = { clipboardData: data, bubbles: true, cancelable: true };
                document.activeElement.dispatchEvent(new ClipboardEvent("paste", how)); }"""
            )
            page.keyboard.insert_text("x")
    page.wait_for_timeout(900)
    assert text(page, "1-2").inner_text() == before
    assert desk.wrote() == []
    expect(page.locator("#said")).to_contain_text("stays where it is")


def test_words_around_what_is_taken_out_can_be_typed(desk: Desk) -> None:
    """The tokens keep every word that is taken out, in its place."""
    page = desk.open()
    word(page, "1-2", 5).dblclick()
    page.keyboard.type("rest")
    saved(page)
    (_, tokens) = desk.wrote()[0]
    assert tokens[:6] == (Token(0), Token(1), Token(2), Token(3), Token(4), Token(text="rest"))


def test_a_line_break_makes_no_new_paragraph(desk: Desk) -> None:
    """A paragraph is what was recognised as one: Enter does nothing to it."""
    page = desk.open()
    word(page, "1-0", 3).click()
    page.keyboard.press("Enter")
    page.wait_for_timeout(800)
    assert desk.wrote() == []


def test_arrows_lead_from_paragraph_to_paragraph(desk: Desk) -> None:
    """The words are one text for somebody who has no mouse; Tab reaches it once and leaves it once."""
    page = desk.open()
    word(page, "1-0", 0).click()
    page.keyboard.press("End")
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('article').dataset.p") != "1-0"
    assert page.locator('#words .text[tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    assert not page.evaluate("Boolean(document.activeElement.closest('#words'))")


def test_the_sound_waits_while_somebody_types(desk: Desk) -> None:
    """It stops at the first letter and goes on a moment after the last one."""
    page = desk.open()
    word(page, "1-0", 0).click()
    page.keyboard.press("Alt+k")
    until(page, "!document.querySelector('#audio').paused")
    page.keyboard.type("x")
    until(page, "document.querySelector('#audio').paused")
    until(page, "!document.querySelector('#audio').paused")


# --- marks -------------------------------------------------------------------------------------------------------------


def test_selected_words_are_taken_out(desk: Desk) -> None:
    """Their stretch of time is marked, the words are struck at once, and the list has it."""
    page = desk.open()
    word(page, "1-1", 3).dblclick()
    page.keyboard.press("Shift+Control+ArrowRight")
    page.keyboard.press("Shift+Control+ArrowRight")
    expect(page.locator("#take-out")).to_contain_text("words out")
    page.locator("#take-out").click()
    expect(page.locator('article[data-p="1-1"] del').first).to_be_visible()
    ((_, (start_s, end_s)),) = [call for call in desk.studio.calls if call[0] == "mark"]
    said = desk.studio.state.paragraphs["1-1"].words
    assert start_s == pytest.approx(said[3].start_s, abs=0.003)
    assert any(end_s == pytest.approx(one.end_s, abs=0.003) for one in said[4:7])
    page.locator("#tab-out").click()
    expect(page.locator("#panel-out .item")).to_have_count(2)
    expect(page.locator("#panel-out .item").first).to_contain_text("with the next cut")


def test_a_mark_stays_while_somebody_types_beside_it(desk: Desk) -> None:
    """A word that is to go is kept with its mark; typed over, the new word has to go as well."""
    page = desk.open()
    word(page, "1-1", 3).dblclick()
    page.keyboard.press("Alt+t")
    expect(page.locator('article[data-p="1-1"] del')).to_have_count(1)
    word(page, "1-1", 0).dblclick()
    page.keyboard.type("They")
    saved(page)
    assert desk.wrote()[-1][1][:5] == (Token(text="They"), Token(1), Token(2), Token(3, mark=True), Token(4))
    word(page, "1-1", 3).dblclick()
    page.keyboard.type("us")
    saved(page)
    assert desk.wrote()[-1][1][2:5] == (Token(2), Token(text="us", mark=True), Token(4))


def test_undo_and_redo_are_kept_by_the_server(desk: Desk) -> None:
    """Ctrl+Z takes back typing and marks alike, also after a reload."""
    page = desk.open()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    saved(page)
    word(page, "1-1", 3).dblclick()
    page.keyboard.press("Alt+t")
    expect(page.locator('article[data-p="1-1"] del')).to_have_count(1)
    page.reload()
    full(page)
    page.keyboard.press("Control+z")
    expect(page.locator('article[data-p="1-1"] del')).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(text(page, "1-0")).to_contain_text("I remember the first")
    page.keyboard.press("Control+Shift+z")
    expect(text(page, "1-0")).to_contain_text("I remember that first")


def test_the_browsers_own_undo_does_not_run_beside_ours(desk: Desk) -> None:
    """In the words Ctrl+Z saves what was typed and then takes it back on the server; a field keeps its own undo."""
    page = desk.open()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    page.keyboard.press("Control+z")
    expect(text(page, "1-0")).to_contain_text("I remember the first")
    assert len(desk.wrote()) == 1
    assert desk.studio.undone
    page.keyboard.press("Alt+f")
    page.keyboard.type("tea")
    page.keyboard.press("Control+z")
    assert len(desk.studio.undone) == 1


def test_a_mark_is_moved_by_tenths_of_a_second(desk: Desk) -> None:
    """Buttons and keys widen and narrow what a person marked; what a rule takes out can be made wider alone."""
    page = desk.open()
    word(page, "1-1", 3).dblclick()
    page.keyboard.press("Alt+t")
    expect(page.locator('article[data-p="1-1"] del')).to_have_count(1)
    word(page, "1-5", 3).dblclick()
    page.keyboard.type("and")  # the list is of an older version now: the page finds the same place in the new one
    saved(page)
    page.locator("#tab-out").click()
    page.locator("#panel-out .item").first.click()
    start_s, end_s, _ = desk.studio.state.marks[0]
    page.keyboard.press("Alt+w")
    soon(lambda: len([c for c in desk.studio.calls if c[0] == "move"]) == 1, page)
    assert desk.studio.state.marks[0][:2] == pytest.approx((start_s - 0.1, end_s + 0.1), abs=0.001)
    page.get_by_role("button", name="End 0.1 seconds earlier").click()
    soon(lambda: abs(desk.studio.state.marks[0][1] - end_s) < 0.001, page)
    assert page.evaluate("document.activeElement.dataset.tool") == "e-"  # the focus stays on what was pressed
    page.locator("#panel-out .item").nth(1).click()
    expect(page.get_by_role("button", name="Begin 0.1 seconds later")).to_be_disabled()
    expect(page.get_by_role("button", name="Begin 0.1 seconds earlier")).to_be_enabled()


def test_a_place_is_heard_with_two_seconds_around_it(desk: Desk) -> None:
    """It begins two seconds before and ends by itself."""
    page = desk.open()
    page.keyboard.press("Alt+x")
    page.keyboard.press("Alt+h")
    until(page, "!document.querySelector('#audio').paused")
    start_s = desk.studio.redactions(EP).redactions[0].start_s
    now_s = page.evaluate("document.querySelector('#audio').currentTime")
    assert start_s - 2.1 <= now_s <= start_s
    until(page, "document.querySelector('#audio').paused", 12)
    ended_s = page.evaluate("document.querySelector('#audio').currentTime")
    end_s = desk.studio.redactions(EP).redactions[0].end_s
    assert end_s + 1.9 <= ended_s <= end_s + 2.6


def test_every_place_of_a_word_is_found_and_taken_out(desk: Desk) -> None:
    """Case does not matter; a stretch for each place; the word can be protected for good."""
    page = desk.open()
    page.keyboard.press("Alt+f")
    page.keyboard.type("AND")
    expect(page.locator("#found")).to_have_text("9 places")
    page.locator("#take-all").click()
    soon(lambda: len(desk.studio.state.marks) == 9, page)
    expect(page.locator("#words del")).to_have_count(9)
    page.locator("#protect").click()
    soon(lambda: desk.studio.protected == ["AND"], page)


def test_a_proposal_is_answered(desk: Desk) -> None:
    """Its words are shown beside why; an answer is kept."""
    page = desk.open()
    page.keyboard.press("Alt+o")
    expect(page.locator("#panel-proposal .item")).to_contain_text("somebody listened")
    page.get_by_role("button", name="Leave it in").click()
    expect(page.locator("#panel-proposal .item")).to_contain_text("left in")


# --- two people, and none of the server ------------------------------------------------------------------------------------


def test_two_people_in_one_line_lose_nothing(desk: Desk) -> None:
    """The second sees both versions side by side and decides; until then neither is written over."""
    one, other = desk.open("p"), desk.open("b")
    other.route("**/events", lambda route: route.abort())
    other.route("**/write", lambda route: (other.wait_for_timeout(700), route.continue_()))  # type: ignore[func-returns-value]
    word(one, "1-0", 2).dblclick()
    word(other, "1-0", 4).dblclick()
    other.keyboard.type("evening")
    one.keyboard.type("that")
    one.wait_for_timeout(500)
    expect(other.locator(".conflict")).to_be_visible()
    expect(other.locator(".conflict .mine")).to_contain_text("the first evening")
    expect(other.locator(".conflict .theirs")).to_contain_text("that first morning")
    expect(other.locator("#saved")).to_contain_text("Not saved")
    assert desk.studio.manuscript(EP).paragraphs[0].words[4].text == "morning"
    other.get_by_role("button", name="Keep mine").click()
    saved(other)
    assert desk.studio.manuscript(EP).paragraphs[0].words[4].text == "evening"


def test_another_persons_change_arrives_without_taking_the_caret(desk: Desk) -> None:
    """Who is where is shown by name; what they change appears; the caret and what is being typed stay."""
    one, other = desk.open("p"), desk.open("b")
    word(other, "1-3", 2).click()
    other.keyboard.type("x")
    word(one, "1-0", 2).dblclick()
    one.keyboard.type("that")
    saved(one)
    expect(text(other, "1-0")).to_contain_text("that first")
    expect(other.locator('article[data-p="1-0"] .here')).to_have_text("Paul is here")
    expect(other.locator("#people")).to_have_text("Paul is here too")
    other.keyboard.type("yz")
    saved(other)
    assert "xyz" in text(other, "1-3").inner_text().replace(" ", "")


def test_words_wait_on_the_page_while_the_server_is_away(desk: Desk) -> None:
    """The page says so, does not let itself be closed in silence, and saves when the server is back."""
    page = desk.open()
    page.route("**/write", lambda route: route.abort())
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    expect(page.locator("#saved")).to_contain_text("it keeps trying")
    leaves = "() => window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert page.evaluate(leaves) is False
    page.unroute("**/write")
    saved(page)
    assert page.evaluate(leaves) is True
    assert desk.studio.manuscript(EP).paragraphs[0].words[2].text == "that"
    desk.complaints.clear()  # the requests that were cut


def test_after_signing_in_again_elsewhere_the_page_goes_on(desk: Desk) -> None:
    """A session that ended loses no word."""
    page = desk.open()
    (cookie,) = page.context.cookies()
    desk.served.house.sessions.end(cookie["value"])
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    expect(page.locator("#saved")).to_contain_text("signed out")
    name = f"desk-{desk.served.house.address.port}"
    secret = desk.served.house.sessions.begin("b")
    page.context.add_cookies([{"name": name, "value": secret, "url": desk.served.origin}])
    saved(page)
    assert desk.studio.manuscript(EP).paragraphs[0].words[2].text == "that"


def test_a_reload_keeps_the_place(desk: Desk) -> None:
    """The caret's word and the place in the sound are as they were."""
    page = desk.open()
    word(page, "1-9", 4).dblclick()
    page.keyboard.press("ArrowLeft")
    at_s = page.evaluate("document.querySelector('#audio').currentTime")
    assert at_s > 0
    page.keyboard.press("Alt+k")
    page.wait_for_timeout(400)
    page.keyboard.press("Alt+k")
    soon(lambda: bool(desk.studio.places), page)
    page.reload()
    full(page)
    assert page.evaluate("document.activeElement.closest('article').dataset.p") == "1-9"
    assert page.evaluate("document.querySelector('#audio').currentTime") >= at_s - 1.2


# --- keys --------------------------------------------------------------------------------------------------------------


def test_the_help_is_the_table_of_keys(desk: Desk) -> None:
    """Every row is in the help with its keys, and every key that the help shows does what its row says."""
    page = desk.open()
    table = page.evaluate(
        "async () => (await import('/static/review-keys.js')).TABLE.flatMap(([, rows]) => rows.map((row) => [row.does, row.say]))"
    )
    page.locator("[data-do=help]").click()
    shown = page.evaluate(
        """() => [...document.querySelectorAll("#keys [data-does]")].map((row) => [row.dataset.does,
        row.querySelector("dt").textContent, [...row.querySelectorAll("[data-key]")].map((key) => key.dataset.key)])"""
    )
    assert [[does, say] for does, say, _ in shown] == table
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    done = page.evaluate(
        """async (rows) => {
            const { action } = await import("/static/review-keys.js");
            const typed = { Minus: "-", Plus: "+", Space: " " };
            const codes = { Minus: "Minus", Plus: "Equal", Space: "Space", 0: "Digit0" };
            return rows.flatMap(([does, , keys]) => keys.map((key) => {
                const parts = key.split("+"), last = parts.pop();
                const event = new KeyboardEvent("keydown", { key: typed[last] ?? (last.length > 1 ? last : last.toLowerCase()),
                    code: codes[last] ?? (/^[A-Z]$/.test(last) ? `Key${last}` : last), altKey: parts.includes("Alt"),
                    ctrlKey: parts.includes("Ctrl"), shiftKey: parts.includes("Shift") });
                let found = null;
                const hear = (sent) => { found = action(sent, true); sent.stopPropagation(); };
                document.body.addEventListener("keydown", hear, { once: true });
                document.body.dispatchEvent(event);
                return [key, does, found];
            }));
        }""",
        shown,
    )
    assert len(done) > 40
    assert [row for row in done if row[1] != row[2]] == []


def test_letters_alone_can_be_switched_off_and_never_act_while_somebody_types(desk: Desk) -> None:
    """WCAG 2.1.4."""
    page = desk.open()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("kkk")
    assert page.evaluate("document.querySelector('#audio').paused")
    saved(page)
    page.locator(".more summary").click()
    page.locator("#letters").click()
    page.locator("#play").focus()
    page.keyboard.press("k")
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('#audio').paused")
    page.keyboard.press("Alt+k")
    until(page, "!document.querySelector('#audio').paused")


def test_the_speed_goes_in_tenths_and_is_shown(desk: Desk) -> None:
    """Also said: that more than twice the speed does not count."""
    page = desk.open()
    for _ in range(3):
        page.keyboard.press("Alt+=")
    expect(page.locator("#speed")).to_have_text("1.3×")
    for _ in range(8):
        page.keyboard.press("Alt+=")
    expect(page.locator("#speed")).to_have_text("2.1×")
    expect(page.locator("#fast")).to_be_visible()


def test_playing_again_begins_a_second_earlier(desk: Desk) -> None:
    """Only after a pause: not where somebody jumped."""
    page = desk.open()
    page.evaluate("document.querySelector('#audio').volume = 0.5")
    word(page, "1-3", 0).dblclick()
    page.keyboard.press("Alt+k")
    page.wait_for_timeout(1500)
    page.keyboard.press("Alt+k")
    until(page, "document.querySelector('#audio').paused")
    stopped_s = page.evaluate("document.querySelector('#audio').currentTime")
    page.evaluate(
        """() => { const audio = document.querySelector("#audio"); window.from = null;
        audio.addEventListener("seeked", () => { window.from ??= audio.currentTime; }); }"""
    )
    page.keyboard.press("Alt+k")
    until(page, "window.from !== null")
    assert page.evaluate("window.from") == pytest.approx(stopped_s - 1, abs=0.3)


# --- the gate ----------------------------------------------------------------------------------------------------------


def _heard_s(desk: Desk) -> float:
    return sum(end - start for name, what in desk.studio.calls if name == "heard" for start, end in what)


def test_only_what_was_played_counts_as_heard(desk: Desk) -> None:
    """Not a jump, not what is muted, not what runs at more than twice the speed."""
    page = desk.open()
    audio = "document.querySelector('#audio')"
    page.keyboard.press("Alt+k")
    until(page, f"{audio}.currentTime > 2")
    page.keyboard.press("Alt+k")
    soon(lambda: _heard_s(desk) > 1.5, page)
    assert _heard_s(desk) == pytest.approx(2, abs=0.9)
    word(page, "1-2", 0).dblclick()
    page.keyboard.press("Alt+k")
    until(page, f"!{audio}.paused")
    for _ in range(5):
        page.wait_for_timeout(100)
        page.keyboard.press("Alt+l")
    page.wait_for_timeout(200)
    page.keyboard.press("Alt+k")
    page.wait_for_timeout(400)
    assert _heard_s(desk) < 5  # of the 25 seconds that were jumped over not one
    before = _heard_s(desk)
    for silent in ("muted = true", "volume = 0", "playbackRate = 2.5"):
        page.evaluate(f"{audio}.muted = false; {audio}.volume = 1; {audio}.playbackRate = 1; {audio}.{silent}")
        word(page, "1-6", 0).dblclick()
        page.keyboard.press("Alt+k")
        page.wait_for_timeout(900)
        page.keyboard.press("Alt+k")
        page.wait_for_timeout(300)
    assert _heard_s(desk) == pytest.approx(before, abs=0.15)
    expect(page.locator("#heard-gaps button").first).to_be_visible()


def test_a_yes_carries_the_digest_of_the_bytes_that_were_played(desk: Desk) -> None:
    """The button says why it is closed until all of it was heard and the list is done; then exactly this cut is approved."""
    digest = desk.studio.digest
    page = desk.open("r")
    reason = page.locator("#gate-reason")
    expect(reason).to_contain_text("Hear the whole cut first")
    expect(page.locator("#approve")).to_have_attribute("aria-disabled", "true")
    page.locator("#approve").click(force=True)
    assert desk.studio.approved == []
    desk.studio.listening["r"] = [(0.0, float(desk.studio.duration_s))]
    page.reload()
    full(page)
    expect(reason).to_contain_text("6 points left")
    for box in page.locator("input[data-check]").all():
        box.check()
    expect(reason).to_contain_text("Ready")
    assert page.evaluate("document.querySelector('#audio').src").split("/")[5] == digest
    page.locator("#approve").click()
    soon(lambda: len(desk.studio.approved) == 1, page)
    who, role, sent, form = desk.studio.approved[0]
    assert (who, role, sent) == ("r", "reviewer", digest)
    assert form == dict.fromkeys(CHECKLIST, "yes")
    expect(reason).to_contain_text("said yes")


def test_a_cut_that_changed_since_the_page_was_opened_is_not_approved(desk: Desk) -> None:
    """The page sends the digest it played; the server has another one; the page says that there is a new cut."""
    desk.studio.listening["r"] = [(0.0, float(desk.studio.duration_s))]
    page = desk.open("r")
    for box in page.locator("input[data-check]").all():
        box.check()
    expect(page.locator("#gate-reason")).to_contain_text("Ready")
    list(desk.studio.run((EP,), jobs=1))
    page.locator("#approve").click()
    expect(page.locator("#said")).to_contain_text("not the newest cut")
    assert desk.studio.approved == []
    expect(page.locator("#news-text")).to_contain_text("This is a new cut")


def test_a_change_closes_the_gate_until_there_is_a_new_cut(desk: Desk) -> None:
    """Who edits is told at once; the run is started here; its end brings the new cut, clearly new."""
    desk.studio.listening["b"] = [(0.0, float(desk.studio.duration_s))]
    page = desk.open("b")
    before = desk.studio.digest
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    saved(page)
    expect(page.locator("#gate-reason")).to_contain_text("Make the new cut first")
    page.locator("#run").click()
    expect(page.locator("#news-text")).to_contain_text("This is a new cut")
    assert desk.studio.digest != before
    page.locator("#open-cut").click()
    page.wait_for_url("**/review")
    full(page)
    assert desk.studio.digest in page.locator("#audio").get_attribute("src")  # type: ignore[operator]
    expect(page.locator("#waiting")).to_be_hidden()


def test_a_cut_is_sent_back_with_a_reason(desk: Desk) -> None:
    """Without one it is not."""
    page = desk.open("r")
    page.locator("summary", has_text="Send it back").click()
    page.locator("#send-back button").click()
    assert desk.studio.wished == []
    page.locator("#reason").fill("The music is too loud at 0:20.")
    page.locator("#send-back button").click()
    soon(lambda: len(desk.studio.wished) == 1, page)
    expect(page.locator("#gate-reason")).to_contain_text("asked for a change")


def test_who_may_not_edit_can_only_read_and_hear(desk: Desk) -> None:
    """The lead sees the same page; nothing in it can be typed, marked or approved there."""
    page = desk.open("l")
    assert page.locator("[contenteditable=plaintext-only]").count() == 0
    assert page.locator("#approve, #take-out, #take-all").count() == 0
    expect(page.locator("#run")).to_be_hidden()


# --- all of it ---------------------------------------------------------------------------------------------------------


def test_words_can_be_corrected_while_there_is_no_cut(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says that there is none, why, and what comes next."""

    def none(*_: object) -> None:
        raise GateClosed("the cut is not frozen; make it first")

    monkeypatch.setattr(desk.studio, "cut", none)
    page = desk.open()
    expect(page.locator("#waiting-text")).to_have_text("the cut is not frozen; make it first")
    expect(page.locator("#gate-reason")).to_contain_text("no finished cut")
    expect(page.locator("#run")).to_be_visible()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("that")
    saved(page)


def test_the_words_are_there_without_a_script(desk: Desk) -> None:
    """The server sends them; scripts only make them live."""
    page = desk.open(script=False)
    expect(text(page, "1-0")).to_have_text("I remember the first morning there was tea and nobody asked me anything")
    expect(text(page, "1-2")).to_contain_text("[removed]")


def test_the_word_that_is_said_is_marked(desk: Desk) -> None:
    """In time with the sound, by binary search over all words."""
    page = desk.open()
    word(page, "1-5", 3).dblclick()
    page.keyboard.press("Alt+k")
    until(page, "!document.querySelector('#audio').paused")
    expect(page.locator('article[data-p="1-5"].now .said')).to_be_visible()


def test_captions_are_shown_over_the_player(desk: Desk) -> None:
    """As a listener would read them; they can be switched off."""
    page = desk.open()
    page.keyboard.press("Alt+k")
    until(page, "document.querySelector('#audio').currentTime > 0.3")
    expect(page.locator("#cue")).to_contain_text("I remember the first & best")
    page.keyboard.press("Alt+v")
    expect(page.locator("#cue")).to_be_hidden()


def test_caption_findings_follow_what_is_typed(desk: Desk) -> None:
    """They are those of the paragraph as it was saved."""
    page = desk.open()
    word(page, "1-0", 2).dblclick()
    page.keyboard.type("a" * 25)
    expect(page.locator('article[data-p="1-0"] .findings')).to_contain_text("shorten the words")
    expect(page.locator("[data-count=finding]")).to_have_text("1")


def test_a_two_hour_episode_is_not_made_into_words_at_once(browser: Browser) -> None:
    """Only paragraphs near the view become words in spans; a far one does when somebody goes there."""
    with desk_of(browser, FakeStudio(1500, kbps=32)) as desk:
        page = desk.open()
        assert page.locator("article[data-p]").count() == 1500
        assert page.locator("#words .w").count() < 2500
        page.locator("#tab-unsure").click()
        page.locator("#panel-unsure .item").nth(150).click()
        expect(page.locator("#words .w.found")).to_be_visible()


LOOKS: list[dict[str, Any]] = [
    {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    {"color_scheme": "light", "viewport": {"width": 320, "height": 640}},
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 256}},
]


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark", "narrow", "400 percent"])
def test_axe_finds_nothing(desk: Desk, look: dict[str, Any]) -> None:
    """In every list, with a mark, a conflict-free edit and the help open, in light, dark and narrow."""
    page = desk.open("b", **{"reduced_motion": "reduce", **look})  # nothing is looked at while it fades
    word(page, "1-1", 3).dblclick()
    page.keyboard.press("Alt+t")
    expect(page.locator('article[data-p="1-1"] del')).to_have_count(1)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= look["viewport"]["width"]
    found = _axe(page)
    if look["viewport"]["width"] < 900:
        page.locator("#sides [data-side=lists]").click()
    for tab in page.locator("#tabs [role=tab]").all():
        tab.click()
        panel = page.locator(".panel:visible .item")
        if panel.count():
            panel.first.click()
        found += _axe(page)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= look["viewport"]["width"]
    page.locator("[data-do=help]").click()
    found += _axe(page)
    assert found == []


def _axe(page: Page) -> list[str]:
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    result = Axe().run(page, options=options)
    return [
        f"{one['id']}: {json.dumps(one['nodes'][0]['target'])} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in result.response["violations"]
    ]
