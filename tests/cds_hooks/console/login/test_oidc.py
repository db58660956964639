"""Operators log in at an OpenID Connect provider: a real one, over HTTP, with real signatures."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from cds_hooks.store.tables import ACCESSES
from tests.cds_hooks.console.operating import INSIGHTS, Operating, operating, words
from tests.oidc_provider import CLIENT, SECRET, Provider, running_provider

START = "/console/login/provider?next=/console/insights?days%3D7"


@pytest.fixture(name="provider")
def _provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(name="make")
def _make(tmp_path: Path, provider: Provider) -> Iterator[Callable[..., Operating]]:
    opened = []

    def make(**settings: Any) -> Operating:
        given = {"oidc_issuer": provider.issuer, "oidc_client": CLIENT, "oidc_secret": SECRET, "operators": None}
        context = operating(tmp_path, **{**given, **settings})
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def go(browser: FlaskClient) -> str:
    """Go to the provider as a browser does, and return the URL that it sends one back to."""
    there = browser.get(START)
    assert there.status_code == 302, there.text
    back = requests.get(there.location, allow_redirects=False, timeout=60)
    return back.headers["Location"]


def come_back(browser: FlaskClient, url: str) -> TestResponse:
    return browser.get(url.removeprefix("http://localhost"))


def log_in(browser: FlaskClient) -> TestResponse:
    return come_back(browser, go(browser))


def test_who_has_a_role_there_is_let_in(make: Any) -> None:
    console = make()
    browser = console.browser()
    assert "Log in with your organization" in browser.get("/console/login").text
    answer = log_in(browser)
    assert (answer.status_code, answer.location) == (303, "/console/insights?days=7")
    assert "alice (u-1) operator" in words(browser.get(INSIGHTS).text)
    assert browser.get(f"{INSIGHTS}/call").status_code == 200
    with console.parts.records.reading.connect() as connection:
        assert connection.execute(sa.select(ACCESSES.c.actor, ACCESSES.c.detail)).all() == [
            ("alice (u-1)", '{"by":"oidc","role":"operator"}')
        ]


@pytest.mark.parametrize(
    ("settings", "user", "role"),
    [
        ({}, {"roles": ["crd-reader", "else"]}, "reader"),
        ({}, {"roles": "crd-reader"}, "reader"),
        ({}, {"roles": ["crd-reader", "crd-operator"]}, "operator"),
        ({"oidc_claim": "realm_access.roles"}, {"realm_access": {"roles": ["crd-reader"]}}, "reader"),
        (
            {"oidc_claim": "https://plan.example.org/roles"},
            {"https://plan.example.org/roles": ["crd-reader"]},
            "reader",
        ),
        ({"oidc_claim": "groups", "oidc_operators": "ops, boss"}, {"groups": ["boss"]}, "operator"),
        ({}, {"roles": ["other"]}, None),
        ({}, {"roles": {"crd-operator": 1}}, None),
        ({"oidc_operators": "", "oidc_readers": ""}, {"roles": [""]}, None),
        ({"oidc_claim": "realm_access.roles"}, {"realm_access": "crd-operator"}, None),
    ],
)
def test_a_role_is_one_of_the_values_of_the_claim(
    make: Any, provider: Provider, settings: dict[str, str], user: dict[str, Any], role: str | None
) -> None:
    provider.user = {"sub": "u-1", **user}
    browser = make(**settings).browser()
    answer = log_in(browser)
    if role is None:
        assert answer.status_code == 403
        assert "You have no role here" in answer.text
        assert browser.get(INSIGHTS).status_code == 302
    else:
        assert answer.status_code == 303
        assert f"somebody (u-1) {role}" in words(browser.get(INSIGHTS).text)


def test_a_public_client_has_pkce_alone(make: Any, provider: Provider) -> None:
    provider.is_public = True
    assert log_in(make(oidc_secret="").browser()).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"iss": "https://another.example.org"},
        {"exp": 1},
        {"sub": None},
        "another key",
        "another issuer",
    ],
    ids=str,
)
def test_what_the_provider_did_not_say_logs_nobody_in(make: Any, provider: Provider, wrong: Any) -> None:
    browser = make().browser()
    url = go(browser)
    if wrong == "another key":
        provider.signing_key = ECKey.generate_key("P-256", {"kid": "one"})
    elif wrong == "another issuer":
        provider.said_issuer = "https://another.example.org"
        provider.wrong = {"iss": provider.said_issuer}
    else:
        provider.wrong = wrong
    assert come_back(browser, url).status_code == 403
    assert browser.get(INSIGHTS).status_code == 302


def test_a_provider_that_is_another_is_not_gone_to(make: Any, provider: Provider) -> None:
    """OpenID Connect Discovery 1.0, 4.3."""
    provider.said_issuer = "https://another.example.org"
    answer = make().browser().get(START)
    assert answer.status_code == 403
    assert "cannot be reached" in answer.text


def test_who_did_not_go_there_from_here_does_not_come_back(make: Any) -> None:
    """Another's code in a link logs nobody in as that other (login CSRF)."""
    console = make()
    url = go(console.browser())
    assert come_back(console.browser(), url).status_code == 403
    mine = console.browser()
    go(mine)
    assert come_back(mine, url).status_code == 403


def test_a_code_is_good_once(make: Any) -> None:
    console = make()
    browser = console.browser()
    url = go(browser)
    assert come_back(browser, url).status_code == 303
    assert come_back(browser, url).status_code == 403


def test_who_is_refused_there_is_told(make: Any, provider: Provider) -> None:
    provider.refuses = True
    answer = log_in(make().browser())
    assert answer.status_code == 403
    assert "did not let you in" in answer.text


def test_a_provider_that_is_away_is_told(make: Any) -> None:
    browser = make(oidc_issuer="http://127.0.0.1:9").browser()
    assert "cannot be reached" in browser.get(START).text
    assert browser.get("/console/login/callback?code=x&state=y").status_code == 403


def test_the_cookie_is_sent_by_who_comes_back(make: Any) -> None:
    assert "SameSite=Lax" in make().browser().get(START).headers["Set-Cookie"]


def test_without_a_provider_there_is_no_way_to_one(tmp_path: Path) -> None:
    with operating(tmp_path) as console:
        for path in ("provider", "callback"):
            assert console.browser().get(f"/console/login/{path}").status_code == 404


def test_behind_a_proxy_one_comes_back_to_the_public_url(make: Any) -> None:
    console = make(console="login", public_base_url="https://plan.example.org/crd")
    there = console.browser().get(START, base_url="https://plan.example.org/crd")
    assert "redirect_uri=https%3A%2F%2Fplan.example.org%2Fcrd%2Fconsole%2Flogin%2Fcallback" in there.location
