"""An answer that asks for prior authorization, and one that is on file."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cards import (
    WIRE_VERSIONS,
    Answered,
    Circumstances,
    Decision,
    Member,
    PayerChoice,
    ResponseOptions,
    asks_authorization,
    decide,
    read_coverage,
    read_order,
    respond,
    satisfy,
)
from cards.authorization import Authorization
from cards.coding import Coding
from cards.coverage import identifier
from cards.matching.match import Strength
from cards.member import CoveragePeriod
from cards.policy import Covered
from cds_hooks.rules.loading import Rules
from tests.guide.conformance import faults

ON = date(2026, 11, 23)
MINE = identifier("http://payer.example", "A1")
MEMBER = Member(MINE, frozenset({MINE}), (CoveragePeriod("example-health-plan"),))
PUMP = Authorization("PA-1", MINE, frozenset({Coding("HCPCS", "E0784")}), date(2026, 11, 1), date(2026, 12, 1))
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
COVERAGE = {"resourceType": "Coverage", "id": "cov-1"}


def order(of: str, **more: Any) -> dict[str, Any]:
    concept = {"coding": [{"system": HCPCS, "code": of}], "text": "Insulin pump"}
    return {
        "resourceType": "ServiceRequest",
        "id": "o-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2026-11-23",
        "requester": {"reference": "Practitioner/x"},
        "code": concept,
        **more,
    }


def judge(rules: Rules, resource: dict[str, Any], held: Any = (PUMP,), member: Member | None = MEMBER) -> Decision:
    systems = rules.vocabulary.code_systems
    paying = PayerChoice(read_coverage(COVERAGE), rules.payers.default, payer_is_known=True, member=member)
    decision = decide(read_order(resource, systems), paying, rules.index, ON)
    assert decision
    if not asks_authorization(decision):
        return decision
    return satisfy(decision, lambda: held, Circumstances((resource,), systems, lambda _: None, ON, ON))


def said(rules: Rules, decision: Decision, resource: dict[str, Any], version: str) -> tuple[dict[str, Any], Any]:
    """Return the answer as a version of the guide has it, and its only coverage information by parts."""
    options = ResponseOptions(WIRE_VERSIONS[version], primary_hook=True, annotate_unmatched=True)
    answered = [Answered((decision,), json.dumps(resource).encode(), 0)]
    response = respond(answered, options, rules.vocabulary.code_systems, lambda *parts: "-".join(parts))
    body = json.loads(response.to_json())
    (action,) = body["systemActions"]
    return body, action["resource"]["extension"][0]["extension"]


def values(parts: Any, url: str) -> list[Any]:
    return [next(v for k, v in part.items() if k != "url") for part in parts if part["url"] == url]


@pytest.mark.parametrize("version", WIRE_VERSIONS)
def test_an_authorization_on_file_satisfies_what_the_policy_asks_for(version: str, rules: Rules) -> None:
    """crd-ci-q4, crd-ci-q5: `satisfied` with its number, and no documentation with the request any more."""
    decision = judge(rules, order("E0784"))

    body, parts = said(rules, decision, order("E0784"), version)

    assert values(parts, "pa-needed") == ["satisfied"]
    assert values(parts, "satisfied-pa-id") == ["PA-1"]
    assert "withpa" not in values(parts, "doc-purpose")
    assert "on file" in body["cards"][0]["summary"]
    assert "PA-1" in body["cards"][0]["detail"]
    assert "Request prior authorization" not in json.dumps(body)
    assert body["cards"][0]["indicator"] == "info"
    assert faults(version, body) == []


@pytest.mark.parametrize("version", WIRE_VERSIONS)
def test_one_that_has_ended_satisfies_nothing_and_its_number_is_told(version: str, rules: Rules) -> None:
    decision = judge(rules, order("E0784"), [replace(PUMP, end=date(2026, 11, 22))])

    body, parts = said(rules, decision, order("E0784"), version)

    assert values(parts, "pa-needed") == ["auth-needed"]
    assert values(parts, "satisfied-pa-id") == []
    told = "Authorization PA-1 was looked at: it ended on 2026-11-22."
    assert told in body["cards"][0]["detail"]
    assert {"text": told} in values(parts, "reason")
    assert faults(version, body) == []


@pytest.mark.parametrize("version", WIRE_VERSIONS)
def test_where_nobody_can_tell_what_is_on_file_it_is_said_so(version: str, rules: Rules) -> None:
    """resp-43: 2.2 has `indeterminate` with `technical`; before it what is not known is conditional."""
    decision = judge(rules, order("E0784"), None)

    body, parts = said(rules, decision, order("E0784"), version)

    assert values(parts, "covered") == ["covered"]
    assert values(parts, "pa-needed") == ["indeterminate" if version == "2.2" else "conditional"]
    codes = [coding["code"] for reason in values(parts, "reason") for coding in reason.get("coding", ())]
    assert codes == (["technical"] if version == "2.2" else [])
    assert "could not be looked up" in json.dumps(body["cards"])
    assert faults(version, body) == []


@pytest.mark.parametrize(
    ("version", "documentation"), [("2.0", "conditional"), ("2.1", "conditional"), ("2.2", "indeterminate")]
)
def test_documentation_for_a_request_is_as_open_as_whether_one_is_needed(
    version: str, documentation: str, rules: Rules
) -> None:
    """resp-43, resp-52: of a bed it goes with the request alone; of a pump some goes with the claim in any case."""
    bed, pump = (judge(rules, order(code), None) for code in ("E0260", "E0784"))

    body, parts = said(rules, bed, order("E0260"), version)

    assert values(parts, "doc-needed") == [documentation]
    assert values(parts, "doc-purpose") == []
    assert "Documentation is needed" not in json.dumps(body)
    assert values(parts, "info-needed") == (["OTH"] if documentation == "conditional" else [])
    assert "Whether documentation is needed depends on more information." in body["cards"][0]["detail"]
    assert faults(version, body) == []
    assert values(said(rules, pump, order("E0784"), version)[1], "doc-needed") == ["clinical"]
    asked = said(rules, judge(rules, order("E0260"), ()), order("E0260"), version)[1]
    assert values(asked, "doc-needed") == ["clinical"]


def test_nothing_is_asked_where_no_authorization_is_needed(rules: Rules) -> None:
    def nobody() -> Any:
        raise AssertionError("was asked")

    systems = rules.vocabulary.code_systems
    for code in ("E0114", "M0076"):  # covered without more; not covered
        paying = PayerChoice(read_coverage(COVERAGE), rules.payers.default, payer_is_known=True, member=MEMBER)
        decision = decide(read_order(order(code), systems), paying, rules.index, ON)
        assert decision
        assert not asks_authorization(decision)
        assert satisfy(decision, nobody, Circumstances((), systems, lambda _: None, ON, ON)) == decision


def test_without_a_member_nothing_is_asked(rules: Rules) -> None:
    assert judge(rules, order("E0784"), member=None).pa_needed == "auth-needed"


def test_an_authorization_makes_nothing_covered_that_is_not(rules: Rules) -> None:
    prolotherapy = replace(PUMP, codes=frozenset({Coding("HCPCS", "M0076")}))

    assert judge(rules, order("M0076"), [prolotherapy]).covered is Covered.NOT_COVERED


def test_an_order_that_only_words_name_is_satisfied_by_nothing(rules: Rules) -> None:
    named = judge(rules, order("E0784"), ())
    words = named.findings[0].match._replace(strength=Strength.STATED, coding=None, words="insulin pump")
    worded = named._replace(findings=(named.findings[0]._replace(match=words),))
    known = Circumstances((order("E0784"),), rules.vocabulary.code_systems, lambda _: None, ON, ON)

    assert satisfy(named, lambda: (PUMP,), known).pa_needed == "satisfied"
    assert satisfy(worded, lambda: (PUMP,), known).pa_needed == "auth-needed"


@pytest.mark.parametrize("side", ["left", "right", None])
def test_the_side_of_the_order_decides(side: str | None, rules: Rules) -> None:
    sites = {"left": "7771000", "right": "24028007"}
    site = [{"coding": [{"system": "http://snomed.info/sct", "code": sites[side]}]}] if side else []

    decision = judge(rules, order("E0784", bodySite=site), [replace(PUMP, side="left")])

    assert decision.pa_needed == ("satisfied" if side == "left" else "auth-needed")


def test_the_quantity_of_the_order_decides(rules: Rules) -> None:
    two = {"quantityQuantity": {"value": 2}}

    assert judge(rules, order("E0784", **two), [replace(PUMP, quantity=2)]).pa_needed == "satisfied"
    assert judge(rules, order("E0784", **two), [replace(PUMP, quantity=2, used=1)]).pa_needed == "auth-needed"


def test_a_card_that_tells_of_an_authorization_is_another_card(rules: Rules) -> None:
    """One that was dismissed before the authorization was given is not this one."""
    cards = [
        said(rules, judge(rules, order("E0784"), held), order("E0784"), "2.2")[0]["cards"][0]["uuid"]
        for held in ((), (PUMP,), (replace(PUMP, number="PA-2"),), (replace(PUMP, end=ON.replace(day=1)),))
    ]

    assert len(set(cards)) == 4


def test_nothing_of_an_authorization_is_kept_for_other_orders(rules: Rules) -> None:
    systems = rules.vocabulary.code_systems
    before = len(systems.written)

    said(rules, judge(rules, order("E0784")), order("E0784"), "2.2")

    assert len(systems.written) == before
    assert "PA-1" not in repr(systems.written)
