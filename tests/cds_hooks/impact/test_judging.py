"""What is remembered answers as what is decided anew: by `cards` alone, order by order, as for a call."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards import (
    PLACE_OF_SERVICE,
    WIRE_VERSIONS,
    AnswerRule,
    Circumstances,
    Decision,
    NamedCoverage,
    PayerChoice,
    ResponseOptions,
    SentCoverages,
    calls_for_card,
    decide,
    find_outcome,
    find_paying,
    read_coverage,
    read_order,
)
from cds_hooks.impact.answers import Answerer, answer_batch, keep_ids, make_answerer
from cds_hooks.impact.batches import ANSWERED, ASKED
from cds_hooks.impact.judging import AnswerTerms, Judge
from cds_hooks.rules.loading import Rules

TODAY = date(2026, 11, 26)
CPT, HCPCS = "http://www.ama-assn.org/go/cpt", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"

#: What shares as many answers as it can, kept over all examples so that they meet in what is remembered.
SHARED: dict[tuple[str, date | None], Answerer] = {}

concepts = st.builds(
    lambda codings, text: {"coding": codings, **({"text": text} if text else {})},
    st.lists(
        st.sampled_from(
            [
                {"system": HCPCS, "code": "M0076"},
                {"system": CPT, "code": "M0076-RT"},
                {"system": CPT, "code": "20999"},
                {"system": CPT, "code": "20550"},
                {"system": CPT, "code": "73721"},
                {"system": CPT, "code": "63650"},
                {"system": HCPCS, "code": "E0747"},
                {"system": HCPCS, "code": "A4253"},
                {"system": CPT, "code": "92557", "display": "Hearing test"},
                {"code": "M0076"},
            ]
        ),
        max_size=2,
    ),
    st.sampled_from(["", "Prolotherapy", "Consider prolotherapy", "Dextrose injection, knee", "MRI of the knee"]),
)
days = st.sampled_from(
    ["2023-05-30", "2024-08-11", "2024-08-12", "2024-08-28", "2025-12-31T23:00:00Z", "2026-01-01", "2026-06", "2027"]
)
coverages = st.builds(
    lambda number, payor, more: {
        "resourceType": "Coverage",
        "id": f"c{number}",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [payor],
        **more,
    },
    st.integers(1, 4),
    st.sampled_from(
        [{"reference": f"Organization/{one}"} for one in ("CMS", "EHP01", "EMA01", "XX999", "gone")]
        + [{"reference": "Patient/p1"}, {"display": "Example Blue Plan, Inc."}, {}]
    ),
    st.sampled_from(
        [
            {},
            {"status": "cancelled"},
            {"order": 1},
            {"order": 2},
            {"period": {"end": "2025-12-31"}},
            {"period": {"start": "2026-01-01"}},
            {"beneficiary": {"reference": "Patient/another"}},
            {"id": "with space"},
        ]
    ),
)
odd_parts = st.sampled_from(
    [
        {},
        {},
        {"status": "revoked"},
        {"doNotPerform": True},
        {"modifierExtension": [{"url": "x"}]},
        {"id": "o 2"},
        {"id": None},
        {"subject": {"reference": "Patient/another"}},
        {"subject": "p1"},
        {"insurance": {"reference": "Coverage/c1"}},
        {"insurance": [{"reference": "Coverage/c2"}]},
        {"insurance": [{"reference": "Coverage/c9"}, {"reference": "ClaimResponse/r"}]},
        {"insurance": ["Coverage/c1"]},
        {"note": [{"text": "Failed prolotherapy elsewhere."}]},
        {"note": "no list"},
        {"reasonCode": [{"coding": [{"system": ICD, "code": "M54.5"}]}]},
        {"reasonReference": [{"reference": "Condition/c", "display": "Low back pain"}]},
        {"locationCode": [{"coding": [{"system": PLACE_OF_SERVICE, "code": "22"}]}]},
        {"bodySite": [{"coding": [{"system": SNOMED, "code": "7771000"}]}]},
        {"quantityQuantity": {"value": 5}},
        {"occurrenceDateTime": "tomorrow"},
        {"occurrenceDateTime": 7},
        {"occurrencePeriod": {"start": "2024-08-12", "end": "2026-12-31"}},
        {"performerType": {"coding": [{"system": SNOMED, "code": "309343006"}]}},
        {"extension": {}},
    ]
)
orders = st.builds(
    lambda concept, placed, on, odd, requester: {
        key: value
        for key, value in {
            "resourceType": "ServiceRequest",
            "id": "o1",
            "status": "active",
            "code": concept,
            "subject": {"reference": "Patient/p1"},
            "authoredOn": placed,
            "occurrenceDateTime": on,
            "requester": {"reference": requester},
            **odd,
        }.items()
        if value is not None
    },
    concepts,
    days,
    st.none() | days,
    odd_parts,
    st.sampled_from(["Practitioner/1", "Practitioner/2"]),
)
payers = [
    {"resourceType": "Organization", "id": one, "identifier": [{"system": "http://example.org/payer-id", "value": one}]}
    for one in ("CMS", "EHP01", "EMA01", "XX999")
]
patients = st.sampled_from([[], [{"resourceType": "Patient", "id": "p1", "birthDate": "2010-05-01"}]])


def ask(*orders: dict[str, Any], records: list[dict[str, Any]]) -> pa.RecordBatch:
    """Return orders as a batch."""
    held = [json.dumps(one).encode() for one in records]
    rows = [(0, n, "order", None, "clinic", json.dumps(one).encode(), held) for n, one in enumerate(orders, 1)]
    arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), ASKED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=ASKED)


def decide_anew(rules: Rules, terms: AnswerTerms, order: dict[str, Any], held: list[dict[str, Any]]) -> list[Decision]:
    """Return the decisions on an order, with nothing remembered and nothing left out."""
    by_key = {f"{one['resourceType']}/{one['id']}": one for one in held}
    systems, resolve = rules.vocabulary.code_systems, by_key.get
    read = read_order(order, systems, resolve)
    placed = order["authoredOn"][:10]
    day_of_call = date.fromisoformat(placed) if len(placed) == 10 else (read.service_date or TODAY)
    day, last = read.day_of_service(day_of_call), read.last_day_of_service(day_of_call)
    sent = [(key, one) for key, one in sorted(by_key.items()) if one["resourceType"] == "Coverage"]
    mine = [one for _, one in sent if one["beneficiary"]["reference"] == read.subject]
    named = [
        NamedCoverage(r, read_coverage(by_key[r], systems, resolve) if r in by_key else None)
        for r in read.insurance
        if r.startswith("Coverage/")
    ]
    wire = WIRE_VERSIONS[terms.version]
    paying = find_paying(
        named,
        SentCoverages(tuple(read_coverage(one, systems, resolve) for one in mine), was_searched=True),
        rules.payers,
        day,
        last,
        only_one=wire.refuses_coverage_problems,
    )
    found = [_decide(rules, terms, order, one, (day, last), resolve) for one in paying]
    return [one for one in found if one]


def _decide(
    rules: Rules, terms: AnswerTerms, order: dict[str, Any], paying: PayerChoice, days: tuple[date, date], resolve: Any
) -> Decision | None:
    read = read_order(order, rules.vocabulary.code_systems, resolve)
    rule = AnswerRule(terms.version, True, terms.unknown_payer, rules.payers.names)
    around = Circumstances(
        (order,),
        rules.vocabulary.code_systems,
        resolve,
        *days,
        has_day=read.service_days is not None,
        patient=read.subject,
        place_systems=paying.payer.place_systems,
    )
    return decide(read, paying, rules.index, days[0], find_outcome(paying, days[0], rule), None, around)


def named(decision: Decision, options: ResponseOptions) -> tuple[Any, ...]:
    """Return what a report says of a decision."""
    first = decision.findings[0] if decision.findings else None
    return (
        decision.covered.value,
        decision.pa_needed if decision.is_sure else None,
        decision.basis.name.lower().replace("_", "-"),
        decision.problem.name.lower().replace("_", "-") if decision.problem else None,
        decision.payer.id if decision.payer_is_known else None,
        first.policy.id if first else None,
        first.version.key if first else None,
        first.match.strength.value if first else None,
        calls_for_card(decision, options),
    )


COLUMNS = ("covered", "pa_needed", "basis", "problem", "payer", "policy", "version", "strength", "alert")


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@settings(max_examples=400)
@given(data=st.data())
def test_what_is_remembered_is_what_is_decided_anew(version: str, rules: Rules, data: st.DataObject) -> None:
    terms = AnswerTerms(version, "tell", annotate_unmatched=True)
    if (version, None) not in SHARED:
        SHARED[version, None] = make_answerer(Judge(rules, terms), None, keep_ids, TODAY)
    held = [*{one["id"]: one for one in data.draw(st.lists(coverages, max_size=3))}.values(), *payers]
    held += data.draw(patients)
    order = data.draw(orders)

    row = answer_batch(ask(order, records=held), SHARED[version, None]).to_pylist()[0]

    anew = [
        named(one, ResponseOptions(WIRE_VERSIONS[version], True, True))
        for one in decide_anew(rules, terms, order, held)
    ]
    said = tuple(row[column] for column in COLUMNS)
    if not anew:
        assert row["verdict"] == "nothing-asked"
    elif len(anew) == 1:
        assert said == anew[0]
    else:
        assert said[:-1] in [one[:-1] for one in anew]
        assert row["alert"] == any(one[-1] for one in anew)


MEDICARE = {
    "resourceType": "Coverage",
    "id": "c1",
    "beneficiary": {"reference": "Patient/p1"},
    "payor": [{"reference": "Organization/CMS"}],
}
STIMULATOR = {
    "resourceType": "DeviceRequest",
    "id": "o1",
    "status": "active",
    "codeCodeableConcept": {"coding": [{"system": HCPCS, "code": "E0747"}]},
    "subject": {"reference": "Patient/p1"},
}


@pytest.fixture
def verdict(rules: Rules) -> Callable[..., Any]:
    """Return what answers one order under Medicare."""

    def answer(order: dict[str, Any], on: date | None = None, records: list[dict[str, Any]] | None = None) -> Any:
        terms = AnswerTerms("2.0", "tell", annotate_unmatched=True, on=on)
        answerer = make_answerer(Judge(rules, terms), None, keep_ids, TODAY)
        return answer_batch(ask(order, records=records or [MEDICARE, *payers]), answerer).to_pylist()[0]

    return answer


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2024-08-11", "no-policy"),
        ("2024-08-12", "pa-needed"),
        ("2024-08-27", "pa-needed"),
        ("2024-08-28", "no-policy"),
    ],
)
def test_a_policy_counts_on_the_day_an_order_was_placed(verdict: Callable[..., Any], day: str, said: str) -> None:
    assert verdict({**STIMULATOR, "authoredOn": day})["verdict"] == said


def test_the_policies_of_a_day_can_be_asked_of_orders_of_another(verdict: Callable[..., Any]) -> None:
    order = {**STIMULATOR, "authoredOn": "2023-03-01", "occurrenceDateTime": "2023-03-09"}

    assert verdict(order)["verdict"] == "no-policy"
    assert verdict(order, on=date(2024, 8, 20))["verdict"] == "pa-needed"


def test_the_coverage_counts_on_the_orders_own_day_whatever_day_the_policies_are_of(
    verdict: Callable[..., Any],
) -> None:
    ended = {**MEDICARE, "period": {"start": "2023-01-01", "end": "2023-12-31"}}
    order = {**STIMULATOR, "authoredOn": "2023-03-01"}

    assert verdict(order, date(2024, 8, 20), [ended, *payers])["verdict"] == "pa-needed"
    assert (
        verdict({**order, "authoredOn": "2024-03-01"}, date(2024, 8, 20), [ended, *payers])["verdict"]
        == "coverage-ended"
    )


def test_a_batch_is_answered_row_for_row(rules: Rules) -> None:
    answerer = make_answerer(Judge(rules, AnswerTerms("2.0", "tell", annotate_unmatched=True)), None, keep_ids, TODAY)
    empty = pa.RecordBatch.from_pylist([], schema=ASKED)
    lines = pa.RecordBatch.from_pylist([{"range": 3, "line": 9, "kind": "lines", "folder": "f"}], schema=ASKED)

    assert answer_batch(empty, answerer).schema == ANSWERED
    assert answer_batch(lines, answerer).to_pylist()[0] | {"range": 3, "line": 9, "kind": "lines"} == {
        **dict.fromkeys(ANSWERED.names),
        "range": 3,
        "line": 9,
        "kind": "lines",
    }
