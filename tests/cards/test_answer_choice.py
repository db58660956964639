"""An answer that depends on circumstances: never more lax than what is known, and what is open is asked for."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards import (
    PLACE_OF_SERVICE,
    Circumstances,
    CodeSystems,
    Decision,
    PayerChoice,
    PolicyIndex,
    decide,
    read_order,
    read_policy,
)
from cards.coding import fold_system
from cds_hooks.rules.cases import ANY_PAYER
from cds_hooks.rules.loading import Rules

ON = date(2026, 11, 23)
PAYING = PayerChoice(None, replace(ANY_PAYER, policies=("acme",)), payer_is_known=True)
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
AUTH = {"covered": "covered", "pa-needed": "auth-needed", "verdict": "ask first", "position": "Ask first."}
FREE = {"covered": "covered", "pa-needed": "no-auth", "verdict": "nothing", "position": "Nothing is needed."}
NEVER = {"covered": "not-covered", "verdict": "excluded", "position": "It is excluded."}
HOSPITAL = [{"if": {"place-of-service": ["19", "22"]}, **AUTH}, FREE]

Ask = Callable[..., Decision]


@pytest.fixture(name="ask")
def _ask(rules: Rules) -> Ask:
    """Decide on an order for K0001 under a policy with some answers, as far as its circumstances are known."""
    return lambda answers, order=None, records=None, **known: ask_with(rules, answers, order, records, **known)


def ask_with(rules: Rules, answers: list[Any], order: Any = None, records: Any = None, **known: Any) -> Any:
    systems = rules.vocabulary.code_systems
    resource = {"resourceType": "ServiceRequest", "id": "o", "code": concept("K0001"), **(order or {})}
    read = read_order(resource, systems)
    circumstances = Circumstances(
        (resource,),
        systems,
        (records or {}).get,
        read.day_of_service(ON),
        read.last_day_of_service(ON),
        has_day=read.service_days is not None,
        **known,
    )
    index = index_of(json.dumps(answers), rules)
    return decide(read, PAYING, index, ON, circumstances=circumstances)


INDEXES: dict[str, PolicyIndex] = {}


def index_of(answers: str, rules: Rules) -> PolicyIndex:
    """Return the policy with some answers, indexed once: that takes longer than all else here."""
    if answers not in INDEXES:
        policy = read_policy(policy_of(json.loads(answers)), rules.vocabulary)
        INDEXES[answers] = PolicyIndex([policy], rules.vocabulary)
    return INDEXES[answers]


def concept(code: str, system: str = HCPCS) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def policy_of(answers: list[Any]) -> dict[str, Any]:
    groups = {
        "wheelchair": {"service": "Wheelchair", "codes": ["HCPCS K0001"], "answers": answers},
        "base": {"service": "Base", "codes": ["HCPCS K0002"], **FREE},
    }
    references = [{"title": "T", "url": "https://example.org/policy", "retrieved": "2026-11-01"}]
    return {
        "id": "acme", "title": "Acme", "service": "Service", "publisher": "Acme", "reviewed": "2026-11-01", "rights": "None.",
        "versions": {"2026-01-01": {"groups": ["wheelchair", "base"], "references": references}}, "groups": groups,
    }  # fmt: skip


def said(decision: Any) -> tuple[Any, ...]:
    asked = decision.findings[0].version.terms_of_coverage.info_needed if decision.findings else ()
    return decision.covered.value, decision.pa_needed, *asked


def at(*codes: str) -> dict[str, Any]:
    return {"locationCode": [concept(code, PLACE_OF_SERVICE) for code in codes]}


def location(code: str) -> dict[str, Any]:
    return {"resourceType": "Location", "id": "l", "type": [concept(code, PLACE_OF_SERVICE)]}


def encounter(place: str = "22", kind: str = "AMB", **period: str) -> dict[str, Any]:
    records = {"resourceType": "Encounter", "id": "e", "class": {"system": ACT_CODE, "code": kind}}
    return {**records, "location": [{"location": {"reference": f"Location/{place}"}}], "period": period}


PLACES = {f"Location/{code}": location(code) for code in ("11", "22")}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (at("22"), ("covered", "auth-needed")),
        (at("19"), ("covered", "auth-needed")),
        (at("11"), ("covered", "no-auth")),
        (at("24"), ("covered", "no-auth")),
        ({}, ("covered", "conditional", "location")),
        (at("19", "22"), ("covered", "auth-needed")),
        (at("11", "22"), ("covered", "conditional", "location")),
        ({"locationCode": [{"text": "Hospital outpatient department"}]}, ("covered", "conditional", "location")),
        ({"locationCode": "22"}, ("covered", "conditional", "location")),
        ({"locationCode": [concept("22", HCPCS)]}, ("covered", "conditional", "location")),
        ({"locationCode": [concept("hospital", PLACE_OF_SERVICE)]}, ("covered", "conditional", "location")),
        ({"locationReference": [{"reference": "Location/22"}]}, ("covered", "auth-needed")),
        ({"locationReference": [{"reference": "Location/gone"}]}, ("covered", "conditional", "location")),
        ({"locationReference": [{"display": "Ward 22"}]}, ("covered", "conditional", "location")),
    ],
)
def test_the_place_decides_where_it_is_stated_as_a_code(order: Any, expected: tuple[str, ...], ask: Ask) -> None:
    assert said(ask(HOSPITAL, order, PLACES)) == expected


def test_a_payer_adds_spellings_of_the_code_set(ask: Ask) -> None:
    own = {"locationCode": [concept("22", "http://ehr.example.org/places")]}

    assert said(ask(HOSPITAL, own)) == ("covered", "conditional", "location")
    known = frozenset({fold_system("https://ehr.example.org/places/")})
    assert said(ask(HOSPITAL, own, place_systems=known)) == ("covered", "auth-needed")


def test_the_order_goes_before_its_encounter(ask: Ask) -> None:
    records = PLACES | {"Encounter/e": encounter("22")}

    assert said(ask(HOSPITAL, at("11"), records, encounter="Encounter/e")) == ("covered", "no-auth")


@pytest.mark.parametrize(
    ("place", "day", "expected"),
    [
        ("22", None, ("covered", "auth-needed")),
        ("22", "2026-11-23", ("covered", "auth-needed")),
        ("11", "2026-11-23", ("covered", "no-auth")),
        ("11", None, ("covered", "conditional", "location")),
        ("11", "2026-11-24", ("covered", "conditional", "location")),
        ("22", "2026-11-24", ("covered", "conditional", "location")),
    ],
)
def test_an_encounter_says_the_place_of_its_own_days(
    place: str, day: str | None, expected: tuple[str, ...], ask: Ask
) -> None:
    """An order without a day that is placed in an office is not therefore carried out there."""
    records = PLACES | {"Encounter/e": encounter(place, start="2026-11-23T08:00:00Z", end="2026-11-23T09:00:00Z")}
    order = {"occurrenceDateTime": day} if day else {}

    assert said(ask(HOSPITAL, order, records, encounter="Encounter/e")) == expected


SIDES = [{"if": {"laterality": ["left", "right"]}, **FREE}, AUTH]
COUNT = [{"if": {"quantity": {"at-most": 2}}, **FREE}, AUTH]
SETTING = [{"if": {"setting": ["IMP"]}, **FREE}, AUTH]
ADULT = [{"if": {"age": {"at-least": 18}}, **FREE}, AUTH]
SNOMED = "http://snomed.info/sct"


@pytest.mark.parametrize(
    ("answers", "order", "expected"),
    [
        (SIDES, {"bodySite": [concept("7771000", SNOMED)]}, "no-auth"),
        (SIDES, {"bodySite": [concept("51440002", SNOMED)]}, "auth-needed"),
        (SIDES, {"code": concept("K0001-LT")}, "no-auth"),
        (SIDES, {"code": concept("K0001 50")}, "auth-needed"),
        (SIDES, {"bodySite": [{"text": "left"}]}, "conditional"),
        (COUNT, {"quantityQuantity": {"value": 2}}, "no-auth"),
        (COUNT, {"quantityQuantity": {"value": 2.5}}, "auth-needed"),
        (COUNT, {"quantityQuantity": {"value": "2"}}, "conditional"),
        (COUNT, {"quantityQuantity": {"value": True}}, "conditional"),
        (SETTING, {"occurrenceDateTime": "2026-11-23", "encounter": {"reference": "Encounter/in"}}, "no-auth"),
        (SETTING, {"occurrenceDateTime": "2026-11-23", "encounter": {"reference": "Encounter/out"}}, "auth-needed"),
        (SETTING, {"encounter": {"reference": "Encounter/in"}}, "conditional"),
        (SETTING, {"encounter": {"reference": "Encounter/gone"}}, "conditional"),
    ],
)
def test_each_fact_decides_on_both_of_its_sides_and_is_open_else(
    answers: Any, order: Any, expected: str, ask: Ask
) -> None:
    records = {
        "Encounter/in": encounter(kind="IMP", start="2026-11-23"),
        "Encounter/out": encounter(kind="AMB", start="2026-11-23"),
    }

    assert ask(answers, order, records).pa_needed == expected


@pytest.mark.parametrize(
    ("born", "day", "expected"),
    [
        ("2008-11-23", None, ("covered", "no-auth")),
        ("2008-11-24", None, ("covered", "auth-needed")),
        ("2008-02-29", "2026-02-28", ("covered", "auth-needed")),
        ("2008-02-29", "2026-03-01", ("covered", "no-auth")),
        ("2008", None, ("covered", "conditional", "OTH")),
        ("2007", None, ("covered", "no-auth")),
        ("2008-12-15", "2026-12", ("covered", "conditional", "timeframe")),
        (None, None, ("covered", "conditional", "OTH")),
        ("1990-99-99", None, ("covered", "no-auth")),
        (7, None, ("covered", "conditional", "OTH")),
    ],
)
def test_an_age_is_that_on_the_day_of_service(born: Any, day: Any, expected: tuple[str, ...], ask: Ask) -> None:
    records = {"Patient/p": {"resourceType": "Patient", "birthDate": born}}
    policy_day = {"occurrenceDateTime": day} if day else {}

    assert said(ask(ADULT, policy_day, records, patient="Patient/p")) == expected


def test_where_only_the_day_is_open_the_day_is_asked_for_and_not_the_birth_date(ask: Ask) -> None:
    """What was sent is not asked for again."""
    records = {"Patient/p": {"resourceType": "Patient", "birthDate": "2008-12-15"}}

    version = ask(ADULT, {"occurrenceDateTime": "2026-12"}, records, patient="Patient/p").findings[0].version

    assert version.terms_of_coverage.info_needed == ("timeframe",)
    assert version.next_steps == ("State the day of service on the order.",)
    assert (
        version.position == "Whether prior authorization is needed depends on the day of service, which is not stated."
    )


BESIDE = [{"if": {"ordered-with": ["base"]}, **FREE}]


def beside(systems: CodeSystems, code: str, **more: Any) -> Any:
    order = {"resourceType": "DeviceRequest", "id": "b", "codeCodeableConcept": concept(code), **more}
    return lambda: [read_order(order, systems)]


def test_what_is_ordered_with_it_is_named_as_its_dependency(ask: Ask, rules: Rules) -> None:
    """CRD, dependency: the assertion holds together with the other order."""
    found = ask(BESIDE, beside=beside(rules.vocabulary.code_systems, "K0002"))

    assert said(found) == ("covered", "no-auth")
    assert found.findings[0].dependencies == ("DeviceRequest/b",)


def test_without_it_the_policy_says_nothing(ask: Ask, rules: Rules) -> None:
    other = ask(BESIDE, beside=beside(rules.vocabulary.code_systems, "K0003"))

    assert ask(BESIDE).findings == other.findings == ()


def test_an_order_without_an_id_cannot_be_named(ask: Ask, rules: Rules) -> None:
    found = ask(BESIDE, beside=beside(rules.vocabulary.code_systems, "K0002", id=None))

    assert said(found) == ("covered", "no-auth")
    assert found.findings[0].dependencies == ()


def test_an_answer_discloses_the_facts_it_rests_on_and_nothing_of_the_patient(ask: Ask) -> None:
    """impl-5."""
    records = {"Patient/p": {"resourceType": "Patient", "birthDate": "1990-01-01"}}

    assert ask(HOSPITAL, at("22")).findings[0].facts == ("place of service 22",)
    assert ask(ADULT, {}, records, patient="Patient/p").findings[0].facts == ("the patient's age",)


def test_where_some_answers_differ_in_being_covered_that_is_open_too(ask: Ask) -> None:
    answers = [{"if": {"place-of-service": ["22"]}, **NEVER}, FREE]

    assert said(ask(answers)) == ("conditional", "conditional", "location")


def test_where_all_answers_that_may_hold_say_the_same_nothing_is_asked(ask: Ask) -> None:
    answers = [{"if": {"place-of-service": ["22"]}, **AUTH}, {"if": {"place-of-service": ["19"]}, **AUTH}, AUTH]

    assert said(ask(answers)) == ("covered", "auth-needed")


def test_of_many_open_facts_a_summary_names_none(ask: Ask) -> None:
    """CDS Hooks 2.0, HK-83: a summary has fewer than 140 characters."""
    answers = [{"if": {"place-of-service": ["22"], "age": {"at-least": 18}, "laterality": ["left"]}, **AUTH}, FREE]
    found = ask(answers)

    assert said(found) == ("covered", "conditional", "location", "OTH", "detail-code")
    assert found.findings[0].version.verdict == "prior authorization depends on facts about the order"


def test_a_policy_that_may_say_nothing_is_conditional(ask: Ask) -> None:
    answers = [{"if": {"place-of-service": ["22"]}, **FREE}]

    assert said(ask(answers)) == ("conditional", "conditional", "location")
    assert ask(answers, at("11")).findings == ()


def test_the_same_open_question_is_written_once_for_all_orders(ask: Ask) -> None:
    """Answers are kept by version: an answer made anew for each call would fill what keeps them."""
    assert ask(HOSPITAL).findings[0].version is ask(HOSPITAL).findings[0].version


PLACE_CODES = ("11", "19", "22", "24", "99")
PLACE_SETS = [list(codes) for n in (1, 2) for codes in itertools.combinations(("11", "19", "22", "24"), n)]


@settings(max_examples=30)
@given(
    conditions=st.lists(st.tuples(st.sampled_from(PLACE_SETS), st.sampled_from([AUTH, FREE, NEVER])), max_size=3),
    last=st.sampled_from([AUTH, FREE, NEVER]),
)
def test_a_place_that_is_not_stated_gets_an_answer_only_if_all_places_get_that_one(
    conditions: list[Any], last: Any, rules: Rules
) -> None:
    answers = [*({"if": {"place-of-service": places}, **answer} for places, answer in conditions), last]

    known = {
        (one.covered.value, one.pa_needed) for place in PLACE_CODES for one in [ask_with(rules, answers, at(place))]
    }
    found = ask_with(rules, answers)

    if len(known) > 1:
        assert found.pa_needed == "conditional"
    else:
        assert (found.covered.value, found.pa_needed) in {
            *known,
            ("conditional", "conditional"),
            ("covered", "conditional"),
        }


CLINICAL = {
    **FREE,
    "documentation": {"needed": ["clinical"], "purposes": ["withclaim"], "questionnaires": ["http://x/Q"]},
}
ADMIN = {**FREE, "documentation": {"needed": ["admin"]}}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([{"if": {"place-of-service": ["22"]}, **FREE}, CLINICAL], ("conditional",)),
        ([{"if": {"place-of-service": ["22"]}, **ADMIN}, CLINICAL], ("conditional",)),
        ([{"if": {"place-of-service": ["22"]}, **CLINICAL}, CLINICAL], ("clinical",)),
        ([{"if": {"place-of-service": ["22"]}, **AUTH}, CLINICAL], ()),
    ],
)
def test_documentation_on_which_the_answers_differ_is_conditional(answers: Any, expected: Any, ask: Ask) -> None:
    """crd-ci-q3: what is open is asked for, and no form is to be filled in that may not be needed (resp-38)."""
    found = ask(answers)

    terms = found.findings[0].version.terms_of_coverage
    assert terms.documents == expected
    assert said(found)[:1] == ("covered",)
    assert said(found)[2:] == (() if expected == ("clinical",) else ("location",))
    assert bool(terms.questionnaires) is (expected == ("clinical",))
    assert ask(answers, at("11")).findings[0].version.terms_of_coverage.documents == ("clinical",)
