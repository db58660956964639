"""`make bench`: order-sign with one matching order, beside bare Flask echoes of the same body under the same server.

All run under granian with the same workers and threads, in one run, taking turns; the load is wrk's. The body is an
example as a client sends it, without needless whitespace. Three echoes, from what a JSON service does at the least
to what no service can do less than:

    echo         Flask as it comes: `return request.get_json()`; the demanded ratio is to this one
    echo-orjson  the same with orjson instead of Flask's own JSON
    echo-bytes   the body is never looked at

These have one thread a worker, and order-sign records nothing. Then order-sign with its calls recorded, in each way of
CRD_AUDIT, beside itself without (`off`), with --threads threads a worker; the demanded ratio is that of `durable`, the
default, and the median of the rounds, since the disk has moods. Records go to SQLite in the folder for temporary files.
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json"
ECHO = """
import orjson
from flask import Flask, Response, request
def create_app():
    app = Flask("echo")
    @app.post("/echo")
    def echo():
        return request.get_json()
    @app.post("/echo-orjson")
    def echo_orjson():
        return Response(orjson.dumps(orjson.loads(request.get_data())), mimetype="application/json")
    @app.post("/echo-bytes")
    def echo_bytes():
        return Response(request.get_data(), mimetype="application/json")
    return app
"""
SERVE = """
import sys
from cds_hooks.server.process import create_server
from cds_hooks.settings import read_settings
create_server(read_settings(), sys.argv[1]).serve()
"""
SIGN = "/cds-services/order-sign-crd"
ECHOES = ("echo", "echo-orjson", "echo-bytes")
RECORDED = ("durable", "written", "queued")


#: A service process, and its port.
Running = tuple["subprocess.Popen[bytes]", int]


def main() -> int:
    """Run the benchmark; exit 1 where the ratio is below the demanded one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=16, help="of the first part; the second has twice as many")
    options.add_argument("--threads", type=int, default=16, help="CRD_THREADS of the services that record")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--demand", type=float, default=0.5, help="lowest ratio to Flask's echo to accept")
    options.add_argument("--demand-recorded", type=float, default=0.8, help="lowest ratio with recording to accept")
    chosen = options.parse_args()
    if not shutil.which("wrk"):
        print("bench: needs wrk (apt-get install wrk)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), chosen)


def _run(folder: Path, chosen: argparse.Namespace) -> int:
    (folder / "echo_app.py").write_text(ECHO)
    body = json.dumps(json.loads(EXAMPLE.read_bytes()), separators=(",", ":")).encode()
    write_post(folder, body)
    ratios = _compare_with_echoes(folder, chosen), _compare_recorded(folder, chosen)
    print(f"order-sign to echo {ratios[0]:.2f}, demanded {chosen.demand}")
    print(f"recorded (durable) to not recorded {ratios[1]:.2f}, demanded {chosen.demand_recorded}")
    return 0 if ratios[0] >= chosen.demand and ratios[1] >= chosen.demand_recorded else 1


def _compare_with_echoes(folder: Path, chosen: argparse.Namespace) -> float:
    """Print how order-sign compares with the echoes; return the ratio of the best rounds."""
    echo = start(folder, "echo_app:create_app", chosen.workers)
    ours = start(folder, "cds_hooks.app:create_served_app", chosen.workers, CRD_AUDIT="off")
    urls = {name: f"http://127.0.0.1:{echo[1]}/{name}" for name in ECHOES}
    urls["order-sign"] = f"http://127.0.0.1:{ours[1]}{SIGN}"
    rates = _take_turns(folder, urls, [echo, ours], chosen.connections, chosen)
    return max(rates["order-sign"]) / max(rates["echo"])


def _compare_recorded(folder: Path, chosen: argparse.Namespace) -> float:
    """Print what recording costs in each of its ways; return the median ratio of `durable`."""
    started = {}
    for mode in ("off", *RECORDED):
        where = {"CRD_AUDIT": mode, "CRD_DATABASE_URL": f"sqlite:///{folder}/{mode}.sqlite3"}
        started[mode] = start(folder, "cds_hooks.app:create_served_app", chosen.workers, chosen.threads, **where)
    urls = {mode: f"http://127.0.0.1:{port}{SIGN}" for mode, (_, port) in started.items()}
    rates = _take_turns(folder, urls, list(started.values()), 2 * chosen.connections, chosen)
    return statistics.median(kept / off for kept, off in zip(rates["durable"], rates["off"], strict=True))


def _take_turns(
    folder: Path, urls: dict[str, str], services: list[Running], connections: int, chosen: argparse.Namespace
) -> dict[str, list[float]]:
    """Load the URLs in turns, print their rates, and stop the services."""
    rates: dict[str, list[float]] = {name: [] for name in urls}
    try:
        for _ in range(chosen.rounds):
            for name, url in urls.items():
                rates[name].append(load(folder, url, connections, chosen.seconds))
    finally:
        for process, _ in services:
            process.terminate()
            process.wait()
    print(f"{chosen.workers} workers, {connections} connections")
    for name, values in rates.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        print(f"{name:12} {max(values):8.0f} requests/s at best   ({rounds})")
    return rates


def write_post(folder: Path, body: bytes) -> None:
    """Write the script by which wrk posts a body."""
    (folder / "body.json").write_bytes(body)
    (folder / "post.lua").write_text(
        f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("{folder}/body.json", "rb")
wrk.body = file:read("*a")
"""
    )


def start(folder: Path, target: str, workers: int, threads: int = 1, **variables: str) -> Running:
    """Start an application under the service's own server, and return its process and port when it answers.

    Calls are counted by a rate that none reaches.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, target]
    settings = {"CRD_PORT": str(port), "CRD_WORKERS": str(workers), "CRD_THREADS": str(threads)}
    settings["CRD_RATE"] = "1000000/second"
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", **settings, **variables}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for _ in range(200):
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=1)
            return process, port
        except requests.ConnectionError:
            time.sleep(0.1)
    raise SystemExit(f"bench: {target} did not start")


def load(folder: Path, url: str, connections: int, seconds: int) -> float:
    """Return how many requests a second are answered, all of them with 2xx."""
    command = ["wrk", "-t1", f"-c{connections}", "-s", str(folder / "post.lua")]
    subprocess.run([*command, "-d1s", url], capture_output=True, check=True)
    output = subprocess.run([*command, f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"bench: {url} answered with errors\n{output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


if __name__ == "__main__":
    sys.exit(main())
