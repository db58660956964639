"""Which resource a reference names, by the rules of FHIR R4 (references.html, and bundle.html "Resolving references
in Bundles"): the entry's fullUrl first, then the base of the entry that refers, contained, versioned, urn.

One server is often written in several ways: scheme, default ports and a slash at the end make no other base.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

Json = Mapping[str, Any]

#: FHIR R4 type id.
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")

#: What ends in the name of a resource type and an id, which need not keep to FHIR's form of ids.
_KEYED: Final = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]{1,63}/[^/?]+)")

#: `Type/id` and nothing else.
_RELATIVE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64}")

_URL: Final = re.compile(r"https?://([^/?#\s]*)([^?#\s]*)", re.IGNORECASE)

#: The plainest absolute reference: no port, no version, no fragment. Its host is all that is to be folded.
_ABSOLUTE: Final = re.compile(r"https?://([^/?#\s:@]+)(/[^?#\s]*)?/([A-Z][A-Za-z]{1,63}/[A-Za-z0-9.-]{1,64})")

_UUID: Final = "urn:uuid:"

_DEFAULT_PORT: Final = re.compile(r":(?:0*443|0*80)?\Z")


def is_id(text: str) -> bool:
    """Tell whether a text is an id by the rules of FHIR R4: 1 to 64 letters, digits, `-` and `.`."""
    return _ID.fullmatch(text) is not None


#: What an id must be to stand in a reference: servers write longer ones, and with `_` or `:`.
_USABLE_ID: Final = re.compile(r"[^\s/?#|\\\"<>{}^`\x00-\x1f\x7f]{1,255}")


def is_usable_id(text: str) -> bool:
    """Tell whether an id can be sent back in a reference, be it FHIR's or not: it goes to whom it came from."""
    return _USABLE_ID.fullmatch(text) is not None


def literal_reference(value: Any) -> str | None:
    """Return the literal reference of a Reference, whatever it was given as."""
    reference = value.get("reference") if isinstance(value, dict) else None
    return reference if isinstance(reference, str) else None


def record_key(reference: str) -> str:
    """Return `Type/id` of a literal reference, relative or absolute, of whatever version."""
    return "/".join(reference.strip().partition("/_history/")[0].split("/")[-2:])


def fold_base(url: str) -> str:
    """Return a base URL in the one spelling that bases are compared in: without scheme, default port, last slash.

    The path keeps its case, as FHIR has it; what is no http(s) URL is only stripped.
    """
    found = _URL.fullmatch(url.strip())
    if found is None:
        return url.strip().rstrip("/")
    return _DEFAULT_PORT.sub("", found[1].lower()) + found[2].rstrip("/")


def same_base(one: str, other: str) -> bool:
    """Tell whether two base URLs are of the same FHIR server."""
    return fold_base(one) == fold_base(other)


def same_reference(one: str, other: str, base: str | None = None) -> bool:
    """Tell whether two literal references name the same record; relative ones are read against `base`.

    Where one is relative and no base is known, the same `Type/id` is the same record.
    """
    first, second = read_reference(one), read_reference(other)
    if one == other or (first.url is not None and first.url == second.url):
        return True
    if first.key is None or first.key != second.key:
        return False
    bases = {fold_base(base) if base and part.base is None else part.base for part in (first, second)}
    return None in bases or len(bases) == 1


class Reference(NamedTuple):
    """A literal reference, taken apart.

    `base` is the folded base URL of an absolute one, `key` is `Type/id`; `url` is a whole URL (folded as bases are,
    without its version) or urn, which only a fullUrl can match where there is no key. All are None for a fragment.
    """

    base: str | None = None
    key: str | None = None
    url: str | None = None


def read_reference(text: str) -> Reference:
    """Take a literal reference apart; one of no known form has no parts, and names nothing."""
    if _RELATIVE.fullmatch(text):  # as nearly all are
        return Reference(key=text)
    if plain := _ABSOLUTE.fullmatch(text):
        base = plain[1].lower() + (plain[2] or "")
        return Reference(base, plain[3], f"{base}/{plain[3]}")
    literal = text.strip().partition("#")[0].partition("/_history/")[0]
    if literal.lower().startswith("urn:"):
        return Reference(url=literal.lower())
    folded = fold_base(literal) if "://" in literal else literal.removeprefix("/")
    found = _KEYED.fullmatch(folded)
    base, key = found.groups() if found else (None, None)
    if "://" in literal:
        return Reference(base, key, folded) if base else Reference(url=folded)
    return Reference(key=key) if base is None else Reference()


#: Where a resource is that has no fullUrl.
_NOWHERE: Final = Reference()


def find_contained(reference: str, container: Json) -> Json | None:
    """Return the contained resource that `#id` names, also where its id is written with the `#`."""
    identity, contained = reference.strip().removeprefix("#"), container.get("contained")
    for resource in contained if isinstance(contained, list) else ():
        own = resource.get("id") if isinstance(resource, dict) else None
        if isinstance(own, str) and own.removeprefix("#") == identity:
            found: Json = resource
            return found
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A resource as it came: with the fullUrl of its Bundle's entry, or contained in another one."""

    resource: Json = field(repr=False)
    full_url: str | None = field(default=None, repr=False)
    container: "Entry | None" = field(default=None, repr=False)

    @property
    def outermost(self) -> "Entry":
        """The resource that contains this one, or itself: contained resources have no contained ones (FHIR dom-2)."""
        return self.container or self

    @property
    def key(self) -> str:
        """`Type/id` of the resource, as it says itself."""
        return f"{self.resource.get('resourceType')}/{self.resource.get('id')}"

    @property
    def base(self) -> str | None:
        """The server that the resource comes from, folded, where its fullUrl tells."""
        full_url = self.outermost.full_url
        return read_reference(full_url).base if full_url else None


class ReferenceIndex:
    """The resources of one call, found by the references to them. `base` is the call's FHIR server, where it has one.

    A resource without fullUrl is taken to come from the call's server. Servers behind a proxy write fullUrls with names
    of their own, so a relative reference in such a resource may also name one with a fullUrl, if only one fits.
    """

    def __init__(self, base: str | None = None) -> None:
        self._base = fold_base(base) if base else None
        self._by_url: dict[str, Entry] = {}
        self._unplaced: dict[str, Entry] = {}
        self._placed: dict[str, list[Entry]] = {}
        self._by_id: dict[str, list[Entry]] = {}

    def add(self, resource: Json, full_url: Any = None) -> Entry:
        """Sort a resource in, and return the entry its references lead to: the first of its fullUrl, or of its
        `Type/id` where it has none."""
        entry = Entry(resource, full_url if isinstance(full_url, str) and full_url.strip() else None)
        place = read_reference(entry.full_url) if entry.full_url else _NOWHERE
        if place.url is not None:
            known = self._by_url.setdefault(place.url, entry)
            if known is not entry:
                return known
        identity = resource.get("id")
        if not isinstance(identity, str) or not identity:
            return entry
        key = entry.key
        if place.base is not None:
            self._placed.setdefault(key, []).append(entry)
        elif self._unplaced.setdefault(key, entry) is not entry:
            return self._unplaced[key]
        self._by_id.setdefault(identity.lower(), []).append(entry)
        return entry

    def resolve(self, reference: str, within: Entry | None = None) -> Entry | None:
        """Return what a reference in some resource names; None where it did not come, or several may be meant."""
        if reference.strip().startswith("#"):
            return _resolve_contained(reference, within)
        named = read_reference(reference)
        if named.url is not None and named.url in self._by_url:
            return self._by_url[named.url]
        if named.key is None:
            is_uuid = named.url is not None and named.url.startswith(_UUID)
            return _only(self._by_id.get(str(named.url).removeprefix(_UUID), ())) if is_uuid else None
        if named.base is None:
            return self._resolve_relative(named.key, within.base if within else None)
        return self._unplaced.get(named.key) if self._base in (None, named.base) else None

    def _resolve_relative(self, key: str, base: str | None) -> Entry | None:
        """Return the resource of a `Type/id`, named in a resource that comes from `base` or says nothing of that."""
        server = base or self._base
        exact = self._by_url.get(f"{server}/{key}") or self._unplaced.get(key)
        return exact if exact or base else _only(self._placed.get(key, ()))


def _resolve_contained(reference: str, within: Entry | None) -> Entry | None:
    if within is None:
        return None
    outermost = within.outermost
    if reference.strip() == "#":
        return outermost
    found = find_contained(reference, outermost.resource)
    return Entry(found, container=outermost) if found is not None else None


def _only(entries: Sequence[Entry]) -> Entry | None:
    return entries[0] if len(entries) == 1 else None
