"""Servers of keys as processes of their own, on free loopback ports."""

import sys
from pathlib import Path

import requests

from tests.fhir.servers import RunningServer

HERE = Path(__file__).resolve().parent


class KeyServer(RunningServer):
    """A server whose paths say how it behaves."""

    def __init__(self, *certificate: str) -> None:
        super().__init__(
            [sys.executable, str(HERE / "key_server.py"), *certificate], "https" if certificate else "http"
        )
        self.keys = f"{self.origin}/keys"

    def publish(self, document: bytes) -> None:
        """Publish a document."""
        requests.post(f"{self.origin}/__keys", data=document, timeout=60).raise_for_status()

    def fail(self, status: int) -> None:
        """Answer with a status from now on; 200 is good."""
        requests.post(f"{self.origin}/__status/{status}", timeout=60).raise_for_status()

    def behave(self, behaviour: str) -> None:
        """Let /keys behave as another path does, such as `slow/3`; `keys` is good."""
        requests.post(f"{self.origin}/__behave/{behaviour}", timeout=60).raise_for_status()

    def asked(self) -> list[str]:
        """Return the paths of all requests so far."""
        return requests.get(f"{self.origin}/__log", timeout=60).json()
