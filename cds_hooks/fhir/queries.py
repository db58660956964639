"""What may be asked of a FHIR server: reads and searches as relative URLs, and which references are its own (X-7)."""

import re
from typing import Final, NamedTuple

from cds_hooks.outbound.places import read_place

_TYPE: Final = "[A-Z][A-Za-z]{1,63}"
_ID: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9.-]{1,64}"
_READ: Final = re.compile(f"({_TYPE})/({_ID})")
_SEARCH: Final = re.compile(rf'({_TYPE})\?[!"$-~]+')
_REFERENCE: Final = re.compile(f"({_TYPE}/{_ID})(?:/_history/{_ID})?")


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
