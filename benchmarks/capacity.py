"""`python -m benchmarks.capacity`: what a number of calls a second needs, from what `make bench` has measured.

Prints the table; `--write` puts it into docs/capacity.md. `--check` runs the service, and says what the model predicts
for it beside what was measured, which `--write` then shows, too; it takes half a minute and wants a quiet machine.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from benchmarks.bodies import SIGN, sign
from benchmarks.capacity_page import table, write
from benchmarks.capacity_plan import AFTER, RECORD, Costs, read_costs, spread_of
from benchmarks.load import Call, LoadError, Measured, check_wrk, measure
from benchmarks.machine import commit, describe
from benchmarks.queueing import Work, simulate_closed
from benchmarks.services import ROOT, Plan, Service, running
from benchmarks.variants import SETTINGS

PAGE: Final = ROOT / "docs" / "capacity.md"
MEASURED: Final = ROOT / "benchmarks" / "results" / "after.json"
CHECKED: Final = ROOT / "benchmarks" / "results" / "capacity.json"

#: What is checked: connections, and the share of the time that the worker is to be busy.
CHECKS: Final = ((16, 0.3), (16, 0.5), (32, 0.7))

#: So many rounds of so many seconds each.
_ROUNDS, _SECONDS = 5, 2

#: Milliseconds between the calls that tell what one takes that comes by itself: calls do not come at once after each
#: other, and what others had of the processor and its caches meanwhile makes them dearer.
_PAUSE: Final = 4.0


def check() -> dict[str, Any]:
    """Run the service with one worker and SQLite, and return what the model says of it beside what was measured."""
    call, plan = Call(SIGN, sign()), Plan("capacity", SETTINGS["shipped"])
    with tempfile.TemporaryDirectory() as folder:
        machine = {"commit": commit(ROOT), **describe(Path(folder))}
        with running([plan], Path(folder), 1) as [service]:
            at_once = _least_disturbed(service, call, 1)
            work = work_of(at_once, _least_disturbed(service, call._replace(wait=_PAUSE, varies=True), 1))
            rows = [_compare(service, call, work, *one) for one in CHECKS]
        record = bytes_of_record(service.folder / "crd.sqlite3")
    cold = work.processor / (at_once.cost / 1000)
    return {"machine": machine, "work": work._asdict(), "cold": cold, "record": record, "rows": rows}


def _compare(service: Service, call: Call, work: Work, connections: int, busy: float) -> dict[str, Any]:
    """Load the service so that it should be busy for a share of the time, and return what came of it and should."""
    pause = max(1.0, connections * work.processor / busy - work.processor - work.commit)
    found = _least_disturbed(service, call._replace(wait=pause, varies=True), connections)
    told = simulate_closed(connections, pause, work)
    row = {
        "connections": connections,
        "busy": busy,
        "predicted": {"rate": told.rate, "p50": told.share(0.5), "p95": told.share(0.95)},
        "measured": {"rate": found.rate, "p50": found.p50, "p95": found.p95},
    }
    print(_said(row), flush=True)
    return row


def _least_disturbed(service: Service, call: Call, connections: int) -> Measured:
    """Return, of several rounds, the one that other programs on the machine made the least longer."""
    return min((measure(service, call, connections, _SECONDS) for _ in range(_ROUNDS)), key=lambda found: found.p95)


def bytes_of_record(store: Path) -> float:
    """Return how large a store is, for each call in it, once its service has ended."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [calls] = connection.execute("SELECT count(*) FROM exchanges").fetchone()
    return store.stat().st_size / calls


def work_of(at_once: Measured, paused: Measured) -> Work:
    """Return what a call needs, from calls of one connection, at once after each other and with pauses.

    The paused ones tell the processor time and its spread; of the others, what is no processor time is the commit.
    """
    commit = max(0.0, 1000 / at_once.rate - at_once.cost / 1000)
    return Work(paused.cost / 1000, spread_of(paused.p50, paused.p95), commit, AFTER)


def _said(row: dict[str, Any]) -> str:
    told, found = row["predicted"], row["measured"]
    load = f"{row['connections']} connections, worker busy {row['busy']:.0%}"
    calls = f"calls/s {told['rate']:.0f} predicted, {found['rate']:.0f} measured"
    return f"{load}: {calls}; p95 {told['p95']:.1f} ms predicted, {found['p95']:.1f} measured"


def stored() -> tuple[Costs, dict[str, Any]]:
    """Return what a call costs by the stored results, and what the last check found, if there was one."""
    checked = read(CHECKED)
    costs = read_costs(read(MEASURED), checked.get("record", RECORD))
    if checked:
        work = costs.work._replace(spread=checked["work"]["spread"])
        costs = costs._replace(work=work, cold=checked.get("cold", 1.0))
    return costs, checked


def read(path: Path) -> dict[str, Any]:
    """Return stored results, nothing where there are none."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def main() -> int:
    """Print the table, check the model, or write the page."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true", help="run the service and compare the model with it")
    options.add_argument("--write", action="store_true", help="write docs/capacity.md")
    chosen = options.parse_args()
    try:
        if chosen.check:
            check_wrk()
            CHECKED.write_text(json.dumps(check(), indent=1) + "\n")
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if chosen.write:
        PAGE.write_text(write(PAGE.read_text(), *stored()))
    print(table(stored()[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
