"""Trying an order where only registered clients are answered: the page signs its calls as one of them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from cds_hooks.app import check_start
from cds_hooks.commands.main import main
from cds_hooks.errors import StartError
from cds_hooks.settings import read_settings
from tests.cds_hooks.console.conftest import words
from tests.running_service import RunningService

ISSUER = "https://console.payer.example"


@pytest.fixture(scope="module", name="keys")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private key, and a registration of its public half."""
    folder = tmp_path_factory.mktemp("keys")
    assert CliRunner().invoke(main, ["jwks", "new", "--in", str(folder)]).exit_code == 0
    client = {"id": "console", "jwt": {"issuer": ISSUER, "jwks-file": "jwks.json"}}
    (folder / "clients.json").write_text(json.dumps({"clients": [client]}))
    return folder


def ask(service: RunningService) -> str:
    """Send an order by the form of the page, and return what comes."""
    browser = requests.Session()
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(service.base, timeout=60).text)
    assert token
    order = {"csrf_token": token[1], "code": "HCPCS M0076"}
    return words(browser.post(service.base, data=order, timeout=60, headers={"Referer": service.base}).text)


def test_a_page_with_a_key_is_answered_and_one_without_is_told_what_to_do(
    keys: Path, start_service: Callable[..., RunningService]
) -> None:
    strict = {"CRD_AUTH": "cds-hooks-jwt", "CRD_CLIENTS": str(keys / "clients.json"), "CRD_PUBLIC_BASE_URL": "{base}"}
    signing = start_service(**strict, CRD_CONSOLE_SIGN=str(keys / "private-key.json"), CRD_CONSOLE_ISSUER=ISSUER)

    for _ in range(2):  # no token is used twice
        page = ask(signing)
        assert "Prolotherapy (M0076) is not covered" in page
        assert '-H "Authorization: Bearer $TOKEN"' in page
    refused = ask(start_service(**strict))
    assert "The service asks who is calling" in refused
    assert "CRD_CONSOLE_SIGN and CRD_CONSOLE_ISSUER" in refused


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"console_issuer": ""}, "needs CRD_CONSOLE_ISSUER"),
        ({"console_issuer": ISSUER, "console_sign": "jwks.json"}, "no private JWK"),
    ],
)
def test_a_key_that_cannot_sign_stops_the_start(
    keys: Path, settings: dict[str, Any], says: str, tmp_path: Path
) -> None:
    name = settings.pop("console_sign", "private-key.json")
    given = {"database_url": f"sqlite:///{tmp_path}/crd.sqlite3", "console_sign": keys / name, **settings}

    with pytest.raises(StartError, match=says):
        check_start(read_settings(**given))
