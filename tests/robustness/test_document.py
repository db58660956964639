"""Schemathesis asks a running service for its OpenAPI document, and asks it for all that the document allows and not."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode

from cds_hooks.web.openapi import ROUTES
from tests.robustness.documented import CHECKS

#: The same examples at every run; `make soak` looks for others.
QUICK = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

CASES = [
    (route, mode)
    for route in ROUTES
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if mode.is_positive or route.takes  # else there is nothing to be wrong
]


@pytest.fixture(scope="module", name="published")
def _published(service: Any) -> Any:
    return schemathesis.openapi.from_url(f"{service.base}/openapi.json")


@pytest.mark.parametrize(("route", "mode"), CASES, ids=lambda value: getattr(value, "path", value))
def test_every_answer_is_as_the_document_has_it(route: Any, mode: GenerationMode, published: Any, service: Any) -> None:
    """CRD-162: what is no request of the document is refused, and with a status and a body that it names."""
    operation = published[route.path][route.method]

    @QUICK
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call(base_url=service.base, timeout=60)
        case.validate_response(response, checks=CHECKS)

    ask()
