"""What a registration may change of an answer: the version spoken, cards in doubt, and reads without a token."""

import dataclasses
import json
from typing import Any

import pytest

from cds_hooks.answering.answer import answer_hook
from cds_hooks.answering.deployment import Deployment
from cds_hooks.app import create_deployment
from cds_hooks.auth.caller import Caller
from cds_hooks.auth.registrations import Client, read_clients
from cds_hooks.errors import MissingDataError
from cds_hooks.hooks.services import SERVICES
from cds_hooks.outbound.places import read_allowed_place
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.reload import read_rules
from cds_hooks.settings import read_settings
from tests.service.test_fetching import CHART, dispatch
from tests.service.test_field_cases import case

pytest_plugins = ["tests.fhir.fixtures"]

SERVICE = {service.hook: service for service in SERVICES}


@pytest.fixture(scope="module", name="deployed")
def _deployed() -> tuple[Deployment, Rules]:
    settings = read_settings(allow_private_fhir_servers=True)
    return create_deployment(settings), read_rules(settings)


def answer(request: dict[str, Any], client: Client, deployed: tuple[Deployment, Rules]) -> dict[str, Any]:
    caller = Caller(client.id, "cds-hooks-jwt", client)
    body = answer_hook(SERVICE[request["hook"]], json.dumps(request).encode(), *deployed, caller).body
    answered: dict[str, Any] = json.loads(body)
    return answered


def parts(response: dict[str, Any]) -> set[str]:
    """The names of what is written onto the orders."""
    return {p["url"] for a in response["systemActions"] for e in a["resource"]["extension"] for p in e["extension"]}


def test_a_registration_names_the_version_of_its_client(deployed: tuple[Deployment, Rules]) -> None:
    """dev-1: a client that shows no `pa-needed` of conditional gets the version that has none."""
    plain, registered = Client("ehr"), Client("ehr", version="2.1")

    assert "pa-needed" in parts(answer(case("appointment-with-id"), plain, deployed))
    assert "pa-needed" not in parts(answer(case("appointment-with-id"), registered, deployed))
    assert "pa-needed" in parts(answer(case("appointment-with-id", "2.0"), registered, deployed))


def test_a_registration_asks_for_a_card_where_an_order_is_in_doubt(
    deployed: tuple[Deployment, Rules], example: Any
) -> None:
    """For clients that do not show coverage information: the card that order-select has, on signing too."""
    request = example("order-sign-2.1-unlisted-code")
    order = request["context"]["draftOrders"]["entry"][0]["resource"]
    order |= {"code": {"text": "Prolotherapy, right knee"}, "note": [{"text": "Cancelled."}]}

    without = answer(request, Client("ehr"), deployed)
    with_card = answer(request, Client("ehr", cards_in_doubt=True), deployed)

    assert without["cards"] == []
    assert [card["summary"] for card in with_card["cards"]] == [
        "Unclear whether the order for prolotherapy stands: confirm or cancel it"
    ]
    assert len(with_card["systemActions"]) == len(without["systemActions"])


def test_a_registration_allows_reads_without_a_token(deployed: tuple[Deployment, Rules], fhir_server: Any) -> None:
    server = fhir_server(*CHART, token=None)
    request = dispatch(server)
    request.pop("fhirAuthorization", None)

    with pytest.raises(MissingDataError):
        answer(request, Client("ehr"), deployed)
    assert "covered" in parts(answer(request, Client("ehr", anonymous_fhir="allow"), deployed))


def test_a_registration_may_forbid_what_is_allowed_to_others(
    deployed: tuple[Deployment, Rules], fhir_server: Any
) -> None:
    server = fhir_server(*CHART, token=None)
    request = dispatch(server)
    request.pop("fhirAuthorization", None)
    deployment, rules = deployed
    settings = read_settings(allow_private_fhir_servers=True, anonymous_fhir="allow")
    open_to_all = (dataclasses.replace(deployment, settings=settings), rules)

    assert "covered" in parts(answer(request, Client("ehr"), open_to_all))
    with pytest.raises(MissingDataError):
        answer(request, Client("ehr", anonymous_fhir="refuse"), open_to_all)


def test_nothing_is_read_from_a_server_that_a_registration_does_not_name(
    deployed: tuple[Deployment, Rules], fhir_server: Any
) -> None:
    server = fhir_server(*CHART, token=None)
    request = dispatch(server)
    elsewhere = Client(
        "ehr", anonymous_fhir="allow", fhir_servers=(read_allowed_place("https://ehr.example.org/fhir"),)
    )
    with pytest.raises(MissingDataError):
        answer(request, elsewhere, deployed)


def test_what_a_registration_says_is_read() -> None:
    jwt = {"issuer": "https://ehr.example.org", "jku": ["https://ehr.example.org/jwks.json"]}
    said = {"version": "2.1", "cards-in-doubt": True, "anonymous-fhir": "allow"}

    (client,) = read_clients({"clients": [{"id": "ehr", "jwt": jwt, **said}]}, lambda _: {}).clients

    assert (client.version, client.cards_in_doubt, client.anonymous_fhir) == ("2.1", True, "allow")
