"""`make bench`: what a call costs, beside an echo of the same body under the same server and beside HealthChain.

All services run at once, take turns, and are judged by ratios of the medians of their rounds. Processor time is that of
all processes of a service, user and system. What is demanded is in benchmarks/demands.py; a miss that is not explained
ends it with 1. The load is wrk's. Options go in BENCH: make bench BENCH='--save after'.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.demands import Demand, Results, judge
from benchmarks.load import LoadError, check_wrk
from benchmarks.machine import commit, describe
from benchmarks.report import save
from benchmarks.rounds import Row, table
from benchmarks.services import ROOT
from benchmarks.suite import FULL, SMALL, Bench


def main() -> int:
    """Run the benchmark; exit 1 where a demand is missed without explanation, 2 where it could not be run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", action="store_true", help="half a minute: fewer parts; judged, but never failed by")
    options.add_argument("--save", default="latest", metavar="NAME", help="of the files in benchmarks/results")
    options.add_argument("--checkout", type=Path, default=ROOT, help="of the service that is measured, if not this one")
    chosen = options.parse_args()
    try:
        check_wrk()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            demands = _run(chosen, Path(folder))
    except (LoadError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 0 if chosen.small else 2
    explained = sum(demand.verdict == "explained" for demand in demands)
    missed = sum(demand.verdict == "missed" for demand in demands)
    print(f"{explained} of {len(demands)} demands missed as docs/performance.md explains, {missed} without explanation")
    return 0 if chosen.small or not missed else 1


def _run(chosen: argparse.Namespace, folder: Path) -> list[Demand]:
    """Measure, print and save; return the demands with their figures."""
    began, rows = time.monotonic(), list[Row]()
    checkout = chosen.checkout.resolve()
    facts = {"commit": commit(checkout), **describe(folder)}
    print(*(f"{name}: {said}" for name, said in facts.items()), sep="\n")
    bench = Bench(SMALL if chosen.small else FULL, checkout, folder)
    for part in bench.run():
        rows += part
        if part:
            print("", *table(part), sep="\n", flush=True)
    print("", *(f"{name}: {figure:.2f}" for name, figure in bench.figures.items()), sep="\n")
    demands = judge(Results(rows, bench.figures))
    print("", *(one.describe() for one in demands if one.figure is not None or not chosen.small), sep="\n")
    facts["took"] = f"{time.monotonic() - began:.0f} s"
    if not chosen.small:
        print("", *save(chosen.save, rows, bench.figures, demands, facts), sep="\n")
    print(f"\n{facts['took']}")
    return demands


if __name__ == "__main__":
    sys.exit(main())
