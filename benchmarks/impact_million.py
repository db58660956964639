"""`make impact-million`: a million invented orders, answered and counted; every count is held against the known truth.

Options go in IMPACT: make impact-million IMPACT='--orders 10000000', IMPACT='--engine local[2]'. Memory is that of all
processes of the command at once (their proportional set sizes: what they share counts once), looked at twice a second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
GIB: Final = 1 << 20  # in kB


def main() -> int:
    """Make the population, report on it, compare; exit 1 where a count is not the truth."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--engine", default="local")
    options.add_argument("--folder", type=Path, help="where the population is kept, and taken from where it is there")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="impact-") as temporary:
        folder = chosen.folder or Path(temporary)
        data, out = folder / f"population-{chosen.orders}-{chosen.seed}", Path(temporary) / "report"
        if not data.exists():
            _run("synth", "--orders", chosen.orders, "--seed", chosen.seed, "--out", data)
        _run("impact", data, "--with-texts", "--engine", chosen.engine, "--out", out)
        truth = json.loads((data / "truth.json").read_text())
        return _compare(truth, json.loads((out / "figures.json").read_text()))


def _run(*arguments: Any) -> None:
    """Run a command of `crd`; print how long it took and the most memory it had."""
    began, most = time.monotonic(), 0
    running = subprocess.Popen([sys.executable, "-m", "cds_hooks", *map(str, arguments)], stdout=subprocess.DEVNULL)
    while running.poll() is None:
        most = max(most, sum(_memory_of(process) for process in _family(running.pid)))
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
