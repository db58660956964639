"""A running service, which tests call over HTTP."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.forked_process import ForkedProcess, serve
from tests.free_ports import free_port

ROOT = Path(__file__).resolve().parent.parent

#: The day that the examples are answered on.
TODAY = date(2026, 11, 23)

#: What a service that cannot have its port says, and the seconds that a start may take.
_PORT_TAKEN, _PATIENCE = "Address already in use", 180


class ServiceLog(type(Path())):  # type: ignore[misc]  # the class of paths of this system
    """The log of a service that runs: it is written a moment after the answers, so reading it waits until it rests."""

    pid = 0

    def read_text(self, *how: Any, **more: Any) -> str:
        """Return what is in it once nothing is added for a twentieth of a second and the service has nothing to do.

        On a machine with other work a thread that is about to write may wait longer than that for its turn.
        """
        size, ends = -1, time.monotonic() + 30
        while size != (size := self.stat().st_size) or (_is_at_work(self.pid) and time.monotonic() < ends):
            time.sleep(0.05)
        return str(super().read_text(*how, **more))


def _is_at_work(pid: int) -> bool:
    """Tell whether a thread of a process, or of one it started, runs, waits for its turn or for a disk (proc(5))."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        states = {(task / "stat").read_text().rpartition(")")[2].split()[0] for task in tasks}
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended, or a thread has just now
        return Path(f"/proc/{pid}/task").exists()
    return not states.isdisjoint("RD") or any(map(_is_at_work, children))


class RunningService:
    """A service process of its own on a free port, its logs kept; `CRD_` variables as given.

    `{base}` in a variable is its own URL. All tests call from one address, so calls are not limited unless a test asks
    for it.

    Its day is fixed, unless another `command` is to be run. Its logs go to a file unless `stderr` says where else.
    """

    scheme = "http"

    def __init__(
        self, log: Path, command: list[str] | None = None, stderr: int | None = None, **variables: str
    ) -> None:
        self.log = ServiceLog(log)
        self._start(command, stderr, variables)
        if not self._is_ready() and _PORT_TAKEN in self.log.read_text():  # by another program, in this moment
            self._start(command, stderr, variables)
            self._is_ready()
        if self.process.poll() is not None:
            raise AssertionError(self.log.read_text())

    def _start(self, command: list[str] | None, stderr: int | None, variables: Mapping[str, str]) -> None:
        port = str(free_port())
        own = {
            "CRD_PORT": port,
            "PYTHONPATH": str(ROOT),
            "CRD_RATE": "none",
            "CRD_DATABASE_URL": f"sqlite:///{self.log.parent}/crd.sqlite3",
        }
        outside = {k: v for k, v in os.environ.items() if not k.startswith("CRD_")}
        self.base = f"{self.scheme}://127.0.0.1:{port}"
        given = {name: value.replace("{base}", self.base) for name, value in variables.items()}
        self.process = _start_process(outside | own | given, self.log, command, stderr)
        self.log.pid = self.process.pid

    def _is_ready(self) -> bool:
        """Wait until it answers, however slow the machine is; False once it has ended."""
        ends = time.monotonic() + _PATIENCE
        while self.process.poll() is None:
            if self._answers():
                return True
            if time.monotonic() > ends:
                self.process.kill()
                self.process.wait()
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.base}/ready", timeout=60).ok
        return False

    def post(self, path: str, body: bytes | dict[str, Any], **headers: str) -> requests.Response:
        """Send one hook call."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return requests.post(self.base + path, data=data, headers=headers, timeout=60, allow_redirects=False)

    def logs(self, *either: str) -> bool:
        """Wait until its log has one of some texts; a thread writes it, some time after the answer."""
        ends = time.monotonic() + 30
        while not (found := any(text in self.log.read_text() for text in either)) and time.monotonic() < ends:
            time.sleep(0.05)
        return found

    def logged(self, answer: requests.Response) -> dict[str, Any]:
        """Return the log record of a call, which is found by the request id of its answer, once it is written."""
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            for line in self.log.read_text().splitlines():
                if '"event":"call"' in line and (record := json.loads(line))["id"] == answer.headers["X-Request-ID"]:
                    return dict(record)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        """Stop it as an orchestrator does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=60)


def _start_process(
    environment: Mapping[str, str], log: Path, command: list[str] | None, stderr: int | None
) -> subprocess.Popen[bytes] | ForkedProcess:
    """Fork the service where only its settings differ; run a command where its start or its output is asked about."""
    log.write_bytes(b"")
    if command is None and stderr is None:
        environment = {**environment, "TEST_DAY": TODAY.isoformat()}
        return ForkedProcess(serve, environment=environment, output=log, errors=log)
    with log.open("wb") as file:
        return subprocess.Popen(
            command or [sys.executable, str(ROOT / "tests" / "fixed_day_service.py"), TODAY.isoformat()],
            env=environment,
            stdout=file,
            stderr=file if stderr is None else stderr,
        )


@contextlib.contextmanager
def running_services(folders: pytest.TempPathFactory) -> Iterator[Callable[..., RunningService]]:
    """Yield what starts services with settings of their own; all are stopped at the end."""
    started: list[RunningService] = []

    def start(command: list[str] | None = None, stderr: int | None = None, **variables: str) -> RunningService:
        started.append(RunningService(folders.mktemp("service") / "log", command, stderr, **variables))
        return started[-1]

    yield start
    for service in started:
        service.process.terminate()
    for service in started:
        service.process.wait(timeout=60)
