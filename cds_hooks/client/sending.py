"""Calls of a service over HTTP: discovery, a hook."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests

from cds_hooks.client.tokens import Signer
from cds_hooks.errors import StartError

_SERVICES = "/cds-services"


class Reply(NamedTuple):
    """What came back: its status, its JSON (None where it is none), and after how many milliseconds."""

    status: int
    document: Any
    milliseconds: float


class Connection(NamedTuple):
    """One service at one base URL, and how its client proves itself; `timeout` in seconds."""

    base: str
    service_id: str | None
    signer: Signer | None
    timeout: float

    def discover(self, hook: str) -> Mapping[str, Any]:
        """Return the entry of discovery for a hook: of the service named, or the first for it. StartError if none."""
        url = f"{self.base}{_SERVICES}"
        reply = self._ask("GET", url)
        document = reply.document if isinstance(reply.document, dict) else {}
        if reply.status != 200 or not isinstance(document.get("services"), list):
            raise StartError(f"{url}: status {reply.status}, and no list of services")
        found: list[Mapping[str, Any]] = [
            one
            for one in document["services"]
            if isinstance(one, dict) and one.get("hook") == hook and self.service_id in (None, one.get("id"))
        ]
        if not found:
            raise StartError(f"{url}: no service for {hook}")
        return found[0]

    def send(self, service_id: str, call: bytes) -> Reply:
        """Call a service, with the JSON of a call as it is written."""
        return self._ask("POST", self.url_of(service_id), call)

    def url_of(self, service_id: str) -> str:
        """Return the URL of a service."""
        return f"{self.base}{_SERVICES}/{service_id}"

    def _ask(self, method: str, url: str, body: bytes | None = None) -> Reply:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.signer:
            headers["Authorization"] = self.signer.authorization(url)
        started = time.perf_counter()
        try:
            answer = requests.request(
                method, url, data=body, headers=headers, timeout=self.timeout, allow_redirects=False
            )
        except requests.Timeout:
            raise StartError(f"{url}: no answer within {self.timeout:g} s") from None
        except requests.RequestException:
            raise StartError(f"{url}: nothing answers there") from None
        taken = (time.perf_counter() - started) * 1000
        return Reply(answer.status_code, _read(answer), taken)


def connect(url: str, signer: Signer | None, timeout: float) -> Connection:
    """Return the connection that a URL means: of a base, of its discovery, or of one service."""
    base, found, rest = url.rstrip("/").partition(_SERVICES)
    if not base.startswith(("http://", "https://")) or (found and rest and not rest.startswith("/")):
        raise StartError(f"{url}: no URL of a service, such as http://127.0.0.1:8000")
    return Connection(base, rest.strip("/") or None, signer, timeout)


def _read(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None
