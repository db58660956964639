"""`make impact-million`: a million invented orders, answered and counted; every count is held against the known truth.

Options go in IMPACT: make impact-million IMPACT='--orders 10000000', IMPACT='--engine local[2]'. With --cluster it runs
on a standalone cluster of Spark, a master and two workers on this machine, of which one is killed once it has answered
some of the orders. Memory is that of all processes of the command at once (their proportional set sizes: what they
share counts once), looked at twice a second; the cluster's own processes are beside it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
GIB: Final = 1 << 20  # in kB

#: What Spark logs of a task whose result is large: only answers are.
_ANSWERS_SENT: Final = re.compile(r"Finished task .*(result sent via BlockManager|\. \d{6,} bytes result sent)")


def main() -> int:
    """Make the population, report on it, compare; exit 1 where a count is not the truth."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--engine", default="local")
    options.add_argument("--cluster", action="store_true", help="on two workers of Spark, of which one is killed")
    options.add_argument("--folder", type=Path, help="where the population is kept, and taken from where it is there")
    chosen = options.parse_args()
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="impact-")))
        data = (chosen.folder or temporary) / f"population-{chosen.orders}-{chosen.seed}"
        if not data.exists():
            _run("synth", "--orders", chosen.orders, "--seed", chosen.seed, "--out", data)
        asked = ("impact", data, "--with-texts", "--out", temporary / "report", "--engine")
        if chosen.cluster:
            _run_on_cluster(stack, temporary, asked)
        else:
            _run(*asked, chosen.engine)
        truth = json.loads((data / "truth.json").read_text())
        return _compare(truth, json.loads((temporary / "report" / "figures.json").read_text()))


def _run_on_cluster(stack: ExitStack, folder: Path, asked: tuple[Any, ...]) -> None:
    """Run a command on two workers, of which the second is killed when the first orders that it answered are sent."""
    from tests.cds_hooks.impact.spark_cluster import SparkCluster

    cluster = SparkCluster(folder)
    stack.callback(cluster.stop)
    cluster.start(workers=2)
    killed: list[float] = []

    def kill_when_it_answers() -> None:
        if not killed and _ANSWERS_SENT.search(cluster.executor_log(1)):
            cluster.kill_worker(1)
            killed.append(time.monotonic() - began)

    began = time.monotonic()
    _run(*asked, cluster.url, environment=cluster.environment, watch=kill_when_it_answers)
    if not killed:
        raise SystemExit("no worker was killed: too few orders, or none came to it")
    print(f"worker 1 of 2 killed after {killed[0]:.0f} s, with what it had answered and read")


def _run(
    *arguments: Any, environment: Mapping[str, str] = os.environ, watch: Callable[[], None] = lambda: None
) -> None:
    """Run a command of `crd`; print how long it took and the most memory it had."""
    began, most = time.monotonic(), 0
    command = [sys.executable, "-m", "cds_hooks", *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    while running.poll() is None:
        most = max(most, sum(_memory_of(process) for process in _family(running.pid)))
        watch()
        time.sleep(0.5)
    if running.returncode:
        raise SystemExit(running.returncode)
    used = os.times()
    spent = used.children_user + used.children_system
    took = f"{time.monotonic() - began:.0f} s, {spent:.0f} s of processors so far"
    print(f"crd {arguments[0]}: {took}, {most / GIB:.2f} GiB at most", flush=True)


def _family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _memory_of(pid: int) -> int:
    """Return the proportional set size of a process in kB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _compare(truth: dict[str, Any], figures: dict[str, Any]) -> int:
    """Print what is not as it should be."""
    wrong = 0
    for name, known in truth.items():
        found = figures[name]
        if name == "alerts":
            found = {one: found[one] for one in known}
        wrong += found != known
        print(f"{name}: {'as known' if found == known else f'{found} instead of {known}'}"[:300])
    counts = sum(len(group) for names in truth["by"].values() for group in names.values())
    print(f"{counts:,} counts of {truth['orders']:,} orders: {'all are the truth' if not wrong else 'NOT the truth'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
