"""The console as people use it: from an empty form to a card, to what one does with it, to why, to the policies."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Open, take_pictures
from tests.conftest import ROOT, example
from tests.running_service import RunningService

CARD = "Prolotherapy (M0076) is not covered: considered investigational"


def feedback(service: RunningService) -> list[tuple[Any, ...]]:
    """Return what the service has kept of feedback."""
    with sqlite3.connect(Path(str(service.log)).parent / "crd.sqlite3") as store:
        return store.execute("select outcome, reason, policies from feedback order by at").fetchall()


def fill(page: Page) -> None:
    page.fill("#code", "HCPCS M0076")
    page.fill("#text", "Prolotherapy, right knee")


def test_from_an_empty_form_to_a_card_to_feedback_in_the_store(open_page: Open, service: RunningService) -> None:
    page = open_page()
    fill(page)
    page.click("text=Send to the service")
    expect(page.locator(".card h2")).to_have_text(CARD)
    before = len(feedback(service))

    page.click("text=Go on in spite of this card")
    page.check("text=The coverage on file is wrong")
    page.fill("text=In your own words", "Changed plans in May")
    page.click("text=Override, and tell the payer")

    expect(page.locator("[role=status]")).to_have_text("Feedback sent: overridden.")
    assert feedback(service)[before:] == [("overridden", "coverage-wrong", "evicore-cmm-204@2023-05-31")]


def test_a_suggestion_is_taken_with_one_tap(open_page: Open, service: RunningService) -> None:
    page = open_page()
    page.fill("#code", "CPT 20999")
    page.click("text=Send to the service")
    before = len(feedback(service))
    page.click("text=This is prolotherapy: add M0076")

    expect(page.locator("[role=status]")).to_contain_text("Applied: This is prolotherapy: add M0076.")
    expect(page.locator(".card h2")).to_have_text(CARD)
    assert [outcome for outcome, *_ in feedback(service)[before:]] == ["accepted"]


def test_back_leads_to_the_answer_and_to_the_form(open_page: Open) -> None:
    page = open_page()
    fill(page)
    page.click("text=Send to the service")
    expect(page.locator(".card h2")).to_have_text(CARD)
    page.click("text=Why this answer?")
    expect(page.locator("h1")).to_have_text("Why is it answered so?")

    page.go_back()
    expect(page.locator(".card h2")).to_have_text(CARD)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Try an order")


def test_by_keyboard_alone(open_page: Open, service: RunningService) -> None:
    page = open_page()
    keys = page.keyboard
    keys.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    keys.press("Enter")
    for _ in range(3):
        keys.press("Tab")
    assert page.evaluate("document.activeElement.id") == "code"
    keys.type("M0076")
    keys.press("Enter")
    expect(page.locator(".card h2")).to_have_text(CARD)

    page.locator("summary:has-text('Go on in spite')").focus()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("ArrowDown")
    keys.press("Tab")
    keys.type("By keyboard")
    keys.press("Tab")
    before = len(feedback(service))
    keys.press("Enter")

    expect(page.locator("[role=status]")).to_have_text("Feedback sent: overridden.")
    [(outcome, reason, _)] = feedback(service)[before:]
    assert (outcome, reason) == ("overridden", "exception-granted")


def test_focus_is_always_seen(open_page: Open) -> None:
    """Each stop of the tab key has an outline or a shadow that it has not at rest."""
    page = open_page()
    look = "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.boxShadow; })()"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(look) != "nonenone", page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def test_without_script_all_of_it_works(open_page: Open, service: RunningService) -> None:
    page = open_page(java_script_enabled=False)
    page.select_option("#example", "evicore-cmm-204 0")
    page.click("text=Fill in")
    page.click("text=Send to the service")
    assert CARD in page.inner_text(".card h2")
    assert page.locator("[data-copy]:visible").count() == 0
    before = len(feedback(service))
    page.click("text=Go on in spite of this card")
    page.click("text=Override, and tell the payer")
    assert len(feedback(service)) == before + 1
    page.click("text=Why this answer?")
    assert "Step by step" in page.inner_text("main")


def test_a_chosen_example_fills_the_form_at_once(open_page: Open) -> None:
    page = open_page()
    page.select_option("#example", "evicore-cmm-204 0")

    expect(page.locator("#code")).to_have_value("HCPCS M0076")


def test_why_marks_the_deciding_words_in_place(open_page: Open) -> None:
    page = open_page("/console/why")
    page.fill("#text", "Dextrose prolotherapy, left SI joint")
    page.click("text=Say why")

    expect(page.locator("blockquote mark.decides")).to_have_text("prolotherapy")
    expect(page.locator(".rests")).to_contain_text("from May 31, 2023")
    expect(page.locator(".steps .match")).to_contain_text("stated at ServiceRequest.code.text")


def test_a_case_of_a_policy_is_sent_with_one_click(open_page: Open) -> None:
    page = open_page("/console/policies")
    page.click("text=CMM-204")
    page.click("[aria-label='Send the case as a call: M0076 is not covered']")

    expect(page.locator(".card h2")).to_have_text(CARD)


def test_a_dropped_policy_shows_what_would_change(open_page: Open) -> None:
    policy = json.loads((ROOT / "cards/policies/evicore-cmm-204/policy.json").read_text())
    policy["versions"]["2023-05-31"]["verdict"] = "investigational"
    content = json.dumps(policy).encode()
    page = open_page("/console/drafts")
    page.set_input_files("#files", [{"name": "policy.json", "mimeType": "application/json", "buffer": content}])
    page.click("text=See what changes")

    expect(page.locator(".effect")).to_contain_text("No findings")
    expect(page.locator(".effect del")).to_have_text("considered investigational")
    expect(page.locator(".effect ins")).to_have_text("investigational")


def test_what_was_copied_is_what_is_shown(open_page: Open) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    fill(page)
    page.click("text=Send to the service")
    page.click("[data-copy=response-text]")
    page.wait_for_selector("text=Copied")

    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["cards"][0]["summary"] == CARD


def test_a_link_to_a_try_carries_no_word_of_the_order(open_page: Open) -> None:
    page = open_page()
    fill(page)
    page.fill("#note", "Ida Invented asked for it")
    page.click("text=Send to the service")
    page.click("text=Link to this try")

    expect(page.locator("#code")).to_have_value("HCPCS M0076")
    expect(page.locator("#note")).to_have_value("")
    for word in ("Ida", "knee", "pat-1"):
        assert word not in page.url


def test_a_call_that_is_no_json_is_said_where_it_breaks(open_page: Open) -> None:
    page = open_page()
    fill(page)
    page.click("text=Send to the service")
    page.fill("#request-text", '{"hook": }')
    page.click("text=Send as it stands here")

    expect(page.locator("[role=alert]")).to_have_text("This is not JSON. Look at line 1, column 10. Nothing was sent.")
    expect(page.locator("#request-text")).to_have_value('{"hook": }')


def test_a_call_of_fhir_examples_is_answered_as_over_http(open_page: Open, service: RunningService) -> None:
    request = example("order-sign-2.2")
    page = open_page()
    fill(page)
    page.click("text=Send to the service")
    page.fill("#request-text", json.dumps(request))
    page.click("text=Send as it stands here")
    page.wait_for_selector("text=Written onto 2 orders")

    shown = json.loads(page.inner_text("#response-text"))
    assert shown == service.post("/cds-services/order-sign-crd", request).json()


@pytest.mark.parametrize("hook", ["order-select", "appointment-book"])
def test_a_phone_is_enough(open_page: Open, hook: str) -> None:
    page = open_page(size=PHONE, has_touch=True)
    page.locator("#code").tap()
    page.fill("#code", "M0076")
    page.select_option("#hook", hook)
    page.locator("text=Send to the service").tap()

    expect(page.locator(".card h2")).to_contain_text("is not covered")


def test_a_gold_card_is_seen_by_who_orders(open_page: Open) -> None:
    """From a mistyped NPI to the answer, to why, back to the form, and by a link to it in another browser."""
    page = open_page()
    page.fill("#code", "CPT 71260")
    page.fill("#ordered_by", "2000000003")
    page.click("text=Send to the service")
    expect(page.locator("#ordered_by-fault")).to_contain_text("its last digit does not fit the others")
    take_pictures(page, "try-mistyped-npi", "light")

    page.fill("#ordered_by", "2000000002")
    page.click("text=Send to the service")
    expect(page.locator(".coverage .verdict")).to_have_text("Covered")
    expect(page.locator("#request-text")).to_have_value(re.compile('"value": "2000000002"'))
    link = page.get_attribute("text=Link to this try", "href")

    page.click("text=Why this answer?")
    expect(page.locator(".why dl")).to_contain_text("2000000002")
    take_pictures(page, "why-gold-card", "light")
    page.go_back()
    page.click("text=Back to the form")
    expect(page.locator("#ordered_by")).to_have_value("2000000002")
    expect(open_page(str(link)).locator("#ordered_by")).to_have_value("2000000002")
