"""FHIR servers as processes of their own, on free loopback ports: a real one, and one that misbehaves."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

HERE = Path(__file__).resolve().parent

FHIR_ROUTER = HERE.parent / "profile" / "node_modules" / "@medplum" / "fhir-router"

#: Why the real FHIR server cannot run here; empty where it can.
NO_FHIR_SERVER = (
    "the FHIR server of the tests needs Node"
    if shutil.which("node") is None
    else "" if FHIR_ROUTER.is_dir() else "the FHIR server of the tests needs `npm ci --prefix tests/profile`"
)  # fmt: skip

#: What the FHIR server asks for.
TOKEN = "secret-token"  # noqa: S105 (of the tests)


def access(token: str = "x", scope: str = "*") -> dict[str, Any]:  # noqa: S107 (of the tests)
    """Return the fhirAuthorization of a call, by which its FHIR server is read."""
    return {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": scope, "subject": "crd"}


class RunningServer:
    """A server process that printed its port; `base` is its base URL, `token` what it asks for."""

    def __init__(self, command: list[str], scheme: str = "http", path: str = "", token: str | None = None) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline() or 0)
        assert self.port, f"{command[1]} did not start"
        self.origin = f"{scheme}://127.0.0.1:{self.port}"
        self.base = self.origin + path
        self.token = token

    def log(self) -> list[dict[str, Any]]:
        """Return all requests so far."""
        return requests.get(f"{self.origin}/__log", timeout=60).json()

    def stop(self) -> None:
        """Stop it, once or more often."""
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def start_fhir_server(
    folder: Path, *resources: dict[str, Any], token: str | None = TOKEN, options: tuple[str, ...] = ()
) -> RunningServer:
    """Start a FHIR server that holds these resources.

    Options: --delay-ms N, --page-size N, --no-batch, --no-include, --rename NAME=OWN (of search parameters).
    """
    document = folder / "resources.json"
    document.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]})
    )
    asks = ("--token", token) if token else ()
    return RunningServer(
        ["node", str(HERE / "fhir_server.mjs"), *asks, *options, str(document)], path="/fhir", token=token
    )


def start_odd_server(*certificate: str) -> RunningServer:
    """Start a server whose paths say how it misbehaves; with a certificate and its key over TLS."""
    return RunningServer(
        [sys.executable, str(HERE / "odd_server.py"), *certificate], "https" if certificate else "http"
    )
