"""Reading orders of every request type, and never failing on one."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import read_order
from cards.coding import Coding
from cards.order import ORDER_CODE_ELEMENTS, Place
from cds_hooks.policy_files import Rules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["coding", "text", "code", "system", "display", "url", "extension", "start", "reference"]), inner),
    max_leaves=12,
)  # fmt: skip
ELEMENTS = [
    "id", "status", "code", "medicationCodeableConcept", "codeCodeableConcept", "orderDetail", "note", "reasonCode",
    "insurance", "occurrenceDateTime", "occurrencePeriod", "doNotPerform",
]  # fmt: skip


@given(kind=st.sampled_from(sorted(ORDER_CODE_ELEMENTS)), members=st.dictionaries(st.sampled_from(ELEMENTS), JSON))
def test_reading_never_fails(kind: str, members: dict[str, Any], rules: Rules) -> None:
    order = read_order({"resourceType": kind, **members}, rules.vocabulary.code_systems)

    assert all(fault.path.startswith(kind) for fault in order.faults)


def test_every_place_is_read(rules: Rules) -> None:
    cpt = "http://www.ama-assn.org/go/cpt"
    order = read_order(
        {
            "resourceType": "ServiceRequest",
            "id": "o",
            "code": {"text": "a", "coding": [{"system": cpt, "code": "20999", "display": "b"}]},
            "orderDetail": [{"text": "c"}],
            "note": [{"text": "d"}],
            "reasonCode": [{"text": "e", "coding": [{"system": cpt, "code": "1", "display": "f"}]}],
        },
        rules.vocabulary.code_systems,
    )

    assert [(text.place, text.text) for text in order.texts] == [
        (Place.CODE_TEXT, "a"),
        (Place.DISPLAY, "b"),
        (Place.ORDER_DETAIL, "c"),
        (Place.REASON, "e"),
        (Place.REASON, "f"),
        (Place.NOTE, "d"),
    ]
    assert [coding.coding for coding in order.codings] == [Coding("CPT", "20999")]  # a reason's code orders nothing


@pytest.mark.parametrize(
    ("members", "day"),
    [
        ({"occurrenceDateTime": "2026-11-23T10:00:00Z"}, date(2026, 11, 23)),
        ({"occurrenceDateTime": "2026-11"}, None),
        ({"occurrencePeriod": {"start": "2026-12-01"}}, date(2026, 12, 1)),
        ({"occurrenceTiming": {"event": ["2026-12-02T10:00:00Z"]}}, date(2026, 12, 2)),
        ({"occurrenceDateTime": "2026-W01-1"}, None),
        ({"occurrenceDateTime": "2026-02-31"}, None),
        ({}, None),
    ],
)
def test_the_day_of_the_service(members: dict[str, Any], day: date | None, rules: Rules) -> None:
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)

    assert order.service_date == day


@pytest.mark.parametrize(
    "members",
    [
        {"status": 5}, {"status": ["revoked"]}, {"doNotPerform": "true"}, {"doNotPerform": 1}, {"insurance": "x"},
        {"occurrenceDateTime": "garbage"}, {"occurrenceDateTime": "20230101"}, {"occurrenceDateTime": "2026-02-31"},
        {"extension": {}}, {"extension": "x"}, {"modifierExtension": [{"url": "x", "valueBoolean": True}]}, {"id": "a/b"},
        {"id": ""}, {"reasonReference": "x"}, {"dosageInstruction": 7},
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_a_fault(members: dict[str, Any], rules: Rules) -> None:
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)

    assert [fault.path.split("[")[0] for fault in order.faults] == [f"ServiceRequest.{next(iter(members))}"]


@pytest.mark.parametrize("status", ["revoked", "Revoked", " revoked ", "entered-in-error"])
def test_a_void_order_is_void_however_it_is_written(status: str, rules: Rules) -> None:
    assert read_order({"resourceType": "ServiceRequest", "status": status}, rules.vocabulary.code_systems).is_void
