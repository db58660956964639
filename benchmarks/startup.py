"""How long a start takes: of the service, until it answers a hook call, and of the command, until it shows its help."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.bodies import SIGN, sign
from benchmarks.services import Plan, Service


def first_answer(plan: Plan, folder: Path, times: int) -> float:
    """Return the median of the seconds from the start of a service with two workers to its first answer."""
    return median(_start(plan, folder / f"start-{number}") for number in range(times))


def _start(plan: Plan, folder: Path) -> float:
    body, began = sign(), time.perf_counter()
    service = Service(plan, folder, workers=2)
    try:
        while not _answers(service.base, body):
            time.sleep(0.005)
            if time.perf_counter() - began > 60:
                raise RuntimeError(service.log_end())
        return time.perf_counter() - began
    finally:
        service.stop()


def _answers(base: str, body: bytes) -> bool:
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", SIGN, body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def show_help(checkout: Path, times: int) -> float:
    """Return the median of the seconds that `crd --help` takes."""
    command = [str(Path(sys.executable).parent / "crd"), "--help"]
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return median(taken)
