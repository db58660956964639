"""One demo EHR, and one service that lets only registered clients in, for all tests of both.

A test module has them with `pytest_plugins = ["tests.demo_ehr.fixtures"]`.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import main
from examples.demo_ehr.catalogue import read_catalogue
from examples.demo_ehr.pages import create_app
from examples.demo_ehr.signing import Signer
from tests.demo_ehr.running import Listener, RunningEhr
from tests.running_service import RunningService


@pytest.fixture(scope="session", name="catalogue_file")
def _catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The codes of the policies, as the command writes them for other systems."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.json"
    done = CliRunner().invoke(main, ["export", "fhir", "--out", str(path), "--on", "2026-11-23"])
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="session", name="running_ehr")
def _running_ehr(
    start_shared_service: Callable[..., RunningService], catalogue_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEhr]:
    listener, folder = Listener(), tmp_path_factory.mktemp("clients")
    assert CliRunner().invoke(main, ["jwks", "new", "--in", str(folder)]).exit_code == 0
    clients = Signer(listener.base).registration(f"{listener.base}/fhir")
    terminal = {"id": "terminal", "jwt": {"issuer": "https://ehr.example.com", "jwks-file": "jwks.json"}}
    clients["clients"].append(terminal)
    (folder / "clients.json").write_text(json.dumps(clients))
    service = start_shared_service(
        CRD_AUTH="cds-hooks-jwt",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL="{base}",
        CRD_ALLOW_PRIVATE_JWKS="1",
        CRD_ALLOW_PRIVATE_FHIR_SERVERS="1",
    )
    app = create_app(listener.base, service.base, read_catalogue(catalogue_file))
    listener.serve(app)
    yield RunningEhr(listener.base, app, service, folder / "private-key.json")
    listener.stop()


@pytest.fixture(name="ehr")
def _ehr_as_it_started(running_ehr: RunningEhr) -> RunningEhr:
    """The EHR with its settings as at the start."""
    desk = running_ehr.desk
    desk.version, desk.sends_prefetch, desk.fhir.state = "2.0", True, "normal"
    return running_ehr
