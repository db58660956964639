"""`make bench-impact`: how many orders `crd impact` answers in a second of two cores, here and under Spark.

Processor time is that of all processes, user and system. Each kind of orders is answered twice, few and many of them;
what the many cost more is the cost of orders, and the rest that of starting (of Spark's JVM also until it has compiled
what runs often). Orders a second are two cores' worth. The
demands: 20,000 coded orders a second, 8,000 with notes, and under Spark at least 0.7 of that.
"""

import argparse
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks.machine import commit, describe

ROOT: Final = Path(__file__).resolve().parent.parent
CORES: Final = 2
FEW: Final = 50_000

#: Orders a second on two cores that each kind is to come to, and what of it Spark is to keep.
DEMANDS: Final = {"coded": 20_000, "with notes": 8_000}
SHARE: Final = 0.7

#: Codes as orders have them, most of no policy's.
_CODES: Final = (
    "73721",
    "97110",
    "99213",
    "70551",
    "20610",
    "93000",
    "80053",
    "36415",
    "71046",
    "M0076",
    "63650",
    "20550",
)
_CPT: Final = "http://www.ama-assn.org/go/cpt"

#: Words that notes are made of.
_SENTENCES: Final = (
    "Pain in the {side} {part} for {n} weeks, worse on stairs and at night.",
    "Failed {n} sessions of physical therapy; no red flags.",
    "Please schedule before the {n}th and call the daughter with the time.",
    "Prior imaging of the {side} {part} {n} months ago showed no acute change.",
    "Takes ibuprofen {n} times a week, allergies reviewed.",
)


class Cost(NamedTuple):
    """Seconds: of processors, and on the clock."""

    processors: float
    clock: float


def main() -> int:
    """Measure and print; exit 1 where a demand is missed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--orders", type=int, default=200_000, help="how many the many are")
    options.add_argument("--no-spark", action="store_true", help="measure the local engine alone")
    chosen = options.parse_args()
    _adopt_orphans()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="bench-impact-") as folder:
        facts = {"commit": commit(ROOT), **describe(Path(folder))}
        print(*(f"{name}: {said}" for name, said in facts.items()), "", sep="\n")
        for kind, demand in DEMANDS.items():
            local = _measure(Path(folder), kind, chosen.orders, "local")
            missed += _judge(f"{kind}, local", local, demand)
            if not chosen.no_spark:
                spark = _measure(Path(folder), kind, chosen.orders, f"local[{CORES}]")
                missed += _judge(f"{kind}, Spark local[{CORES}]", spark, SHARE * local)
    return 1 if missed else 0


def _judge(name: str, reached: float, demand: float) -> int:
    verdict = "met" if reached >= demand else "missed"
    print(f"{name}: {reached:,.0f} orders/s on {CORES} cores; at least {demand:,.0f} wanted: {verdict}", flush=True)
    return int(reached < demand)


def _measure(folder: Path, kind: str, many: int, engine: str) -> float:
    """Return the orders a second on two cores."""
    costs = []
    for orders in (FEW, many):
        data = folder / f"{kind}-{orders}"
        if not data.exists():
            write_orders(data, orders, has_notes=kind == "with notes")
        costs.append(_run(data, folder / f"report-{kind}-{engine}-{orders}", engine))
    for orders, cost in zip((FEW, many), costs, strict=True):
        print(f"  {kind}, {engine}, {orders:,} orders: {cost.processors:.1f} s of processors, {cost.clock:.1f} s")
    return CORES * (many - FEW) / (costs[1].processors - costs[0].processors)


def _run(data: Path, out: Path, engine: str) -> Cost:
    command = [sys.executable, "-m", "cds_hooks", "impact", data, "--out", out, "--engine", engine, "--workers", CORES]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    before, began = _spent(), time.monotonic()
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    _wait_for_orphans()
    return Cost(_spent() - before, time.monotonic() - began)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own has ended (prctl, PR_SET_CHILD_SUBREAPER): Spark's JVM outlives it."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _wait_for_orphans() -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not found:
            time.sleep(0.05)
    os.kill(0, signal.SIGTERM)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_orders(folder: Path, orders: int, *, has_notes: bool) -> None:
    """Write orders and the coverages of their patients, eight orders for each patient."""
    folder.mkdir()
    dice, patients = Random(1), max(1, orders // 8)  # noqa: S311 - invented orders
    payer = {
        "resourceType": "Organization",
        "id": "cms",
        "identifier": [{"system": "http://example.org/payer-id", "value": "CMS"}],
    }
    _write(folder / "Organization.ndjson", iter([payer]))
    _write(folder / "Coverage.ndjson", (_coverage(number) for number in range(patients)))
    _write(folder / "ServiceRequest.ndjson", (_order(n, patients, dice, has_notes=has_notes) for n in range(orders)))


def _write(path: Path, resources: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(resource)}\n" for resource in resources)


def _coverage(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": f"c{number}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/p{number}"},
        "subscriberId": f"S{number:09}",
        "period": {"start": "2020-01-01"},
        "payor": [{"reference": "Organization/cms"}],
    }


def _order(number: int, patients: int, dice: Random, *, has_notes: bool) -> dict[str, Any]:
    code = dice.choice(_CODES)
    month, day = dice.randrange(1, 13), dice.randrange(1, 29)
    order = {
        "resourceType": "ServiceRequest",
        "id": f"o{number}",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": _CPT, "code": code}]},
        "subject": {"reference": f"Patient/p{dice.randrange(patients)}"},
        "authoredOn": f"2026-{month:02}-{day:02}T10:00:00Z",
        "requester": {"reference": f"Practitioner/d{dice.randrange(500)}"},
        "locationReference": [{"reference": f"Location/s{dice.randrange(20)}"}],
    }
    return {**order, "note": [{"text": _note(dice)}]} if has_notes else order


def _note(dice: Random) -> str:
    """Return a note of three sentences that hardly any other order has."""
    parts = {"side": dice.choice(("left", "right")), "part": dice.choice(("knee", "hip", "shoulder", "wrist"))}
    return " ".join(one.format(n=dice.randrange(2, 500), **parts) for one in dice.sample(_SENTENCES, 3))


if __name__ == "__main__":
    sys.exit(main())
