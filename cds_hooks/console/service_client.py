"""The console's way to the service: HTTP to its own address, as any client calls it."""

import ssl
import time
from typing import Any, Final, NamedTuple

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from cds_hooks.settings import Settings

#: Seconds to connect, and for an answer: longer than any call may take.
_TIMEOUT: Final = urllib3.Timeout(connect=2.0, read=20.0)

_JSON: Final = {"Content-Type": "application/json"}


class Reply(NamedTuple):
    """What the service answered: its status, its body as text, and after how many milliseconds.

    Where there was no answer the status is 0, and `body` says why.
    """

    status: int
    body: str
    milliseconds: float

    @property
    def document(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class ServiceClient:
    """Sends calls to one service."""

    def __init__(self, base: str, certificate: str | None = None) -> None:
        self.base = base
        context = _trust(certificate) if certificate else None
        self._pool = urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=False)

    def post(self, path: str, body: bytes) -> Reply:
        """Send a call, and return what came of it."""
        started = time.perf_counter()
        try:
            answer = self._pool.request("POST", f"{self.base}{path}", body=body, headers=_JSON)
            status, text = answer.status, answer.data.decode("utf-8", "replace")
        except HTTPError as error:
            status, text = 0, type(error).__name__
        return Reply(status, text, round((time.perf_counter() - started) * 1000, 1))


def own_service(settings: Settings) -> ServiceClient:
    """Return the client of the service that these settings run."""
    host = settings.host.strip("[]")
    place = f"[{host}]" if ":" in host else host
    certificate = settings.tls_certificate
    scheme = "https" if certificate else "http"
    return ServiceClient(f"{scheme}://{place}:{settings.port}", str(certificate) if certificate else None)


def _trust(certificate: str) -> ssl.SSLContext:
    """Return a context that trusts the service's own certificate, whatever host it names: this machine is called."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
