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
from tests.members import PLANS, ROOT, load_authorizations, load_members
from tests.running_service import RunningService

DEMO = ROOT / "examples" / "demo_ehr"


@pytest.fixture(scope="session", name="catalogue_file")
def _catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The codes of the policies, as the command writes them for other systems."""
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.json"
    done = CliRunner().invoke(main, ["export", "fhir", "--out", str(path), "--on", "2026-11-23"])
    assert done.exit_code == 0, done.output
    return path


#: Starts a demo EHR and its service, which gets some variables.
StartEhr = Callable[..., RunningEhr]


@pytest.fixture(scope="session", name="start_ehr")
def _start_ehr(
    start_shared_service: Callable[..., RunningService], catalogue_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartEhr]:
    listeners: list[Listener] = []

    def start(**variables: str) -> RunningEhr:
        listeners.append(Listener())
        return _run(listeners[-1], start_shared_service, catalogue_file, tmp_path_factory.mktemp("clients"), variables)

    yield start
    for listener in listeners:
        listener.stop()


def _run(
    listener: Listener,
    start_service: Callable[..., RunningService],
    catalogue_file: Path,
    folder: Path,
    variables: dict[str, str],
) -> RunningEhr:
    assert CliRunner().invoke(main, ["jwks", "new", "--in", str(folder)]).exit_code == 0
    clients = Signer(listener.base).registration(f"{listener.base}/fhir")
    terminal = {"id": "terminal", "jwt": {"issuer": "https://ehr.example.com", "jwks-file": "jwks.json"}}
    clients["clients"].append(terminal)
    (folder / "clients.json").write_text(json.dumps(clients))
    service = start_service(
        CRD_AUTH="cds-hooks-jwt",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL="{base}",
        CRD_ALLOW_PRIVATE_JWKS="1",
        CRD_ALLOW_PRIVATE_FHIR_SERVERS="1",
        **variables,
    )
    app = create_app(listener.base, service.base, read_catalogue(catalogue_file))
    listener.serve(app)
    return RunningEhr(listener.base, app, service, folder / "private-key.json")


@pytest.fixture(scope="session", name="running_ehr")
def _running_ehr(start_ehr: StartEhr) -> RunningEhr:
    return start_ehr()


@pytest.fixture(scope="session", name="ehr_with_members")
def _ehr_with_members(start_ehr: StartEhr, tmp_path_factory: pytest.TempPathFactory) -> RunningEhr:
    """One whose service knows the members and the authorizations of the demonstration, as `make demo` loads them."""
    database = f"sqlite:///{tmp_path_factory.mktemp('members')}/crd.sqlite3"
    load_members(database, DEMO / "members.csv", PLANS | {"example-blue-plan"})
    load_authorizations(database, DEMO / "authorizations.csv")
    return start_ehr(CRD_MEMBERS="database", CRD_DATABASE_URL=database)


@pytest.fixture(name="ehr")
def _ehr_as_it_started(running_ehr: RunningEhr) -> RunningEhr:
    """The EHR with its settings as at the start."""
    desk = running_ehr.desk
    desk.version, desk.sends_prefetch, desk.fhir.state = "2.0", True, "normal"
    return running_ehr
