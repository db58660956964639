"""Services that are measured: each a process of its own with its workers, on a free loopback port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

import requests

from benchmarks.processes import family, is_helper, stop

ROOT: Final = Path(__file__).resolve().parent.parent

#: `crd serve`, of whichever checkout is first on the path.
_OURS: Final = ("-c", "from cds_hooks.commands.main import main; main()", "serve")

#: The echo under the same server, with the same settings.
_ECHO: Final = ("-m", "benchmarks.echo_app")

#: A service has this many seconds to start.
_PATIENCE: Final = 120


class Plan(NamedTuple):
    """What to start: the echo or this service, its `CRD_` variables, and the checkout whose code it runs."""

    name: str
    variables: Mapping[str, str] = MappingProxyType({})
    is_echo: bool = False
    checkout: Path = ROOT
    command: tuple[str, ...] = ()
    others: tuple[int, ...] = ()


class Service:
    """A running service. `others` are processes beside its own whose time counts as its, such as a database's."""

    def __init__(self, plan: Plan, folder: Path, workers: int) -> None:
        self.name, self.folder, self._others = plan.name, folder, plan.others
        folder.mkdir()
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        command = plan.command or (sys.executable, *(_ECHO if plan.is_echo else _OURS))
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [part.format(port=port, workers=workers) for part in command],
                env=_environment(plan, folder, port, workers),
                cwd=folder,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until it answers; RuntimeError with the end of its log if it does not."""
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                requests.get(f"{self.base}/ready", timeout=2)
            except requests.RequestException:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"{self.name} did not start\n{self.log_end()}")

    def processes(self) -> dict[int, str]:
        """Return its processes by number, each with what it is; those of equal work have one name."""
        main, *children = family(self._process.pid)
        named = {main: "main", **{child: "helper" if is_helper(child) else "" for child in children}}
        workers = [process for process, name in named.items() if not name]
        named |= {process: f"worker {number}" for number, process in enumerate(workers, 1)}
        return named | {process: "database" for root in self._others for process in family(root)}

    def workers(self) -> list[int]:
        """Return the processes that answer calls."""
        return [process for process, name in self.processes().items() if name.startswith("worker")]

    def log_end(self) -> str:
        """Return the end of what it wrote to standard output and standard error."""
        return (self.folder / "log").read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """End it and its workers."""
        stop(self._process)


@contextmanager
def running(plans: list[Plan], folder: Path, workers: int = 2) -> Iterator[list[Service]]:
    """Start services at once, wait until all answer, and stop them in the end."""
    with ExitStack() as stack:
        services = []
        for number, plan in enumerate(plans):
            services.append(Service(plan, folder / f"{number}-{plan.name}", workers))
            stack.callback(services[-1].stop)
        for service in services:
            service.wait()
        yield services


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(plan: Plan, folder: Path, port: int, workers: int) -> dict[str, str]:
    """Return the environment: no `CRD_` variable from outside, no limit of calls, a database of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRD_")}
    own = {"CRD_PORT": str(port), "CRD_WORKERS": str(workers), "CRD_RATE": "none"}
    own["CRD_DATABASE_URL"] = f"sqlite:///{folder}/crd.sqlite3"
    own["PYTHONPATH"] = f"{plan.checkout}{os.pathsep}{ROOT}"
    variables = dict(plan.variables)
    if variables.get("CRD_METRICS_PORT") == "free":
        variables["CRD_METRICS_PORT"] = str(free_port())
    return {**clean, **own, **variables}
