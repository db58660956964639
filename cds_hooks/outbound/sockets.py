"""Which addresses may be called (docs/threats.md), and sockets to them that keep to one time budget."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import inf
from typing import Any, Final

from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.resolver import Resolver, SocketAddress

#: What an operator may open with `private`. Link-local addresses, where clouds keep their credentials, stay shut.
_INSIDE: Final = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1", "fc00::/7")
)

#: Addresses of a kind of their own that carry an IPv4 address in their last 32 bits (RFC 6052).
_NAT64: Final = ip_network("64:ff9b::/96")

#: Azure's service for its virtual machines, which is link-local in all but its number.
_AZURE: Final = ip_address("168.63.129.16")

Address = IPv4Address | IPv6Address


def is_inside(address: Address) -> bool:
    """Whether an address is of the operator's own network or machine."""
    return any(address in network for network in _INSIDE)


def is_public(address: Address) -> bool:
    """Whether an address is one of the world's, and of one host."""
    is_special = address.is_multicast or address.is_reserved or address == _AZURE
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not is_special and not is_site_local


def dial(
    host: str, port: int, may_reach: Callable[[Address], bool], seconds: float, resolver: Resolver
) -> socket.socket:
    """Return a socket connected to a host, which keeps to what is left of so many seconds.

    The host is looked up once and only addresses that were checked are connected to, so that a name cannot lead
    elsewhere at a second look (docs/threats.md). FORBIDDEN where it has none that may be reached.
    """
    ends = time.monotonic() + seconds
    allowed = [found for found in resolver.look_up(host, port, seconds) if may_reach(_read_address(found[1][0]))]
    if not allowed:
        raise FetchError(Problem.FORBIDDEN)
    return _dial_one_of(allowed, ends)


def _read_address(text: str) -> Address:
    """Return an address; for one that wraps an IPv4 address (mapped, 6to4, NAT64), that."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _dial_one_of(addresses: Sequence[SocketAddress], ends: float) -> socket.socket:
    """Connect to the first address that answers; a silent one gets only its share of the time that is left."""
    for number, (family, address) in enumerate(addresses):
        share = (ends - time.monotonic()) / (len(addresses) - number)
        dialled = _dial(family, address, share)
        if dialled:
            dialled.settimeout(max(ends - time.monotonic(), 0.001))  # 0 would mean: do not block
            return dialled
    raise ConnectionError


def _dial(family: socket.AddressFamily, address: tuple[Any, ...], seconds: float) -> socket.socket | None:
    dialled = _BudgetSocket(family, socket.SOCK_STREAM)
    try:
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        dialled.settimeout(max(seconds, 0.001))
        dialled.connect(address)
    except OSError:
        dialled.close()
        return None
    return dialled


class _BudgetSocket(socket.socket):
    """A socket whose timeout is one budget for all that follows, not a new one for every operation.

    So a server that sends a byte now and then is left at the deadline too. It rests on what the standard library does
    without promising it (Python 3.11): `http.client` sends by `sendall`, and reads by `makefile`, which calls
    `recv_into`. The tests with dripping servers would tell if that changed.
    """

    # Of the class, because SSLContext.wrap_socket makes its sockets without calling __init__.
    _ends = inf
    #: When it was last read or written, of time.monotonic().
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


class TlsBudgetSocket(_BudgetSocket, ssl.SSLSocket):
    """The same over TLS, for `SSLContext.sslsocket_class`; Python's own limit to one operation covers the handshake."""
