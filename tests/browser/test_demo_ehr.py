"""The demo EHR as people use it: from an empty form to a suggestion taken, the annotated order, and what was sent."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, BY_LOOK, DESK, PHONE, Open, faults_of, take_pictures
from tests.demo_ehr.running import RunningEhr

pytest_plugins = ["tests.demo_ehr.fixtures"]

Chart = Callable[..., Page]


@pytest.fixture(name="open_chart")
def _open_chart(open_page: Open, ehr: RunningEhr) -> Chart:
    """Open a patient's chart with a new order."""

    def open_chart(patient: str, *how: tuple[int, int], **more: str) -> Page:
        ehr.client().post(f"/patients/{patient}/new")
        return open_page(f"/patients/{patient}", *how, base=ehr.base, **more)

    return open_chart


def test_from_an_empty_form_to_the_annotated_order(open_chart: Chart) -> None:
    page = open_chart("ida")
    expect(page.locator("#answer")).to_contain_text("Nobody has been asked yet")
    page.fill("#codes", "CPT 20999")
    page.fill("#text", "Dextrose injection, left knee")
    expect(page.locator(".card h3")).to_contain_text("May be prolotherapy")
    expect(page.locator(".step .hook")).to_have_text(["order-select"])

    page.click("text=This is prolotherapy: add M0076")
    expect(page.locator("#codes")).to_have_value("CPT 20999, HCPCS M0076")
    expect(page.locator(".card h3")).to_contain_text("is not covered")

    page.click("text=Sign the order")
    expect(page.locator(".coverage .verdict")).to_have_text("not covered")
    page.click("text=Sign it all the same")
    page.click("text=Send to the orthopaedic clinic")
    page.click("text=Book an appointment")
    expect(page.locator(".coverage .verdict")).to_have_text(["not covered", "not covered"])
    page.click("text=Start the visit")
    page.click("text=Discharge the patient")
    expect(page.locator(".step .hook").first).to_have_text("encounter-discharge")

    page.locator(".step summary").nth(2).click()  # the appointment's
    expect(page.locator(".step[open]")).to_contain_text("GET Coverage?patient=ida&status=active")
    expect(page.locator(".step[open]")).to_contain_text("Organization/ehp")


def test_what_is_open_stays_open_while_the_order_is_written(open_chart: Chart) -> None:
    page = open_chart("ben")
    page.fill("#codes", "M0076")
    expect(page.locator(".card h3")).to_contain_text("is not covered")
    page.focus("#note")
    page.keyboard.type("Third session")
    expect(page.locator(".step")).to_contain_text("Third session")
    assert page.evaluate("document.activeElement.id") == "note"


def empty(page: Page) -> None:
    page.wait_for_selector("text=Nobody has been asked yet")


def asked(page: Page) -> None:
    page.fill("#codes", "CPT 20999")
    page.wait_for_selector("text=This is prolotherapy: add M0076")
    page.click("text=Sign the order")
    page.wait_for_selector("text=Sign it all the same")
    page.locator(".step summary").first.click()


def signed(page: Page) -> None:
    page.click("text=Sign it all the same")
    page.click("text=Send to the orthopaedic clinic")
    page.click("text=Start the visit")
    page.wait_for_selector("text=Discharge the patient")


def patients(page: Page) -> None:
    page.click("text=Patients >> nth=0")
    page.wait_for_selector("text=Who is here today?")
    page.click("text=How this EHR calls")


def registration(page: Page) -> None:
    page.click("text=Registration")
    page.wait_for_selector("text=How this EHR is registered")


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_its_pages_can_be_used_by_everybody(open_chart: Chart, size: tuple[int, int], scheme: str) -> None:
    page = open_chart("mae", size, color_scheme=scheme)
    for use in (empty, asked, signed, patients, registration):
        use(page)

        take_pictures(page, f"ehr-{use.__name__}", scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        if AXE.is_file():
            assert faults_of(page, None if scheme == "light" else BY_LOOK) == []
