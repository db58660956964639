"""The load: wrk posts one body again and again over a number of connections, and says what came of it."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import requests

from benchmarks.processes import memory, processor_seconds
from benchmarks.services import Service

#: wrk's script: the request, a token for each call where there is a file of them, and the figures as JSON at the end.
SCRIPT: Final = """
local body, kind, tokens, wait, varies = %(body)s, %(kind)s, %(tokens)s, %(wait)s, %(varies)s
wrk.method = body and "POST" or "GET"
if kind then wrk.headers["Content-Type"] = kind end
if body then
  local file = assert(io.open(body, "rb"))
  wrk.body = file:read("*a")
  file:close()
end
if tokens then
  local lines, following = {}, 0
  for line in io.lines(tokens) do lines[#lines + 1] = line end
  request = function()
    following = following + 1
    wrk.headers["Authorization"] = "Bearer " .. (lines[following] or "used-up")
    return wrk.format()
  end
end
if wait then
  delay = function()
    local now = varies and -wait * math.log(1 - math.random()) or wait
    return math.floor(now + math.random())
  end
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"calls":%%d,"seconds":%%f,"p50":%%f,"p95":%%f,"p99":%%f,"worst":%%f,"failed":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
"""

#: The headers of a call.
JSON: Final = {"Content-Type": "application/json"}

#: What still runs of a call when its answer has left, such as writing its log record, has this many seconds to end.
_SETTLE: Final = 0.1


class LoadError(Exception):
    """The load could not be run, or calls were not answered with 2xx."""


class Measured(NamedTuple):
    """What one round showed: times in milliseconds, processor time in microseconds a call by process, memory in MB."""

    calls: int
    seconds: float
    p50: float
    p95: float
    p99: float
    worst: float
    processor: Mapping[str, float]
    peak: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.calls / self.seconds

    @property
    def cost(self) -> float:
        """Processor time of all processes, in microseconds a call."""
        return sum(self.processor.values())


class Call(NamedTuple):
    """What is posted where: a path, a body, and a file of tokens (one a line) of which each is used once.

    Before each call a connection waits so many milliseconds; or, where that varies, so many on average (exponentially),
    so that connections do not call at the same moment again and again.
    """

    path: str
    body: bytes
    tokens: Path | None = None
    wait: float = 0.0
    varies: bool = False


def check_wrk() -> None:
    """Raise LoadError where wrk is not installed."""
    if not shutil.which("wrk"):
        raise LoadError("needs wrk (apt-get install wrk)")


def measure(service: Service, call: Call, connections: int, seconds: int) -> Measured:
    """Load a service for whole seconds (wrk knows no parts) and return what it did; LoadError where any call failed."""
    before = {process: processor_seconds(process) for process in service.processes()}
    result = _run(service, call, connections, seconds)
    time.sleep(_SETTLE)
    used: dict[str, float] = {}
    for process, name in service.processes().items():
        spent = processor_seconds(process) - before.get(process, 0.0)
        used[name] = used.get(name, 0.0) + spent / result["calls"] * 1e6
    peak = max(memory(process) for process in service.workers())
    times = {name: result[name] for name in ("seconds", "p50", "p95", "p99", "worst")}
    return Measured(calls=int(result["calls"]), processor=used, peak=peak, **times)


def is_answered(service: Service, call: Call) -> bool:
    """Tell whether a service answers a call with 2xx."""
    answer = requests.post(service.base + call.path, data=call.body, headers=JSON, timeout=60)
    return answer.ok


def _run(service: Service, call: Call, connections: int, seconds: int) -> dict[str, float]:
    script = service.folder / "load.lua"
    (service.folder / "body.json").write_bytes(call.body)
    body, tokens = f"{service.folder}/body.json", str(call.tokens or "")
    facts = {"body": body, "kind": "application/json", "tokens": tokens, "wait": call.wait, "varies": call.varies}
    script.write_text(SCRIPT % {name: json.dumps(value) if value else "nil" for name, value in facts.items()})
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), service.base + call.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        raise LoadError(f"{service.name}: wrk said\n{done.stdout}{done.stderr}")
    result: dict[str, float] = json.loads(found[0].removeprefix("RESULT "))
    if call.tokens and result["calls"] >= len(call.tokens.read_bytes().splitlines()):
        raise LoadError(f"{service.name}: all tokens were used up; run it again on a quieter machine")
    if result["failed"] or not result["calls"]:
        raise LoadError(f"{service.name}: {result['failed']} of {result['calls']} calls failed\n{service.log_end()}")
    return result
