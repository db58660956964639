"""Every page, on a desk and on a phone, by day and by night: nothing sticks out, and axe finds nothing serious."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import AXE, BY_LOOK, DESK, PHONE, Open, faults_of, take_pictures
from tests.conftest import ROOT
from tests.running_service import RunningService

LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4


def answer(page: Page) -> None:
    page.fill("#code", "HCPCS M0076")
    page.fill("#text", "Prolotherapy, right knee")
    page.click("text=Send to the service")
    page.click("summary:has-text('Go on in spite')")


def conditional(page: Page) -> None:
    page.fill("#code", "CPT 20999")
    page.click("text=Send to the service")


def long_words(page: Page) -> None:
    page.fill("#text", f"{LONG} prolotherapy")
    page.fill("#note", LONG)
    page.click("text=Send to the service")


def refused(page: Page) -> None:
    answer(page)
    page.fill("#request-text", '{"hook": "order-sign", "context": {}}')
    page.click("text=Send as it stands here")


def many_orders(page: Page) -> None:
    answer(page)
    call = json.loads(page.input_value("#request-text"))
    [entry] = call["context"]["draftOrders"]["entry"]
    orders = [{"resource": {**entry["resource"], "id": f"order-{number}"}} for number in range(200)]
    call["context"]["draftOrders"]["entry"] = orders
    page.fill("#request-text", json.dumps(call))
    page.click("text=Send as it stands here")


def faulty(page: Page) -> None:
    page.fill("#code", "HCPC M0076")
    page.click("text=Send to the service")


def why(page: Page) -> None:
    page.fill("#text", "Dextrose prolotherapy, left SI joint")
    page.fill("#note", "Consult first. No prolotherapy in the past.")
    page.click("text=Say why")


def dropped(page: Page) -> None:
    policy = json.loads((ROOT / "cards/policies/evicore-cmm-204/policy.json").read_text())
    policy["versions"]["2023-05-31"] |= {"covered": "covered", "pa-needed": "no-auth", "verdict": "covered"}
    file = {"name": "policy.json", "mimeType": "application/json", "buffer": json.dumps(policy).encode()}
    page.set_input_files("#files", [file])
    page.click("text=See what changes")


def nothing(_: Page) -> None:
    """Look at the page as it comes."""


#: The cases of the policy whose page is looked at.
CASES = len(json.loads((ROOT / "cards/policies/evicore-cmm-204/cases.json").read_bytes())["cases"])

PAGES: dict[str, tuple[str, Callable[[Page], None], str]] = {
    "try": ("/", nothing, "Try an order"),
    "try-faulty": ("/", faulty, "did you mean HCPCS?"),
    "answer": ("/", answer, "is not covered: considered investigational"),
    "answer-conditional": ("/", conditional, "Conditional"),
    "answer-long-words": ("/", long_words, "Pneumono"),
    "answer-refused": ("/", refused, "The service cannot read this call"),
    "answer-200-orders": ("/", many_orders, "Written onto 200 orders"),
    "why-empty": ("/console/why", nothing, "Describe the order"),
    "why": ("/console/why", why, "Step by step"),
    "policies": ("/console/policies", nothing, "CMM-204"),
    "policies-none": ("/console/policies?q=nobody", nothing, "No policy of that name"),
    "policy": ("/console/policies/evicore-cmm-204", nothing, f"{CASES} of {CASES} pass"),
    "policy-before": ("/console/policies/evicore-cmm-204?on=2020-01-01", nothing, "Nothing is in force"),
    "compare": ("/console/policies/cms-ncd-150-7/compare", nothing, "Two versions"),
    "coverage": ("/console/coverage", nothing, "Coverage by code and payer"),
    "drafts-empty": ("/console/drafts", nothing, "before it is live"),
    "drafts": ("/console/drafts", dropped, "To make it live"),
    "impact-empty": ("/console/impact", nothing, "a year of orders"),
    "not-there": ("/console/nowhere", nothing, "There is no such page"),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_a_page_can_be_used_by_everybody(open_page: Open, name: str, size: tuple[int, int], scheme: str) -> None:
    url, use, says = PAGES[name]
    page = open_page(url, size, color_scheme=scheme)
    use(page)
    page.wait_for_selector(f"text={says}")

    take_pictures(page, name, scheme, whole=name != "answer-200-orders")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    if AXE.is_file() and name != "answer-200-orders":  # the parts of the page before, 200 times
        assert faults_of(page, None if scheme == "light" else BY_LOOK) == []


@pytest.mark.skipif(not AXE.is_file(), reason="axe is not there: scripts/node-modules")
def test_axe_was_there(service: RunningService) -> None:
    """Says loudly where the pages were not looked at by axe."""
    assert service.base


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "dark"), (PHONE, "light")])
def test_the_other_pairs_of_size_and_scheme_have_no_serious_finding(
    open_page: Open, size: tuple[int, int], scheme: str
) -> None:
    page = open_page("/", size, color_scheme=scheme)
    answer(page)
    page.wait_for_selector("text=is not covered")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert not AXE.is_file() or faults_of(page) == []
