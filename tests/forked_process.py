"""Services and commands forked from a process that has imported everything: a start costs less than a third of its own.

The process that is forked from imports them and builds the models of FHIR, and holds nothing else: settings, files and
databases are read after the fork. What is about the start itself runs a program instead (`tests/running_service.py`,
tests/cds_hooks/commands/test_main.py).
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from cds_hooks.commands.main import main
from tests import fixed_day_service

#: prctl(2): the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1

_FORKS = multiprocessing.get_context("forkserver")


class ForkedProcess:
    """What tests use of a `subprocess.Popen`, of a process that calls a function with an environment of its own."""

    def __init__(
        self, target: Callable[..., Any], *given: Any, environment: Mapping[str, str], output: Path, errors: Path
    ) -> None:
        _FORKS.set_forkserver_preload(["tests.forked_imports"])
        place = (dict(environment), os.getcwd(), (str(output), str(errors)))
        self._process = _FORKS.Process(target=_call, args=(*place, target, given))
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
            raise subprocess.TimeoutExpired("forked process", timeout or 0)
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


def _call(
    environment: Mapping[str, str], folder: str, files: tuple[str, str], target: Callable[..., Any], given: Any
) -> None:
    _end_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    multiprocessing.set_start_method("fork", force=True)  # as in a process of its own; granian looks at it
    for standard, name in enumerate(files, start=1):
        with open(name, "ab") as file:
            os.dup2(file.fileno(), standard)
    target(*given)


def _end_with_parent() -> None:
    """Be told to stop where the tests are killed, or one hangs.

    The process that is forked from ends with the last that holds this end of its pipe: the tests alone.
    """
    alive = forkserver._forkserver._forkserver_alive_fd  # type: ignore[attr-defined]  # the standard library's own
    os.close(alive)
    signal_when_parent_ends(signal.SIGTERM)


def signal_when_parent_ends(number: int) -> None:
    """Have Linux send this process, and what it becomes by `exec`, a signal when the process that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)


def serve() -> None:
    """Run the service of the tests, in a process of its own."""
    fixed_day_service.serve(f"{fixed_day_service.__name__}:app")


def run_crd(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command `crd` in this folder with these variables, or our own, to its end."""
    return run_forked(_run_command, arguments, environment=environment or os.environ)


def run_forked(
    target: Callable[..., Any], *given: Any, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Call a function in a process with these variables, and return what it says and how it ends."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = ForkedProcess(target, *given, environment=environment, output=output, errors=errors)
        try:
            code = process.wait(120)
        finally:
            process.kill()
        said = (file.read_bytes().decode() for file in (output, errors))
        return subprocess.CompletedProcess([target.__name__, *map(str, given)], code, *said)


def _run_command(arguments: tuple[str, ...]) -> None:
    sys.argv = ["crd", *arguments]
    main()
