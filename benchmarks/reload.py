"""`make bench-reload`: how long a running service takes for a change of 10,000 policies, and what calls wait."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from benchmarks.policies import policy

ROOT = Path(__file__).resolve().parent.parent
PORT = 8097
BASE = f"http://127.0.0.1:{PORT}"
SIZE = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
BODY = (ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json").read_bytes()

#: One call each so many seconds: a worker that is not at its limit, so that what is measured is waiting for the reload.
EVERY = 0.01


def main() -> int:
    """Print how long calls took, in milliseconds: at rest, from the change until it is answered, and after."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder)
        for name in ("policies", "payers", "vocabulary"):
            shutil.copytree(ROOT / "cards" / name, rules / name)
        for number in range(4, 4 + SIZE):
            (rules / "policies" / f"p-{number}").mkdir()
            (rules / "policies" / f"p-{number}" / "policy.json").write_text(json.dumps(policy(number)))
        variables = {f"CRD_{name.upper()}": str(rules / name) for name in ("policies", "payers", "vocabulary")}
        environment = {**os.environ, **variables, "CRD_PORT": str(PORT), "CRD_LOG_LEVEL": "warning"}
        began = time.monotonic()
        process = subprocess.Popen([str(Path(sys.executable).parent / "crd"), "serve"], env=environment)
        try:
            before = _wait_until_ready()
            print(f"{SIZE:,} policies: ready {time.monotonic() - began:.1f} s after the start")
            _measure(process.pid, rules, before)
        finally:
            process.terminate()
            process.wait()
    return 0


def _measure(process: int, rules: Path, before: str) -> None:
    print(f"{'milliseconds a call':32}{'calls':>8}{'median':>8}{'99 %':>8}{'worst':>8}{'MB':>8}")
    session = requests.Session()
    _print("at rest", _call(session, 3.0), process)
    changed = rules / "policies" / "p-4" / "policy.json"
    changed.write_text(changed.read_text().replace('"t"', '"u"'))
    began, took = time.monotonic(), []
    while _digest() == before:
        took += _call(session, 0.2)
    _print("while a change is taken up", took, process)
    taken = time.monotonic() - began
    _print("while the old ones are freed", _call(session, 20.0), process)
    print(f"the change was answered after {taken:.1f} s")


def _call(session: requests.Session, seconds: float) -> list[float]:
    """Call for some seconds and return how long each call took, in milliseconds."""
    took, ends = [], time.monotonic() + seconds
    headers = {"Content-Type": "application/json"}
    while time.monotonic() < ends:
        began = time.perf_counter()
        session.post(f"{BASE}/cds-services/order-sign-crd", data=BODY, headers=headers, timeout=10).raise_for_status()
        took.append((time.perf_counter() - began) * 1000)
        time.sleep(EVERY)
    return took


def _print(name: str, took: list[float], process: int) -> None:
    ordered = sorted(took)
    columns = (ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1])
    print(f"{name:32}{len(ordered):>8}{''.join(f'{one:>8.1f}' for one in columns)}{_memory(process):>8}")


def _memory(parent: int) -> int:
    """Return the memory of the worker in MB."""
    [worker, *_] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[-1:]
    status = Path(f"/proc/{worker}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024


def _digest() -> str:
    return str(requests.get(f"{BASE}/ready", timeout=10).json()["rules"])


def _wait_until_ready() -> str:
    for _ in range(1200):
        try:
            return _digest()
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit("the service did not start")


if __name__ == "__main__":
    sys.exit(main())
