"""The services that the clients call: one that asks for no token, one with the presets of docs/clients.md."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.auth.servers import KeyServer
from tests.auth.tokens import jwk, jwks
from tests.service.clients.playing import FILES, MODES, PUBLIC, preset


@pytest.fixture(scope="session", name="key_server")
def _key_server() -> Iterator[KeyServer]:
    """The JWK Set that Inferno and a Medplum server publish."""
    server = KeyServer()
    server.publish(jwks(jwk("P-384#inferno", kid="inferno-1"), jwk("2048#medplum", kid="medplum-1")))
    yield server
    server.stop()


@pytest.fixture(scope="session", name="list_server")
def _list_server() -> Iterator[KeyServer]:
    """What crd-request-generator publishes: a list of keys that is no JWK Set."""
    server = KeyServer()
    key = jwk("2048#generator", kid=None)
    server.publish(json.dumps([{"pem": key, "id": "generator-1"}]).encode())
    yield server
    server.stop()


@pytest.fixture(scope="session", name="registrations")
def _registrations(
    key_server: KeyServer, list_server: KeyServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Settings of a service that knows all clients by their presets; only where their keys are is another place."""
    folder = tmp_path_factory.mktemp("registrations")
    for name, content in FILES.values():
        (folder / name).write_bytes(content)
    sandbox, generator, inferno, provider = (
        copy.deepcopy(preset(name)) for name in ("cds-hooks-sandbox", "crd-request-generator", "inferno", "br-provider")
    )
    sandbox["jwt"]["jwks-file"], provider["jwt"]["jwks-file"] = (name for name, _ in FILES.values())
    generator["jwt"]["jku"], inferno["jwt"]["jku"] = [list_server.keys], [key_server.keys]
    medplum = copy.deepcopy(preset("medplum-example-clinic"))
    medplum["authorization-servers"][0]["jwks-url"] = key_server.keys
    medplum["clients"] += [sandbox, generator, inferno, provider]
    path = folder / "clients.json"
    path.write_text(json.dumps(medplum))
    return {
        "CRD_AUTH": "cds-hooks-jwt,oauth2",
        "CRD_CLIENTS": str(path),
        "CRD_PUBLIC_BASE_URL": PUBLIC,
        "CRD_ALLOW_PRIVATE_JWKS": "1",
    }


@pytest.fixture(scope="session", name="start_for_clients")
def _start_for_clients(start_shared_service: Callable[..., Any], registrations: dict[str, str]) -> Callable[..., Any]:
    """Start a service in a mode, with settings of its own; the same one again for the same settings."""
    started: dict[str, Any] = {}

    def start(mode: str, **variables: str) -> Any:
        given = {**(registrations if mode == "registered" else {}), **variables}
        key = json.dumps(given, sort_keys=True)
        if key not in started:
            started[key] = start_shared_service(**given)
        return started[key]

    return start


@pytest.fixture(scope="session", params=MODES, name="called")
def _called(request: pytest.FixtureRequest, start_for_clients: Callable[..., Any]) -> Any:
    """The service, once with CRD_AUTH=none and once with the clients registered."""
    return start_for_clients(request.param)


@pytest.fixture(scope="session", name="guarded")
def _guarded(start_for_clients: Callable[..., Any]) -> Any:
    """The service that only registered clients may call."""
    return start_for_clients("registered")
