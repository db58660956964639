"""One client's slow FHIR server slows nobody else."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest_plugins = ["tests.fhir.fixtures"]

#: Callers whose server hangs, more than a worker has threads, and the references in each of their calls.
CALLERS, REFERENCES = 24, 100

#: Each of them calls again after so many seconds: what counts is the threads they hold, not their load.
PAUSE = 3.0

#: Calls measured in a row, without them and next to them, and how often at the most.
CALLS, TURNS = 12, 6


@pytest.fixture(scope="module", name="service")
def _service(start_service: Any) -> Any:
    """One worker of few threads, so that all calls share them."""
    return start_service(CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_WORKERS="1", CRD_THREADS="16", CRD_LOG_LEVEL="error")


def sign(base: str, *orders: dict[str, Any]) -> dict[str, Any]:
    return {
        "hook": "order-sign",
        "hookInstance": "7d9f2a54-0b7e-4c0f-9a51-3f1e6f0dffff",
        "fhirServer": base,
        "fhirAuthorization": {"access_token": "t"},
        "context": {
            "userId": "Practitioner/p",
            "patientId": "pat-1",
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order} for order in orders]},
        },
    }


def medication_order(number: int) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/pat-1"},
        "medicationReference": {"reference": f"Medication/{number}"},
    }


def call(service: Any, request: dict[str, Any]) -> float:
    """Return how many seconds a call took."""
    begun = time.monotonic()
    response = service.post("/cds-services/order-sign-crd", request)
    assert response.status_code in (200, 412), response.text
    return time.monotonic() - begun


@contextmanager
def callers(service: Any, request: dict[str, Any]) -> Iterator[list[float]]:
    """Let many callers send a request again and again; the list is of how long each call took."""
    ends, took = threading.Event(), []

    def go_on(wait: float) -> None:
        while not ends.wait(wait):
            took.append(call(service, request))
            wait = max(PAUSE - took[-1], 0.0)

    threads = [threading.Thread(target=go_on, args=(number * 0.02,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    time.sleep(CALLERS * 0.02 + 0.5)
    try:
        yield took
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def is_as_usual(usual: float, beside: float) -> bool:
    return beside <= 1.2 * usual + 0.02


def test_a_call_takes_its_usual_time_next_to_many_whose_fhir_server_hangs(
    service: Any, odd_server: Any, other_server: Any
) -> None:
    """The server refuses batches and hangs, each call has a hundred references, and there are more callers than threads.

    Who waits for a thread does so in every turn; what else the machine does falls on some of them.
    """
    attack = sign(f"{odd_server.base}/no-batch-slow/20", *(medication_order(n) for n in range(REFERENCES)))
    usual_call = sign(f"{other_server.base}/slow/0.1", medication_order(1))
    call(service, usual_call)
    turns: list[tuple[float, float]] = []
    attacks: list[float] = []
    before = len(other_server.log())

    while len(turns) < TURNS and not any(is_as_usual(*turn) for turn in turns):
        usual = statistics.median(call(service, usual_call) for _ in range(CALLS))
        with callers(service, attack) as took:
            beside = statistics.median(call(service, usual_call) for _ in range(CALLS))
        attacks += took
        turns.append((usual, beside))

    assert len(other_server.log()) - before >= 2 * len(turns) * CALLS  # all were read for: none was refused
    assert any(is_as_usual(*turn) for turn in turns), turns
    assert max(attacks) > 1  # some did hold a thread for as long as a call may take


def test_calls_beyond_what_may_wait_for_one_server_are_told_at_once(service: Any, odd_server: Any) -> None:
    """HK-54, CRD-63: what is missing is named; the thread is free for others."""
    request = sign(f"{odd_server.base}/silent", medication_order(1))
    with callers(service, request):
        begun = time.monotonic()
        response = service.post("/cds-services/order-sign-crd", request)
        seconds = time.monotonic() - begun

    assert response.status_code == 412
    assert "too many reads of that FHIR server are under way" in response.json()["issue"][0]["diagnostics"]
    assert response.json()["issue"][0]["code"] == "throttled"
    assert seconds < 2.5  # those that wait have 3
