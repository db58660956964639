"""The console's way to the service: HTTP to its own address, as any client calls it."""

import ssl
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from cds_hooks.client.keys import read_key
from cds_hooks.client.tokens import Signer
from cds_hooks.errors import StartError
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
    """Sends calls to one service; with a signer each brings a token, made for the URL under `public` that it is for."""

    def __init__(
        self, base: str, certificate: str | None = None, signer: Signer | None = None, public: str | None = None
    ) -> None:
        self.base = base
        self.signer = signer
        self._public = public or base
        context = _trust(certificate) if certificate else None
        self._pool = urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=False)

    def post(self, path: str, body: bytes) -> Reply:
        """Send a call, and return what came of it."""
        started = time.perf_counter()
        try:
            answer = self._pool.request("POST", f"{self.base}{path}", body=body, headers=self._headers(path))
            status, text = answer.status, answer.data.decode("utf-8", "replace")
        except HTTPError as error:
            status, text = 0, type(error).__name__
        return Reply(status, text, round((time.perf_counter() - started) * 1000, 1))

    def _headers(self, path: str) -> Mapping[str, str]:
        token = {"Authorization": self.signer.authorization(f"{self._public}{path}")} if self.signer else {}
        return _JSON | token


def own_service(settings: Settings) -> ServiceClient:
    """Return the client of the service that these settings run."""
    host = settings.host.strip("[]")
    place = f"[{host}]" if ":" in host else host
    certificate = settings.tls_certificate
    scheme = "https" if certificate else "http"
    base, trusted = f"{scheme}://{place}:{settings.port}", str(certificate) if certificate else None
    return ServiceClient(base, trusted, own_signer(settings), settings.public_base_url)


def own_signer(settings: Settings) -> Signer | None:
    """Return what signs the console's calls, None where nothing does; StartError where it could not."""
    if not settings.console_sign:
        return None
    if not settings.console_issuer:
        raise StartError("CRD_CONSOLE_SIGN needs CRD_CONSOLE_ISSUER: the issuer that is registered with this key")
    return Signer(read_key(settings.console_sign), settings.console_issuer)


def _trust(certificate: str) -> ssl.SSLContext:
    """Return a context that trusts the service's own certificate, whatever host it names: this machine is called."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
