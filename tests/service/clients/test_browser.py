"""Clients that run in a browser: the browser itself says whether a page of another origin may call (CORS)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.clients.browser import NO_BROWSER, NO_MEDPLUM, PageServer, open_page
from tests.service.clients.playing import MODES, PUBLIC, SANDBOX_JKU, SELECT, bearer, body, kept, medplum_token, preset

pytestmark = [pytest.mark.process, pytest.mark.skipif(bool(NO_BROWSER), reason=NO_BROWSER)]

SUMMARY = "Prolotherapy (M0076) is not covered: considered investigational"


@pytest.fixture(scope="module", name="page")
def _page() -> Iterator[PageServer]:
    """The server of the page, another origin than the service's."""
    server = PageServer()
    yield server
    server.stop()


def told(service: Any, credentials: str = "omit") -> dict[str, Any]:
    """Return what a page is to do: discovery, a hook call and feedback, each with a token of its own."""
    issuer = preset("cds-hooks-sandbox")["jwt"]["issuer"]
    authorize = bearer("ES384", "P-384#sandbox", {"kid": "sandbox-1", "jku": SANDBOX_JKU}, 300, iss=issuer)
    paths = ("/cds-services/", SELECT, f"{SELECT}/feedback")
    return {
        "base": service.base,
        "discovery": paths[0],
        "service": SELECT,
        "body": body("sandbox-order-select"),
        "tokens": {path: authorize(PUBLIC + path) for path in paths},
        "credentials": credentials,
        "time": "2026-11-23T12:00:00Z",
    }


def assert_shown(report: dict[str, Any], service: Any) -> None:
    """The page has found the services, shows the card as text, and its feedback is stored."""
    assert "error" not in report, report
    assert report["done"]
    assert "order-select-crd" in report["services"]
    assert SUMMARY in report["shown"]
    assert "Example Health Plan" in report["shown"]
    [card] = report["cards"]
    assert "overridden" in {row.outcome for row in kept(service, card)}


@pytest.mark.parametrize("mode", MODES)
def test_a_page_of_any_origin_shows_the_card(
    mode: str, page: PageServer, start_for_clients: Callable[..., Any], tmp_path: Path
) -> None:
    """HK-208: the preflights of Authorization and of a header of its own pass; nothing is redirected."""
    service = start_for_clients(mode)

    assert_shown(open_page(page, tmp_path, client="plain", **told(service)), service)


@pytest.mark.skipif(bool(NO_MEDPLUM), reason=NO_MEDPLUM)
@pytest.mark.parametrize("mode", MODES)
def test_medplums_own_client_shows_the_card_at_an_origin_that_is_listed(
    mode: str, page: PageServer, start_for_clients: Callable[..., Any], tmp_path: Path
) -> None:
    """HK-208: it asks with `credentials: "include"`, its access token and `X-Medplum`, as its code does."""
    service = start_for_clients(mode, CRD_CORS_ORIGINS=f"https://sandbox.cds-hooks.org,{page.origin}")

    report = open_page(page, tmp_path, client="medplum", token=medplum_token().split()[1], **told(service))

    assert_shown(report, service)


def test_a_page_that_asks_with_credentials_is_kept_out_where_any_may_call(
    page: PageServer, start_for_clients: Callable[..., Any], tmp_path: Path
) -> None:
    """docs/clients.md: `*` will not do for such a client; a browser's certificate is for listed origins alone."""
    report = open_page(page, tmp_path, client="plain", **told(start_for_clients("none"), "include"))

    assert "Failed to fetch" in report["error"]
    assert report["shown"] == ""


def test_a_page_of_an_origin_that_is_not_listed_learns_nothing(
    page: PageServer, start_for_clients: Callable[..., Any], tmp_path: Path
) -> None:
    """CRD_CORS_ORIGINS: the browser keeps what is answered from the page."""
    service = start_for_clients("none", CRD_CORS_ORIGINS="https://sandbox.cds-hooks.org")

    report = open_page(page, tmp_path, client="plain", **told(service))

    assert "Failed to fetch" in report["error"]
    assert "services" not in report
