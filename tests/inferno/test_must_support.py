"""One session in which all that CRD 2.2 marks as must-support of coverage information is seen: docs/must-support.md."""

import json
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.guide.conformance import faults

#: The kit's list for coverage information (2.2.1).
MUST_SUPPORT = frozenset(
    {"coverage", "covered", "pa-needed", "doc-needed", "doc-purpose", "info-needed", "billingCode", "reason", "detail"}
    | {"dependency", "questionnaire", "date", "coverage-assertion-id", "contact", "expiry-date", "satisfied-pa-id"}
)

#: What no file of rules can say: an authorization is on file for one patient.
OF_ONE_PATIENT = frozenset({"satisfied-pa-id"})

REQUEST = ROOT / "fhir_examples" / "example-coverage-guide" / "every-answer-2.2" / "request.json"


@pytest.fixture(scope="module", name="answer")
def _answer(service: Any) -> Any:
    response = service.post("/cds-services/order-sign-crd", json.loads(REQUEST.read_text()))
    assert response.status_code == 200
    return response.json()


def said(answer: Any, *names: str) -> set[Any]:
    """What the parts of some names say, over all orders of an answer; without names, which parts there are."""
    parts = [p for action in answer["systemActions"] for p in action["resource"]["extension"][-1]["extension"]]
    return {part["valueCode"] for part in parts if part["url"] in names} if names else {part["url"] for part in parts}


def test_the_session_shows_all_that_must_be_supported_but_an_authorization_on_file(answer: Any) -> None:
    """CRD 2.2, coverage-information must-support; resp-52."""
    assert MUST_SUPPORT - said(answer) == OF_ONE_PATIENT
    assert faults("2.2", answer) == []


def test_with_authorizations_on_file_the_session_shows_all_that_must_be_supported(asking_service: Any) -> None:
    """CRD 2.2, coverage-information must-support; resp-52, with fhir_examples/members.csv and authorizations.csv."""
    response = asking_service.post("/cds-services/order-sign-crd", json.loads(REQUEST.read_text()))

    answer = response.json()
    assert said(answer) >= MUST_SUPPORT
    assert said(answer, "pa-needed") == {"no-auth", "performpa", "conditional", "satisfied"}
    assert faults("2.2", answer) == []


def test_the_session_shows_every_kind_of_answer(answer: Any) -> None:
    assert said(answer, "covered") == {"covered", "not-covered", "conditional"}
    assert said(answer, "pa-needed") == {"no-auth", "auth-needed", "performpa", "conditional"}
    assert said(answer, "info-needed") >= {"location", "performer", "detail-code"}
    assert said(answer, "doc-needed") == {"clinical", "admin"}
