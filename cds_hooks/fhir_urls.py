"""Where a URL leads: the base of a FHIR server, what is under it, and what may be asked there (X-7)."""

import re
from typing import Final, NamedTuple
from urllib.parse import urljoin

from cds_hooks.errors import StartError
from cds_hooks.fhir_access import FetchError, Problem

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


class Asked(NamedTuple):
    """A relative URL: a read of one id, or a search, which has none."""

    url: str
    kind: str
    id: str | None

    @property
    def without_include(self) -> str:
        """The same search without `_include`, which not every server knows (spec 5.6)."""
        path, mark, query = self.url.partition("?")
        kept = [part for part in query.split("&") if not part.startswith("_include")]
        return f"{path}{mark}{'&'.join(kept)}" if kept else self.url


class Place(NamedTuple):
    """Where an http(s) URL without query leads: its origin in one spelling, its path in segments."""

    origin: str
    path: tuple[str, ...]

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
        """Return the absolute URL of a link under this base; NOT_FHIR for any other, which must not get the token."""
        try:
            path, mark, query = urljoin(self.at(""), link).partition("?")
        except ValueError:
            raise FetchError(Problem.NOT_FHIR) from None
        place = read_place(path)
        if place is None or not self.holds(place) or not _QUERY.fullmatch(query):
            raise FetchError(Problem.NOT_FHIR)
        return place.url + mark + query


def relative_reference(reference: str, base: str | None) -> str | None:
    """Return `Type/id` for a literal reference to a record of this server, relative or absolute; None for any other."""
    literal = _path_below(reference, base) if "://" in reference else reference
    found = _REFERENCE.fullmatch(literal)
    return found[1] if found else None


def _path_below(url: str, base: str | None) -> str:
    """Return the part of a URL under a base; nothing where it is elsewhere."""
    place, root = read_place(url), read_place(base or "")
    return "/".join(place.path[len(root.path) :]) if place and root and root.holds(place) else ""


def read_asked(url: str) -> Asked | None:
    """Return what a relative URL asks for; None for what is neither a read nor a search."""
    read, search = _READ.fullmatch(url), _SEARCH.fullmatch(url)
    if read:
        return Asked(url, read[1], read[2])
    return Asked(url, search[1], None) if search else None


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
