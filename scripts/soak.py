"""`make soak`: asks one running service for hours' worth of what no client should ask, and watches it.

At least --requests requests over every route and method, from several processes: changed examples of all hooks and
versions, broken texts, odd HTTP, a FHIR server that misbehaves, and a share made by Schemathesis from the service's own
OpenAPI document. What must be true of every answer is in tests/robustness/properties.py. Exit code 1 where anything is
not: a 5xx, a leak into an error or the log, a hang, an answer unlike the document, or memory that grows. The seed is
printed; the same seed and options send the same requests (but Schemathesis' share may differ with its version).
"""

import argparse
import contextlib
import multiprocessing
import os
import queue
import random
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for `tests`, which is no installed package

import requests  # noqa: E402 (after the path)

from tests.fhir.servers import start_odd_server  # noqa: E402
from tests.robustness.calls import make_large_request, make_request  # noqa: E402
from tests.robustness.documented import ask_as_documented  # noqa: E402
from tests.robustness.properties import Properties, leaks_of_log  # noqa: E402
from tests.robustness.wire import Client, Request, Response  # noqa: E402

#: Memory is flat if the workers together grow by no more than this over the second half: a part, or MiB where that is
#: more. In the first half the allocators reach their size, which in each worker depends on which of the largest bodies
#: it happened to read side by side. To keep 0.8 KiB of each request would be seen.
GROWTH = 0.05
GROWTH_MIB = 10.0

#: Each process keeps as many failing requests, and ends after so many in a row that had no answer.
MOST_KEPT = 50
MOST_UNANSWERED = 20


class Report(NamedTuple):
    """What a client process tells of some requests: statuses, seconds, and faults by their kind."""

    statuses: Counter[int]
    seconds: list[float]
    faults: Counter[str]
    is_last: bool = False


class Clients:
    """What every client process needs to know."""

    def __init__(self, chosen: argparse.Namespace, base: str, fhir: str, folder: Path) -> None:
        self.chosen, self.base, self.fhir, self.folder = chosen, base, fhir, folder
        self.reports: Any = multiprocessing.get_context("fork").Queue()
        self.ends = time.monotonic() + chosen.seconds
        self._kept = 0

    def run(self, number: int) -> None:
        """Send the share of one process; the first one's are Schemathesis'."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        statuses, seconds, faults = Counter[int](), list[float](), Counter[str]()
        for request, response, found in self._exchanges(number):
            statuses[response.status] += 1
            seconds.append(response.seconds)
            for fault in found:
                faults[fault] += 1
                self._keep(f"{number}-{sum(faults.values())}", request, response, found)
            if len(seconds) == 200:
                self.reports.put(Report(statuses, seconds, faults))
                statuses, seconds = Counter(), []
                faults = Counter()
        self.reports.put(Report(statuses, seconds, faults, is_last=True))

    def _exchanges(self, number: int) -> Iterator[tuple[Request | str, Response, list[str]]]:
        seed, share = f"{self.chosen.seed}/{number}", self.share_of(number)
        properties = Properties(requests.get(f"{self.base}/openapi.json", timeout=10).json())
        if number == 0:
            yield from ask_as_documented(self.base, share, self.chosen.seed, properties)
            return
        unanswered = 0
        draw, client, sent = random.Random(seed), Client(self.base), 0  # noqa: S311 (bad requests, not secrets)
        while sent < share or time.monotonic() < self.ends:
            request = make_request(draw, self.fhir) if sent >= share / 50 else make_large_request(draw)
            response = client.send(request)
            sent += 1
            unanswered = unanswered + 1 if request.is_http and response.status == 0 else 0
            if unanswered == MOST_UNANSWERED:
                return
            yield request, response, properties.faults(request, response)

    def share_of(self, number: int) -> int:
        """Return how many requests a process sends at the least."""
        documented = self.chosen.requests // 50
        if number == 0:
            return documented
        return -(-(self.chosen.requests - documented) // self.chosen.clients)

    def _keep(self, name: str, request: Request | str, response: Response, faults: list[str]) -> None:
        if self._kept == MOST_KEPT:
            return
        self._kept += 1
        name = f"{os.getpid()}-{name}"
        sent = request.to_bytes() if isinstance(request, Request) else request.encode()
        (self.folder / f"{name}.request").write_bytes(sent)
        told = f"{response.status} {response.seconds:.3f} s\n{dict(response.headers)}\n".encode()
        (self.folder / f"{name}.faults").write_bytes(
            "\n".join(faults).encode() + b"\n\n" + told + response.body[:20_000]
        )


class Service:
    """`crd serve` on a free port, with two workers and everything else as it comes."""

    def __init__(self, folder: Path, fhir: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.log = folder / "service.log"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("CRD_")}
        ours |= {"CRD_PORT": str(port), "CRD_WORKERS": "2", "CRD_LOG_LEVEL": "debug", "CRD_RATE": "none"}
        ours |= {"CRD_FHIR_SERVERS": fhir, "CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1", "CRD_FHIR_TIME_BUDGET": "1"}
        with self.log.open("wb") as log:
            command = [str(Path(sys.executable).parent / "crd"), "serve"]
            self.process = subprocess.Popen(command, env=ours, stdout=log, stderr=log, cwd=folder)
        for _ in range(600):
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.base}/ready", timeout=5).ok:
                    break
            time.sleep(0.1)
        time.sleep(2)  # the second worker
        self.workers = self.find_workers()

    def find_workers(self) -> list[int]:
        """Return the ids of the processes that answer: those below the first that hold much."""
        held = [pid for pid in _children(self.process.pid) if _resident_mib(pid) > 30]
        return sorted(held)

    def memory(self) -> list[float]:
        """Return the resident memory of each worker, in MiB."""
        return [_resident_mib(pid) for pid in self.workers]

    def stop(self) -> int:
        """Stop it as an orchestrator does, and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)


def _children(parent: int) -> Iterator[int]:
    for listed in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, listed.read_text().split()):
            yield child
            yield from _children(child)


def _resident_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    except OSError:
        return 0.0


class Tally:
    """What all clients told so far, and the memory of the workers on the way."""

    def __init__(self, service: Service, chosen: argparse.Namespace) -> None:
        self._service, self._chosen, self._started = service, chosen, time.monotonic()
        self.statuses, self.seconds, self.faults = Counter[int](), list[float](), Counter[str]()
        self.memory = {"start": service.memory()}

    def add(self, report: Report) -> None:
        """Add a report, and look at the memory at a quarter, at half and at three quarters."""
        self.statuses += report.statuses
        self.seconds += report.seconds
        self.faults += report.faults
        for percent in (25, 50, 75):
            if f"{percent} %" not in self.memory and self._progress() * 100 >= percent:
                self.memory[f"{percent} %"] = self._service.memory()

    def _progress(self) -> float:
        passed = (time.monotonic() - self._started) / (self._chosen.seconds or 1e-9)
        return min(len(self.seconds) / self._chosen.requests, passed)

    def end(self) -> None:
        """Look at the service once more: its memory, its workers, its log, and whether it stops as it should."""
        self.memory["100 %"] = self._service.memory()
        if self._service.find_workers() != self._service.workers:
            self.faults["a worker ended and was replaced"] += 1
        if self._service.stop() != 0:
            self.faults["did not stop cleanly"] += 1
        for line in leaks_of_log(self._service.log.read_text(errors="replace")):
            self.faults[f"log: {line[:300]}"] += 1
        if not self.is_flat:
            self.faults["memory grows"] += 1

    @property
    def is_flat(self) -> bool:
        """Whether the workers grew by no more than is allowed over the second half of the run."""
        before, after = sum(self.memory.get("50 %", self.memory["start"])), sum(self.memory["100 %"])
        return after - before <= max(before * GROWTH, GROWTH_MIB)

    def count(self, kind: str) -> int:
        """Return how many faults there were of a kind."""
        return sum(number for fault, number in self.faults.items() if fault.startswith(kind))

    def print(self) -> None:
        """Print everything."""
        passed, ranked = time.monotonic() - self._started, sorted(self.seconds)
        print(f"requests   {len(ranked)} in {passed:.0f} s")
        named = {0: "none (bytes that are no HTTP)"}
        print("statuses   " + ", ".join(f"{named.get(s, s)}: {n}" for s, n in sorted(self.statuses.items())))
        milliseconds = [1000 * ranked[int(len(ranked) * part)] for part in (0.5, 0.99)]
        print(f"times      p50 {milliseconds[0]:.1f} ms, p99 {milliseconds[1]:.1f} ms, slowest {ranked[-1]:.2f} s")
        for when, held in self.memory.items():
            print(f"memory     {when:>5}: " + ", ".join(f"{mib:.1f} MiB" for mib in held))
        rule = f"from 50 % to 100 % the workers grow by no more than {GROWTH:.0%} or {GROWTH_MIB:.0f} MiB, the larger"
        print(f"flat       {'yes' if self.is_flat else 'NO'} ({rule})")
        print(f"5xx        {self.count('5xx')}")
        print(f"leaks      {self.count('leak') + self.count('log')}")
        print(f"hangs      {self.count('hang') + self.count('no answer')}")
        print(f"faults     {sum(self.faults.values())}")
        for fault, number in self.faults.most_common(30):
            print(f"           {number} x {fault}")


def main() -> int:
    """Run the soak; 1 where anything was wrong."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=100_000, help="at least as many requests")
    options.add_argument("--seconds", type=float, default=0, help="and for at least as long")
    options.add_argument("--seed", type=int, default=None, help="of an earlier run, to repeat it")
    options.add_argument("--clients", type=int, default=4, help="processes that send")
    options.add_argument("--folder", type=Path, default=None, help="where failing requests and the log are kept")
    chosen = options.parse_args()
    chosen.seed = random.SystemRandom().randrange(10**9) if chosen.seed is None else chosen.seed
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="crd-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed       {chosen.seed} (repeat with {shlex.join(['--seed', str(chosen.seed)])})", flush=True)
    fhir = start_odd_server()
    try:
        tally = _soak(chosen, Service(folder, fhir.origin), fhir.origin, folder)
    finally:
        fhir.stop()
    tally.print()
    print(f"kept in    {folder}")
    return 1 if tally.faults else 0


def _soak(chosen: argparse.Namespace, service: Service, fhir: str, folder: Path) -> Tally:
    try:
        tally, clients = Tally(service, chosen), Clients(chosen, service.base, fhir, folder)
        fork = multiprocessing.get_context("fork")
        running = [fork.Process(target=clients.run, args=(number,)) for number in range(chosen.clients + 1)]
        for process in running:
            process.start()
        _gather(tally, clients, running)
        tally.end()
    finally:
        if service.process.poll() is None:
            service.process.kill()
    return tally


def _gather(tally: Tally, clients: Clients, running: list[Any]) -> None:
    """Add reports until every client told its last; one that ended without is a fault."""
    told = 0
    while told < len(running):
        try:
            report = clients.reports.get(timeout=60)
        except queue.Empty:
            tally.faults["a client ended or hangs"] += 1
            break
        tally.add(report)
        told += report.is_last
    for process in running:
        process.join(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
