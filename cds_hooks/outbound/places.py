"""Where a URL leads: one origin and a path, by a grammar that no two readers read differently (docs/threats.md)."""

import re
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urljoin

from cards import same_base
from cds_hooks.errors import StartError
from cds_hooks.outbound.problems import FetchError, Problem

#: One grammar, much narrower than the RFC's, so that no two readers can disagree about where a URL leads.
_PLACE: Final = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?((?:/[\w.~!$&'()*+,;=:@%-]+)*)/?",
    re.IGNORECASE | re.ASCII,
)

#: Segments that lead elsewhere, plain or encoded.
_UPWARD: Final = re.compile(r"/\.\.?(?:/|$)|%(?:2e|2f|5c|25)", re.IGNORECASE)

_QUERY: Final = re.compile(r'[!"$-~]*')


class Place(NamedTuple):
    """Where an http(s) URL without query leads: its origin in one spelling, its path in segments."""

    origin: str
    path: tuple[str, ...]

    @property
    def domain(self) -> str:
        """The domain of the host; of an address, the origin."""
        host = self.origin.partition("://")[2]
        return self.origin if host.startswith("[") or is_address(host.partition(":")[0]) else domain_of(host)

    @property
    def url(self) -> str:
        """The URL, without a slash at its end."""
        return "/".join((self.origin, *self.path))

    def holds(self, other: "Place") -> bool:
        """Whether another place has the same origin and lies at this path or below it."""
        return self.origin == other.origin and other.path[: len(self.path)] == self.path

    def at(self, relative: str) -> str:
        """Return the absolute URL of a relative one."""
        return f"{self.url}/{relative}"

    def inside(self, link: str) -> str:
        """Return the absolute URL of a link under this base; ELSEWHERE for any other, which must not get the token.

        A link that has another scheme or a default port (proxies end TLS) is one of this base, and is asked for at it.
        """
        try:
            path, mark, query = urljoin(self.at(""), link).partition("?")
        except ValueError:
            raise FetchError(Problem.NOT_FHIR) from None
        place = read_place(path)
        if place is None or not _QUERY.fullmatch(query):
            raise FetchError(Problem.NOT_FHIR)
        here = Place(self.origin, place.path)
        if not same_base(self.origin, place.origin) or not self.holds(here):
            raise FetchError(Problem.ELSEWHERE)
        return here.url + mark + query


def is_address(host: str) -> bool:
    """Tell whether a host is an address, so that nobody needs to be asked for it."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def domain_of(host: str) -> str:
    """Return the last two labels of a name: whoever has a domain can make any number of names below it."""
    return ".".join(host.partition(":")[0].lower().rstrip(".").split(".")[-2:])


def read_place(url: str) -> Place | None:
    """Return where a URL leads; None for what is no plain http(s) URL, with user, query, fragment or `..` in it."""
    found = _PLACE.fullmatch(url)
    if found is None or _UPWARD.search(found[4]):
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), int(found[3] or 0)
    if port > 65535 or found[3] == "0":
        return None
    is_default = port in (0, 443 if scheme == "https" else 80)
    return Place(f"{scheme}://{host}" + ("" if is_default else f":{port}"), tuple(found[4].split("/")[1:]))


def read_allowed_place(url: str) -> Place:
    """Return where a base URL of the settings leads; StartError for none."""
    place = read_place(url)
    if place is None:
        raise StartError(f"{url}: not the base URL of a FHIR server")
    return place
