"""A real Prometheus with the shipped configuration reads a real service, and every panel of the dashboard answers."""

import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import ROOT, example
from tests.deployment.test_monitoring import ALERTS, FILES, QUERIES
from tests.free_ports import free_port
from tests.running_service import RunningService

PROMETHEUS = shutil.which("prometheus")
SIGN = "/cds-services/order-sign-crd"

#: What finds something once there are rates to tell; feedback that is sent again counts once.
SEEN = "sum(rate(crd_answers_total[5m])) > 0 and sum(rate(crd_feedback_total[5m])) >= 0"

#: Panels about what does not happen here: FHIR servers, tokens, rates, look-ups of members.
SILENT = (
    "Reads",
    "Duration of requests",
    "Tokens refused",
    "Fetches of clients",
    "Refused because",
    "Questions about",
    "Prefetch that is missing",
)


class Prometheus:
    """Prometheus on a free port; only the address of the service and the time between two looks are changed."""

    def __init__(self, folder: Path, target: str) -> None:
        self.base = f"http://127.0.0.1:{free_port()}"
        shipped = (ROOT / "deploy" / "compose" / "prometheus.yaml").read_text()
        assert "crd:9464" in shipped
        assert "15s" in shipped
        (folder / "prometheus.yaml").write_text(shipped.replace("crd:9464", target).replace("15s", "1s"))
        shutil.copy(FILES / "alerts.yaml", folder)
        command = [
            str(PROMETHEUS),
            f"--config.file={folder}/prometheus.yaml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={self.base.removeprefix('http://')}",
        ]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds; an error of the query is an AssertionError."""
        told = requests.get(f"{self.base}/api/v1/query", params={"query": query}, timeout=60).json()
        assert told["status"] == "success", told
        return told["data"]["result"]

    def has(self, query: str) -> bool:
        """Tell whether a query finds something, now that it may not have started yet."""
        try:
            return bool(self.ask(query))
        except requests.RequestException:
            return False


@pytest.fixture(scope="module", name="prometheus")
def _prometheus(
    start_service: Callable[..., RunningService], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """It has seen a service that answers calls, for long enough to tell rates."""
    if PROMETHEUS is None:
        pytest.skip("needs Prometheus (apt-get install prometheus)")
    port = str(free_port())
    service = start_service(CRD_METRICS_PORT=port, CRD_WORKERS="2")
    found = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{port}")
    try:
        call_until(service, lambda: found.has(SEEN))
        yield found
    finally:
        found.process.terminate()
        found.process.wait(timeout=60)


def call_until(service: RunningService, is_seen: Callable[[], bool]) -> None:
    """Have calls answered, and one of their cards overridden, until Prometheus has seen it."""
    ends = time.monotonic() + 90
    while not is_seen():
        assert time.monotonic() < ends
        body = {**example("m0076-order-sign"), "hookInstance": secrets.token_hex(16)}
        card = service.post(SIGN, body).json()["cards"][0]["uuid"]
        report = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}
        service.post(f"{SIGN}/feedback", {"feedback": [report]})
        time.sleep(0.3)


def test_every_panel_answers_and_shows_what_happened(prometheus: Prometheus) -> None:
    empty = [name for name, query in QUERIES.items() if not prometheus.ask(query)]

    assert [name for name in empty if not name.startswith(SILENT)] == []


def test_the_variable_of_the_dashboard_finds_the_service(prometheus: Prometheus) -> None:
    told = requests.get(f"{prometheus.base}/api/v1/label/job/values", params={"match[]": "crd_build_info"}, timeout=60)

    assert told.json()["data"] == ["crd-server"]


def test_the_alerts_are_loaded_and_none_fails_to_be_looked_at(prometheus: Prometheus) -> None:
    [group] = requests.get(f"{prometheus.base}/api/v1/rules", timeout=60).json()["data"]["groups"]

    assert {rule["name"] for rule in group["rules"] if rule["type"] == "alerting"} == {one["alert"] for one in ALERTS}
    assert {rule.get("lastError", "") for rule in group["rules"]} == {""}
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
