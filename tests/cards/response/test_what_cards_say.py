"""What a clinician reads on a card: the verdict, what to do, and what it rests on, once each and in this order."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cards import (
    WIRE_VERSIONS,
    Answered,
    AnswerRule,
    Decision,
    ResponseOptions,
    SentCoverages,
    decide,
    fail,
    find_outcome,
    find_paying,
    read_coverage,
    read_order,
    respond,
)
from cards.decision import Basis
from cards.override_reasons import read_override_reasons
from cards.payer_directory import Payer
from cards.response.types import instructions
from cds_hooks.rules.loading import Rules, load_rules
from tests.cards.response.reading import sentences

CARDS = Path(__file__).resolve().parents[3] / "cards"
RULES = load_rules(*(CARDS / name for name in ("vocabulary", "policies", "payers")))
DAY = date(2026, 11, 23)
M0076 = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes", "code": "M0076"}]}
UNLISTED = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}]}


def order(identity: str = "o", code: dict[str, Any] | None = None, text: str = "Right knee") -> dict[str, Any]:
    return {"resourceType": "ServiceRequest", "id": identity, "code": {**(code or M0076), "text": text}}


def judge(
    resource: dict[str, Any], payer: str | None, version: str = "2.0", failing: bool = False, rules: Rules = RULES
) -> tuple[Decision, ...]:
    """Decide on an order under the coverage of a payer, given by its identifier; None for no coverage."""
    systems = rules.vocabulary.code_systems
    payor = [{"identifier": {"system": "http://example.org/payer-id", "value": payer}}]
    coverage = {"resourceType": "Coverage", "id": "c", "status": "active", "payor": payor}
    sent = SentCoverages((read_coverage(coverage, systems),) if payer else ())
    read = read_order(resource, systems)
    paying = find_paying((), sent, rules.payers, DAY)
    if failing:
        return tuple(fail(read, one, DAY, ("Medication/1 could not be read",)) for one in paying)
    outcomes = [find_outcome(one, DAY, AnswerRule(version, is_primary=True)) for one in paying]
    decided = [decide(read, one, rules.index, DAY, outcome) for one, outcome in zip(paying, outcomes, strict=True)]
    return tuple(decision for decision in decided if decision)


def say(decided: Sequence[tuple[Decision, ...]], version: str = "2.0", **options: Any) -> dict[str, Any]:
    wire = ResponseOptions(WIRE_VERSIONS[version], primary_hook=True, annotate_unmatched=True, **options)
    answered = [
        Answered(decisions, b'{"resourceType":"ServiceRequest","id":"o"}', number)
        for number, decisions in enumerate(decided)
    ]
    said: dict[str, Any] = json.loads(
        respond(answered, wire, RULES.vocabulary.code_systems, lambda *parts: "|".join(parts)).to_json()
    )
    return said


def paragraphs(decided: Sequence[tuple[Decision, ...]], **options: Any) -> list[str]:
    """The paragraphs of the one card of an answer."""
    [card] = say(decided, **options)["cards"]
    return str(card["detail"]).split("\n\n")


def payer_of(decision: Decision, **changes: Any) -> tuple[Decision]:
    return (decision._replace(payer=replace(decision.payer, **changes)),)


def test_the_verdict_comes_first_then_what_to_do_then_what_it_rests_on() -> None:
    assert paragraphs([judge(order(), "EHP01")]) == [
        "Not covered by Example Health Plan. Prolotherapy for musculoskeletal pain or instability is considered experimental, investigational or unproven.",
        "Next steps: Tell the patient before treatment that this is not covered. Check the patient's own benefit: it decides about payment.",
        "Order: Right knee. Based on code M0076.",
        "Policy: eviCore healthcare, CMM-204: Prolotherapy, V1.0.2023, in force from 2023-05-31.",
    ]


def test_what_is_not_known_of_the_coverage_comes_before_the_verdict() -> None:
    """The steps of the policy are for patients it covers; what would settle the coverage comes first."""
    first, step, *_ = paragraphs([judge(order(), None)])

    assert first.startswith(
        "No coverage of the patient was sent or found. If this patient is covered by Example Health Plan: not covered."
    )
    assert step == "Next step: Enter the patient's primary coverage with its payer, then ask again."


def test_what_would_settle_the_coverage_is_said_beside_what_would_settle_the_order() -> None:
    """Both are missing here: the coverage, and which of code and name is meant."""
    decisions = judge(order(text="Kenalog 40"), None)
    card = instructions.build(
        decisions, ResponseOptions(WIRE_VERSIONS["2.0"], True, True), lambda *parts: "|".join(parts)
    )

    assert "If not, replace code M0076." in card.detail
    assert "Next step: Enter the patient's primary coverage with its payer, then ask again." in card.detail


def test_a_step_that_two_policies_share_stands_once() -> None:
    steps = paragraphs([judge(order(), "EMA01")])[1]

    assert steps.count("Tell the patient before treatment") == 1
    assert steps.endswith("Check the patient's own benefit: it decides about payment.")


def test_a_card_has_at_most_three_steps_those_of_the_most_binding_policy_first() -> None:
    [decision] = judge(order(), "EMA01")
    many = [
        finding._replace(version=replace(finding.version, next_steps=(f"Do {number}a.", f"Do {number}b.")))
        for number, finding in enumerate(decision.findings)
    ]

    assert "Next steps: Do 0a. Do 0b. Do 1a." in paragraphs([(decision._replace(findings=tuple(many)),)])


def test_several_orders_are_a_list_and_what_they_share_stands_once() -> None:
    """CRD-140: the orders by name."""
    detail = paragraphs([judge(order("a", text="Right knee"), "EHP01"), judge(order("b", text="Left knee"), "EHP01")])

    assert detail[2:4] == ["- Order: Right knee.\n- Order: Left knee.", "Based on code M0076."]


def test_like_orders_are_said_once_with_their_number() -> None:
    """CRD-140: the orders by name."""
    right = [judge(order(f"r{number}", text="Right knee"), "EHP01") for number in range(48)]
    left, coded = judge(order("l", text="Left knee"), "EHP01"), judge(order("c", text="Right knee"), "EHP01")

    assert paragraphs(right)[2] == "48 orders: Right knee. Based on code M0076."
    assert paragraphs([*right, left, coded])[2:4] == [
        "- 49 orders: Right knee.\n- Order: Left knee.",
        "Based on code M0076.",
    ]


def test_of_very_many_orders_those_that_are_not_named_are_counted() -> None:
    others = [judge(order(f"o{number}", text=f"Knee {number}"), "EHP01") for number in range(30)]
    right = [judge(order(f"r{number}", text="Right knee"), "EHP01") for number in range(48)]

    lines = paragraphs([*right, *others])[2].splitlines()
    assert lines[0] == "- 48 orders: Right knee."
    assert len(lines) == 21
    assert lines[-1] == "- And 11 more."


def test_each_order_of_a_list_has_what_it_rests_on_where_that_differs() -> None:
    named = [
        order("a", UNLISTED, "Prolotherapy"),
        {**order("b", UNLISTED, "Injection"), "note": [{"text": "Prolotherapy"}]},
    ]

    assert paragraphs([judge(resource, "EHP01") for resource in named])[2].splitlines() == [
        '- Order: Prolotherapy. Based on "Prolotherapy" in the order\'s name.',
        '- Order: Injection. Based on "Prolotherapy" in the order\'s note.',
    ]


def test_of_several_policies_the_strictest_prior_authorization_is_told() -> None:
    [decision] = judge(order(), "EMA01")
    findings = tuple(
        finding._replace(version=replace(finding.version, pa_needed=needed))
        for finding, needed in zip(decision.findings, ("no-auth", "auth-needed"), strict=True)
    )

    assert "Prior authorization is needed." in paragraphs([(decision._replace(findings=findings),)])


@pytest.mark.parametrize(("payer", "speaks"), [("EHP01", False), (None, True)])
def test_a_card_in_doubt_speaks_of_a_missing_coverage_where_one_is_missing(payer: str | None, speaks: bool) -> None:
    """impl-5: what is assumed is said, and nothing else."""
    detail = paragraphs([judge(order(code=UNLISTED, text="Unlisted procedure"), payer)], cards_in_doubt=True)

    doubt = detail.index("Cannot tell whether prolotherapy is ordered: code 20999 does not say what is done.")
    assert (
        detail[:doubt]
        == [
            "No coverage of the patient was sent or found. What follows holds if this patient is covered by Example Health Plan."
        ]
        * speaks
    )
    assert detail[doubt + 1].startswith("If prolotherapy is ordered, add code M0076.")


@pytest.mark.parametrize(
    ("version", "covered", "pa_needed"),
    [("2.0", "conditional", ["conditional"]), ("2.1", "conditional", []), ("2.2", "indeterminate", [])],
)
def test_what_a_failure_leaves_open_has_the_prior_authorization_of_its_version(
    version: str, covered: str, pa_needed: list[str]
) -> None:
    """resp-43: 2.2 has a code of its own and says nothing of authorization; before, the answer is conditional, beside
    which crd-ci-q2 of 2.0.1 demands pa-needed.
    """
    [action] = say([judge(order(), "EHP01", version, failing=True)], version)["systemActions"]

    parts = action["resource"]["extension"][0]["extension"]
    assert [part["valueCode"] for part in parts if part["url"] == "covered"] == [covered]
    assert [part["valueCode"] for part in parts if part["url"] == "pa-needed"] == pa_needed


def test_a_card_shows_the_payers_site_and_picture() -> None:
    """HK-107, HK-111, HK-112."""
    [decision] = judge(order(), "EHP01")
    [card] = say([payer_of(decision, url="https://plan.example/", icon="https://plan.example/100.png")])["cards"]

    assert (card["source"]["url"], card["source"]["icon"]) == ("https://plan.example/", "https://plan.example/100.png")


def reasons(payer: Payer) -> list[tuple[str, str]]:
    [decision] = judge(order(), "EHP01")
    [card] = say([(decision._replace(payer=payer),)])["cards"]
    return [(reason["system"], reason["code"]) for reason in card.get("overrideReasons", [])]


def test_a_payer_that_names_no_reasons_offers_the_usual_ones() -> None:
    """HK-98, HK-136: what no published code says is a code of the payer's own."""
    own, published = "https://example.org/example-health-plan/override-reasons", "http://terminology.hl7.org/CodeSystem"

    assert reasons(RULES.payers.default) == [
        (own, "patient-pays"),
        (own, "exception-granted"),
        (own, "coverage-wrong"),
        (f"{published}/non-adherence-reason-codes", "cds-not-applicable"),
        (f"{published}/non-adherence-reason-codes", "recipient-disagrees-evidence"),
    ]


def test_a_payer_offers_its_own_reasons_instead_or_none() -> None:
    own = [{"code": "appeal", "display": "We appeal"}, {"system": "urn:oid:1.2.3", "code": "x", "display": "Other"}]
    payer = RULES.payers.default

    read = read_override_reasons(own, "https://plan.example/")
    assert reasons(replace(payer, override_reasons=read)) == [
        ("https://plan.example/override-reasons", "appeal"),
        ("urn:oid:1.2.3", "x"),
    ]
    assert reasons(replace(payer, override_reasons=read_override_reasons([], None))) == []


def test_a_payer_without_a_site_has_no_codes_of_its_own() -> None:
    """HK-216: a system SHALL be there."""
    offered = reasons(replace(RULES.payers.default, override_reasons=read_override_reasons(None, None)))

    assert [code for _, code in offered] == ["cds-not-applicable", "recipient-disagrees-evidence"]


FROZEN = [
    pytest.param(card, id=f"{path.parent.name}-{number}")
    for path in sorted((CARDS.parent / "fhir_examples").glob("*/*/response.json"))
    for number, card in enumerate(json.loads(path.read_text()).get("cards", []))
]


@pytest.mark.parametrize("card", FROZEN)
def test_every_card_of_the_examples_reads_well(card: dict[str, Any]) -> None:
    """No sentence twice, no brackets within brackets, and a list only where several orders are named."""
    said = sentences(card)

    assert len(said) == len(set(said))
    assert card["detail"].count("\n- ") != 1
    assert not re.search(r"\([^()]*\(", card["summary"] + card["detail"])


@pytest.mark.parametrize("failing", [(False, True), (True, False)])
def test_the_card_of_orders_without_answer_names_the_coverage_only_where_it_is_the_reason_for_all(
    failing: tuple[bool, bool],
) -> None:
    decisions = [judge(order(), None, version="2.1", failing=fails)[0] for fails in failing]

    options = ResponseOptions(WIRE_VERSIONS["2.1"], primary_hook=True, annotate_unmatched=True)
    both = instructions.build_problem(decisions, options, lambda *_: "id")
    alone = instructions.build_problem(
        [one for one in decisions if one.basis is Basis.COVERAGE], options, lambda *_: "id"
    )

    assert both.summary == "Nothing could be written onto these orders"
    assert alone.summary == "Coverage could not be identified: no determination for these orders"


def test_that_card_is_in_the_name_of_the_first_orders_payer() -> None:
    [first] = judge(order(), None, version="2.1")
    other = next(payer for payer in RULES.payers.payers if payer is not first.payer)
    options = ResponseOptions(WIRE_VERSIONS["2.1"], primary_hook=True, annotate_unmatched=True)

    card = instructions.build_problem([first, first._replace(payer=other)], options, lambda *_: "id")

    assert card.source.label == first.payer.name
