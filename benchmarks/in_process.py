"""Settings and checkouts side by side, without a server: `python -m benchmarks.in_process bare shipped shipped@../old`.

Words are those of `benchmarks.pairs`, but for the echo. Each is a process of its own that calls the application in a
number of threads, and all take turns every hundred calls: neighbours in time meet the same machine, so the median of
their ratios tells a difference of two per cent where rounds of seconds do not tell ten. What a server and its
connections cost is not in it.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.bodies import SIGN, sign
from benchmarks.services import ROOT, Plan, free_port
from benchmarks.variants import read_plan

#: Calls before the first that counts.
_WARM_UP: Final = 200


class Caller:
    """A process that calls the application as often as it is told."""

    def __init__(self, plan: Plan, folder: Path, threads: int) -> None:
        self.name = plan.name
        self.costs: list[float] = []
        folder.mkdir()
        own = {"CRD_DATABASE_URL": f"sqlite:///{folder}/crd.sqlite3", "CRD_RATE": "none", "CRD_PORT": str(free_port())}
        if "CRD_METRICS_PORT" in plan.variables:
            own["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        settings = {name: value for name, value in plan.variables.items() if name != "CRD_METRICS_PORT"}
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, "--serve", str(threads)],
                env={**os.environ, **own, **settings, "PYTHONPATH": f"{plan.checkout}{os.pathsep}{ROOT}"},
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def call(self, times: int) -> float:
        """Let it call so many times; return the processor time of its threads in microseconds a call."""
        assert self._process.stdin  # noqa: S101 - for the type
        assert self._process.stdout  # noqa: S101 - for the type
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def end(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> int:
    """Compare, or be one of those that are compared."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("plans", nargs="*", default=["bare", "shipped"], type=read_plan, metavar="SERVICE")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--calls", type=int, default=100, help="of one turn")
    options.add_argument("--turns", type=int, default=40)
    options.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        _serve(chosen.serve)
    else:
        with tempfile.TemporaryDirectory() as folder:
            plans = enumerate(chosen.plans)
            callers = [Caller(plan, Path(folder) / f"{number}", chosen.threads) for number, plan in plans]
            _take_turns(callers, chosen.turns, chosen.calls)
    return 0


def _take_turns(callers: list[Caller], turns: int, calls: int) -> None:
    for caller in callers:
        caller.call(_WARM_UP)
    for turn in range(turns):
        for caller in callers[:: 1 if turn % 2 else -1]:
            caller.costs.append(caller.call(calls))
    first = callers[0].costs
    for caller in callers:
        ratio = median(one / other for one, other in zip(caller.costs, first, strict=True))
        print(f"{caller.name:32} {min(caller.costs):7.0f} µs at least {median(caller.costs):7.0f} µs ({ratio:5.3f})")
        caller.end()


def _serve(threads: int) -> None:
    """Call the application as often as each line of standard input says, and write what a call cost."""
    from cds_hooks.app import create_served_app  # of the checkout that comes first

    application, body = create_served_app().wsgi_app, sign()
    for line in sys.stdin:
        each, started = int(line) // threads, time.process_time()
        calling = [threading.Thread(target=_call, args=(application, body, each)) for _ in range(threads)]
        for thread in calling:
            thread.start()
        for thread in calling:
            thread.join()
        print((time.process_time() - started) / (each * threads) * 1e6, flush=True)


def _call(application: Any, body: bytes, times: int) -> None:
    for _ in range(times):
        statuses: list[str] = []
        environ = {**_REQUEST, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        b"".join(application(environ, lambda status, _headers, said=statuses: said.append(status)))
        if not statuses[0].startswith("200"):
            raise SystemExit(f"answered {statuses[0]}")


_REQUEST: Final[Mapping[str, str]] = {
    "REQUEST_METHOD": "POST",
    "PATH_INFO": SIGN,
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "CONTENT_TYPE": "application/json",
    "REMOTE_ADDR": "127.0.0.1",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
}


if __name__ == "__main__":
    sys.exit(main())
