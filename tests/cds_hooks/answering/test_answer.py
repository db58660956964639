"""One call from end to end without HTTP: its ids, and what is said when something in here fails."""

import dataclasses
import json
from typing import Any

import pytest

from cards import PolicyIndex
from cds_hooks.answering.answer import answer_hook
from cds_hooks.answering.deployment import Deployment
from cds_hooks.app import create_deployment
from cds_hooks.hooks.services import SERVICES
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import read_settings
from cds_hooks.telemetry.logs import flush
from tests.guide.conformance import faults
from tests.service.test_field_cases import case

SERVICE = {service.hook: service for service in SERVICES}


class BrokenIndex(PolicyIndex):
    """A policy index with a mistake in it, which every decision meets."""

    def find(self, *_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("Ida Invented, born 1971-04-02")


@pytest.fixture(scope="module", name="broken")
def _broken() -> tuple[Deployment, Rules]:
    settings = read_settings()
    rules = read_rules(settings)
    index = BrokenIndex(rules.index.policies.values(), rules.vocabulary)
    return create_deployment(settings), dataclasses.replace(rules, index=index)


def test_a_failure_in_here_is_indeterminate_from_2_2_on(
    broken: tuple[Deployment, Rules], example: Any, capfd: Any
) -> None:
    """resp-43: technical, with its text; the error's own words go nowhere, they could be about a patient."""
    request = example("order-sign-2.2")

    response = json.loads(answer_hook(SERVICE["order-sign"], json.dumps(request).encode(), *broken).body)

    for action in response["systemActions"]:
        parts = {part["url"]: part for part in action["resource"]["extension"][0]["extension"]}
        assert parts["covered"]["valueCode"] == "indeterminate"
        assert parts["reason"]["valueCodeableConcept"]["coding"][0]["code"] == "technical"
    assert len(response["systemActions"]) == 2
    assert faults("2.2", response) == []
    flush()
    logged = capfd.readouterr().err
    assert "decision-failed" in logged
    assert "ZeroDivisionError" in logged
    assert "Ida" not in logged + json.dumps(response)


@pytest.mark.parametrize(("hook", "version"), [("order-sign", "2.1"), ("order-select", "2.2")])
def test_elsewhere_a_failure_in_here_is_an_error(
    hook: str, version: str, broken: tuple[Deployment, Rules], example: Any
) -> None:
    """CRD-158: before 2.2 there is no code for it, and a supporting hook owes none: 500."""
    request = example(f"{hook}-{version}")

    with pytest.raises(ZeroDivisionError):
        answer_hook(SERVICE[hook], json.dumps(request).encode(), *broken)


def test_the_one_appointment_without_an_id_is_annotated_beside_others_that_have_one() -> None:
    """The EHR can tell whose the answer is: no other is without."""
    settings = read_settings()
    request = case("appointment-without-id")
    entries = request["context"]["appointments"]["entry"]
    entries.append({"resource": {**entries[0]["resource"], "id": "a2"}})

    answered = answer_hook(
        SERVICE["appointment-book"], json.dumps(request).encode(), create_deployment(settings), read_rules(settings)
    )

    written = [action["resource"].get("id") for action in json.loads(answered.body)["systemActions"]]
    assert written == [None, "a2"]
