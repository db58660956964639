"""A service process forked from one that has imported everything: its start costs a fifth of what it costs alone.

The process that is forked from imports the service and builds the models of FHIR, and holds nothing else: settings,
files and databases are read after the fork, as `crd serve` reads them. Whatever is about the start itself runs a
command instead (`tests/running_service.py`).
"""

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests import fixed_day_service

_FORKS = multiprocessing.get_context("forkserver")


class ServiceProcess:
    """What tests use of a `subprocess.Popen`, of a service that runs with an environment and writes to a log."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        _FORKS.set_forkserver_preload(["tests.service_imports"])
        self._process = _FORKS.Process(target=_serve, args=(dict(environment), str(log)))
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code once it has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("service", timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _serve(environment: Mapping[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    multiprocessing.set_start_method("fork", force=True)  # as in a process of its own; granian looks at it
    with open(log, "ab") as file:
        for standard in (1, 2):
            os.dup2(file.fileno(), standard)
    fixed_day_service.serve(f"{fixed_day_service.__name__}:app")
