"""crd-request-generator: a page with the URLs of services in its settings, tokens for a day and records under its own keys."""

import secrets
from typing import Any

import pytest

from tests.auth.servers import KeyServer
from tests.service.clients.playing import SIGN, Calls, assert_readable, bearer, body, order_of, preset

DAY = 86_400
ISSUER = preset("crd-request-generator")["jwt"]["issuer"]


@pytest.fixture(name="generator")
def _generator(called: Any, list_server: KeyServer) -> Calls:
    """It signs with a key that its own server lists, with a `jti` of 128 characters."""
    header = {"kid": "generator-1", "jku": list_server.keys}

    def authorize(url: str) -> str:
        return bearer("RS256", "2048#generator", header, DAY, iss=ISSUER, jti=secrets.token_hex(64))(url)

    return Calls(called, authorize, {"Origin": "http://localhost:3000"})


def show(answer: Any) -> list[dict[str, Any]]:
    """Return the cards that its page can show."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "status" not in answer.json()  # it takes that for an error
    for card in answer.json()["cards"]:
        assert card["source"]["label"]
        assert card["source"]["topic"]["display"]
        assert_readable(card)  # its Markdown has no tables
    return list(answer.json()["cards"])


def test_the_generator_shows_what_is_said_of_the_order_it_signs(generator: Calls) -> None:
    """found-33: no discovery, an empty access token, prefetch keys of its own, Bundles without type."""
    [card] = show(generator.post(SIGN, body("crd-request-generator-order-sign")))

    assert card["summary"] == "Prolotherapy (M0076) is not covered: considered investigational"
    assert card["source"]["label"] == "Example Health Plan"  # of a Coverage under a key that is the client's


def test_the_order_of_the_generator_keeps_its_insurance(generator: Calls) -> None:
    """resp-37: its button to start DTR reads `insurance[0]` of the order, which comes back with the answer."""
    request = body("crd-request-generator-order-sign")

    [action] = generator.post(SIGN, request).json()["systemActions"]

    assert action["resource"]["insurance"] == order_of(request)["insurance"]


def test_the_generator_calls_with_the_same_instance_for_every_patient(generator: Calls) -> None:
    """It sends one hookInstance for ever: calls are told apart by what they are about."""
    one, other = body("crd-request-generator-order-sign"), body("crd-request-generator-order-sign")
    order_of(other)["id"] = "servreq-015-e0601"
    order_of(other)["code"]["coding"][0] |= {
        "code": "20550",
        "display": "Injection",
        "system": "http://www.ama-assn.org/go/cpt",
    }

    answers = [generator.post(SIGN, request) for request in (one, other, one)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].content == answers[2].content
    assert [answer.json()["systemActions"][0]["resource"]["id"] for answer in answers[:2]] == [
        "servreq-015-m0076",
        "servreq-015-e0601",
    ]


def test_its_preflight_allows_what_its_page_sends(generator: Calls) -> None:
    """HK-208."""
    asked = generator.preflight(SIGN, "http://localhost:3000", "authorization,content-type")

    assert (asked.status_code, asked.headers["Access-Control-Allow-Headers"]) == (204, "authorization,content-type")


def test_the_generator_is_known_by_its_list_of_keys(guarded: Any, list_server: KeyServer) -> None:
    """HK-195: what its `jku` has is no JWK Set; the preset says so."""
    authorize = bearer("RS256", "2048#generator", {"kid": "generator-1", "jku": list_server.keys}, DAY, iss=ISSUER)

    answer = Calls(guarded, authorize).post(SIGN, body("crd-request-generator-order-sign"))

    assert answer.status_code == 200
    assert guarded.logged(answer)["client"] == "crd-request-generator"
    assert list_server.asked()


def test_a_token_for_longer_than_its_day_is_refused(guarded: Any, list_server: KeyServer) -> None:
    """HK-177: `max-lifetime` of the preset is what its tokens have, and no more."""
    header = {"kid": "generator-1", "jku": list_server.keys}
    authorize = bearer("RS256", "2048#generator", header, DAY + 60, iss=ISSUER)

    answer = Calls(guarded, authorize).post(SIGN, body("crd-request-generator-order-sign"))

    assert answer.status_code == 401
    assert guarded.logged(answer)["cause"] == "lifetime"
