"""The check of FHIR resources: the quick schema never accepts what the models refuse, and nothing else escapes."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cards import ORDER_TYPES
from cds_hooks.fhir.schema_derivation import derive_schema
from cds_hooks.fhir.validation import MOST_BYTES, SCHEMA, FhirCheck, is_resource_type

CHECK = FhirCheck()
ROOT = Path(__file__).resolve().parents[3]

ORDER: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "o-1",
    "meta": {"profile": ["http://example.org/p"], "lastUpdated": "2026-11-22T10:00:00Z"},
    "extension": [{"url": "http://example.org/e", "valueString": "x"}],
    "identifier": [{"system": "http://example.org/i", "value": "1", "period": {"start": "2026-01-01"}}],
    "status": "draft",
    "intent": "order",
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "1", "userSelected": True}], "text": "c"}],
    "priority": "routine",
    "doNotPerform": False,
    "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}], "text": "Injection"},
    "quantityQuantity": {"value": 1.5, "unit": "mL"},
    "subject": {"reference": "Patient/1", "display": "somebody"},
    "occurrenceTiming": {"repeat": {"frequency": 1, "period": 1.0, "periodUnit": "d"}},
    "authoredOn": "2026-11-22",
    "requester": {"reference": "Practitioner/1"},
    "reasonCode": [{"text": "pain"}],
    "note": [{"time": "2026-11-22T10:00:00+01:00", "text": "a note of two lines\nand more"}],
    "insurance": [{"reference": "Coverage/1"}],
}
COVERAGE: dict[str, Any] = {
    "resourceType": "Coverage",
    "id": "c",
    "status": "active",
    "beneficiary": {"reference": "Patient/1"},
    "payor": [{"reference": "Organization/1"}],
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "order": 1,
    "class": [{"type": {"text": "plan"}, "value": "x"}],
}
MEDICATION: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "status": "draft",
    "intent": "order",
    "medicationCodeableConcept": {"text": "dextrose"},
    "subject": {"reference": "Patient/1"},
    "dosageInstruction": [{"text": "once", "route": {"text": "joint"}, "asNeededBoolean": False}],
}
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 2**40, "", " ", "x", "2026-02-30", "2026", "bogus", [], {}, [{}], ["x"], [None],
    {"reference": "Patient/1"}, [{"text": "x"}], {"resourceType": "Patient"}, {"value": 1}, "true", "x\u0000y",
]  # fmt: skip


def accepted(resource: dict[str, Any]) -> bool:
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (ValidationError, AttributeError, KeyError, TypeError, RecursionError):
        return False
    return True


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [path, *(found for name, item in items for found in paths(item, (*path, name)))]


def mutate(resource: dict[str, Any], chooser: random.Random) -> dict[str, Any]:
    """Change one thing anywhere: another value, an added or renamed member, one gone, one twice."""
    changed = copy.deepcopy(resource)
    *parents, last = chooser.choice([path for path in paths(changed) if path and path != ("resourceType",)])
    node: Any = changed
    for step in parents:
        node = node[step]
    match chooser.randrange(5):
        case 0:
            node[last] = chooser.choice(VALUES)
        case 1:
            del node[last]
        case 2 if isinstance(node, dict):
            names = ["id", "extension", "x", "_status", "valueString", "valueCode", "value", "code", "text", "coding"]
            names += ["occurrenceDateTime", "quantityRange", "start", "period", "system", "url", "time"]
            node[chooser.choice(names)] = chooser.choice(VALUES)
        case 3:
            node[last] = [node[last]]
        case _:
            node[last] = chooser.choice(["2026-11-22T10:00:00Z", "2026-11-22", "a  b", "x" * 70, 7, 1e300])
    return changed


@pytest.mark.parametrize("resource", [ORDER, COVERAGE, MEDICATION], ids=lambda r: r["resourceType"])
def test_an_ordinary_resource_is_plainly_valid(resource: dict[str, Any]) -> None:
    assert CHECK.is_plainly_valid(resource)
    assert CHECK.faults(resource) == ()
    assert accepted(resource)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**63), st.sampled_from([ORDER, COVERAGE, MEDICATION]), st.integers(1, 3))
def test_what_is_plainly_valid_the_models_accept(seed: int, resource: dict[str, Any], times: int) -> None:
    """The quick schema is only a shortcut: it never says valid where fhir.resources says invalid."""
    chooser = random.Random(seed)  # noqa: S311 - not for secrets
    for _ in range(times):
        resource = mutate(resource, chooser)

    plainly, faults = CHECK.is_plainly_valid(resource), CHECK.faults(resource)

    assert not plainly or accepted(resource)
    assert bool(faults) != accepted(resource) or "valueMeta" in json.dumps(resource)


def orders_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every resource of a call that CRD answers on, in the context or prefetched."""
    if isinstance(value, dict) and value.get("resourceType") in ORDER_TYPES:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from orders_in(item)


def test_every_example_order_is_plainly_valid_or_accepted() -> None:
    """The shortcut is worth its name: the shipped examples take it, all but those it must not."""
    requests = (json.loads(path.read_text()) for path in (ROOT / "fhir_examples").glob("*/*/request.json"))
    orders = [order for request in requests for order in orders_in(request)]

    assert all(accepted(order) for order in orders)
    assert sum(CHECK.is_plainly_valid(order) for order in orders) >= len(orders) - 3


@pytest.mark.parametrize("value", [None, 7, "x", [], [ORDER]])
def test_what_is_no_resource_is_a_fault(value: Any) -> None:
    assert [fault.problem for fault in CHECK.faults(value)] == ["must be a FHIR resource"]


@pytest.mark.parametrize("kind", [None, 7, "Nonsense", "Patient", ["ServiceRequest"], {}])
def test_what_is_no_request_resource_is_a_fault(kind: Any) -> None:
    assert [fault.path for fault in CHECK.faults({**ORDER, "resourceType": kind})] == ["Resource.resourceType"]


def test_faults_name_paths_and_never_values() -> None:
    faults = CHECK.faults({**ORDER, "subject": "Ida Invented", "note": [{"text": 7, "x": "Ida"}], "status": ["Ida"]})

    assert {fault.path for fault in faults} == {
        "ServiceRequest.subject", "ServiceRequest.note[0].text", "ServiceRequest.note[0].x", "ServiceRequest.status",
    }  # fmt: skip
    assert not any("Ida" in fault.problem for fault in faults)


def test_the_number_of_faults_is_bounded() -> None:
    assert len(CHECK.faults({**ORDER, "note": [7] * 1000})) == 50


def test_an_order_too_large_to_check_is_a_fault() -> None:
    huge = {**ORDER, "contained": [{"resourceType": "Basic", "id": "x" * MOST_BYTES}]}

    assert "larger than" in CHECK.faults(huge)[0].problem


def test_deep_nesting_does_not_escape() -> None:
    deep: dict[str, Any] = {"url": "x", "valueString": "y"}
    for _ in range(97):
        deep = {"url": "x", "extension": [deep]}

    assert isinstance(CHECK.faults({**ORDER, "extension": [deep]}), tuple)


def test_value_meta_is_r4_though_not_r4b() -> None:
    """R4 has Extension.valueMeta, R4B has not: it is no fault here."""
    assert CHECK.faults({**ORDER, "extension": [{"url": "http://x", "valueMeta": {"versionId": "1"}}]}) == ()


def test_the_shipped_schema_is_what_the_installed_models_say() -> None:
    """Else `scripts/fhir-schema` is to be run, after fhir.resources was renewed."""
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(json.dumps(derive_schema()))


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        ("Patient", True),
        ("ServiceRequest", True),
        ("HumanName", False),
        ("Nothing", False),
        (["Patient"], False),
        (None, False),
    ],
)
def test_a_resource_type_is_a_resource_of_r4(kind: Any, is_one: bool) -> None:
    assert is_resource_type(kind) is is_one
