"""How much one call may read from its client's FHIR server."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cds_hooks.answering import resources
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.fhir.client import Problem
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.request import HookSchema, read_hook_request
from cds_hooks.rules.loading import Rules
from tests.service.test_fetching import dispatch


class CountingClient:
    """Answers whatever is asked, and notes it: only how much is asked counts here."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def fetch(self, _server: Any, urls: list[str], _deadline: float) -> dict[str, Problem]:
        self.asked += urls
        return dict.fromkeys(urls, Problem.NOT_THERE)


@pytest.mark.parametrize(("before", "wanted", "read"), [(0, 3, 3), (98, 3, 2), (100, 2, 0), (101, 1, 0)])
def test_a_call_reads_a_hundred_records_and_no_more(before: int, wanted: int, read: int, rules: Rules) -> None:
    """threats.md: a call must not make this service load its client's server at will."""
    request = dispatch(SimpleNamespace(base="https://ehr.example.org/fhir", token=None))
    call = read_hook_request(json.dumps(request).encode(), HookSchema(request["hook"], FhirCheck()), 64, 500)
    client = CountingClient()
    pool = ResourcePool(call, {}, rules.vocabulary.code_systems, client, 5.0)  # type: ignore[arg-type]
    pool.fetch([f"Practitioner/before-{number}" for number in range(before)])
    client.asked.clear()

    pool.fetch([f"Practitioner/{number}" for number in range(wanted)])

    assert resources.MOST_READS == 100
    assert len(client.asked) == read
    assert [pool.problem_of(f"Practitioner/{number}") for number in range(wanted)].count(
        Problem.TOO_LARGE
    ) == wanted - read
