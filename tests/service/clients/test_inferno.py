"""Inferno's CRD server suite: discovery without a token, then each body of a hook with one and the same token."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.auth.servers import KeyServer
from tests.service.clients.playing import PUBLIC, SIGN, Calls, bearer, body, information, order_of, preset

BODIES = ("inferno-order-sign-0", "inferno-order-sign-1")
ISSUER = preset("inferno")["jwt"]["issuer"]


@pytest.fixture(name="inferno")
def _inferno(called: Any, key_server: KeyServer) -> Calls:
    """It makes one token for the service, and sends that with every body."""
    return Calls(called, one_token(key_server, ISSUER))


def one_token(key_server: KeyServer, issuer: str) -> Callable[[str], str]:
    """Return how it authorizes: with the token that it made for the hook."""
    header = {"kid": "inferno-1", "jku": key_server.keys}
    token = bearer("ES384", "P-384#inferno", header, 300, iss=issuer)(PUBLIC + SIGN)
    return lambda _: token


def test_discovery_is_answered_without_a_token(called: Any) -> None:
    """docs/clients.md: by default anybody may ask."""
    found = Calls(called).get()

    assert found.status_code == 200
    assert {service["hook"] for service in found.json()["services"]} >= {"order-sign", "order-select"}


def test_every_body_of_a_hook_is_answered_with_the_same_token(inferno: Calls) -> None:
    """docs/clients.md: replays can only be observed; each answer has what the suite looks for."""
    answers = [inferno.post(SIGN, body(name)) for name in BODIES]

    assert [answer.status_code for answer in answers] == [200, 200]
    for name, answer in zip(BODIES, answers, strict=True):
        [action] = answer.json()["systemActions"]
        assert (action["type"], bool(action["description"])) == ("update", True)
        assert information(action["resource"])["covered"]
        sent = order_of(body(name))
        assert {name: action["resource"][name] for name in sent} == sent  # only the extension was added


def test_the_suite_finds_a_card_with_links_that_are_absolute(inferno: Calls) -> None:
    """resp-19; `source.topic` with code and system."""
    [card] = inferno.post(SIGN, body(BODIES[0])).json()["cards"]

    assert card["links"]
    assert {link["type"] for link in card["links"]} == {"absolute"}
    assert card["source"]["topic"].keys() >= {"code", "system"}


def test_a_replay_is_written_down_and_another_clients_refused(guarded: Any, key_server: KeyServer) -> None:
    """HK-177: only the preset of the test tool says `"replay": "observe"`."""
    inferno = Calls(guarded, one_token(key_server, ISSUER))
    let_in = [inferno.post(SIGN, body(name)) for name in BODIES]
    assert [answer.status_code for answer in let_in] == [200, 200]
    assert guarded.logged(let_in[-1])["client"] == "inferno"

    sandbox = preset("cds-hooks-sandbox")["jwt"]["issuer"]
    token = bearer("ES384", "P-384#sandbox", {"kid": "sandbox-1"}, 300, iss=sandbox)(PUBLIC + SIGN)
    other = Calls(guarded, lambda _: token)
    answers = [other.post(SIGN, body(name)) for name in BODIES]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert guarded.logged(answers[-1])["cause"] == "replayed"
