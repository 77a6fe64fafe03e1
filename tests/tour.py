"""The way to every page of the review, as somebody who may see it: for tests and for the pictures in docs/review.md."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from desks import Served
from fake_people import PASSWORD, FakeShow


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
