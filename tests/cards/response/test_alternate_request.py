"""What an order leaves open can be said with one tap: by whom, on which orders, and what is offered."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cards import WIRE_VERSIONS, Answered, ResponseOptions, respond
from tests.cards.response.test_what_cards_say import DAY, M0076, RULES, UNLISTED, judge, order

KNEE = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20610"}]}
DEXTROSE = {"note": [{"text": "Dextrose 15%, 6 mL, intra-articular"}]}
VERSIONS = sorted(WIRE_VERSIONS)


def in_doubt(identity: str = "o", text: str = "Injection, right knee", **members: Any) -> dict[str, Any]:
    """An injection of dextrose into a knee: it may be prolotherapy."""
    return {**order(identity, KNEE, text), "status": "draft", **DEXTROSE, **members}


def ask(*orders: dict[str, Any], version: str = "2.0", payer: str | None = "EHP01", **options: Any) -> dict[str, Any]:
    """Answer a call of a hook on which changes may be proposed."""
    wire = ResponseOptions(WIRE_VERSIONS[version], True, True, **{"proposes": True, **options})
    answered = [
        Answered(judge(resource, payer, version), json.dumps(resource).encode(), number)
        for number, resource in enumerate(orders)
    ]
    answered = [one for one in answered if one.decisions]
    body = respond(answered, wire, RULES.vocabulary.code_systems, lambda *parts: "|".join(parts)).to_json()
    said: dict[str, Any] = json.loads(body)
    return said


def labels(said: dict[str, Any]) -> list[str]:
    return [suggestion["label"] for card in said["cards"] for suggestion in card.get("suggestions", [])]


def offered(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The orders as they would be after a tap."""
    suggestions = [suggestion for card in said["cards"] for suggestion in card.get("suggestions", [])]
    return [action["resource"] for suggestion in suggestions for action in suggestion.get("actions", [])]


ADD = "This is prolotherapy: add M0076"
OTHER = "This is another procedure: enter its code"


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(in_doubt(), id="inferred"),
        pytest.param(order("o", UNLISTED, "Unlisted procedure"), id="unlisted"),
        pytest.param(order("o", KNEE, "Injection, prolotherapy?"), id="doubtful-name"),
    ],
)
def test_an_order_that_may_be_for_the_service_gets_one_card_with_its_code(resource: dict[str, Any]) -> None:
    """CRD-282, resp-53: a single update; HK-92, 93, 95, 96, 117: at most one of the suggestions may be chosen.

    HK-121: none is recommended, what is ordered only the clinician knows.
    """
    [card] = (said := ask(resource))["cards"]

    assert labels(said) == [ADD, OTHER]
    assert card["selectionBehavior"] == "at-most-one"
    assert "links" not in card
    assert not any("isRecommended" in suggestion for suggestion in card["suggestions"])


def test_what_is_offered_is_the_order_as_received_and_the_policys_coding() -> None:
    """HK-124, 125, 130, 132: one action, the whole resource, no resourceId; the coding is the policy's own."""
    resource = in_doubt(quantityQuantity={"value": 1})

    [card] = ask(resource)["cards"]

    [action] = card["suggestions"][0]["actions"]
    assert set(action) == {"type", "description", "resource"}
    assert action["type"] == "update"
    added = {
        "system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076", "display": "Prolotherapy",
    }  # fmt: skip
    assert action["resource"] == {**resource, "code": {**KNEE, "coding": [*KNEE["coding"], added], "text": resource["code"]["text"]}}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_after_the_tap_the_answer_is_for_certain(version: str) -> None:
    [after] = offered(ask(in_doubt(), version=version))

    [decision] = judge(after, "EHP01", version)

    assert decision.is_sure
    assert decision.covered == "not-covered"
    assert not labels(ask(after, version=version))


@pytest.mark.parametrize(("version", "expected"), [("2.0", [ADD, OTHER]), ("2.1", [ADD, OTHER]), ("2.2", [ADD])])
def test_another_procedure_can_be_chosen_where_a_suggestion_may_be_without_action(
    version: str, expected: list[str]
) -> None:
    """resp-56: crd-respar-1 of 2.2 wants an action in each; there the card says in words what else to do."""
    said = ask(in_doubt(), version=version)

    assert labels(said) == expected
    assert "If not, enter the procedure you are ordering." in said["cards"][0]["detail"]


def test_another_procedure_is_offered_only_where_a_code_leaves_it_open() -> None:
    assert labels(ask({**order(), "code": {"text": "Evaluate for prolotherapy, left SI joint"}})) == [ADD]


def test_orders_alike_share_a_card_and_each_can_be_tapped() -> None:
    """CRD-140: by its name; any number of several orders may be what the card asks."""
    said = ask(in_doubt("a", "Injection, right knee"), in_doubt("b", "Injection, left knee"))

    [card] = said["cards"]
    assert labels(said) == [
        "Injection, right knee is prolotherapy: add M0076",
        "Injection, left knee is prolotherapy: add M0076",
    ]
    assert card["selectionBehavior"] == "any"
    assert [resource["id"] for resource in offered(said)] == ["a", "b"]
    assert len({suggestion["uuid"] for suggestion in card["suggestions"]}) == 2


def test_orders_in_doubt_for_different_reasons_have_cards_of_their_own() -> None:
    said = ask(in_doubt("a"), order("b", UNLISTED, "Unlisted procedure"))

    assert [len(card["suggestions"]) for card in said["cards"]] == [2, 2]


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(in_doubt(status="completed"), id="completed"),
        pytest.param(in_doubt(id=None), id="without-an-id"),
        pytest.param({**in_doubt(), "code": {**KNEE, "concept": {}}}, id="code-of-R5"),
        pytest.param(
            {"resourceType": "MedicationRequest", "id": "o", "medicationCodeableConcept": {"text": "Polidocanol"},
             "dosageInstruction": [{"text": "2 mL", "site": {"text": "Achilles tendon"}}]},
            id="of-a-drug",
        ),
        pytest.param(order("o", {"coding": [{"system": KNEE["coding"][0]["system"], "code": "27447"}]}, "Prolotherapy"), id="another-services-code"),
        pytest.param({**order("o", KNEE, "Prolotherapy"), "note": [{"text": "Order cancelled."}]}, id="taken-back"),
    ],
)  # fmt: skip
def test_no_code_is_offered_that_the_order_cannot_or_should_not_take(resource: dict[str, Any]) -> None:
    said = ask(resource)

    assert len(said["systemActions"]) == (resource["id"] is not None)
    assert not labels(said)


@pytest.mark.parametrize("members", [{"status": "revoked"}, {"status": "entered-in-error"}, {"doNotPerform": True}])
def test_nothing_is_offered_for_an_order_that_asks_for_nothing(members: dict[str, Any]) -> None:
    assert ask(in_doubt(**members)) == {"cards": [], "systemActions": []}


@pytest.mark.parametrize("resource", [in_doubt(), order("o", UNLISTED, "Unlisted procedure")])
def test_nothing_is_offered_where_nobody_knows_who_pays(resource: dict[str, Any]) -> None:
    assert not labels(ask(resource, payer=None))


def test_nothing_is_offered_where_the_answer_is_certain() -> None:
    assert not labels(ask(order("o", M0076)))


def test_hooks_that_propose_nothing_ask_in_words_or_on_the_order() -> None:
    assert ask(in_doubt(), proposes=False)["cards"] == []
    assert len(ask(in_doubt(), proposes=False, cards_in_doubt=True)["cards"]) == 1


@pytest.mark.parametrize(
    ("resource", "asked"),
    [
        (order("o", M0076, "Kenalog 40 injection, right knee"), "If not, replace code M0076."),
        (
            order("o", {"coding": [{**KNEE["coding"][0], "code": "27447"}]}, "Prolotherapy"),
            "replace code 27447 with M0076",
        ),
    ],
)
def test_where_code_and_name_are_of_two_services_a_card_asks_which_is_meant(resource: Any, asked: str) -> None:
    """On order-sign too, in words: one of the two is wrong, and the annotation alone is read by no clinician."""
    for proposes in (True, False):
        said = ask({**resource, "status": "draft"}, proposes=proposes)

        [card] = said["cards"]
        assert asked in card["detail"]
        assert not card.get("suggestions")
        assert len(said["systemActions"]) == 1


def test_an_order_that_is_taken_back_gets_no_card_where_it_is_said_on_the_order() -> None:
    said = ask({**order("o", KNEE, "Prolotherapy"), "status": "draft", "note": [{"text": "Order cancelled."}]})

    assert said["cards"] == []


def test_what_the_client_declines_is_not_offered() -> None:
    """CRD-116, dev-5, dev-14: the card goes with its suggestions; `max-cards` counts it as any other."""
    assert ask(in_doubt(), declined=frozenset({"coverage-info"}))["cards"] == []
    assert ask(in_doubt(), max_cards=0)["cards"] == []
    [card] = ask(in_doubt("a"), order("b"), max_cards=1)["cards"]
    assert "is not covered" in card["summary"]


def test_an_order_under_two_payers_is_asked_about_once() -> None:
    resource = in_doubt()
    two = (*judge(resource, "EHP01"), *judge(resource, "EBP01"))
    wire = ResponseOptions(WIRE_VERSIONS["2.0"], True, True, proposes=True)

    response = respond([Answered(two, json.dumps(resource).encode(), 0)], wire, RULES.vocabulary.code_systems, lambda *parts: "|".join(parts))  # fmt: skip

    assert len([card for card in response.cards if card.suggestions]) == 1


def changed(version: Any, codes: Sequence[tuple[str, str]]) -> Any:
    """A version of a policy that names its service by other codes."""
    [code] = set(version.definitive.values())
    named = [replace(code, coding=code.coding._replace(code=one), display=display) for one, display in codes]
    return replace(version, definitive={one.coding: one for one in named})


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([("X1", "It")], ["This is prolotherapy: add X1", OTHER]),
        ([("X1", "One of it"), ("X2", "Two of it")], ["This is one of it: add X1", "This is two of it: add X2", OTHER]),
        ([(f"X{number}", "It") for number in range(9)], []),
        ([], []),
    ],
)
def test_the_label_is_of_the_policys_data(codes: list[tuple[str, str]], expected: list[str]) -> None:
    """One code goes by the service, several by their own names; more than a few must be looked up."""
    resource = in_doubt()
    [decision] = judge(resource, "EHP01")
    findings = tuple(one._replace(version=changed(one.version, codes)) for one in decision.findings)
    wire = ResponseOptions(WIRE_VERSIONS["2.0"], True, True, proposes=True)
    answered = [Answered((decision._replace(findings=findings),), json.dumps(resource).encode(), 0)]

    response = respond(answered, wire, RULES.vocabulary.code_systems, lambda *parts: "|".join(parts))

    assert [suggestion.label for card in response.cards for suggestion in card.suggestions] == expected
    assert decision.on == DAY
