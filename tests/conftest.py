"""What the tests share: the shipped rules, a running service with a fixed day, and examples by name."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, settings

from cds_hooks.rules.loading import Rules, load_rules
from cds_hooks.settings import read_settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples at every run, on slow machines too; `make soak` looks for others.
settings.register_profile(
    "quick", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("quick")

#: The day that the examples are answered on.
TODAY = date(2026, 11, 23)


#: Fixtures behind which a process runs: a service, a FHIR server, a database, a server of keys, HL7's validator.
PROCESSES = frozenset(
    {"start_service", "fhir_server", "odd_server", "other_server", "postgresql", "valkey", "key_server"}
    | {"other_key_server", "validator"}
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start processes, which `make check` leaves out, and keep on one core what shares services."""
    for item in items:
        if isinstance(item, pytest.Function) and _starts_processes(item):
            item.add_marker("process")
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    """Return what a test runs together with: the tests of its file, or all that ask the one validator."""
    return "validator" if "validator" in item.path.parts else item.path.relative_to(ROOT).as_posix()


def _starts_processes(item: pytest.Function) -> bool:
    return not PROCESSES.isdisjoint(item.fixturenames) or hasattr(item.module, "subprocess")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Know whether the test that runs now may start a process."""
    _running.append(item)


_running: list[pytest.Item] = []


def _refuse_processes(event: str, _: object) -> None:
    if event == "subprocess.Popen" and _running and not _running[-1].get_closest_marker("process"):
        raise AssertionError(f"{_running[-1].nodeid} starts a process, but is not marked so (tests/conftest.py)")


sys.addaudithook(_refuse_processes)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own CRD_ variables do not change what the tests see."""
    for name in [name for name in os.environ if name.startswith("CRD_") and name != "CRD_SHARED"]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", name="rules")
def _rules() -> Rules:
    data = ROOT / "cards"
    return load_rules(data / "vocabulary", data / "policies", data / "payers")


class ServiceLog(type(Path())):  # type: ignore[misc]  # the class of paths of this system
    """The log of a service that runs: it is written a moment after the answers, so reading it waits until it rests."""

    def read_text(self, *how: Any, **more: Any) -> str:
        """Return what is in it once nothing is added for a twentieth of a second."""
        size = -1
        while size != (size := self.stat().st_size):
            time.sleep(0.05)
        return str(super().read_text(*how, **more))


class RunningService:
    """A service process of its own on a free port, its logs kept; `CRD_` variables as given.

    All tests call from one address, so calls are not limited unless a test asks for it.

    Its day is fixed, unless another `command` is to be run. Its logs go to a file unless `stderr` says where else.
    """

    def __init__(
        self, log: Path, command: list[str] | None = None, stderr: int | None = None, **variables: str
    ) -> None:
        self.log = ServiceLog(log)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CRD_")}
        own = {
            "CRD_PORT": str(port),
            "PYTHONPATH": str(ROOT),
            "CRD_RATE": "none",
            "CRD_DATABASE_URL": f"sqlite:///{log.parent}/crd.sqlite3",
        }
        environment |= own | variables
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command or [sys.executable, str(ROOT / "tests" / "fixed_day_service.py"), TODAY.isoformat()],
                env=environment,
                stdout=file,
                stderr=file if stderr is None else stderr,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _wait_until_ready(self) -> None:
        for _ in range(1200):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if requests.get(f"{self.base}/ready", timeout=2).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def post(self, path: str, body: bytes | dict[str, Any], **headers: str) -> requests.Response:
        """Send one hook call."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return requests.post(self.base + path, data=data, headers=headers, timeout=10, allow_redirects=False)

    def stop(self) -> int:
        """Stop it as an orchestrator does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=20)


@pytest.fixture(scope="session", name="start_service")
def _start_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningService]]:
    """Start services with settings of their own; all are stopped at the end."""
    started: list[RunningService] = []

    def start(command: list[str] | None = None, stderr: int | None = None, **variables: str) -> RunningService:
        started.append(RunningService(tmp_path_factory.mktemp("service") / "log", command, stderr, **variables))
        return started[-1]

    yield start
    for service in started:
        if service.process.poll() is None:
            service.stop()


@pytest.fixture(scope="session", name="service")
def _service(start_service: Callable[..., RunningService]) -> RunningService:
    """The service as it comes, with default settings."""
    return start_service()


def example(case: str, policy: str = "evicore-cmm-204") -> dict[str, Any]:
    """Return an example's request."""
    return json.loads((ROOT / "fhir_examples" / policy / case / "request.json").read_text())


@pytest.fixture(name="example")
def _example() -> Callable[..., dict[str, Any]]:
    return example


@pytest.fixture(name="lenient_settings")
def _lenient_settings() -> Any:
    return read_settings()
