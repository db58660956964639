"""The CDS Hooks sandbox: a page that is told a discovery URL, signs with ES384, shows cards and reports what became of them."""

import copy
import json
from typing import Any

import pytest

from tests.service.clients.playing import (
    SANDBOX_JKU,
    SELECT,
    SIGN,
    Calls,
    assert_readable,
    bearer,
    body,
    kept,
    order_of,
    preset,
)

ORIGIN = "https://sandbox.cds-hooks.org"


@pytest.fixture(name="sandbox")
def _sandbox(called: Any) -> Calls:
    header = {"kid": "sandbox-1", "jku": SANDBOX_JKU}
    return Calls(called, bearer("ES384", "P-384#sandbox", header, 300, iss=ORIGIN), {"Origin": ORIGIN})


def show(answer: Any) -> list[dict[str, Any]]:
    """Return the cards that its page can show; anything it cannot is an error here."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() != {}  # "No response returned"
    for card in answer.json()["cards"]:
        assert card["uuid"]  # without it there is no Dismiss menu, and no feedback
        assert card["summary"]
        assert card["indicator"] in {"info", "warning", "critical"}
        assert card["source"]["label"]
        assert_readable(card)
    return list(answer.json()["cards"])


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
def test_the_sandbox_finds_the_services_of_its_hooks(path: str, sandbox: Calls) -> None:
    """HK-208: the discovery URL as it is entered, with or without a slash at its end, and no redirect."""
    asked = sandbox.preflight(path, ORIGIN, "authorization,content-type", "GET")
    found = sandbox.get(path)

    assert (asked.status_code, found.status_code) == (204, 200)
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"]
    services = {service["hook"]: service for service in found.json()["services"]}
    assert {"order-select", "order-sign"} <= set(services)
    assert all(service["id"] and service["description"] for service in services.values())


@pytest.mark.parametrize("entered", ["/cds-services", "/cds-services/"])
def test_the_sandbox_shows_the_card_of_an_order_it_selects(entered: str, sandbox: Calls) -> None:
    """HK-208: the preflight and the call at `{entered}/{id}`, with a doubled slash where a slash was entered."""
    url = f"{entered}/order-select-crd"
    asked = sandbox.preflight(url, ORIGIN, "authorization,content-type")
    [card] = show(sandbox.post(url, body("sandbox-order-select")))

    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert card["summary"] == "Prolotherapy (M0076) is not covered: considered investigational"
    assert card["source"]["label"] == "Example Health Plan"
    assert card["overrideReasons"]


def test_entering_the_form_of_the_sandbox_shows_nothing_and_no_error(sandbox: Calls) -> None:
    """HK-77: its PAMA tab calls with `coding: [{}]` before anything is chosen."""
    request = body("sandbox-order-select")
    order_of(request)["code"] = {"coding": [{}]}

    assert show(sandbox.post(SELECT, request)) == []


def test_the_sandbox_shows_an_answer_without_coverage(sandbox: Calls) -> None:
    """found-32: its patients often have none, and its prefetch then lacks the key."""
    request = body("sandbox-order-select")
    del request["prefetch"]["coverage"]

    [card] = show(sandbox.post(SELECT, request))

    assert "No coverage of the patient was sent or found." in card["detail"]


def test_the_sandbox_signs_a_prescription(sandbox: Calls) -> None:
    """found-33: on Rx Sign `category` is an object, `intent` is missing and no order has a fullUrl or an insurance."""
    cards = show(sandbox.post(SIGN, body("sandbox-order-sign")))

    assert cards
    assert cards[0]["source"]["label"] == "Example Health Plan"


def test_calls_that_overtake_each_other_are_answered_alike(sandbox: Calls) -> None:
    """Every change of its form calls again, with the order as it then is; a call may come twice."""
    request = body("sandbox-order-select")
    answers = [sandbox.post(SELECT, copy.deepcopy(request)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"outcome": "overridden"},
        {"outcome": "overridden", "overrideReason": True},
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}]},
    ],
    ids=["dismissed", "with a reason", "accepted"],
)
def test_what_a_user_of_the_sandbox_does_with_a_card_is_kept(said: dict[str, Any], sandbox: Calls) -> None:
    """HK-148: `aud` is the URL of the feedback; 200 is all that the page waits for."""
    [card] = show(sandbox.post(SELECT, body("sandbox-order-select")))
    report = {"card": card["uuid"], "outcomeTimestamp": "2026-11-23T12:00:00.000Z", **said}
    reason = card["overrideReasons"][0] if "overrideReason" in said else None
    if reason:
        report["overrideReason"] = {"reason": {"code": reason["code"], "system": reason["system"]}}

    answer = sandbox.post(f"{SELECT}/feedback", {"feedback": [report]})

    assert answer.status_code == 200
    rows = kept(sandbox.service, card["uuid"])
    assert (said["outcome"], reason and reason["code"]) in [(row.outcome, row.reason) for row in rows]
    assert {row.policies for row in rows} == {"evicore-cmm-204@2023-05-31"}


def test_an_error_can_be_read_by_the_page(sandbox: Calls) -> None:
    """HK-208: without the CORS headers it is only "could not get a response"."""
    answer = sandbox.post(SELECT, {"hook": "order-select"})

    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["issue"][0]["diagnostics"]


def test_keys_on_file_do_where_the_sandbox_cannot_be_reached(guarded: Any) -> None:
    """HK-195: the token names the registered `jku`, and nothing is fetched from it."""
    header = {"kid": "sandbox-1", "jku": SANDBOX_JKU}
    sandbox = Calls(guarded, bearer("ES384", "P-384#sandbox", header, 300, iss=ORIGIN))

    assert preset("cds-hooks-sandbox")["jwt"]["jku"] == [SANDBOX_JKU]
    answer = sandbox.post(SELECT, body("sandbox-order-select"))
    assert answer.status_code == 200
    assert guarded.logged(answer)["client"] == "cds-hooks-sandbox"
    logged = [json.loads(line) for line in guarded.log.read_text().splitlines() if line.startswith("{")]
    assert "jwks-not-fetched" not in {record.get("event") for record in logged}


def test_a_token_of_the_sandbox_is_not_good_at_another_service(guarded: Any) -> None:
    """HK-177: its private key is public, so what a token is made for must count."""
    authorize = bearer("ES384", "P-384#sandbox", {"kid": "sandbox-1", "jku": SANDBOX_JKU}, 300, iss=ORIGIN)
    elsewhere = Calls(guarded, lambda _: authorize("https://other.example.com/cds-services/order-select-crd"))

    answer = elsewhere.post(SELECT, body("sandbox-order-select"))
    assert answer.status_code == 401
    assert guarded.logged(answer)["cause"] == "audience"
