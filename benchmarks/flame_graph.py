"""`make profile`: where the processor time of a service goes, as a flame graph of all its threads, by py-spy.

The service runs as shipped, or with the settings asked for (benchmarks/variants.py), under the load of `make bench`;
py-spy looks at its processes from outside, so they need no change and cost little more. It may do so as root, or where
kernel.yama.ptrace_scope is 0. With `--format shares` a table says what share of the interpreter's time each part of a
call has. Options go in PROFILE: make profile PROFILE='bare --connections 1'.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bodies import SIGN, sign
from benchmarks.load import Call, LoadError, check_wrk, measure
from benchmarks.services import Service, running
from benchmarks.shares import sum_up
from benchmarks.variants import read_plan


def main() -> int:
    """Write the flame graph."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("service", nargs="?", default="shipped", type=read_plan, metavar="SERVICE")
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--orders", type=int, default=1)
    options.add_argument("--output", type=Path, default=Path("profile.svg"))
    options.add_argument("--format", default="flamegraph", choices=("flamegraph", "speedscope", "raw", "shares"))
    options.add_argument("--native", action="store_true", help="with the frames of C and Rust, where symbols are there")
    chosen = options.parse_args()
    try:
        check_wrk()
        with tempfile.TemporaryDirectory() as folder, running([chosen.service], Path(folder)) as [service]:
            return _profile(service, chosen)
    except LoadError as error:
        print(f"profile: {error}", file=sys.stderr)
        return 2


def _profile(service: Service, chosen: argparse.Namespace) -> int:
    """Load the service for a little longer than py-spy looks at it; return py-spy's exit code."""
    call = Call(SIGN, sign(chosen.orders))
    measure(service, call, chosen.connections, 1)
    main = next(process for process, name in service.processes().items() if name == "main")
    command = [str(Path(sys.executable).parent / "py-spy"), "record", "--subprocesses", "--pid", str(main)]
    sums_up = chosen.format == "shares"
    output, kind = (service.folder / "stacks", "raw") if sums_up else (chosen.output, chosen.format)
    command += ["--duration", str(chosen.seconds), "--format", kind, "--output", str(output)]
    command += ["--native"] if chosen.native else []
    command += ["--gil", "--rate", "400"] if sums_up else []  # else threads that wait for a lock would count
    with subprocess.Popen(command) as watching:
        found = measure(service, call, chosen.connections, chosen.seconds + 1)
    print(f"{found.rate:.0f} calls/s, {found.cost:.0f} µs of processor a call while it was looked at")
    if sums_up and output.exists():
        for part, share in sum_up(output.read_text("utf-8", "replace").splitlines()):
            print(f"{share:6.1%}  {part}")
    return watching.returncode


if __name__ == "__main__":
    sys.exit(main())
