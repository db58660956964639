"""Connections to FHIR servers: kept for the next call, to addresses that may be called, over TLS that is checked.

The pools are those of requests and urllib3, by what these offer to subclasses, but for one name of urllib3's own:
`HTTPConnection._new_conn` (2.8.0; its support of SOCKS proxies overrides the same). Were it not called any more, the
tests of addresses inside would fail.
"""

import os
import socket
import ssl
import time
from functools import cache
from http.client import HTTPException
from logging import getLogger
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from cds_hooks.fhir.access import FhirAccess
from cds_hooks.fhir.messages import FHIR_JSON, Call, Reply, read_reply
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.resolver import Resolver
from cds_hooks.outbound.sockets import dial, is_inside, is_public
from cds_hooks.outbound.tls import make_tls_context
from cds_hooks.telemetry.metrics import ThreadGauge, asked_fhir
from cds_hooks.telemetry.traces import client_span

#: Connections that lay idle for longer are not used again: a firewall may have dropped them without a word.
MOST_IDLE_SECONDS = 30.0

#: One for all connections to FHIR servers; keys are fetched with another.
_RESOLVER: Final = Resolver()

#: Connections are kept for this many FHIR servers.
_MOST_HOSTS: Final = 64

# urllib3 logs every URL at DEBUG, and some at WARNING; they have patient ids in them. Handlers set on "urllib3" itself
# still get its records.
getLogger("urllib3").propagate = False


class Connections:
    """Sends requests over connections that it keeps; one for all threads.

    It is the adapter of requests without a Session around it: that would keep cookies, follow redirects, read `.netrc`
    (whose password would stand in for the token) and send through the environment's proxies.
    """

    def __init__(self, access: FhirAccess) -> None:
        self._max_bytes = access.max_bytes
        self._adapter = _Adapter(access)
        #: The threads that wait for a reply, each over a connection of its own.
        self.busy = ThreadGauge()

    def send(self, call: Call, method: str, url: str, body: bytes | None = None) -> Reply:
        """Return the reply to one request; UNREACHABLE, TOO_LATE, TOO_LARGE or FORBIDDEN where there is none."""
        started, outcome = time.perf_counter(), "FAILED"
        # No trace context goes along: whose server it is, is the caller's choice.
        with self.busy, client_span(f"FHIR {method}", **{"http.request.method": method}) as span:
            try:
                reply = self.exchange(call, method, url, body)
                outcome = f"{reply.status // 100}xx"
                span.set_attribute("http.response.status_code", reply.status)
                return reply
            except FetchError as error:
                outcome = error.problem.name
                span.set_attribute("error.type", outcome)
                raise
            finally:
                asked_fhir(time.perf_counter() - started, outcome)

    def exchange(self, call: Call, method: str, url: str, body: bytes | None) -> Reply:
        """Return the reply to one request, as `send` does, of a server that is none of FHIR: nothing is counted."""
        left = call.seconds_left
        if left <= 0:
            raise FetchError(Problem.TOO_LATE)
        headers = {"Content-Type": FHIR_JSON, **call.headers} if body else dict(call.headers)
        timeout: Any = Timeout(total=left)  # the stubs of requests know urllib3's own only as what it comes to
        try:
            request = requests.Request(method, url, headers=headers, data=body).prepare()
            with self._adapter.send(request, stream=True, timeout=timeout) as response:
                return read_reply(response.status_code, self._body(response))
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError):
            raise FetchError(Problem.TOO_LATE if call.seconds_left <= 0 else Problem.UNREACHABLE) from None

    def _body(self, response: requests.Response) -> bytes:
        """Return the body, read up to the limit; an encoded one is refused, since it may unpack to any size."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FetchError(Problem.NOT_FHIR)
        body, most = bytearray(), self._max_bytes
        # Read on until there is nothing: only that tells a body that was cut off.
        while piece := response.raw.read(most + 1 - len(body), decode_content=False):
            body += piece
            if len(body) > most:
                raise FetchError(Problem.TOO_LARGE)
        return bytes(body)

    def servers(self) -> int:
        """Return for how many servers connections are kept."""
        return len(self._adapter.pools)

    def idle(self) -> int:
        """Return how many connections are kept for the next call."""
        names = self._adapter.pools.keys()  # urllib3's container cannot be iterated itself
        pools = [self._adapter.pools.get(name) for name in names]
        kept = [list(pool.pool.queue) for pool in pools if pool is not None and pool.pool is not None]
        return sum(connection is not None for pool in kept for connection in pool)

    def close(self) -> None:
        """Close all idle connections."""
        self._adapter.close()


class _Connection(HTTPConnection):
    """Connects to addresses that may be reached: for plain http only those inside."""

    may_reach = staticmethod(is_inside)

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used once more."""
        idle = time.monotonic() - getattr(self.sock, "used", 0.0)
        return idle < MOST_IDLE_SECONDS and super().is_connected

    def _new_conn(self) -> socket.socket:
        return dial(self.host, self.port, self.may_reach, self.timeout or 0.0, _RESOLVER)


class _TlsConnection(_Connection, HTTPSConnection):
    """TLS, to public addresses; certificates are checked against the name, as ever."""

    may_reach = staticmethod(is_public)


class _TlsAnywhereConnection(_TlsConnection):
    """TLS, to addresses inside as well."""

    may_reach = staticmethod(lambda address: is_public(address) or is_inside(address))


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _TlsAnywherePool(HTTPSConnectionPool):
    ConnectionCls = _TlsAnywhereConnection


@cache
def _tls_context(*_: str | None) -> ssl.SSLContext:
    """Return the context for authorities from these places; workers have that of the process they are forked from."""
    return make_tls_context()


class _Adapter(HTTPAdapter):
    """Pools of such connections, with one TLS context for all."""

    def __init__(self, access: FhirAccess) -> None:
        super().__init__(pool_connections=_MOST_HOSTS, pool_maxsize=access.connections, max_retries=0)
        tls = _TlsAnywherePool if access.private else _TlsPool
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": tls}

    @property
    def pools(self) -> Any:
        """The pools by server (urllib3's RecentlyUsedContainer)."""
        return self.poolmanager.pools

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools with our TLS context."""
        context = _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        super().init_poolmanager(*args, **kwargs, ssl_context=context)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the authorities to the context; requests would load them anew for every connection, 20 ms each."""
