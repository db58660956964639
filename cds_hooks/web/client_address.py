"""The address that a call comes from, also behind proxies: what they forward counts only where they are configured."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from cds_hooks.settings import Network

#: One client has as many bits of IPv6 as it likes after these (RFC 6177).
_IPV6_PREFIX: Final = 64


def peer_finder(proxies: tuple[Network, ...]) -> Callable[[str, str | None], str]:
    """Return what tells the peer of a connection's address and its X-Forwarded-For.

    Each proxy appends the address that it was called from, so it is the right-most one that is no trusted proxy.
    What stands left of it anybody may have written.
    """

    @lru_cache(maxsize=4096)
    def is_proxy(address: str) -> bool:
        known = _read(address)
        return known is not None and any(known.version == one.version and known in one for one in proxies)

    @lru_cache(maxsize=4096)
    def name(address: str) -> str:
        known = _read(address)
        return str(ip_network((known, _IPV6_PREFIX), strict=False)) if isinstance(known, IPv6Address) else str(known)

    def find_peer(address: str, forwarded: str | None) -> str:
        if forwarded and is_proxy(address):
            for hop in reversed(forwarded.split(",")):
                if _read(hop) is None:
                    break
                address = hop
                if not is_proxy(hop):
                    break
        return name(address)

    return find_peer


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address as proxies write it, with a port or without; None if it is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
