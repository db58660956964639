"""Insights as operators use it: log in, read the figures, open a call, log out; on a desk and on a phone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import AXE, BY_LOOK, DESK, PHONE, Open, faults_of, take_pictures
from tests.cds_hooks.console.operating import PASSWORD
from tests.conftest import example
from tests.running_service import RunningService

INSIGHTS, LOGIN = "/console/insights", "/console/login"
LOOKS = [(DESK, "light"), (PHONE, "dark")]


@pytest.fixture(name="enter")
def _enter(open_page: Open, operated: RunningService) -> Callable[..., Page]:
    """Open a page of the console as somebody who is logged in."""

    def enter(url: str = INSIGHTS, name: str = "alice", size: tuple[int, int] = DESK, **how: Any) -> Page:
        page = open_page(url, size, operated.base, **how)
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_selector("text=Log out")
        return page

    return enter


def look_at(page: Page, name: str, size: tuple[int, int], scheme: str) -> None:
    """Take a picture of a page; nothing may stick out, and axe find nothing serious."""
    take_pictures(page, name, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not AXE.is_file() or faults_of(page, None if scheme == "light" else BY_LOOK) == []


def open_call(page: Page, number: str, reason: str) -> None:
    page.fill("#number", number)
    page.fill("#reason", reason)
    page.click("button:text-is('Open')")


def ask(service: RunningService) -> dict[str, Any]:
    answer = service.post("/cds-services/order-sign-crd", example("m0076-order-sign"))
    return dict(answer.json())


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_login_can_be_used_by_everybody(
    open_page: Open, operated: RunningService, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(LOGIN, size, operated.base, color_scheme=scheme)
    look_at(page, "login", size, scheme)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_insights_can_be_used_by_everybody(enter: Any, size: tuple[int, int], scheme: str) -> None:
    page = enter(size=size, color_scheme=scheme)
    assert page.inner_text(".tiles li:nth-child(4)").split("\n")[0] == "280"
    look_at(page, "insights", size, scheme)
    page.select_option("#policy", "evicore-cmm-204")
    page.click("button:text-is('Show')")
    page.wait_for_selector("text=they are shown for all")
    page.click("summary:has-text('As a table') >> nth=1")
    look_at(page, "insights-of-a-policy", size, scheme)
    page.goto(f"{page.url.partition('?')[0]}?days=364")
    page.wait_for_selector("text=by week")
    look_at(page, "insights-year", size, scheme)


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_a_call_is_opened_with_a_reason(
    enter: Any, operated: RunningService, size: tuple[int, int], scheme: str
) -> None:
    [card] = ask(operated)["cards"]
    reason = {"code": "patient-pays", "system": "https://plan.example.org/reasons", "display": "The patient pays"}
    said = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}
    report = {**said, "overrideReason": {"reason": reason, "userComment": "Has paid before"}}
    operated.post("/cds-services/order-sign-crd/feedback", {"feedback": [report]})
    page = enter(size=size, color_scheme=scheme)
    open_call(page, "8e62623c-99b8-5efa-b6e2-f2f3a5555a99", "appeal 4711")
    page.wait_for_selector("text=No call is kept with this number")
    look_at(page, "call-not-found", size, scheme)
    ask(operated)
    open_call(page, card["uuid"], "appeal 4711")
    page.wait_for_selector("text=of this number")
    look_at(page, "call-choice", size, scheme)
    page.click(".choice button >> nth=-1")
    page.wait_for_selector("text=you opened this call for the reason")
    assert "The patient pays" in page.inner_text("main")
    page.click("summary:has-text('Request')")
    look_at(page, "call", size, scheme)
    assert card["uuid"] not in page.url


def test_a_reader_is_led_back_and_told_what_is_for_operators(enter: Any, operated: RunningService) -> None:
    page = enter(f"{INSIGHTS}?days=7", "rita")
    assert page.url.endswith("days=7")
    assert "You see figures only" in page.inner_text("main")
    page.click("text=Log out")
    page.wait_for_selector("h1:text-is('Log in')")
    page.goto(f"{operated.base}{INSIGHTS}")
    page.wait_for_selector("h1:text-is('Log in')")


def test_without_a_mouse(open_page: Open, operated: RunningService) -> None:
    page = open_page(LOGIN, base=operated.base)
    page.wait_for_selector("#name:focus")  # where one is asked for a name, it can be typed at once
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Insights')")
    page.focus("#days")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nov 17, 2026 to Nov 23, 2026")
    page.focus("summary >> nth=0")
    page.keyboard.press("Enter")
    assert page.is_visible("table:has-text('Answered') >> nth=0")


def test_where_nobody_can_log_in_the_page_says_what_to_do(open_page: Open) -> None:
    """Of the service as it comes, which has no operators."""
    page = open_page(INSIGHTS)
    page.wait_for_selector("text=crd operators add")
    look_at(page, "login-none", DESK, "light")


def test_it_prints(enter: Any, tmp_path: Path) -> None:
    page = enter()
    page.emulate_media(media="print")
    assert not page.is_visible("text=Log out")
    assert page.is_visible(".chart svg >> nth=1")
    page.pdf(path=tmp_path / "insights.pdf")
