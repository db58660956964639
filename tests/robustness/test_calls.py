"""Calls that nobody should make, sent to running services: every answer has the properties that all answers have."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.robustness.calls import EXAMPLES, make_request
from tests.robustness.properties import MARKS, Properties, leaks_of_log
from tests.robustness.wire import Client, Request, Response

#: The same requests at every run; `make soak` sends others, and a thousand times as many.
QUICK = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

#: A deployment as it comes, and one that refuses what it can and tells all it may.
DEPLOYMENTS = {
    "as it comes": {},
    "strict": {"CRD_FHIR_CHECK": "strict", "CRD_UNKNOWN_PAYER": "refuse", "CRD_TRACE": "response"},
}


class Asked(NamedTuple):
    """A running service, how to speak to it, and what must be true of its answers."""

    service: Any
    client: Client
    properties: Properties


@pytest.fixture(scope="module", name="asked", params=DEPLOYMENTS)
def _asked(request: pytest.FixtureRequest, start_service: Callable[..., Any]) -> Iterator[Asked]:
    here = {"CRD_FHIR_SERVERS": "https://nowhere.example.org/fhir", "CRD_LOG_LEVEL": "debug"}
    service = start_service(**here, **DEPLOYMENTS[request.param])
    document = requests.get(f"{service.base}/openapi.json", timeout=60).json()
    client = Client(service.base)
    yield Asked(service, client, Properties(document))
    client.close()


def test_every_answer_to_a_bad_call_has_the_properties_of_all_answers(asked: Asked) -> None:
    """CRD-162, 163; HK-1, HK-208: no 5xx, no leak, no hang, as the document has it, with the headers of all answers."""

    @QUICK
    @given(st.randoms(use_true_random=True))
    def ask(draw: Random) -> None:
        request = make_request(draw)
        response = asked.client.send(request)
        assert asked.properties.faults(request, response) == []

    ask()


def test_nothing_of_bad_calls_is_in_the_log(asked: Asked) -> None:
    """CRD-94; sec-6."""
    draw = Random(7)  # noqa: S311 (bad requests, not secrets)
    for _ in range(100):
        asked.client.send(make_request(draw))

    log = asked.service.log.read_text()

    assert log.count('"event":"call"') >= 90
    assert leaks_of_log(log) == []


@pytest.mark.parametrize("mark", MARKS[:2])
def test_the_examples_that_are_changed_are_full_of_marks(mark: str) -> None:
    assert all(mark in str(example) for example in EXAMPLES)


@pytest.mark.parametrize(
    ("status", "headers", "body", "fault"),
    [
        (200, {}, b'{"cards":[]}', ""),
        (500, {}, b'{"resourceType":"OperationOutcome"}', "5xx"),
        (400, {}, b'{"resourceType":"OperationOutcome","issue":[]}', "not as the document has it"),
        (400, {}, b"<html>", "is not JSON"),
        (418, {}, b"{}", "not in the document"),
        (200, {}, b'{"cards":[{"uuid":"x"}]}', "not as the document has it"),
        (400, {}, b'{"name": "Zqx7family"}', "leak"),
        (200, {"x-request-id": "zqx7"}, b'{"cards":[]}', "leak"),
        (200, {"x-request-id": ""}, b'{"cards":[]}', "no x-request-id"),
        (200, {"access-control-allow-origin": ""}, b'{"cards":[]}', "no access-control"),
        (200, {"content-type": "text/html"}, b'{"cards":[]}', "Content-Type"),
        (0, {}, b"timeout", "hang"),
        (0, {}, b"closed", "no answer"),
    ],
)
def test_the_properties_see_what_is_wrong(status: int, headers: Any, body: bytes, fault: str, asked: Asked) -> None:
    good = ("x-request-id", "access-control-allow-origin", "x-content-type-options", "cache-control")
    given_headers = {"content-type": "application/json", **dict.fromkeys(good, "x"), **headers}
    request = Request("call", "POST", "/cds-services/order-sign-crd")

    faults = asked.properties.faults(request, Response(status, given_headers, body, 0.01))

    assert any(fault in found for found in faults) if fault else faults == []


def test_the_log_is_searched_for_leaks_and_errors() -> None:
    lines = ['{"event":"call"}', '{"event":"ZQX7"}', '{"event":"internal-error"}', "Traceback (most recent call last):"]

    assert leaks_of_log("\n".join(lines)) == lines[1:]
