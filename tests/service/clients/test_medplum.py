"""Medplum's browser client: its user's access token, a header of its own, and requests with credentials."""

from typing import Any

import pytest

from tests.service.clients.playing import SIGN, Calls, assert_readable, body, medplum_token

ORIGIN = "https://app.example-clinic.org"


@pytest.fixture(name="medplum")
def _medplum(called: Any) -> Calls:
    """It sends one access token with all its requests, for an hour."""
    token = medplum_token()
    return Calls(called, lambda _: token, {"Origin": ORIGIN, "X-Medplum": "extended"})


def test_its_preflight_may_send_its_own_header(medplum: Calls) -> None:
    """HK-208: what is asked for is allowed, letter by letter."""
    asked = medplum.preflight(SIGN, ORIGIN, "authorization,content-type,x-medplum")

    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Headers"] == "authorization,content-type,x-medplum"


def test_medplum_calls_again_and_again_with_its_users_token(medplum: Calls) -> None:
    """RFC 9068: an access token is made to be used often, by one client."""
    answers = [
        medplum.get(),
        medplum.post(SIGN, body("medplum-order-sign")),
        medplum.post(SIGN, body("medplum-order-sign")),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    [card] = answers[1].json()["cards"]
    assert card["summary"] == "Prolotherapy (M0076) is not covered: considered investigational"
    assert_readable(card)


def test_medplum_is_known_by_its_client_id(guarded: Any) -> None:
    answer = Calls(guarded, lambda _: medplum_token()).post(SIGN, body("medplum-order-sign"))

    assert answer.status_code == 200
    assert guarded.logged(answer)["client"] == "medplum-example-clinic"


def test_a_token_of_another_application_of_the_server_is_refused(guarded: Any) -> None:
    """HK-177: anybody may have an application at a public Medplum server."""
    other = medplum_token(client_id="another-application")

    answer = Calls(guarded, lambda _: other).post(SIGN, body("medplum-order-sign"))

    assert answer.status_code == 401
    assert guarded.logged(answer)["cause"] == "unknown-client"
