"""`make demo`: starts the service and the demo EHR, posts the first example, prints its card, and runs on."""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from contextlib import suppress
from pathlib import Path

import requests

from cds_hooks.client.display import open_terminal, show, write
from cds_hooks.client.sending import connect
from examples.demo_ehr.signing import Signer

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-select" / "request.json"
CRD = str(Path(sys.executable).parent / "crd")

#: The file of who may log in, in the demonstration's own folder.
_OPERATORS = "operators.json"

Process = subprocess.Popen[bytes]


def main() -> int:
    """Run the demonstration; the exit code is that of the service."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then, too
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell takes from what runs in the background
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the service")
    parser.add_argument("--ehr-port", type=int, help="port of the EHR; without it the next one")
    given = parser.parse_args()
    port, ehr_port = given.port, given.ehr_port or given.port + 1
    for one, name in ((port, "PORT"), (ehr_port, "EHR_PORT")):
        if _is_taken(one):
            print(f"Port {one} of 127.0.0.1 is taken; use another: make demo {name}={one + 10}", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="crd-demo-") as folder:
        return _run(f"http://127.0.0.1:{port}", port, ehr_port, Path(folder))


def _run(base: str, port: int, ehr_port: int, folder: Path) -> int:
    print(f"Starting the service on {base}, for this machine only ...", flush=True)
    running: list[Process] = []
    try:
        password = _add_operator(folder)
        service = _start_service(base, port, ehr_port, folder)
        running.append(service)
        if not _wait_until_ready(f"{base}/ready", service):
            return service.wait() or 1
        _ask(base)
        running.append(_start_ehr(base, ehr_port, folder))
        print(f"\nThe service is running at {base}/cds-services. Ctrl-C stops it.")
        print(f"To try orders and see why they are answered so: {base}/")
        if password:
            print(f"To see figures of all calls, log in as demo, password {password}: {base}/console/insights")
        _open(f"http://127.0.0.1:{ehr_port}/", running[-1])
        return service.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _start_service(base: str, port: int, ehr_port: int, folder: Path) -> Process:
    """Start it as one that knows the EHR by its key, lets in who brings no token, and reads on this machine."""
    clients = folder / "clients.json"
    ehr = f"http://127.0.0.1:{ehr_port}"
    clients.write_text(json.dumps(Signer(ehr).registration(f"{ehr}/fhir")))
    usual = {
        "CRD_LOG_LEVEL": "error",
        "CRD_AUTH": "cds-hooks-jwt,none",
        "CRD_CLIENTS": str(clients),
        "CRD_PUBLIC_BASE_URL": base,
        "CRD_ALLOW_PRIVATE_JWKS": "1",
        "CRD_ALLOW_PRIVATE_FHIR_SERVERS": "1",
    }
    if not os.environ.keys() & {"CRD_MEMBERS", "CRD_DATABASE_URL"}:
        usual |= _load_members()
    if (folder / _OPERATORS).exists():
        usual["CRD_OPERATORS"] = str(folder / _OPERATORS)
    return subprocess.Popen([CRD, "serve", "--port", str(port)], env={**usual, **os.environ})


def _add_operator(folder: Path) -> str:
    """Let somebody log in, with a password of this demonstration alone; nothing where the environment says who may."""
    if os.environ.keys() & {"CRD_OPERATORS", "CRD_OIDC_ISSUER"} or os.environ.get("CRD_CONSOLE") == "off":
        return ""
    password = secrets.token_hex(8)
    command = [CRD, "operators", "add", "demo", "--role", "operator"]
    environment = os.environ | {"CRD_OPERATORS": str(folder / _OPERATORS)}
    done = subprocess.run(command, env=environment, input=password.encode(), check=False, capture_output=True)
    return "" if done.returncode else password  # where settings are wrong the service says so


def _load_members() -> dict[str, str]:
    """Load whom the EHR's patients are to their payers into a database of the demo's own."""
    database = {"CRD_DATABASE_URL": "sqlite:///crd-demo.sqlite3"}
    for name in ("members", "authorizations"):
        command = [CRD, name, "load", str(ROOT / "examples" / "demo_ehr" / f"{name}.csv")]
        subprocess.run(command, env={**os.environ, **database}, check=True, capture_output=True)
    return {**database, "CRD_MEMBERS": "database"}


def _start_ehr(base: str, port: int, folder: Path) -> Process:
    """Start the EHR, with the codes that the policies know as what can be ordered."""
    catalogue = folder / "catalogue.json"
    subprocess.run([CRD, "export", "fhir", "--out", str(catalogue)], check=True)
    options = ["--service", base, "--port", str(port), "--catalogue", str(catalogue)]
    return subprocess.Popen([sys.executable, "-m", "examples.demo_ehr", *options], cwd=ROOT)


def _ask(base: str) -> None:
    print(f"Asking it about an order, as an EHR does: crd send {EXAMPLE.relative_to(ROOT)} --to {base}")
    reply = connect(base, None, 10).send("order-select-crd", EXAMPLE.read_bytes())
    print(f"It answers in {reply.milliseconds:.0f} ms:\n")
    sys.stdout.flush()
    write(open_terminal(), show(reply.document))


def _open(url: str, ehr: Process) -> None:
    """Say where the EHR's page is, and open it where there is a screen to open it on."""
    if not _wait_until_ready(url, ehr):
        print("The demo EHR did not start; the service goes on without it.", file=sys.stderr)
        return
    print(f"To write orders in an EHR with invented patients: {url}", flush=True)
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        with suppress(webbrowser.Error):
            webbrowser.open(url)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until_ready(url: str, process: Process) -> bool:
    for _ in range(300):
        if process.poll() is not None:
            return False
        try:
            if requests.get(url, timeout=1).ok:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main())
