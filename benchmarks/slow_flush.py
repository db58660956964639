"""One flush to disk that takes a second, in the middle of recorded calls: whom does it delay?

Callers sign orders, one call after the other; another asks what services there are, which nothing is recorded of. A
flush of the service is then slowed down from outside (slow_flush.c). Each caller may have one call that waits for it.
"""

import http.client
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.bodies import SIGN, sign
from benchmarks.services import Plan, running

CALLERS: Final = 8

#: The slow flush, in seconds, and what of it a call must have waited for to count as late.
_FLUSH: Final = 1.0
_LATE: Final = 0.5

#: Seconds of calls before it and after.
_BEFORE: Final = 0.7
_AFTER: Final = 2.0


class Delays(NamedTuple):
    """What a slow flush did: calls that waited for it, those answered meanwhile, and the worst times in ms."""

    late: int
    meanwhile: int
    worst: float
    worst_unrecorded: float


def measure_delays(plan: Plan, folder: Path) -> Delays | None:
    """Return whom a slow flush delayed; None where there is no C compiler to make a flush slow with."""
    compiler = shutil.which("cc")
    if not compiler:
        print(
            "bench: needs cc (apt-get install gcc libc6-dev) to make a flush slow, so it is left out", file=sys.stderr
        )
        return None
    library, trigger = folder / "slow_flush.so", folder / "slow-flush"
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    slow = {"LD_PRELOAD": str(library), "SLOW_FLUSH_FILE": str(trigger), "SLOW_FLUSH_MS": f"{_FLUSH * 1000:.0f}"}
    with running([plan._replace(name="slow-flush", variables={**plan.variables, **slow})], folder) as [service]:
        return _provoke(service.base, trigger)


def _provoke(base: str, trigger: Path) -> Delays:
    ends = time.perf_counter() + _BEFORE + _FLUSH + _AFTER
    signed: list[tuple[float, float]] = []
    listed: list[tuple[float, float]] = []
    callers = [threading.Thread(target=_call, args=(base, "POST", SIGN, signed, ends)) for _ in range(CALLERS)]
    callers.append(threading.Thread(target=_call, args=(base, "GET", "/cds-services", listed, ends)))
    for caller in callers:
        caller.start()
    time.sleep(_BEFORE)
    trigger.touch()
    asked = time.perf_counter()
    for caller in callers:
        caller.join()
    if trigger.exists():
        raise RuntimeError("the service flushed nothing while it recorded calls")
    took = [end - start for start, end in signed]
    meanwhile = sum(asked + 0.1 < start and end < asked + _FLUSH - 0.1 for start, end in signed)
    worst_unrecorded = max(end - start for start, end in listed if start > asked - 0.1)
    return Delays(sum(one > _LATE for one in took), meanwhile, max(took) * 1000, worst_unrecorded * 1000)


def _call(base: str, method: str, path: str, taken: list[tuple[float, float]], ends: float) -> None:
    """Call again and again, and note when each call began and ended."""
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=30)
    body, headers = (sign(), {"Content-Type": "application/json"}) if method == "POST" else (None, {})
    while (began := time.perf_counter()) < ends:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered {answer.status}")
        taken.append((began, time.perf_counter()))
    connection.close()
