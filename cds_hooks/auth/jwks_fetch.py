"""Fetches JWK Sets over HTTP: from addresses that may be called, no redirects, one end to the time and to the size.

Not by `fhir/connections`: that keeps connections, which are of no use every five minutes, and drops the headers, of
which `Cache-Control` is needed here. Addresses and sockets with one time budget are those of the FHIR door.
"""

import re
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from cds_hooks.outbound.places import read_place
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.resolver import Resolver
from cds_hooks.outbound.sockets import Address, dial, is_inside, is_public
from cds_hooks.outbound.tls import make_tls_context

#: For the whole of one fetch: the look-up of the name, TLS, and the last byte of the body.
SECONDS: Final = 2.0

MOST_BYTES: Final = 256 * 1024

#: No encoding: a compressed body cannot be limited before it is unpacked.
_HEADERS: Final = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "crd-server",
}

_QUERY: Final = re.compile(r'[!"$-~]*')
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)


class JwksFetchError(Exception):
    """There is no document to be had; `reason` is a code for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fetched(NamedTuple):
    """A document, and how many seconds its server says that it may be kept."""

    body: bytes
    max_age: float | None


class JwksFetcher:
    """Fetches documents; one for all threads. `private` opens addresses inside, and http on this machine."""

    def __init__(self, private: bool = False, seconds: float = SECONDS) -> None:
        self._private = private
        self._seconds = seconds
        self._tls = make_tls_context()
        self._resolver = Resolver()  # of its own: names that callers chose must not hold up the fetching of keys

    def fetch(self, url: str) -> Fetched:
        """Return the document at a registered URL; JwksFetchError where there is none in time."""
        ends = time.monotonic() + self._seconds
        try:
            return self._fetch(url, ends)
        except FetchError as error:
            raise JwksFetchError(_REASONS.get(error.problem, "unreachable")) from None
        except (HTTPException, OSError, ValueError):
            raise JwksFetchError("too-late" if time.monotonic() >= ends else "unreachable") from None

    def _fetch(self, url: str, ends: float) -> Fetched:
        path, mark, query = url.partition("?")
        if read_place(path) is None or not _QUERY.fullmatch(query):
            raise JwksFetchError("not-a-url")
        parts = urlsplit(path)
        is_secure, host = parts.scheme.lower() == "https", parts.hostname or ""
        connection = HTTPConnection(host, parts.port or (443 if is_secure else 80))
        reach = self._may_reach_over_tls if is_secure else self._may_reach_plainly
        connection.sock = dial(host, connection.port, reach, ends - time.monotonic(), self._resolver)
        try:
            if is_secure:
                connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=host)
            connection.sock.settimeout(max(ends - time.monotonic(), 0.001))
            connection.request("GET", (parts.path or "/") + mark + query, headers={**_HEADERS, "Host": parts.netloc})
            with connection.getresponse() as response:
                return _read(response)
        finally:
            connection.close()

    def _may_reach_over_tls(self, address: Address) -> bool:
        return is_public(address) or (self._private and is_inside(address))

    def _may_reach_plainly(self, address: Address) -> bool:
        return self._private and address.is_loopback


_REASONS: Final = {Problem.FORBIDDEN: "forbidden-address", Problem.TOO_LATE: "too-late", Problem.BUSY: "busy"}


def _read(response: HTTPResponse) -> Fetched:
    if response.status != 200:
        raise JwksFetchError("redirected" if response.status // 100 == 3 else f"status-{response.status}")
    if (response.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise JwksFetchError("encoded")
    body = response.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise JwksFetchError("too-large")
    found = _MAX_AGE.search(response.headers.get("Cache-Control") or "")
    return Fetched(body, float(found[1]) if found else None)
