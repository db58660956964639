"""`make bench`: order-sign with one matching order, beside bare Flask echoes of the same body under the same server.

All run under granian with the same workers and threads, in one run, taking turns; the load is wrk's. The body is an
example as a client sends it, without needless whitespace. Three echoes, from what a JSON service does at the least
to what no service can do less than:

    echo         Flask as it comes: `return request.get_json()`; the demanded ratio is to this one
    echo-orjson  the same with orjson instead of Flask's own JSON
    echo-bytes   the body is never looked at

And order-sign with its calls recorded, in each way of CRD_AUDIT, beside order-sign without (`off`): the demanded
ratio is that of `durable`, the default. The records go to SQLite in the folder for temporary files: best on a disk.
"""

import argparse
import json
import os
import re
import shutil
import socket
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
from cds_hooks.server import create_server
from cds_hooks.settings import read_settings
create_server(read_settings(), sys.argv[1]).serve()
"""
ECHOES = ("echo", "echo-orjson", "echo-bytes")
RECORDED = ("durable", "written", "queued")


def main() -> int:
    """Run the benchmark; exit 1 where the ratio is below the demanded one."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--threads", type=int, default=16, help="CRD_THREADS of all services")
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
    started = {"echo": start(folder, "echo_app:create_app", chosen.workers, chosen.threads)}
    for mode in ("off", *RECORDED):
        where = {"CRD_AUDIT": mode, "CRD_DATABASE_URL": f"sqlite:///{folder}/{mode}.sqlite3"}
        started[mode] = start(folder, "cds_hooks.app:create_served_app", chosen.workers, chosen.threads, **where)
    try:
        urls = {name: f"http://127.0.0.1:{started['echo'][1]}/{name}" for name in ECHOES}
        urls |= {
            mode: f"http://127.0.0.1:{started[mode][1]}/cds-services/order-sign-crd" for mode in ("off", *RECORDED)
        }
        rates: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(chosen.rounds):
            for name, url in urls.items():
                rates[name].append(load(folder, url, chosen.connections, chosen.seconds))
        return _report(rates, len(body), chosen)
    finally:
        for process, _ in started.values():
            process.terminate()
            process.wait()


def _report(rates: dict[str, list[float]], size: int, chosen: argparse.Namespace) -> int:
    best = {name: max(values) for name, values in rates.items()}
    how = f"{chosen.workers} workers of {chosen.threads} threads, {chosen.connections} connections"
    print(f"body {size} bytes, {how}, best of {chosen.rounds}")
    for name, values in rates.items():
        rounds = ", ".join(f"{value:.0f}" for value in values)
        title, share = name if name in ECHOES else f"order-sign, {name}", best[name] / best["off"]
        print(f"{title:20} {best[name]:8.0f} requests/s   {share:.2f} of order-sign, off   ({rounds})")
    ratio, recorded = best["off"] / best["echo"], best["durable"] / best["off"]
    print(f"order-sign to echo {ratio:.2f}, demanded {chosen.demand}")
    print(f"recorded (durable) to not recorded {recorded:.2f}, demanded {chosen.demand_recorded}")
    return 0 if ratio >= chosen.demand and recorded >= chosen.demand_recorded else 1


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


def start(
    folder: Path, target: str, workers: int, threads: int = 1, **variables: str
) -> "tuple[subprocess.Popen[bytes], int]":
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
