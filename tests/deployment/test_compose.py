"""compose.yaml, as far as it can be tried without a Docker daemon: its schema, settings, mounts and configurations."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from cds_hooks.auth.registration_file import ClientFile
from cds_hooks.commands.main import COMMANDS
from cds_hooks.hooks.services import SERVICE_IDS
from cds_hooks.settings import PREFIX, Settings, read_settings
from cds_hooks.store.encryption import read_keys
from tests.conftest import ROOT
from tests.deployment.test_monitoring import PROMTOOL, needs_promtool
from tests.documents.snippets import read
from tests.service.test_deployment import documented

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
PARTS = ROOT / "deploy" / "compose"
SCHEMA = ROOT / "tests" / "deployment" / "node_modules" / "dclint" / "schemas" / "compose.schema.json"


@pytest.fixture(scope="module", name="prepared")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the documented commands were run."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("compose")
    (folder / "deploy").mkdir()
    [block] = [one for one in read(ROOT / "docs" / "deployment.md") if "compose" in one.said]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["bash", "-euc", block.text], cwd=folder, check=True, capture_output=True, env={"PATH": path})
    return folder


def mounts(name: str) -> list[tuple[Path, str, bool]]:
    """Return what a service mounts of the checkout: where from, where to, and whether it may write there."""
    split = [one.split(":") for one in SERVICES[name].get("volumes", []) if one.startswith("./")]
    return [(Path(parts[0]), parts[1], parts[2:] != ["ro"]) for parts in split]


def test_the_file_is_valid_by_the_compose_specification() -> None:
    if not SCHEMA.is_file():
        pytest.skip("needs the schema of the Compose Specification (scripts/node-modules)")
    schema = Draft7Validator(json.loads(SCHEMA.read_text()))

    assert [error.message for error in schema.iter_errors(COMPOSE)] == []
    assert not schema.is_valid({**COMPOSE, "services": {"crd": {"imag": "crd-server"}}})


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_do_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service.get("user") != "root"
    assert not [place for place in mounts(name) if place[2]]
    assert re.fullmatch(r"crd-server|[\w/-]+:v?\d[\w.-]*", service["image"])  # a version, not the latest


def test_only_nginx_is_reached_from_outside() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert published.pop("nginx") == ["443:443"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert COMPOSE["networks"]["back"]["internal"] is True
    assert [name for name in ("postgresql", "valkey", "migrate") if list(SERVICES[name]["networks"]) != ["back"]] == []


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_in_the_repository_or_made_by_the_documented_commands(name: str, prepared: Path) -> None:
    for source, _, _ in mounts(name):
        root = prepared if "secrets" in source.parts else ROOT
        assert (root / source).exists(), source


def variables_of(prepared: Path) -> dict[str, str]:
    """Return the service's variables as compose would fill them in, with the mounted files where they are here."""
    told = dict(line.split("=", 1) for line in (prepared / ".env").read_text().split())
    found = {}
    for variable, value in SERVICES["crd"]["environment"].items():
        filled = re.sub(r"\$\{(\w+)(?::-(\w*))?[^}]*\}", lambda m: told.get(m[1], m[2]) or "", value)
        for source, target, _ in mounts("crd"):
            if filled.startswith(target):
                filled = str(prepared / source) + filled.removeprefix(target)
        found[variable] = filled
    return found


def test_the_settings_are_ones_that_the_service_starts_with(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = variables_of(prepared)
    assert {name.removeprefix(PREFIX).lower() for name in variables} <= set(Settings.model_fields)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    settings = read_settings()

    assert re.fullmatch(r"postgresql\+psycopg://crd:[0-9a-f]{48}@postgresql/crd", settings.database_url)
    assert not settings.may_migrate
    assert settings.clients is not None
    assert settings.audit_keys is not None
    assert len(ClientFile(settings.clients, SERVICE_IDS).current().clients) == 1
    assert len(read_keys(settings.audit_keys)) == 1


def test_secrets_are_closed_to_others_of_the_machine_and_open_to_containers(prepared: Path) -> None:
    """Files mounted into a container are read by its own user; the folder keeps everybody else out."""
    secrets = prepared / "deploy" / "secrets"

    assert secrets.stat().st_mode & 0o077 == 0
    for source, _, _ in mounts("crd") + mounts("nginx"):
        for path in [prepared / source, *(prepared / source).rglob("*")]:
            if "secrets" in path.parts and path.is_file():
                assert path.stat().st_mode & 0o004, path
    assert (secrets / "private-key.json").stat().st_mode & 0o077 == 0
    ssl.create_default_context().load_cert_chain(secrets / "tls" / "fullchain.pem", secrets / "tls" / "key.pem")


def test_nginx_has_the_documented_file_and_is_the_one_proxy_that_is_believed() -> None:
    """tests/service/test_deployment.py runs that file in front of the service."""
    shipped = (PARTS / "nginx" / "crd.conf").read_text().splitlines()[1:]
    expected = documented().replace("server 127.0.0.1:8000;", "server crd:8000;").splitlines()[1:]
    networks = SERVICES["nginx"]["networks"]

    assert shipped == expected
    assert SERVICES["crd"]["environment"]["CRD_TRUSTED_PROXIES"] == networks["front"]["ipv4_address"]
    certificates = {target: source for source, target, _ in mounts("nginx")}
    assert "/etc/ssl/crd" in certificates


def test_the_tables_are_made_before_the_service_starts() -> None:
    command = SERVICES["migrate"]["command"]

    assert command[:3] == ["crd", "store", "migrate"]
    assert "store" in COMMANDS
    assert SERVICES["crd"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"]["postgresql"] == {"condition": "service_healthy"}


@needs_promtool
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """Where its command, its mounts and its file say the rules are, and from where the service serves metrics."""
    for source, target, _ in mounts("prometheus"):
        shutil.copy(ROOT / source, tmp_path / Path(target).name)
    done = subprocess.run(
        [str(PROMTOOL), "check", "config", "prometheus.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "16 rules found" in done.stdout
    environment = SERVICES["crd"]["environment"]
    [scrape] = yaml.safe_load((PARTS / "prometheus.yaml").read_text())["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"crd:{environment['CRD_METRICS_PORT']}"]}]
    assert f"--config.file={mounts('prometheus')[0][1]}" in SERVICES["prometheus"]["command"]


def test_grafana_finds_its_data_and_the_dashboard() -> None:
    [source] = yaml.safe_load((PARTS / "grafana/datasources/prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((PARTS / "grafana/dashboards/crd.yaml").read_text())["providers"]
    targets = [target for _, target, _ in mounts("grafana")]

    assert source["url"] == "http://prometheus:9090"
    assert f"{provider['options']['path']}/crd-server.json" in targets
    assert "/etc/grafana/provisioning" in targets
