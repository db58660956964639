"""What came with a call is read in whatever shape clients send it."""

import json
from typing import Any

import pytest

from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.prefetch import Prefetch, read_prefetch
from cds_hooks.hooks.request import HookSchema

TEMPLATES = {
    "coverage": "Coverage?patient={{context.patientId}}&status=active",
    "patient": "Patient/{{context.patientId}}",
}
COVERAGE = {"resourceType": "Coverage", "id": "c", "order": 1}
PAYER = {"resourceType": "Organization", "id": "o"}
SEARCHSET = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": COVERAGE}, {"resource": PAYER}]}
NONE_FOUND = {"resourceType": "Bundle", "type": "searchset"}
OK = {"status": "200 OK"}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}


def bundle(kind: str, *entries: Any, **members: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **members}


def read(value: Any) -> Prefetch:
    return read_prefetch({"coverage": value}, TEMPLATES)


SHAPES = {
    "a resource": (COVERAGE, "prefetch.coverage", 1),
    "a searchset": (SEARCHSET, "prefetch.coverage.entry[0].resource", 2),
    "an entry of a batch-response": ({"response": OK, "resource": SEARCHSET}, "prefetch.coverage.resource.entry[0].resource", 2),
    "an entry with one record": ({"fullUrl": "urn:uuid:1", "resource": COVERAGE}, "prefetch.coverage.resource", 1),
    "a batch-response": (bundle("batch-response", {"response": OK, "resource": SEARCHSET}), "prefetch.coverage.entry[0].resource.entry[0].resource", 2),
    "an array of resources": ([COVERAGE, PAYER], "prefetch.coverage[0]", 2),
    "an array of entries": ([{"resource": COVERAGE}, {"resource": PAYER}], "prefetch.coverage[0].resource", 2),
    "an array of searchsets": ([SEARCHSET, NONE_FOUND], "prefetch.coverage[0].entry[0].resource", 2),
    "a Bundle without its type": ({"entry": [{"resource": COVERAGE}]}, "prefetch.coverage.entry[0].resource", 1),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_records_are_read_with_their_own_bytes_in_every_shape_that_clients_send(shape: str) -> None:
    """The bytes are needed because an order goes back as it came."""
    value, path, number = SHAPES[shape]

    found = read(value)

    assert found.resources[0].path == path
    assert len(found.resources) == number
    assert (found.empty, found.failed) == (frozenset(), frozenset())
    raw = json.dumps(value, indent=1).encode()
    assert [json.loads(item.bytes_in(raw)) for item in found.resources] == [item.resource for item in found.resources]


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        NONE_FOUND,
        {"response": OK, "resource": NONE_FOUND},
        {"response": {"status": "404 Not Found"}},
        {"response": {"status": "404"}, "resource": ERROR},
        bundle("batch-response", {"response": OK, "resource": NONE_FOUND}),
        bundle("batch-response", {"response": {"status": "410 Gone"}}),
        bundle("searchset", {"resource": WARNING}),
        bundle("searchset", {}, {"resource": None}, {"search": {"mode": "match"}}, None, 7),
    ],
)
def test_what_the_client_asked_for_and_found_none_of_is_empty(value: Any) -> None:
    found = read(value)

    assert (found.resources, found.empty, found.failed) == ([], {"Coverage"}, frozenset())


@pytest.mark.parametrize(
    "value",
    [
        ERROR,
        WARNING,
        {"resourceType": "OperationOutcome"},
        {"response": OK, "resource": ERROR},
        {"response": {"status": "403 Forbidden"}},
        {"response": {"status": "500"}, "resource": WARNING},
        [ERROR],
        bundle("searchset", {"resource": ERROR}),
        bundle("batch-response", {"response": {"status": "401"}}),
        bundle("batch-response", {"response": {"status": "500"}, "resource": ERROR}),
    ],
)
def test_what_the_client_could_not_ask_for_failed(value: Any) -> None:
    """HK-52."""
    found = read(value)

    assert (found.resources, found.empty, found.failed) == ([], frozenset(), {"Coverage"})


def test_what_was_found_counts_although_something_beside_it_failed() -> None:
    found = read(bundle("batch-response", {"response": OK, "resource": SEARCHSET}, {"response": {"status": "500"}}))

    assert len(found.resources) == 2
    assert found.failed == frozenset()


@pytest.mark.parametrize(
    "wrapped",
    [lambda b: b, lambda b: {"response": OK, "resource": b}, lambda b: bundle("batch-response", {"resource": b})],
)
def test_a_bundle_with_further_pages_is_unfinished_in_every_shape(wrapped: Any) -> None:
    first = {**SEARCHSET, "link": [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]}

    assert read(wrapped(first)).unfinished == [("coverage", "Coverage", first)]


@pytest.mark.parametrize("url", ["", None])
def test_an_empty_link_to_a_next_page_is_none(url: Any) -> None:
    last = {**SEARCHSET, "link": [{"relation": "next", "url": url}]}

    assert read(last).unfinished == []


@pytest.mark.parametrize(
    "value", [7, "Coverage/1", True, [7, "x", None], {"resource": 7}, {"entry": {"resource": COVERAGE}}]
)
def test_what_is_no_record_brings_none_and_breaks_nothing(value: Any) -> None:
    assert all(item.resource.get("resourceType") is None for item in read(value).resources)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape not in ("a resource", "a searchset")])
def test_no_call_is_taken_for_plain_fhir_whose_prefetch_has_another_shape(shape: str, example: Any) -> None:
    """Its Coverages are checked one by one then, as those of a searchset are by the schema of the whole call."""
    schema = HookSchema("order-sign", FhirCheck())
    request = example("m0076-order-sign")

    assert schema.check(request) is True
    assert schema.check({**request, "prefetch": {**request["prefetch"], "coverage": SHAPES[shape][0]}}) is False
