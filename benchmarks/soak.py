"""`make bench-soak`: the service at 70 % of what it can do, for an hour, and whether its memory grows.

First it is loaded fully to learn what it can do; then for --minutes with waits between calls, which are corrected
after each slice. Memory is that of the workers at the end of each slice; growth is from the second fifth of the
slices, when all that is kept for good has come to be, to the last. Options go in BENCH: make bench-soak
BENCH='--minutes 60'.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, check_wrk, measure
from benchmarks.processes import memory
from benchmarks.services import Plan, Service, running
from benchmarks.variants import SETTINGS

_CONNECTIONS: Final = 16
_SHARE: Final = 0.7

#: So many slices at least, of so many seconds at most.
_SLICES: Final = 10
_LONGEST: Final = 30

#: What memory may grow by, as a share.
_GROWTH: Final = 0.05


class Sample(NamedTuple):
    """A slice: calls a second, p99 in ms, and the memory of all workers at its end in MB."""

    rate: float
    p99: float
    memory: float


def main() -> int:
    """Run the soak; exit 1 where memory grew by more than a twentieth."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60)
    chosen = options.parse_args()
    try:
        check_wrk()
        plan = Plan("soak", SETTINGS["shipped"])
        with tempfile.TemporaryDirectory() as folder, running([plan], Path(folder)) as [service]:
            grown = growth(_soak(service, chosen.minutes * 60))
    except LoadError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(f"memory grew by {grown:.1%}, allowed {_GROWTH:.0%}")
    return 0 if grown <= _GROWTH else 1


def _soak(service: Service, seconds: float) -> list[Sample]:
    """Load the service in slices, print and return what each showed."""
    call = Call(SIGN, sign())
    full = measure(service, call, _CONNECTIONS, 3).rate
    wanted, samples = full * _SHARE, list[Sample]()
    slice_seconds = max(1, min(_LONGEST, int(seconds / _SLICES)))
    wait = _CONNECTIONS / wanted - _CONNECTIONS / full
    print(f"{full:.0f} calls/s at most, {wanted:.0f} wanted; slices of {slice_seconds} s")
    for _ in range(max(_SLICES, int(seconds / slice_seconds))):
        found = measure(service, call._replace(wait=wait * 1000), _CONNECTIONS, slice_seconds)
        wait = max(0.0, wait + _CONNECTIONS / wanted - _CONNECTIONS / found.rate)
        samples.append(Sample(found.rate, found.p99, sum(memory(one, "VmRSS") for one in service.workers())))
        print(f"{found.rate:6.0f} calls/s  p99 {found.p99:6.1f} ms  {samples[-1].memory:6.1f} MB", flush=True)
    return samples


def growth(samples: Sequence[Sample]) -> float:
    """Return by which share memory grew from the second fifth of the samples to the last."""
    fifth = len(samples) // 5
    first, last = (median(one.memory for one in part) for part in (samples[fifth : 2 * fifth], samples[-fifth:]))
    return last / first - 1


if __name__ == "__main__":
    sys.exit(main())
