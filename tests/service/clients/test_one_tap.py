"""From a question to an answer with one tap: a client shows the card, takes its suggestion and calls again."""

import copy
from typing import Any

import pytest

from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.feedback import open_entry
from tests.service.clients.playing import (
    SANDBOX_JKU,
    SELECT,
    SIGN,
    Calls,
    assert_readable,
    bearer,
    body,
    information,
    kept,
    order_of,
)

ORIGIN = "https://sandbox.cds-hooks.org"
CPT = "http://www.ama-assn.org/go/cpt"
VERSIONS = ("2.0", "2.1", "2.2")


@pytest.fixture(name="sandbox")
def _sandbox(called: Any) -> Calls:
    header = {"kid": "sandbox-1", "jku": SANDBOX_JKU}
    return Calls(called, bearer("ES384", "P-384#sandbox", header, 300, iss=ORIGIN), {"Origin": ORIGIN})


def in_doubt(hook: str, version: str) -> dict[str, Any]:
    """A call about an injection of dextrose into a knee, which may be prolotherapy."""
    request = body("sandbox-order-select")
    request["hook"] = hook
    request["extension"] = {"davinci-crd.requestedVersion": version}
    order_of(request)["code"] = {"coding": [{"system": CPT, "code": "20610"}], "text": "Injection, right knee"}
    order_of(request)["note"] = [{"text": "Dextrose 15%, 6 mL, intra-articular"}]
    if hook == "order-sign":
        del request["context"]["selections"]
    return request


def take(suggestion: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Do what a suggestion says to the draft orders, as CDS Hooks has it: an update replaces the whole resource."""
    after = copy.deepcopy(request)
    for action in suggestion.get("actions", ()):
        assert action["type"] == "update"
        changed = action["resource"]
        [entry] = [
            entry
            for entry in after["context"]["draftOrders"]["entry"]
            if (entry["resource"]["resourceType"], entry["resource"]["id"]) == (changed["resourceType"], changed["id"])
        ]
        entry["resource"] = changed
    return after


def answers(answer: dict[str, Any]) -> list[str]:
    """What is written onto the orders of an answer."""
    return [information(action["resource"])["covered"] for action in answer.get("systemActions", ())]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("hook", "path"), [("order-select", SELECT), ("order-sign", SIGN)])
def test_one_tap_turns_a_question_into_an_answer(hook: str, path: str, version: str, sandbox: Calls) -> None:
    """resp-53, resp-55, CRD-282: conditional and a card that asks; after the tap not covered, and nothing is asked."""
    request = in_doubt(hook, version)
    before = sandbox.post(path, request).json()
    [card] = before["cards"]
    after = sandbox.post(path, take(card["suggestions"][0], request)).json()

    assert_readable(card)
    assert answers(before) == ["conditional"] * (hook == "order-sign")
    assert card["suggestions"][0]["label"] == "This is prolotherapy: add M0076"
    assert card["selectionBehavior"] == "at-most-one"
    assert answers(after) == ["not-covered"] * (hook == "order-sign")
    assert [one["summary"] for one in after["cards"]] == [
        "Prolotherapy (M0076) is not covered: considered investigational"
    ]


def test_a_suggestion_without_action_leaves_the_order_and_the_question(sandbox: Calls) -> None:
    request = in_doubt("order-sign", "2.0")
    [card] = sandbox.post(SIGN, request).json()["cards"]
    *_, another = card["suggestions"]

    after = take(another, request)

    assert "actions" not in another
    assert after == request
    assert sandbox.post(SIGN, after).json()["cards"] == [card]


def test_the_tap_is_reported_and_kept_with_its_card(sandbox: Calls) -> None:
    """CRD-77, resp-3; HK-119, 148: a suggestion has a uuid of its own; it stays the same as long as its card does."""
    request = in_doubt("order-sign", "2.0")
    [card] = sandbox.post(SIGN, request).json()["cards"]
    [again] = sandbox.post(SELECT, in_doubt("order-select", "2.0")).json()["cards"]
    chosen = card["suggestions"][0]["uuid"]
    accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": chosen}]}
    report = {"card": card["uuid"], "outcomeTimestamp": "2026-11-23T12:00:00.000Z", **accepted}

    assert sandbox.post(f"{SIGN}/feedback", {"feedback": [report]}).status_code == 200

    [row] = kept(sandbox.service, card["uuid"])
    assert (row.outcome, row.policies) == ("accepted", "evicore-cmm-204@2023-05-31")
    assert row.exchange is not None
    assert open_entry(row, RecordCipher())["acceptedSuggestions"] == [{"id": chosen}]
    assert (again["uuid"], again["suggestions"]) == (card["uuid"], card["suggestions"])
    uuids = [card["uuid"], *(one["uuid"] for one in card["suggestions"])]
    assert len(set(uuids)) == len(uuids)
    assert kept(sandbox.service, chosen) == []


@pytest.mark.parametrize("change", [{"status": "revoked"}, {"subject": {"reference": "Patient/another"}}])
@pytest.mark.parametrize(("hook", "path"), [("order-select", SELECT), ("order-sign", SIGN)])
def test_nothing_is_offered_for_a_void_order_or_another_patients(
    hook: str, path: str, change: dict[str, Any], sandbox: Calls
) -> None:
    request = in_doubt(hook, "2.0")
    order_of(request).update(change)

    assert not any("suggestions" in card for card in sandbox.post(path, request).json()["cards"])
