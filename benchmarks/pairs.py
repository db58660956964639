"""Two or more services side by side: `python -m benchmarks.pairs echo bare shipped shipped@../other-checkout`.

Each word is `echo` or a set of settings of this service (benchmarks/variants.py), with more settings behind `+` and
the checkout whose code it runs behind `@`: `shipped+CRD_AUDIT=written@/path`. All run at once under the same server
with the same workers, take turns, and what is printed is the median of the rounds. Processor time is the figure to
trust on a busy machine.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, Measured, check_wrk, measure
from benchmarks.services import Service, running
from benchmarks.variants import read_plan


def main() -> int:
    """Run the comparison and print it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("services", nargs="*", default=["echo", "bare", "shipped"], type=read_plan, metavar="SERVICE")
    options.add_argument("--connections", type=int, nargs="+", default=[8])
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--orders", type=int, default=1)
    options.add_argument("--note", type=int, default=0, help="characters of each order's note")
    options.add_argument("--unmatched", action="store_true", help="orders of a service that no policy names")
    chosen = options.parse_args()
    call = Call(SIGN, sign(chosen.orders, chosen.note, not chosen.unmatched))
    try:
        check_wrk()
        with (
            tempfile.TemporaryDirectory() as folder,
            running(chosen.services, Path(folder), chosen.workers) as services,
        ):
            for service in services:
                measure(service, call, 8, 1)
            for connections in chosen.connections:
                print_rounds(take_turns(services, call, connections, chosen.seconds, chosen.rounds), connections)
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def take_turns(
    services: Sequence[Service], call: Call, connections: int, seconds: int, rounds: int
) -> dict[str, list[Measured]]:
    """Load the services in turns; the rounds of each by its name."""
    taken: dict[str, list[Measured]] = {service.name: [] for service in services}
    for _ in range(rounds):
        for service in services:
            taken[service.name].append(measure(service, call, connections, seconds))
    return taken


def print_rounds(taken: Mapping[str, Sequence[Measured]], connections: int) -> None:
    """Print the medians of the rounds, and the processor time and rate relative to the first service."""
    first = next(iter(taken.values()))
    width = max(map(len, taken))
    print(f"\n{connections} connections")
    print(f"{'':{width}}  calls/s (x)      p50 ms  p95 ms  p99 ms  µs/call (x)     peak MB  µs by process")
    for name, rounds in taken.items():
        rate, cost = (median(getattr(one, what) for one in rounds) for what in ("rate", "cost"))
        rates, costs = (rate / median(o.rate for o in first)), (cost / median(o.cost for o in first))
        times = "".join(f"{median(getattr(one, what) for one in rounds):8.2f}" for what in ("p50", "p95", "p99"))
        parts = {part: median(one.processor.get(part, 0.0) for one in rounds) for part in rounds[0].processor}
        by_process = ", ".join(f"{part} {value:.0f}" for part, value in parts.items() if value >= 1)
        peak = max(one.peak for one in rounds)
        print(f"{name:{width}} {rate:8.0f} ({rates:4.2f}){times}{cost:9.0f} ({costs:4.2f}){peak:9.0f}  {by_process}")


if __name__ == "__main__":
    sys.exit(main())
