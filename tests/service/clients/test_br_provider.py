"""br-provider: a server that calls for its page, the one client that shows coverage information on the orders."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.clients.playing import (
    BOOK,
    DISPATCH,
    EXTENSION,
    MODES,
    SIGN,
    Calls,
    assert_readable,
    bearer,
    body,
    information,
    preset,
)

pytest_plugins = ["tests.fhir.fixtures"]

ISSUER = preset("br-provider")["jwt"]["issuer"]
#: Where it is registered, its preset names the version.
SETTINGS = {
    "none": {"CRD_DEFAULT_VERSION": "2.1", "CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1", "CRD_ANONYMOUS_FHIR": "allow"},
    "registered": {"CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1"},
}
ORGANIZATION = {
    "resourceType": "Organization",
    "id": "org-ehp",
    "identifier": [{"system": "http://example.org/payer-id", "value": "EHP01"}],
    "name": "Example Health Plan",
}

#: What it signs with: RS384, and no `jku`.
AUTHORIZE = bearer("RS384", "2048#br-provider", {"kid": "br-1"}, 300, iss=ISSUER)


@pytest.fixture(params=MODES, name="provider")
def _provider(request: pytest.FixtureRequest, start_for_clients: Callable[..., Any]) -> Calls:
    """It sends a token in both modes, as it does once its certificate is set up."""
    return Calls(start_for_clients(request.param, **SETTINGS[request.param]), AUTHORIZE)


class Page:
    """What its page knows of the orders: of all answers, the coverage information of the last that had any."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        found = calls.get().json()["services"]
        self.services = {service["hook"]: service["id"] for service in reversed(found)}  # the first of each hook
        self.actions: dict[str, dict[str, Any]] = {}
        self.cards: list[dict[str, Any]] = []

    def fire(self, request: dict[str, Any]) -> None:
        """Call a hook with the orders as the page has them: with the extensions of the actions it keeps."""
        request = copy.deepcopy(request)
        for entry in request["context"].get("draftOrders", {}).get("entry", ()):
            kept = self.action_for(entry["resource"])
            if kept and kept.get("extension"):
                entry["resource"]["extension"] = kept["extension"]
        answer = self.calls.post(f"/cds-services/{self.services[request['hook']]}", request)
        assert answer.status_code == 200, answer.text
        self.cards = answer.json()["cards"]
        updates = [one["resource"] for one in answer.json().get("systemActions", ()) if one["type"] == "update"]
        if updates:
            self.actions = {f"{one['resourceType']}/{one['id']}": one for one in updates}

    def action_for(self, order: dict[str, Any]) -> dict[str, Any] | None:
        """Return the resource it matches to an order: by type and id, then by type and code."""
        by_id = self.actions.get(f"{order['resourceType']}/{order['id']}")
        alike = (
            one
            for one in self.actions.values()
            if one["resourceType"] == order["resourceType"] and code_of(one) == code_of(order)
        )
        return by_id or next(alike, None)

    def badge(self, order: dict[str, Any]) -> str | None:
        """Return what its badge is made from."""
        found = self.action_for(order)
        return information(found).get("covered") if found else None


def code_of(order: dict[str, Any]) -> str:
    """Return the first code of an order, as the page compares it."""
    element = "codeCodeableConcept" if order["resourceType"] == "DeviceRequest" else "code"
    return str(order[element]["coding"][0]["code"])


def orders(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in request["context"]["draftOrders"]["entry"]]


def test_the_first_service_of_each_hook_it_fires_is_ours(provider: Calls) -> None:
    """A hook without a service is an error on its page."""
    services = Page(provider).services

    fired = (
        "encounter-start",
        "order-select",
        "order-sign",
        "order-dispatch",
        "encounter-discharge",
        "appointment-book",
    )
    assert {hook: services[hook] for hook in fired} == {hook: f"{hook}-crd" for hook in fired}


def test_the_badge_of_an_order_says_what_the_plan_does(provider: Calls) -> None:
    """HK-199, hook-16, resp-37: known by a key on file; the update has the draft's id, so it is found; nothing but the extension is new."""
    page, request = Page(provider), body("br-provider-order-sign")

    page.fire(request)

    prolotherapy, device = orders(request)
    assert set(page.actions) == {"ServiceRequest/draft-svc-m0076", "DeviceRequest/draft-dme-e0601"}
    assert page.badge(prolotherapy) == "not-covered"
    assert page.badge(device) not in {None, "covered", "not-covered"}  # no policy speaks of it
    found = page.action_for(prolotherapy) or {}
    assert {name: found[name] for name in prolotherapy} == prolotherapy
    for card in page.cards:
        assert_readable(card)


def test_selecting_shows_the_card_before_anything_is_signed(provider: Calls) -> None:
    """Several orders are selected at once, the debounced call of its form."""
    page = Page(provider)

    page.fire(body("br-provider-order-select"))

    assert [card["summary"] for card in page.cards] == [
        "Prolotherapy (M0076) is not covered: considered investigational"
    ]
    assert_readable(page.cards[0])


def test_opening_a_chart_shows_no_error(provider: Calls) -> None:
    """encounter-start comes first, with no order anywhere."""
    page = Page(provider)

    page.fire(body("br-provider-encounter-start"))

    assert page.actions == {}


def test_signing_says_all_that_selecting_said(provider: Calls) -> None:
    """resp-35: the page keeps the actions of the last answer alone, so what order-select wrote must not be left out."""
    page, request = Page(provider), body("br-provider-order-sign")

    page.fire(body("br-provider-order-select"))
    page.fire(request)

    assert page.badge(orders(request)[0]) == "not-covered"


def test_signing_again_never_takes_an_answer_back(provider: Calls) -> None:
    """resp-35: the order comes with the answer it has; the badge after the second call is the same."""
    page, request = Page(provider), body("br-provider-order-sign")

    page.fire(request)
    page.fire(request)

    assert page.badge(orders(request)[0]) == "not-covered"


def test_an_appointment_is_answered_in_the_version_its_page_can_show(provider: Calls) -> None:
    """`conditional`, which version 2.0 has to put into `pa-needed`, makes its page go white."""
    answer = provider.post(BOOK, body("br-provider-appointment-book"))

    assert answer.status_code == 200, answer.text
    for action in answer.json()["systemActions"]:
        written = [one for one in action["resource"].get("extension", ()) if one["url"] == EXTENSION]
        assert written
        assert information(action["resource"]).get("pa-needed") != "conditional"


@pytest.fixture(name="server")
def _server(fhir_server: Any) -> Any:
    """Its FHIR server, which has what its page cuts off."""
    return fhir_server(ORGANIZATION)


@pytest.fixture(params=MODES, name="with_chart")
def _with_chart(
    request: pytest.FixtureRequest, server: Any, start_for_clients: Callable[..., Any], registrations: dict[str, str]
) -> Calls:
    """It calls a service that may read from its FHIR server: the registration names that one instead of the preset's."""
    document = json.loads(Path(registrations["CRD_CLIENTS"]).read_text())
    next(one for one in document["clients"] if one["id"] == "br-provider")["fhir-servers"] = [server.base]
    path = Path(registrations["CRD_CLIENTS"]).with_name("with-chart.json")
    path.write_text(json.dumps(document))
    own = {"CRD_CLIENTS": str(path)} if request.param == "registered" else {}
    return Calls(start_for_clients(request.param, **SETTINGS[request.param], **own), AUTHORIZE)


def without_payer(base: str, **members: Any) -> dict[str, Any]:
    """Return a call whose Coverage only refers to its payer: of a Bundle with both, the page keeps the first entry."""
    request = {**body("br-provider-order-sign"), "fhirServer": base, **members}
    [entry] = request["prefetch"]["coverage"]["entry"]
    entry["resource"]["payor"] = [{"reference": "Organization/org-ehp"}]
    entry["fullUrl"] = f"{base}/Coverage/{entry['resource']['id']}"
    return request


def test_a_payer_that_was_cut_off_is_read_with_the_users_token(with_chart: Calls, server: Any) -> None:
    """CRD-56, HK-60: its server adds the token of its user to the call of its page."""
    access = {"access_token": server.token, "token_type": "Bearer", "expires_in": 300, "scope": "launch", "subject": ""}
    page, request = Page(with_chart), without_payer(server.base, fhirAuthorization=access)

    page.fire(request)

    assert page.badge(orders(request)[0]) == "not-covered"
    assert "/Organization/org-ehp" in json.dumps(server.log())


def test_a_payer_that_was_cut_off_is_read_from_an_open_server_without_a_token(
    start_for_clients: Callable[..., Any], fhir_server: Any
) -> None:
    """CRD_ANONYMOUS_FHIR: nobody is logged in, so its server has no token to add."""
    server = fhir_server(ORGANIZATION, token=None)
    request = without_payer(server.base)
    page = Page(Calls(start_for_clients("none", **SETTINGS["none"])))

    page.fire(request)

    assert page.badge(orders(request)[0]) == "not-covered"


def test_no_server_is_read_that_the_registration_does_not_name(
    start_for_clients: Callable[..., Any], server: Any
) -> None:
    """Whoever has its key cannot have other servers called."""
    access = {"access_token": server.token, "token_type": "Bearer", "expires_in": 300, "scope": "launch", "subject": ""}
    calls, before = Calls(start_for_clients("registered", **SETTINGS["registered"]), AUTHORIZE), len(server.log())

    answer = calls.post(SIGN, without_payer(server.base, fhirAuthorization=access))

    assert calls.service.logged(answer)["client"] == "br-provider"
    assert len(server.log()) == before


def test_a_dispatched_order_that_cannot_be_read_is_an_error_its_page_can_show(provider: Calls) -> None:
    """hook-33: the page shows `diagnostics` of an OperationOutcome, else only the status."""
    answer = provider.post(DISPATCH, body("br-provider-order-dispatch"))

    assert answer.status_code == 412
    assert all(issue["diagnostics"] for issue in answer.json()["issue"])
