"""Requests that Schemathesis makes from the service's own OpenAPI document, fitting and not, for `make soak`."""

import warnings
from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.robustness.properties import Properties
from tests.robustness.wire import Request, Response

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

#: What Schemathesis makes at once of one operation in one mode.
_AT_ONCE = 20


def modes_of(operation: Any) -> tuple[GenerationMode, ...]:
    """Return how an operation can be asked: without a body there is nothing that could be wrong."""
    return tuple(GenerationMode) if operation.body else (GenerationMode.POSITIVE,)


def ask_as_documented(
    base: str, number: int, first_seed: int, properties: Properties
) -> Iterator[tuple[str, Response, list[str]]]:
    """Yield so many requests as curl commands, their answers and what is wrong with these."""
    warnings.simplefilter("ignore")  # of what Schemathesis would rather have in a document
    published = schemathesis.openapi.from_url(f"{base}/openapi.json")
    operations = [found.ok() for found in published.get_all_operations()]
    done = turn = 0
    while done < number:
        for operation in operations:
            for mode in modes_of(operation):
                for exchange in _ask(operation, mode, base, first_seed + turn, properties):
                    done += 1
                    yield exchange
        turn += 1


def _ask(
    operation: Any, mode: GenerationMode, base: str, number: int, properties: Properties
) -> list[tuple[str, Response, list[str]]]:
    exchanges = []

    @seed(number)
    @settings(max_examples=_AT_ONCE, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        try:
            found = case.call(base_url=base, timeout=60)
        except requests.RequestException as error:
            gone = Response(0, {}, b"", 0.0)
            exchanges.append((case.as_curl_command(), gone, [f"no answer: {type(error).__name__}"]))
            return
        headers = {name: values[0] for name, values in found.headers.items()}
        response = Response(found.status_code, headers, found.content, found.elapsed)
        faults = properties.faults(Request("documented", operation.method.upper(), operation.path), response)
        try:
            case.validate_response(found, checks=CHECKS)
        except FailureGroup as group:
            faults += [f"{type(failure).__name__}: {failure.title}" for failure in group.exceptions]
        exchanges.append((case.as_curl_command(), response, faults))

    ask()
    return exchanges
