"""Two or more services side by side: `python -m benchmarks.pairs echo bare shipped shipped@../other-checkout`.

Each word is `echo` or a set of settings of this service (benchmarks/variants.py), with more settings behind `+` and
the checkout whose code it runs behind `@`: `shipped+CRD_AUDIT=written@/path`. All run at once under the same server
with the same workers, take turns, and what is printed is the median of the rounds. Processor time is the figure to
trust on a busy machine.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, check_wrk, measure
from benchmarks.rounds import Case, table, take_turns
from benchmarks.services import running
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
                cases = [Case(service.name, service, lambda: call, connections) for service in services]
                print("", *table(take_turns("pairs", cases, chosen.seconds, chosen.rounds)), sep="\n", flush=True)
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
