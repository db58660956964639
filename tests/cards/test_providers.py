"""Who orders and who performs a service, by NPI; and the reasons that rest on it: gold-card, auth-out-network."""

import json
from typing import Any

import pytest

from cards import (
    WIRE_VERSIONS,
    Answered,
    PolicyIndex,
    ResponseOptions,
    decide,
    read_coverage,
    read_order,
    read_policy,
    respond,
)
from cards.circumstances import Circumstances
from cards.errors import DocumentError
from cards.npi import is_npi
from cds_hooks.rules.loading import Rules
from tests.cards.test_answer_choice import AUTH, FREE, ON, PAYING, concept, policy_of, said
from tests.guide.conformance import faults

GOLD, MEMBER, OTHER = "2000000002", "2000000010", "2000000028"
SYSTEM = "http://hl7.org/fhir/sid/us-npi"
LISTS = {"gold": [GOLD], "network": [GOLD, MEMBER]}
EXEMPT = [{"if": {"ordered-by": ["gold"]}, **FREE, "reason": "gold-card"}, AUTH]
NETWORK = [{"if": {"performed-by": ["network"]}, **FREE}, {**AUTH, "reason": "auth-out-network"}]


def ask(rules: Rules, answers: Any, order: Any, records: Any = None, **known: Any) -> Any:
    systems = rules.vocabulary.code_systems
    resource = {"resourceType": "ServiceRequest", "id": "o", "code": concept("K0001"), **order}
    find = (records or {}).get
    circumstances = Circumstances((resource,), systems, find, ON, ON, **known)
    index = _index(json.dumps(answers), rules.vocabulary)
    return decide(read_order(resource, systems), PAYING, index, ON, circumstances=circumstances)


INDEXES: dict[str, PolicyIndex] = {}


def _index(answers: str, vocabulary: Any) -> PolicyIndex:
    """Return the policy with some answers, indexed once: that takes longer than all else here."""
    if answers not in INDEXES:
        lists = {name: npis for name, npis in LISTS.items() if f'"{name}"' in answers}
        policy = read_policy({**policy_of(json.loads(answers)), "providers": lists}, vocabulary)
        INDEXES[answers] = PolicyIndex([policy], vocabulary)
    return INDEXES[answers]


def by(npi: str, system: str = SYSTEM, **more: str) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": npi, **more}}


def record(kind: str, npi: str | None = None, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, **({"identifier": [by(npi)["identifier"]]} if npi else {}), **more}


RECORDS = {
    "Practitioner/gold": record("Practitioner", GOLD),
    "Practitioner/other": record("Practitioner", OTHER),
    "Practitioner/none": record("Practitioner"),
    "Organization/gold": record("Organization", GOLD),
    "Patient/gold": record("Patient", GOLD),
    "PractitionerRole/gold": record("PractitionerRole", practitioner={"reference": "Practitioner/gold"}),
    "PractitionerRole/stated": record("PractitionerRole", practitioner=by(GOLD)),
    "PractitionerRole/org": record("PractitionerRole", organization={"reference": "Organization/gold"}),
    "PractitionerRole/other-at-gold": record(
        "PractitionerRole", practitioner={"reference": "Practitioner/other"}, organization=by(GOLD)
    ),
    "PractitionerRole/unread-at-gold": record(
        "PractitionerRole", practitioner={"reference": "Practitioner/unread"}, organization=by(GOLD)
    ),
    "PractitionerRole/own": record("PractitionerRole", practitioner={"reference": "PractitionerRole/own"}),
    "PractitionerRole/inner": record(
        "PractitionerRole", practitioner={"reference": "#p"}, contained=[record("Practitioner", GOLD, id="p")]
    ),
}
FREED, ASKED, OPEN = ("covered", "no-auth"), ("covered", "auth-needed"), ("covered", "conditional", "OTH")


@pytest.mark.parametrize(
    ("requester", "expected"),
    [
        (by(GOLD), FREED),
        (by(GOLD, "urn:oid:2.16.840.1.113883.4.6"), FREED),
        (by(OTHER), ASKED),
        (by(GOLD, "http://hospital.example.org/staff"), OPEN),
        (by(GOLD, use="old"), OPEN),
        (by("2000000003"), OPEN),
        ({"display": "Dr. Gold"}, OPEN),
        ({"reference": "Practitioner/gold"}, FREED),
        ({"reference": "Practitioner/other"}, ASKED),
        ({"reference": "Practitioner/none"}, OPEN),
        ({"reference": "Practitioner/unread"}, OPEN),
        ({"reference": "Patient/gold"}, OPEN),
        ({"reference": "PractitionerRole/gold"}, FREED),
        ({"reference": "PractitionerRole/stated"}, FREED),
        ({"reference": "PractitionerRole/org"}, FREED),
        ({"reference": "PractitionerRole/other-at-gold"}, ASKED),
        ({"reference": "PractitionerRole/unread-at-gold"}, OPEN),
        ({"reference": "PractitionerRole/own"}, OPEN),
        ({"reference": "PractitionerRole/inner"}, FREED),
        ({"reference": "#role"}, FREED),
        ("Practitioner/gold", OPEN),
        ([{"reference": "Practitioner/gold"}], OPEN),
        (None, OPEN),
    ],
)
def test_who_orders_is_told_by_npi_and_by_nothing_else(requester: Any, expected: tuple[str, ...], rules: Rules) -> None:
    role = record("PractitionerRole", id="role", practitioner={"reference": "#p"})
    held = {"contained": [role, record("Practitioner", GOLD, id="p")], "requester": requester}

    assert said(ask(rules, EXEMPT, held, RECORDS)) == expected


@pytest.mark.parametrize(
    ("performers", "expected"),
    [
        ([by(MEMBER)], FREED),
        ([by(MEMBER), by(GOLD)], FREED),
        ([by(OTHER)], ASKED),
        ([by(MEMBER), by(OTHER)], ("covered", "conditional", "performer")),
        ([by(MEMBER), {"reference": "Practitioner/unread"}], ("covered", "conditional", "performer")),
        ([by(OTHER), {"display": "Somebody"}], ("covered", "conditional", "performer")),
        ([], ("covered", "conditional", "performer")),
        (by(MEMBER), FREED),
    ],
)
def test_all_who_may_perform_it_must_be_of_the_network(performers: Any, expected: Any, rules: Rules) -> None:
    """Any of the performers that an order names may be the one: nobody of whom nothing is known frees it."""
    assert said(ask(rules, NETWORK, {"performer": performers, "requester": by(MEMBER)}, RECORDS)) == expected


def test_whom_it_is_dispatched_to_performs_it(rules: Rules) -> None:
    order = {"performer": [by(MEMBER)]}

    assert said(ask(rules, NETWORK, order, RECORDS, performer="Practitioner/other")) == ASKED
    assert said(ask(rules, NETWORK, order, RECORDS, performer="Practitioner/unread")) == (
        "covered",
        "conditional",
        "performer",
    )


def written(rules: Rules, decision: Any, version: str) -> Any:
    """Return the parts of the coverage information in a version of the guide, which are as it publishes them."""
    order = {
        "resourceType": "ServiceRequest", "id": "o", "status": "draft", "intent": "order", "code": concept("K0001"),
        "subject": {"reference": "Patient/p"}, "authoredOn": "2026-11-23", "requester": {"reference": "Practitioner/x"},
    }  # fmt: skip
    options = ResponseOptions(WIRE_VERSIONS[version], primary_hook=True, annotate_unmatched=True)
    decision = decision._replace(coverage=read_coverage({"resourceType": "Coverage", "id": "c"}))
    answered = [Answered((decision,), json.dumps(order).encode(), 0)]
    response = respond(answered, options, rules.vocabulary.code_systems, lambda *parts: "-".join(parts))
    body = json.loads(response.to_json())
    assert faults(version, body) == []
    return body["systemActions"][0]["resource"]["extension"][0]["extension"]


def codes_of(parts: Any, url: str) -> list[Any]:
    concepts = [part["valueCodeableConcept"] for part in parts if part["url"] == url]
    return [coding["code"] for one in concepts for coding in one.get("coding", ())]


@pytest.mark.parametrize("version", WIRE_VERSIONS)
def test_a_gold_card_is_told_as_the_reason(version: str, rules: Rules) -> None:
    """resp-52: CRD's own code for it, in all versions."""
    assert codes_of(written(rules, ask(rules, EXEMPT, {"requester": by(GOLD)}), version), "reason") == ["gold-card"]
    assert codes_of(written(rules, ask(rules, EXEMPT, {"requester": by(OTHER)}), version), "reason") == []


@pytest.mark.parametrize(("version", "reason", "detail"), [("2.0", 0, 1), ("2.1", 0, 1), ("2.2", 1, 0)])
def test_out_of_the_network_is_a_detail_that_became_a_reason(
    version: str, reason: int, detail: int, rules: Rules
) -> None:
    """CRD 2.0.1 and 2.1.0, coverageDetail: auth-out-network-only; 2.2.1, coverageAssertionReasons: auth-out-network."""
    parts = written(rules, ask(rules, NETWORK, {"performer": [by(OTHER)]}), version)

    details = [part["extension"] for part in parts if part["url"] == "detail"]
    assert codes_of(parts, "reason") == ["auth-out-network"] * reason
    assert [c for one in details for c in codes_of(one, "code") if "network" in c] == ["auth-out-network-only"] * detail


@pytest.mark.parametrize(
    "slip",
    [
        [{**FREE, "reason": "gold-card"}],
        [{"if": {"ordered-by": ["gold"]}, **AUTH, "reason": "gold-card"}, AUTH],
        [{"if": {"performed-by": ["network"]}, **FREE, "reason": "gold-card"}, AUTH],
        [{"if": {"ordered-by": ["gold"]}, **FREE}, {**FREE, "reason": "gold-card"}],
        [{**AUTH, "reason": "auth-out-network"}],
        [{"if": {"ordered-by": ["gold"]}, **FREE}, {**AUTH, "reason": "auth-out-network"}],
        [{"if": {"performed-by": ["network"]}, **FREE, "reason": "auth-out-network"}, AUTH],
        [{"if": {"performed-by": ["networks"]}, **FREE}, AUTH],
    ],
)
def test_a_reason_stands_where_it_can_be_the_reason(slip: Any, rules: Rules) -> None:
    """A gold card frees those who have one and no others; out of the network is who is known not to be in it."""
    with pytest.raises(DocumentError, match=r"reason: |no list of providers networks in this policy \(known: gold, n"):
        read_policy({**policy_of(slip), "providers": LISTS}, rules.vocabulary)


def test_a_list_has_npis_whose_check_digits_are_right(rules: Rules) -> None:
    with pytest.raises(DocumentError, match="is no NPI: its check digit is another") as refused:
        read_policy({**policy_of(EXEMPT), "providers": {"gold": [GOLD, "1234567890"]}}, rules.vocabulary)

    assert refused.value.path == "$.providers['gold'][1]"
    assert is_npi("1234567893")  # the example of CMS's own description of the check digit
    assert not any(is_npi(f"123456789{digit}") for digit in "012456789")
    assert not is_npi("123456789३")


def test_a_list_that_no_condition_names_is_a_slip(rules: Rules) -> None:
    with pytest.raises(DocumentError, match="no condition names this list: it decides nothing") as refused:
        read_policy({**policy_of(EXEMPT), "providers": {**LISTS, "gold": [GOLD]}}, rules.vocabulary)

    assert refused.value.path == "$.providers['network']"


def test_a_gold_card_is_no_reason_where_nobody_knows_who_orders(rules: Rules) -> None:
    """All answers may free it, of which one has a reason that may not hold."""
    answers = [EXEMPT[0], {"if": {"laterality": ["left"]}, **FREE}, AUTH]
    left = {"bodySite": [concept("7771000", "http://snomed.info/sct")]}

    assert ask(rules, answers, {**left, "requester": by(GOLD)}).findings[0].version.reason == "gold-card"
    assert said(ask(rules, answers, left)) == FREED
    assert ask(rules, answers, left).findings[0].version.reason is None


def test_out_of_the_network_is_a_reason_while_who_performs_it_is_open(rules: Rules) -> None:
    assert ask(rules, NETWORK, {"performer": [by(OTHER)]}).findings[0].version.reason == "auth-out-network"
    assert ask(rules, NETWORK, {}).findings[0].version.reason == "auth-out-network"
    assert ask(rules, NETWORK, {"performer": [by(MEMBER)]}).findings[0].version.reason is None
