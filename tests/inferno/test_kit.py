"""Every body of the test kit, in every version, with the client's FHIR server in every state: see README.md."""

import json
import shutil
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.fhir.servers import TOKEN, RunningServer
from tests.inferno.kit import FOLDER, NO_KIT, ROOT, VERSIONS, Body, faults, read_bodies, read_records, unannotated
from tests.running_service import RunningService

pytestmark = pytest.mark.skipif(bool(NO_KIT), reason=NO_KIT)
pytest_plugins = ["tests.fhir.fixtures"]

BODIES = read_bodies()
STATES = ("not offered", "unreachable", "there", "401", "404", "500", "silent")


class Places(NamedTuple):
    """The base URL of the FHIR server in each state."""

    of: dict[str, str | None]


@pytest.fixture(scope="module", name="kit_service")
def _kit_service(
    start_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory
) -> RunningService:
    """The service with the kit's payer beside the shipped ones, and little time for reads."""
    payers = tmp_path_factory.mktemp("rules") / "payers"
    shutil.copytree(ROOT / "cards" / "payers", payers)
    (payers / "inferno-payer.json").write_text((FOLDER / "payer-2.2.1.json").read_text())
    return start_service(CRD_PAYERS=str(payers), CRD_ALLOW_PRIVATE_FHIR_SERVERS="1", CRD_FHIR_TIME_BUDGET="0.5")


@pytest.fixture(scope="module", name="places")
def _places(fhir_server: Callable[..., RunningServer], odd_server: RunningServer) -> Places:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    odd = {status: f"{odd_server.base}/status/{status}" for status in ("401", "404", "500")}
    there = fhir_server(*read_records()).base
    return Places(
        {
            "not offered": None,
            "unreachable": f"http://127.0.0.1:{port}/r4",
            "there": there,
            "silent": f"{odd_server.base}/silent",
            **odd,
        }
    )


def send(
    service: RunningService, body: Body, version: str, server: str | None
) -> tuple[int, dict[str, Any], dict[str, Any]]:
    sent = body.as_sent(version, server, TOKEN)
    response = service.post(f"/cds-services/{body.hook}-crd", sent)
    return response.status_code, sent, response.json()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_what_the_kit_wants_of_a_call_comes(
    body: Body, state: str, kit_service: RunningService, places: Places
) -> None:
    """In its suite's version each call is 200 whatever the FHIR server does; in any other never a server error."""
    for version in VERSIONS:
        status, sent, answer = send(kit_service, body, version, places.of[state])
        if status == 200:
            assert list(faults(sent, answer)) == [], version
            assert version != body.suite or unannotated(sent, answer) == []
        else:
            assert status in (400, 412), (version, json.dumps(answer))
            assert answer["resourceType"] == "OperationOutcome"
            assert version != body.suite, json.dumps(answer)
