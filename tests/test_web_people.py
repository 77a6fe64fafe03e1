"""The pages of the young person, the producer and the lead, in a real browser: what they promise, by keyboard and by eye."""

from __future__ import annotations

import hashlib
import re
import string
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

import fake_people
from chromium import browsing, needs_chromium
from desks import Served, serve
from fake_people import EACH_S, WHOLE_S, FakeShow
from stablecast.model import Details, Role
from stablecast.web import strings
from tour import PAGES, staff, yours

WEB = Path(strings.__file__).parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing("--autoplay-policy=user-gesture-required") as found:
        yield found


@pytest.fixture
def show() -> FakeShow:
    return FakeShow()


@pytest.fixture
def served(show: FakeShow) -> Iterator[Served]:
    with serve(show) as found:  # type: ignore[arg-type]
        yield found


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, which must not complain, open a dialog or ask another host for anything."""
    context = browser.new_context(**{"viewport": {"width": 1000, "height": 800}, "reduced_motion": "reduce", **options})
    context.set_default_timeout(15_000)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    try:
        yield page
        expected = (
            "status of 4",
            "net::ERR_INTERNET_DISCONNECTED",
            "net::ERR_FAILED",
        )  # refusals that the test provoked
        assert [words for words in complaints if not any(known in words for known in expected)] == []
        assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser) as found:
        yield found


def reach(page: Page, selector: str) -> None:
    """Press Tab until that has the focus, as somebody does who has no mouse."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by Tab")


def until(page: Page, what: str) -> None:
    """Until that is true in the page. The pages' own policy lets nobody evaluate strings in them, so it is asked from outside."""
    end = time.monotonic() + 15
    while not page.evaluate(what):
        assert time.monotonic() < end, f"never: {what}"
        page.wait_for_timeout(50)


# --- the young person -----------------------------------------------------------------------------------------------------


@needs_chromium
def test_the_whole_way_goes_by_keyboard_alone(served: Served, show: FakeShow, page: Page) -> None:
    """From the link to a yes without a mouse: open, hear, take out, put back, answer the question, say yes."""
    token = show.make_link("ep-001", "p")
    page.goto(f"{served.origin}/yours#{token}")
    reach(page, "[data-with=alone]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/yours/listen")
    reach(page, "#play")
    page.keyboard.press("Enter")
    until(page, "!document.getElementById('sound').paused && document.getElementById('sound').currentTime > 0.1")
    reach(page, "#take")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mine li")
    assert show.called("mark") == [("ep-001", "y", 0.0, pytest.approx(EACH_S - 0.4))]
    reach(page, "#mine button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#none:not([hidden])")
    assert show.episodes["ep-001"].marks == []
    page.evaluate("document.getElementById('main').focus()")
    page.keyboard.press("Shift+Tab")  # from the page back to its last part, "My code"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/yours/answer"
    page.keyboard.press("Enter")
    page.wait_for_url("**/yours/answer")
    reach(page, "[name=known]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    reach(page, "[name=how]")
    page.keyboard.press("Space")
    reach(page, "#answer-yes")
    page.keyboard.press("Enter")
    page.wait_for_url("**/yours/answer?done=yes")
    digest = show.episodes["ep-001"].digest
    assert show.called("approve_cut") == [
        ("ep-001", "y", Role.YOUNG_PERSON, digest, {"known": "talked", "how": "heard"})
    ]


@needs_chromium
def test_a_link_opens_once_and_leaves_no_trace_in_the_address(served: Served, show: FakeShow, browser: Browser) -> None:
    """The link's secret is gone from the address before anything else happens, and a second browser is told so kindly."""
    token = show.make_link("ep-001", "p")
    with opened(browser) as first:
        first.goto(f"{served.origin}/yours#{token}")
        first.wait_for_selector("#ready")
        assert token not in first.url
        assert not show.links[token][3], "looking at the page must not use the link"
        first.click("[data-with=beside]")
        first.wait_for_url("**/yours/listen")
        expect(first.locator("#company")).to_contain_text("Somebody is beside you")
        first.goto(f"{served.origin}/yours")  # later, in the same browser, without the link
        first.wait_for_url("**/yours/listen")
    with opened(browser) as second:
        second.goto(f"{served.origin}/yours#{token}")
        second.click("[data-with=alone]")
        expect(second.locator("#problem")).to_contain_text("You did nothing wrong")
        second.goto(f"{served.origin}/yours/listen")
        expect(second.locator("main")).to_contain_text("your own link")


@needs_chromium
def test_a_sentence_is_taken_out_wherever_it_is(served: Served, show: FakeShow, page: Page) -> None:
    """Beside a sentence, or while it is heard: exactly its stretch reaches the studio, and it can be put back from the list."""
    yours(served, show, page, "listen")
    row = page.locator(".line").filter(has_text="She listened to the end.")
    row.locator(".cut").click()
    expect(page.locator("#mine li")).to_have_count(1)
    assert show.called("mark")[-1] == ("ep-001", "y", 3 * EACH_S, 3 * EACH_S + EACH_S - 0.4)
    page.evaluate("document.getElementById('sound').currentTime = 29")  # in "Now I have my own flat"
    page.wait_for_selector(".line.now:has-text('my own flat')")
    page.click("#take")
    expect(page.locator("#mine li")).to_have_count(2)
    assert show.called("mark")[-1][2] == 7 * EACH_S
    page.locator("#mine button").first.click()
    expect(page.locator("#mine li")).to_have_count(1)
    page.goto(f"{served.origin}/yours/answer")
    expect(page.locator("main")).to_contain_text("First a new version is made")
    expect(page.locator("#answer-yes")).to_have_count(0)


@needs_chromium
def test_staff_marks_are_not_the_young_persons_to_undo(served: Served, show: FakeShow, page: Page) -> None:
    """What staff marked is not in the list, and its number is refused."""
    show.mark("ep-001", "p", 4.0, 7.0)
    yours(served, show, page, "listen")
    expect(page.locator("#mine li")).to_have_count(0)
    status = page.evaluate(
        """async (version) => (await fetch("/yours/unmark", {method: "POST", headers: {"Content-Type": "application/json",
           "X-CSRF": document.querySelector("meta[name=csrf]").content},
           body: JSON.stringify({digest: document.body.dataset.digest, number: 1, version})})).status""",
        show.version,
    )
    assert status == 404
    assert len(show.episodes["ep-001"].marks) == 1


@needs_chromium
@pytest.mark.parametrize("known", ["no", "talked", "unsure", "yes"])
def test_a_yes_depends_on_the_question(served: Served, show: FakeShow, page: Page, known: str) -> None:
    """Who is afraid, or not sure, is thanked and asked to talk first; nothing is approved, and all else is still offered."""
    yours(served, show, page, "answer")
    page.check(f"[name=known][value={known}]")
    page.check("[name=how][value=read]")
    page.click("#answer-yes")
    if known in ("no", "talked"):
        page.wait_for_url("**/yours/answer?done=yes")
        assert Role.YOUNG_PERSON in show.episodes["ep-001"].yeses
        return
    expect(page.locator("#told")).to_contain_text("Thank you for telling us")
    assert show.episodes["ep-001"].yeses == {}
    for still in ("change", "pause", "stop"):
        expect(page.locator(f"#answer-{still}")).to_be_visible()
    page.check("[name=known][value=talked]")  # after the talk
    expect(page.locator("#answer-yes")).to_be_visible()


@needs_chromium
def test_a_yes_needs_its_question_answered(served: Served, show: FakeShow, page: Page) -> None:
    """Pressing yes first leads to the question, and sends nothing."""
    yours(served, show, page, "answer")
    page.click("#answer-yes")
    expect(page.locator("#told")).to_contain_text("answer the question above")
    assert page.evaluate("document.activeElement.name") == "known"
    assert show.called("approve_cut") == []


@needs_chromium
def test_stop_is_one_press(served: Served, show: FakeShow, page: Page) -> None:
    """No question, no reason, no second press; then the link opens nothing any more."""
    yours(served, show, page, "answer")
    page.click("#answer-stop")
    page.wait_for_url("**/yours/stopped")
    assert show.called("stop") == [("ep-001", "y")]
    expect(page.locator("main")).to_contain_text("You did nothing wrong")
    assert page.locator("main button").count() == 0
    page.goto(f"{served.origin}/yours/listen")
    assert page.locator("#sound").count() == 0


@needs_chromium
def test_change_and_wait(served: Served, show: FakeShow, page: Page) -> None:
    """A change takes two presses because it has a note, which may stay empty; waiting takes one."""
    yours(served, show, page, "answer")
    page.click("#answer-change")
    page.click("#change button")
    page.wait_for_url("**/yours/answer?done=change")
    assert show.called("ask_change")[-1][3] == ""
    page.click("#answer-pause")
    page.wait_for_url("**/yours/answer?done=pause")
    assert show.called("pause") == [("ep-001", "y")]
    expect(page.locator("#answer-stop")).to_be_visible()


@needs_chromium
def test_the_place_is_kept(served: Served, show: FakeShow, page: Page) -> None:
    """After "stop for today" and a reload the sound waits, quietly and still, where it was."""
    yours(served, show, page, "listen")
    assert page.evaluate("document.getElementById('sound').autoplay") is False
    page.locator(".line .here").nth(5).click()
    until(page, "document.getElementById('sound').currentTime > 18")
    page.click("#rest")
    expect(page.locator("#resting")).to_be_visible()
    expect(page.locator("#resting-text")).to_contain_text("9 December 2026")
    page.wait_for_timeout(300)
    kept = show.places["y", show.episodes["ep-001"].digest]
    assert kept > 18
    page.reload()
    until(page, "document.getElementById('sound').currentTime > 18")
    state = page.evaluate(
        "(({paused, volume, currentTime}) => ({paused, volume, currentTime}))(document.getElementById('sound'))"
    )
    assert state["paused"]
    assert state["volume"] <= 0.4  # a quiet start: what is heard first is nobody's choice
    assert state["currentTime"] == pytest.approx(kept, abs=0.1)


@needs_chromium
def test_what_is_heard_is_told(served: Served, show: FakeShow, page: Page) -> None:
    """Some seconds of playing reach the studio as a stretch; what was jumped over does not."""
    yours(served, show, page, "listen")
    page.locator(".line .here").nth(2).click()
    until(page, "document.getElementById('sound').currentTime > 9.2")
    page.click("#play")
    page.wait_for_timeout(300)
    stretches = show.played["y", show.episodes["ep-001"].digest]
    assert min(start for start, _ in stretches) >= 7.9
    assert sum(end - start for start, end in stretches) == pytest.approx(1.2, abs=0.6)


@needs_chromium
def test_the_language_is_chosen_and_kept(served: Served, show: FakeShow, page: Page) -> None:
    """Also before the link is used: the page comes again in the other language and the link still opens."""
    yours(served, show, page, "")
    page.click("[data-language=vi]")
    expect(page.locator("h1")).to_have_text("Xin chào")
    assert page.evaluate("document.documentElement.lang") == "vi"
    page.click("[data-with=alone]")
    page.wait_for_url("**/yours/listen")
    expect(page.locator("h1")).to_have_text("Nghe tập của bạn")
    assert page.evaluate("document.getElementById('lines').lang") == "en"
    page.click("a[href='/yours/code']")
    expect(page.locator("h1")).to_have_text("Mã của tôi")
    page.click("[data-language=en]")
    expect(page.locator("h1")).to_have_text("My code")


@needs_chromium
@pytest.mark.parametrize("by", ["esc", "button"])
def test_leaving_stops_the_sound_and_hides_the_way_back(served: Served, show: FakeShow, page: Page, by: str) -> None:
    """Esc twice or the button: a calendar, and "back" does not lead to the page again, whichever parts were looked at."""
    page.goto(f"{served.origin}/health")
    yours(served, show, page, "")
    page.click("[data-with=alone]")
    page.wait_for_url("**/yours/listen")
    page.click("a[href='/yours/answer']")
    page.wait_for_url("**/yours/answer")
    page.click("a[href='/yours/listen']")
    page.wait_for_url("**/yours/listen")
    page.click("#play")
    if by == "esc":
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    else:
        page.click("#leave")
    page.wait_for_url("**/away")
    assert page.title() == "Calendar"
    assert "tablecast" not in page.content()
    page.go_back()
    assert page.url.endswith("/health")


@needs_chromium
def test_one_esc_stays(served: Served, show: FakeShow, page: Page) -> None:
    """One press may be meant for something else."""
    yours(served, show, page, "listen")
    page.keyboard.press("Escape")
    page.wait_for_timeout(1500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert page.url.endswith("/yours/listen")


@needs_chromium
def test_a_locked_page_needs_a_new_link(served: Served, show: FakeShow, page: Page) -> None:
    """On a computer that others use: after locking it this browser opens nothing."""
    yours(served, show, page, "listen")
    page.click("#rest")
    page.click("#lock")
    page.wait_for_url("**/away")
    page.goto(f"{served.origin}/yours/listen")
    expect(page.locator("main")).to_contain_text("your own link")


@needs_chromium
def test_voices_are_heard_and_chosen(served: Served, show: FakeShow, page: Page) -> None:
    """Nothing is fetched before somebody asks; then one voice at a time, quietly; the choice reaches the studio."""
    yours(served, show, page, "voice")
    assert show.called("preview_sample") == []
    page.locator(".hear").nth(1).click()
    until(page, "!document.getElementById('sample').paused")
    assert page.evaluate("document.getElementById('sample').volume") <= 0.4
    until(page, "document.getElementById('sample').currentTime > 0")
    assert set(show.called("preview_sample")) == {("ep-001", "rowan", "Robin")}
    page.check("[value=rowan]")
    page.click("#voices > button")
    expect(page.locator("#told")).to_contain_text("You will sound like Rowan")
    assert show.called("choose") == [("ep-001", "rowan", "Robin")]


@needs_chromium
def test_the_code_is_shown_once_and_is_all_that_is_printed(served: Served, show: FakeShow, page: Page) -> None:
    """A new code each time somebody asks, never in the page before or after; on paper the card alone."""
    yours(served, show, page, "code")
    assert "4821" not in page.content()
    page.click("#new")
    expect(page.locator("#code")).to_have_text(re.compile(r"4821\s+0937\s+5516\s+2049"))
    page.emulate_media(media="print")
    expect(page.locator("#card")).to_be_visible()
    expect(page.locator("#where")).to_be_hidden()
    page.emulate_media(media="screen")
    page.reload()
    assert "4821" not in page.content()


@needs_chromium
def test_no_title_tells_what_the_page_is(served: Served, show: FakeShow, page: Page) -> None:
    """Tabs and task bars show titles to who looks over a shoulder."""
    yours(served, show, page, "listen")
    for path in ("voice", "listen", "answer", "code"):
        page.goto(f"{served.origin}/yours/{path}")
        assert page.title() == "Listening page"


# --- the producer ------------------------------------------------------------------------------------------------------------


@needs_chromium
def test_an_upload_survives_a_cut_line_and_a_reload(served: Served, show: FakeShow, page: Page, tmp_path: Path) -> None:
    """Every byte arrives once and in order; what had arrived before the reload is not sent again."""
    recording = tmp_path / "interview.wav"
    recording.write_bytes(hashlib.shake_256(b"sound").digest(14 * 1024**2))  # four pieces of at most 4 MiB
    staff(served, page, "sam", "/new")
    ranges: list[str] = []
    failures = {"left": 2, "at": 2}

    def cut_off(route: Route) -> None:
        ranges.append(route.request.headers["content-range"])
        if len(ranges) > failures["at"] and failures["left"] > 0:
            failures["left"] -= 1
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route("**/uploads/*", lambda route: cut_off(route) if route.request.method == "PATCH" else route.continue_())
    failures["left"] = 10**6  # the line stays dead after two pieces
    page.set_input_files("#files", recording)
    page.wait_for_selector("li[data-state=waiting]")
    assert ranges[:2] == ["bytes 0-4194303/14680064", "bytes 4194304-8388607/14680064"]
    page.reload()
    failures["left"], before = 1, len(ranges)
    page.set_input_files("#files", recording)
    page.wait_for_selector("li[data-state=whole]")
    assert {text.split("-")[0] for text in ranges[before:]} == {"bytes 8388608", "bytes 12582912"}
    page.fill(".alias", "Robin")
    page.fill("#name", "ep-010")
    page.fill("#protect", "Rachel\nWeatherbury College")
    page.check("[name=consent][value=recording]")
    page.click("#create")
    page.wait_for_selector("#receipt:not([hidden])")
    digest = hashlib.sha256(recording.read_bytes()).hexdigest()
    assert show.called("add") == [("ep-010", (("Robin", digest),), ())]
    assert show.episodes["ep-010"].protected == ["Rachel", "Weatherbury College"]
    expect(page.locator("#code")).to_have_text(re.compile("4821 0937"))
    page.click("#onward")
    page.wait_for_url("**/episodes/ep-010")
    assert "Rachel" not in page.content()
    assert "interview.wav" not in page.content()
    expect(page.locator("#protected")).to_have_text("2")


@needs_chromium
def test_a_refused_recording_says_why(served: Served, show: FakeShow, page: Page, tmp_path: Path) -> None:
    """The sentence of the refusal stands on the page, and nothing that was written is lost."""
    recording = tmp_path / "x.wav"
    recording.write_bytes(b"no sound")
    staff(served, page, "sam", "/new")
    page.set_input_files("#files", recording)
    page.wait_for_selector("li[data-state=whole]")
    page.fill("#name", "ep-011")
    page.click("#create")
    expect(page.locator("#told")).to_contain_text("who speaks")
    page.fill(".alias", "Robin")
    page.fill("#title", "Kept")
    page.click("#create")
    expect(page.locator("#told")).to_contain_text("no recording that can be read")
    assert page.input_value("#title") == "Kept"


@needs_chromium
def test_a_run_is_watched_as_it_goes(served: Served, show: FakeShow, browser: Browser) -> None:
    """Started on the desk, seen on the board without a reload; when it is over the card is in its new lane."""
    show.slowly_s = 0.15
    with opened(browser) as desk, opened(browser) as board:
        staff(served, board, "kim", "/board")
        expect(board.locator("#lane-words [data-episode=ep-005]")).to_be_visible()
        staff(served, desk, "sam", "/episodes/ep-005")
        desk.click("#run")
        board.wait_for_selector("[data-episode=ep-005] .going:not([hidden])")
        words = re.compile("Changing how|Trying to|Putting|Making|Drawing|Writing|Checking")
        expect(board.locator("[data-episode=ep-005] .stage")).to_have_text(words)
        expect(board.locator("[data-episode=ep-005] .left")).to_have_text(re.compile("about [0-9]+ min left"))
        assert 0 < board.evaluate("document.querySelector('[data-episode=ep-005] progress').value") < 1
        assert desk.locator("#run").is_disabled()
        board.wait_for_selector("#lane-young-person [data-episode=ep-005]")
        expect(desk.locator("#live")).to_contain_text("Make a link and sit down")
        expect(desk.locator("#run")).to_be_enabled()
    assert show.called("run") == [("ep-005", "sam")]


@needs_chromium
def test_the_desk_answers_writes_and_links(served: Served, show: FakeShow, page: Page) -> None:
    """Proposals are answered one by one, details and words kept, a link made and shown once."""
    staff(served, page, "sam", "/episodes/ep-004")
    assert "Weatherbury" not in page.content(), "the words of a proposal are shown when somebody asks for them"
    page.click("#see-proposals")
    page.locator("#proposal-list li").first.get_by_role("button", name="Take it out").click()
    expect(page.locator("#proposals-none")).to_have_text("1 to answer.")
    page.fill("#title", "A door with a lock")
    page.fill("#content-note", "none")
    page.click("#add-note")
    page.fill(".note-row .kind", "Being afraid")
    page.fill(".note-row .where", "start")
    page.click("#details button:text('Keep it')")
    expect(page.locator("#details-told")).to_have_text("Kept.")
    details = show.episodes["ep-004"].details
    assert (details.title, details.content_note, details.notes[0].where) == ("A door with a lock", "none", "start")
    page.fill("#protect", "Rachel")
    page.click("#protecting button:text('Add')")
    expect(page.locator("#protect-told")).to_contain_text("Kept")
    expect(page.locator("#protected")).to_have_text("4")
    assert page.input_value("#protect") == ""
    page.goto(f"{served.origin}/episodes/ep-001")
    page.fill("#link-name", "Robin")
    page.click("#link-form button")
    page.wait_for_selector("#link-box:not([hidden])")
    link = page.inner_text("#link")
    assert link == f"{served.origin}/yours#{next(iter(show.links))}"
    page.reload()
    assert link not in page.content()


# --- the lead ----------------------------------------------------------------------------------------------------------------


@needs_chromium
def test_the_lead_holds_lifts_and_withdraws_in_one_step_each(served: Served, show: FakeShow, page: Page) -> None:
    """One press, no question; withdrawn is for good, and the page offers nothing more."""
    staff(served, page, "dana", "/episodes/ep-007/lead")
    page.click("#hold")
    page.wait_for_selector("#lift")
    page.click("#lift")
    page.wait_for_selector("#hold")
    page.click("#withdraw")
    page.wait_for_selector("text=It does not come back")
    assert show.called("hold") == [("ep-007", "l")]
    assert show.called("lift") == [("ep-007", "l")]
    assert show.called("withdraw") == [("ep-007", None)]
    assert page.locator("#hold, #lift, #withdraw, #approve").count() == 0


@needs_chromium
def test_the_leads_yes_needs_the_form_and_the_listening(served: Served, show: FakeShow, page: Page) -> None:
    """A question left out is named; too little heard is said; then the yes goes to the digest that the page showed."""
    staff(served, page, "dana", "/episodes/ep-003/lead")
    digest = show.episodes["ep-003"].digest
    page.click("#approve")
    expect(page.locator("#risk-told")).to_contain_text("Can somebody be recognised?")
    for key in ("identifiable", "threat", "others", "proceedings", "timing"):
        page.check(f"[name={key}][value={'yes' if key == 'timing' else 'no'}]")
    page.fill("#note-support", "Her key worker, by phone")
    page.click("#approve")
    expect(page.locator("#risk-told")).to_contain_text("Is this the right time?")
    page.fill("#note-timing", "After the hearing")
    page.click("#approve")
    expect(page.locator("#risk-told")).to_contain_text("have not heard enough")
    show.heard("ep-003", "l", digest, ((0.0, WHOLE_S),))
    page.click("#approve")
    page.wait_for_selector("text=72 hours")
    *_, (episode, who, role, given, form) = show.called("approve_cut")
    assert (episode, who, role, given) == ("ep-003", "l", Role.LEAD, digest)
    assert form["timing"] == "yes: After the hearing"
    assert form["threat"] == "no"


@needs_chromium
@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("kim", "/episodes/ep-003/lead", 403),
        ("kim", "/episodes/ep-001", 403),
        ("dana", "/new", 403),
        ("sam", "/episodes/none", 404),
    ],
)
def test_each_page_is_for_its_people(served: Served, page: Page, name: str, path: str, status: int) -> None:
    """A reviewer has no lead's page and no desk, a lead takes no recordings in, and there is no page of no episode."""
    staff(served, page, name, "/board")
    answer = page.goto(f"{served.origin}{path}")
    assert answer is not None
    assert answer.status == status
    expect(page.locator("[role=alert]")).to_be_visible()


# --- every page ------------------------------------------------------------------------------------------------------------


@needs_chromium
@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(browser: Browser, name: str, look: str) -> None:
    """WCAG 2.2 AA as far as a machine can say, and nothing is wider than the smallest phone."""
    show = FakeShow()
    narrow = look == "narrow"
    options: dict[str, Any] = {
        "viewport": {"width": 320 if narrow else 1100, "height": 800},
        "color_scheme": "dark" if look == "dark" else "light",
    }
    arrive, then = PAGES[name]
    with serve(show) as served, opened(browser, **options) as page:  # type: ignore[arg-type]
        arrive(served, show, page)
        if then is not None:
            then(page)
        if narrow:
            assert page.evaluate("document.scrollingElement.scrollWidth") <= 320
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = Axe().run(page, options={"runOnly": tags})
        assert [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found.response["violations"]] == []


HOSTILE = "{{7*7}}<script>document.title='broken'</script><img src=x onerror=alert(1)>\u202egnp.exe\u2028"


@needs_chromium
@pytest.mark.parametrize("name", ["yours-listen", "board", "desk", "lead"])
def test_hostile_words_stay_words(browser: Browser, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Titles, notes, speakers and what was said are text, on every page that shows them."""
    show = FakeShow()
    for one in show.episodes.values():
        one.details = Details(f"Title {HOSTILE}", HOSTILE, HOSTILE)
        one.speakers = (HOSTILE, "Kit")
        one.voices = {HOSTILE: "ash"}
        one.wishes = [("reviewer", HOSTILE)] if name in ("desk", "lead") and one.slug in ("ep-001", "ep-003") else []
    captions = f"WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n<v a&lt;b>{HOSTILE.replace('<', '&lt;').replace(chr(0x2028), ' ')}</v>\n"
    monkeypatch.setattr(fake_people, "captions", captions.encode)
    arrive, _ = PAGES[name]
    with serve(show) as served, opened(browser) as page:  # type: ignore[arg-type]
        if name == "desk":
            show.episodes["ep-001"].lane = "young-person"
        arrive(served, show, page)
        text = page.inner_text("main")
        assert "{{7*7}}<script>" in text
        assert "49<script>" not in text
        assert page.title() != "broken"
        assert page.locator("main img[src=x], main script").count() == 0


# --- words and colours ----------------------------------------------------------------------------------------------------


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("tag", strings.languages())
def test_a_language_has_englishs_keys_and_placeholders(tag: str) -> None:
    """No key that English lacks, no placeholder lost or invented; the young person's pages are complete."""
    english, other = strings.table(strings.FIRST), strings.table(tag)
    assert set(other) <= set(english)
    for key, text in other.items():
        assert _placeholders(text) == _placeholders(english[key]), key
    missing = {key for key in english if key.startswith(("yours", "month")) and key not in other}
    assert missing == set()


def test_every_string_a_page_asks_for_is_there() -> None:
    """A key that is spelt wrong would be a page that fails."""
    english = strings.table(strings.FIRST)
    for template in sorted((WEB / "templates").glob("*.html")):
        for key in re.findall(r"""\bt\(["']([a-z.\-]+)["'](?!\s*~)""", template.read_text("utf-8")):
            assert key in english, f"{template.name}: {key}"


def test_the_young_persons_words_promise_nothing_and_press_nobody() -> None:
    """Words that label, promise or nudge are not in the English strings."""
    never = (
        "victim",
        "anonymous",
        "are you sure",
        "guarantee",
        "safe forever",
        "nobody will know you.",
        "you must",
        "hurry up",
    )
    for key, text in strings.table(strings.FIRST).items():
        if key.startswith("yours"):
            plain = text.lower().replace("we cannot promise that nobody will know you.", "")
            assert not [word for word in never if word in plain], key


def test_the_young_persons_sentences_are_short() -> None:
    """A child of nine reads up to 20 words at a time; longer ones are two sentences."""
    for key, text in strings.table(strings.FIRST).items():
        if key.startswith("yours."):
            for sentence in re.split(r"(?<=[.!?:])\s", text):
                assert len(sentence.split()) <= 20, f"{key}: {sentence}"


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("block", [0, 1], ids=["light", "dark"])
def test_colours_can_be_read(block: int) -> None:
    """4.5 : 1 for text and 3 : 1 for the edges of what can be touched (WCAG 1.4.3, 1.4.11), in light and in dark."""
    css = (WEB / "static" / "base.css").read_text("utf-8")
    tokens = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", re.findall(r":root \{(.*?)\}", css, re.S)[block]))
    for ground in ("paper", "card", "sunk"):
        for text in ("ink", "soft", "accent", "warn", "ok", "out"):
            assert _contrast(tokens[text], tokens[ground]) >= 4.5, (text, ground)
        assert _contrast(tokens["edge"], tokens[ground]) >= 3, ground
    for name in ("accent", "warn", "ok", "out"):
        assert _contrast(tokens[name], tokens[f"{name}-wash"]) >= 4.5, name
        assert _contrast(tokens["ink"], tokens[f"{name}-wash"]) >= 4.5, name
    assert _contrast(tokens["accent-ink"], tokens["accent"]) >= 4.5
