"""The one outgoing door: reads and searches at the FHIR server that a hook call names, with the token it brought.

Whoever calls a hook chooses `fhirServer`, so it is taken for an attacker's choice (X-7): only allowed servers and
addresses, nothing outside the base URL, no redirects, one end to the time and one to the size. Nothing here logs and
no exception leaves, because patient ids are in the URLs (X-4).
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from logging import getLogger
from math import inf
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import msgspec
import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from cds_hooks.errors import StartError, UnreadableBodyError
from cds_hooks.json_bodies import read_json

#: A base that did not do a batch is asked by single reads for as long; this many such bases are remembered.
NO_BATCH_SECONDS: Final = 600.0
MOST_NO_BATCH: Final = 256

#: Connections that lay idle for longer are not used again: a firewall may have dropped them without a word.
MOST_IDLE_SECONDS = 30.0

#: Connections are kept for this many FHIR servers.
_MOST_HOSTS: Final = 64

# urllib3 logs every URL at DEBUG, and some at WARNING; they have patient ids in them. Handlers set on "urllib3" itself
# still get its records.
getLogger("urllib3").propagate = False


class Problem(Enum):
    """Why a read or a search brought nothing; the value says it in words that have nothing of the request in them."""

    NOT_THERE = "the FHIR server has no such record"
    REFUSED = "the FHIR server refused access"
    FAILED = "the FHIR server reported an error"
    UNREACHABLE = "the FHIR server could not be reached"
    TOO_LATE = "the FHIR server did not answer in time"
    REDIRECTED = "the FHIR server redirected the request, which is not followed"
    NOT_FHIR = "the FHIR server's answer is not the FHIR that was asked for"
    TOO_LARGE = "the FHIR server's answer is larger than this service reads"
    FORBIDDEN = "this service may not call that FHIR server"

    @property
    def is_technical(self) -> bool:
        """Whether the record may exist all the same: true of all but NOT_THERE."""
        return self is not Problem.NOT_THERE


class Record(NamedTuple):
    """One resource, parsed and as the bytes it came in: decimals such as 1.10 are told apart only there."""

    resource: Mapping[str, Any]
    raw: bytes


#: A read gives one record; a search those of all its pages, included ones too, without OperationOutcomes.
Answer = tuple[Record, ...] | Problem


@dataclass(frozen=True, slots=True)
class FhirServer:
    """The FHIR server of a hook call: `fhirServer`, and the bearer token of `fhirAuthorization` if there is one."""

    base: str
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """What this service may call and how much it reads.

    `servers` lists the allowed base URLs, none means any. `private` opens private and loopback addresses, and plain
    http to them. `without_token` allows calls that brought no token (X-8). `max_bytes` is of one response,
    `max_nesting` in levels; `connections` are kept open for each server; `most_pages` of one search are read, the
    first included.
    """

    servers: tuple[str, ...] = ()
    private: bool = False
    without_token: bool = False
    max_bytes: int = 4 * 1024 * 1024
    max_nesting: int = 64
    connections: int = 16
    most_pages: int = 10


class _FetchError(Exception):
    """Ends one exchange with its problem; never leaves this module."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem


# --- where a URL leads ------------------------------------------------------------------------------------------------

_TYPE: Final = "[A-Z][A-Za-z]{1,63}"
_ID: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9.-]{1,64}"
_READ: Final = re.compile(f"({_TYPE})/({_ID})")
_SEARCH: Final = re.compile(rf'({_TYPE})\?[!"$-~]+')
_REFERENCE: Final = re.compile(f"({_TYPE}/{_ID})(?:/_history/{_ID})?")
_QUERY: Final = re.compile(r'[!"$-~]*')

#: One grammar, much narrower than the RFC's, so that no two readers can disagree about where a URL leads.
_PLACE: Final = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?((?:/[\w.~!$&'()*+,;=:@%-]+)*)/?",
    re.IGNORECASE | re.ASCII,
)

#: Segments that lead elsewhere, plain or encoded.
_UPWARD: Final = re.compile(r"/\.\.?(?:/|$)|%(?:2e|2f|5c|25)", re.IGNORECASE)


class _Asked(NamedTuple):
    """A relative URL: a read of one id, or a search."""

    url: str
    kind: str
    id: str | None

    @property
    def without_include(self) -> str:
        """The same search without `_include`, which not every server knows (spec 5.6)."""
        path, mark, query = self.url.partition("?")
        kept = [part for part in query.split("&") if not part.startswith("_include")]
        return f"{path}{mark}{'&'.join(kept)}" if kept else self.url


class _Place(NamedTuple):
    """Where an http(s) URL without query leads: its origin in one spelling, its path in segments."""

    origin: str
    path: tuple[str, ...]

    @property
    def url(self) -> str:
        """The URL, without a slash at its end."""
        return "/".join((self.origin, *self.path))

    def holds(self, other: "_Place") -> bool:
        """Whether another place has the same origin and lies at this path or below it."""
        return self.origin == other.origin and other.path[: len(self.path)] == self.path

    def at(self, relative: str) -> str:
        """Return the absolute URL of a relative one."""
        return f"{self.url}/{relative}"

    def inside(self, link: str) -> str:
        """Return the absolute URL of a link under this base; NOT_FHIR for any other, which must not get the token."""
        try:
            path, mark, query = urljoin(self.at(""), link).partition("?")
        except ValueError:
            raise _FetchError(Problem.NOT_FHIR) from None
        place = _read_place(path)
        if place is None or not self.holds(place) or not _QUERY.fullmatch(query):
            raise _FetchError(Problem.NOT_FHIR)
        return place.url + mark + query


def relative_reference(reference: str, base: str | None) -> str | None:
    """Return `Type/id` for a literal reference to a record of this server, relative or absolute; None for any other."""
    literal = _path_below(reference, base) if "://" in reference else reference
    found = _REFERENCE.fullmatch(literal)
    return found[1] if found else None


def _path_below(url: str, base: str | None) -> str:
    """Return the part of a URL under a base; nothing where it is elsewhere."""
    place, root = _read_place(url), _read_place(base or "")
    return "/".join(place.path[len(root.path) :]) if place and root and root.holds(place) else ""


def _read_asked(url: str) -> _Asked | None:
    read, search = _READ.fullmatch(url), _SEARCH.fullmatch(url)
    if read:
        return _Asked(url, read[1], read[2])
    return _Asked(url, search[1], None) if search else None


def _read_place(url: str) -> _Place | None:
    """Return where a URL leads; None for what is no plain http(s) URL, with user, query, fragment or `..` in it."""
    found = _PLACE.fullmatch(url)
    if found is None or _UPWARD.search(found[4]):
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), int(found[3] or 0)
    if port > 65535 or found[3] == "0":
        return None
    is_default = port in (0, 443 if scheme == "https" else 80)
    return _Place(f"{scheme}://{host}" + ("" if is_default else f":{port}"), tuple(found[4].split("/")[1:]))


def _allowed_place(url: str) -> _Place:
    place = _read_place(url)
    if place is None:
        raise StartError(f"{url}: not the base URL of a FHIR server")
    return place


# --- requests and replies ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Call:
    """What one hook call may do: where, as whom, and until when (of time.monotonic())."""

    base: _Place
    headers: Mapping[str, str] = field(repr=False)
    deadline: float


@dataclass(frozen=True, slots=True)
class _Reply:
    """A status and its body; `document` is the parsed body of a batch's entry, which came parsed with the batch."""

    status: int
    body: bytes = field(repr=False)
    document: Mapping[str, Any] | None = field(default=None, repr=False)


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None


_BUNDLES: Final = msgspec.json.Decoder(_Bundle)

_FHIR_JSON: Final = "application/fhir+json"

#: No encoding: a compressed body cannot be limited before it is unpacked.
_HEADERS: Final = {"Accept": _FHIR_JSON, "Accept-Encoding": "identity", "User-Agent": "crd-server"}

_TOKEN: Final = re.compile(r"[!-~]+")

#: A batch so answered is not followed by single reads: the token is not good, or the server is down or busy.
_ENDS_THE_CALL: Final = frozenset({401, 403, 429, 502, 503, 504})


def _headers(token: str | None, without_token: bool) -> Mapping[str, str]:
    """Return the headers of all requests, the token among them (CRD-57, HK-61); FORBIDDEN where none can be sent."""
    if token and _TOKEN.fullmatch(token):
        return {**_HEADERS, "Authorization": f"Bearer {token}"}
    if token or not without_token:
        raise _FetchError(Problem.FORBIDDEN)
    return _HEADERS


def _batch_body(asked: Sequence[_Asked]) -> bytes:
    """Return the batch that asks for all at once."""
    entries = [{"request": {"method": "GET", "url": one.url}} for one in asked]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def _entry_reply(entry: Mapping[str, Any], raw: bytes) -> _Reply:
    """Return one entry of a batch-response as the reply it stands for; one that says no status is an error."""
    response, resource = entry.get("response"), entry.get("resource")
    status = str(response.get("status"))[:3] if isinstance(response, dict) else ""
    return _Reply(int(status) if status.isdecimal() else 500, raw, resource if isinstance(resource, dict) else None)


def _problem(status: int) -> Problem:
    """Return what a status other than success means."""
    if 300 <= status < 400:
        return Problem.REDIRECTED
    if status in (401, 403):
        return Problem.REFUSED
    return Problem.NOT_THERE if status in (404, 410) else Problem.FAILED


def _check_kind(document: Mapping[str, Any], kind: str) -> None:
    found = document.get("resourceType")
    if found != kind:
        raise _FetchError(Problem.FAILED if found == "OperationOutcome" else Problem.NOT_FHIR)


def _record(asked: _Asked, document: Mapping[str, Any], raw: bytes) -> Record:
    """Return the record that was asked for; another one is no answer, whatever the server meant by it."""
    _check_kind(document, asked.kind)
    if document.get("id") != asked.id:
        raise _FetchError(Problem.NOT_FHIR)
    return Record(document, raw.strip())


def _page(bundle: Mapping[str, Any], raw: bytes) -> tuple[Record, ...]:
    """Return the records of one page of a search; FAILED where it holds an error and nothing else (as HK-52 has it)."""
    _check_kind(bundle, "Bundle")
    raws = _raw_resources(raw)
    found = [(entry.get("resource"), one) for entry, one in zip(bundle.get("entry") or (), raws, strict=True)]
    records = tuple(Record(resource, one) for resource, one in found if _is_record(resource))
    if not records and any(_is_error(resource) for resource, _ in found):
        raise _FetchError(Problem.FAILED)
    return records


def _raw_resources(bundle: bytes) -> list[bytes]:
    """Return the bytes of each entry's resource; NOT_FHIR where it is not a Bundle with entries."""
    try:
        entries = _BUNDLES.decode(bundle).entry or ()
    except msgspec.MsgspecError:
        raise _FetchError(Problem.NOT_FHIR) from None
    return [bytes(entry.resource) for entry in entries]


def _is_record(resource: Any) -> bool:
    if resource is None:
        return False
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        raise _FetchError(Problem.NOT_FHIR)
    return kind != "OperationOutcome"


def _is_error(outcome: Any) -> bool:
    """Whether an OperationOutcome tells of an error; a warning beside no results is none."""
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    severities = [issue.get("severity") for issue in issues or () if isinstance(issue, dict)]
    return "error" in severities or "fatal" in severities


def _next_link(bundle: Mapping[str, Any]) -> str | None:
    """Return the URL of the next page, if there is one; NOT_FHIR where the Bundle says it in no known way."""
    links = bundle.get("link") or ()
    if not isinstance(links, Sequence) or not all(isinstance(link, dict) for link in links):
        raise _FetchError(Problem.NOT_FHIR)
    url = next((link.get("url") for link in links if link.get("relation") == "next"), None)
    if url is not None and not isinstance(url, str):
        raise _FetchError(Problem.NOT_FHIR)
    return url


class _NoBatch:
    """The bases that lately did not do a batch."""

    def __init__(self) -> None:
        self._until: dict[_Place, float] = {}
        self._lock = Lock()

    def __contains__(self, base: _Place) -> bool:
        return self._until.get(base, 0.0) > time.monotonic()

    def add(self, base: _Place) -> None:
        """Remember a base, and forget the one remembered longest where there are too many."""
        with self._lock:
            self._until.pop(base, None)
            self._until[base] = time.monotonic() + NO_BATCH_SECONDS
            if len(self._until) > MOST_NO_BATCH:
                del self._until[next(iter(self._until))]


# --- addresses and sockets --------------------------------------------------------------------------------------------

#: What an operator may open with `private`. Link-local addresses, where clouds keep their credentials, stay shut.
_INSIDE: Final = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1", "fc00::/7")
)

#: Addresses of a kind of their own that carry an IPv4 address in their last 32 bits (RFC 6052).
_NAT64: Final = ip_network("64:ff9b::/96")

#: Azure's service for its virtual machines, which is link-local in all but its number.
_AZURE: Final = ip_address("168.63.129.16")

_LOOK_UPS: Final = ThreadPoolExecutor(16, thread_name_prefix="look-up")

_Address = tuple[socket.AddressFamily, tuple[Any, ...]]


def _read_address(text: str) -> IPv4Address | IPv6Address:
    """Return an address; for one that wraps an IPv4 address (mapped, 6to4, NAT64), that."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_inside(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in _INSIDE)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address == _AZURE
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not is_special and not is_site_local


class _Budget(socket.socket):
    """A socket whose timeout is one budget for all that follows, not a new one for every operation.

    So a server that sends a byte now and then is left at the deadline too.
    """

    _ends = inf
    used = 0.0

    def settimeout(self, value: float | None) -> None:
        """Begin a budget of so many seconds."""
        self._ends = inf if value is None else time.monotonic() + value
        super().settimeout(value)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive within the budget."""
        self._spend()
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Send within the budget."""
        self._spend()
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """Send all within the budget."""
        self._spend()
        super().sendall(*args, **kwargs)

    def _spend(self) -> None:
        self.used = time.monotonic()
        if self._ends <= self.used:
            raise TimeoutError
        super().settimeout(None if self._ends == inf else self._ends - self.used)


class _TlsBudget(_Budget, ssl.SSLSocket):
    """The same over TLS; Python's own budget of one operation covers the handshake."""


class _Connection(HTTPConnection):
    """Looks the host up once, checks the addresses, and connects to one of exactly these (X-7).

    Plain http goes to addresses inside only.
    """

    may_reach = staticmethod(_is_inside)

    @property
    def is_connected(self) -> bool:
        """Whether the connection can be used once more."""
        idle = time.monotonic() - getattr(self.sock, "used", 0.0)
        return idle < MOST_IDLE_SECONDS and super().is_connected

    def _new_conn(self) -> socket.socket:
        ends = time.monotonic() + (self.timeout or 0.0)
        found = _look_up(self._dns_host.strip("[]"), self.port, ends)
        allowed = [one for one in found if self.may_reach(_read_address(one[1][0]))]
        if not allowed:
            raise _FetchError(Problem.FORBIDDEN)
        return _dial_one_of(allowed, ends)


class _TlsConnection(_Connection, HTTPSConnection):
    """TLS, to public addresses; certificates are checked against the name, as ever."""

    may_reach = staticmethod(_is_public)


class _TlsAnywhereConnection(_TlsConnection):
    """TLS, to addresses inside as well."""

    may_reach = staticmethod(lambda address: _is_public(address) or _is_inside(address))


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _TlsAnywherePool(HTTPSConnectionPool):
    ConnectionCls = _TlsAnywhereConnection


class _Adapter(HTTPAdapter):
    """The pool of connections. No Session is around it: that would keep cookies, follow redirects, read `.netrc`
    (whose password would stand in for the token) and send through the environment's proxies."""

    def __init__(self, access: FhirAccess) -> None:
        self._private = access.private
        super().__init__(pool_connections=_MOST_HOSTS, pool_maxsize=access.connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools out of our connections, with one TLS context for all."""
        super().init_poolmanager(*args, **kwargs, ssl_context=_tls_context())
        tls = _TlsAnywherePool if self._private else _TlsPool
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": tls}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the authorities to the context; requests would load them anew for every connection, 20 ms each."""


def _tls_context() -> ssl.SSLContext:
    """Return a context that trusts the system's authorities (or those of SSL_CERT_FILE) and certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.sslsocket_class = _TlsBudget
    return context


def _look_up(host: str, port: int, ends: float) -> list[_Address]:
    """Return the addresses of a host. In a thread, because the system's own look-up knows no time limit."""
    job = _LOOK_UPS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = job.result(timeout=ends - time.monotonic())
    finally:
        job.cancel()
    return [(family, address) for family, _, _, _, address in found]


def _dial_one_of(addresses: Sequence[_Address], ends: float) -> socket.socket:
    """Connect to the first address that answers; a silent one gets only its share of the time that is left."""
    for number, (family, address) in enumerate(addresses):
        share = (ends - time.monotonic()) / (len(addresses) - number)
        dialled = _dial(family, address, share)
        if dialled:
            dialled.settimeout(max(ends - time.monotonic(), 0.001))  # 0 would mean: do not block
            return dialled
    raise ConnectionError


def _dial(family: socket.AddressFamily, address: tuple[Any, ...], seconds: float) -> socket.socket | None:
    dialled = _Budget(family, socket.SOCK_STREAM)
    try:
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.settimeout(max(seconds, 0.001))
        dialled.connect(address)
    except OSError:
        dialled.close()
        return None
    return dialled


# --- the client -------------------------------------------------------------------------------------------------------


class FhirClient:
    """Reads from FHIR servers; one for all threads of a process. It keeps connections, but nothing that they said."""

    def __init__(self, access: FhirAccess) -> None:
        self._access = access
        self._allowed = tuple(_allowed_place(server) for server in access.servers)
        self._adapter = _Adapter(access)
        self._workers = ThreadPoolExecutor(access.connections, thread_name_prefix="fhir")
        self._no_batch = _NoBatch()

    def fetch(self, server: FhirServer, urls: Sequence[str], deadline: float) -> dict[str, Answer]:
        """Return the answer to each relative read (`Patient/1`) or search (`Coverage?patient=1`), by its URL.

        `deadline` is of time.monotonic(). Several URLs go as one batch, or as single reads at once where the server
        does no batch (CRD-62). Nothing is tried twice but searches whose `_include` was refused.
        """
        asked = {url: _read_asked(url) for url in urls}
        known = [one for one in asked.values() if one]
        try:
            call = self._call(server, deadline)
            replies = self._batch(call, known)
        except _FetchError as error:
            return dict.fromkeys(asked, error.problem)
        answers = self._answers(call, known, replies)
        return {url: answers.get(url, Problem.NOT_FHIR) for url in asked}

    def more(self, server: FhirServer, bundle: Mapping[str, Any], deadline: float) -> Answer:
        """Return the records of the pages that follow a prefetched searchset, without those of the page itself."""
        try:
            return tuple(self._next_pages(self._call(server, deadline), bundle)) if _next_link(bundle) else ()
        except _FetchError as error:
            return error.problem

    def close(self) -> None:
        """Close all idle connections, and start no further reads."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._adapter.close()

    def _call(self, server: FhirServer, deadline: float) -> _Call:
        """Return what may be done for this hook call; FORBIDDEN where that is nothing (X-7, X-8)."""
        base = _read_place(server.base)
        if base is None or not self._may_call(base):
            raise _FetchError(Problem.FORBIDDEN)
        return _Call(base, _headers(server.token, self._access.without_token), deadline)

    def _may_call(self, base: _Place) -> bool:
        is_secure = base.origin.startswith("https:")
        is_listed = not self._allowed or any(allowed.holds(base) for allowed in self._allowed)
        return is_listed and (is_secure or self._access.private)

    def _batch(self, call: _Call, asked: Sequence[_Asked]) -> list[_Reply] | None:
        """Return the replies to one batch in the order asked; None where single reads are the way.

        A 500 may be one entry's fault, and a batch too large no entry's: single reads are tried, and the next call
        tries a batch again. A server that is down or busy (429, 502 to 504) is not asked for more.
        """
        if len(asked) < 2 or call.base in self._no_batch:
            return None
        try:
            reply = self._send(call, "POST", call.base.url, _batch_body(asked))
        except _FetchError as error:
            if error.problem is Problem.TOO_LARGE:
                return None
            raise
        if reply.status in _ENDS_THE_CALL:
            raise _FetchError(_problem(reply.status))
        replies = self._batch_replies(reply, len(asked))
        if replies is None and reply.status != 500:
            self._no_batch.add(call.base)
        return replies

    def _batch_replies(self, reply: _Reply, number: int) -> list[_Reply] | None:
        try:
            bundle = self._document(reply)
            _check_kind(bundle, "Bundle")
            raws = _raw_resources(reply.body)
        except _FetchError:
            return None
        is_answer = bundle.get("type") == "batch-response" and len(raws) == number
        return [_entry_reply(e, raw) for e, raw in zip(bundle["entry"], raws, strict=True)] if is_answer else None

    def _answers(self, call: _Call, asked: Sequence[_Asked], replies: list[_Reply] | None) -> dict[str, Answer]:
        if replies is not None:
            return {one.url: self._answer(call, one, reply) for one, reply in zip(asked, replies, strict=True)}
        if len(asked) < 2:
            return {one.url: self._answer(call, one) for one in asked}
        jobs = {one.url: self._workers.submit(self._answer, call, one) for one in asked}
        waiting = wait(jobs.values(), timeout=max(0.0, call.deadline - time.monotonic())).not_done
        for job in waiting:
            job.cancel()
        return {url: Problem.TOO_LATE if job in waiting else job.result() for url, job in jobs.items()}

    def _answer(self, call: _Call, asked: _Asked, reply: _Reply | None = None) -> Answer:
        """Return the answer to one read or search, whose first reply may have come in a batch."""
        try:
            first = reply or self._get(call, call.base.at(asked.url))
            if first.status == 400 and asked.url != asked.without_include:
                first = self._get(call, call.base.at(asked.without_include))
            document = self._document(first, asked)
            if asked.id is not None:
                return (_record(asked, document, first.body),)
            return (*_page(document, first.body), *self._next_pages(call, document))
        except _FetchError as error:
            return error.problem

    def _next_pages(self, call: _Call, bundle: Mapping[str, Any]) -> Iterator[Record]:
        """Yield the records of the pages after this one; every link must stay under the base URL."""
        for _ in range(self._access.most_pages - 1):
            link = _next_link(bundle)
            if link is None:
                return
            reply = self._get(call, call.base.inside(link))
            bundle = self._document(reply)
            yield from _page(bundle, reply.body)
        if _next_link(bundle) is not None:
            raise _FetchError(Problem.TOO_LARGE)

    def _get(self, call: _Call, url: str) -> _Reply:
        return self._send(call, "GET", url)

    def _send(self, call: _Call, method: str, url: str, body: bytes | None = None) -> _Reply:
        """Return the reply to one request; UNREACHABLE, TOO_LATE, TOO_LARGE or FORBIDDEN where there is none."""
        left = call.deadline - time.monotonic()
        if left <= 0:
            raise _FetchError(Problem.TOO_LATE)
        headers = {**call.headers, "Content-Type": _FHIR_JSON} if body else dict(call.headers)
        timeout: Any = Timeout(total=left)  # the stubs of requests know urllib3's own only as what it comes to
        try:
            request = requests.Request(method, url, headers=headers, data=body).prepare()
            with self._adapter.send(request, stream=True, timeout=timeout) as response:
                return _Reply(response.status_code, self._body(response))
        except (requests.RequestException, HTTPError, HTTPException, OSError, ValueError):
            is_late = time.monotonic() >= call.deadline
            raise _FetchError(Problem.TOO_LATE if is_late else Problem.UNREACHABLE) from None

    def _body(self, response: requests.Response) -> bytes:
        """Return the body, read up to the limit; an encoded one is refused, since it may unpack to any size."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise _FetchError(Problem.NOT_FHIR)
        body, most = bytearray(), self._access.max_bytes
        # Read on until there is nothing: only that tells a body that was cut off.
        while piece := response.raw.read(most + 1 - len(body), decode_content=False):
            body += piece
            if len(body) > most:
                raise _FetchError(Problem.TOO_LARGE)
        return bytes(body)

    def _document(self, reply: _Reply, asked: _Asked | None = None) -> Mapping[str, Any]:
        """Return the JSON object of a good reply. Only for a read, 404 tells that there is no such record."""
        problem = _problem(reply.status) if reply.status // 100 != 2 else None
        if problem is Problem.NOT_THERE and (asked is None or asked.id is None):
            problem = Problem.FAILED
        if problem:
            raise _FetchError(problem)
        try:
            return reply.document or read_json(reply.body, self._access.max_nesting)
        except (UnreadableBodyError, ValueError):
            raise _FetchError(Problem.NOT_FHIR) from None
