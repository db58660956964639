"""What may be asked of a FHIR server: reads and searches as relative URLs, and its own references (docs/threats.md)."""

import re
from typing import Final, NamedTuple

from cards import fold_base, read_reference
from cds_hooks.outbound.problems import FetchError, Problem

_TYPE: Final = "[A-Z][A-Za-z]{1,63}"

#: Ids that may stand in a URL as they are: FHIR's, and those that servers give beside them (longer, `_`, `:`), but none
#: that leads upward.
_ID: Final = r"(?!\.{1,2}$)[A-Za-z0-9._:-]{1,256}"

_READ: Final = re.compile(f"({_TYPE})/({_ID})")
_SEARCH: Final = re.compile(rf'({_TYPE})\?[!"$-~]+')

#: What is never asked for: the Patient's own data decide nothing here (minimum necessary, 45 CFR 164.502(b)).
_NEVER_READ: Final = frozenset({"Patient"})


class Asked(NamedTuple):
    """A relative URL: a read of one id, or a search, which has none."""

    url: str
    kind: str
    id: str | None

    @property
    def without_include(self) -> str:
        """The same search without `_include`, which not every server knows (docs/calls.md)."""
        path, mark, query = self.url.partition("?")
        kept = [part for part in query.split("&") if not part.startswith("_include")]
        return f"{path}{mark}{'&'.join(kept)}" if kept else self.url


def relative_reference(reference: str, base: str | None) -> str | None:
    """Return `Type/id` for a literal reference to a record of this server, relative or absolute; None for any other.

    The server is the same whatever scheme or default port the reference has: only `Type/id` is asked for, at `base`.
    """
    named = read_reference(reference)
    is_here = named.base is None or (base is not None and fold_base(base) == named.base)
    return named.key if named.key and is_here and _READ.fullmatch(named.key) else None


def read_asked(url: str) -> Asked:
    """Return what a relative URL asks for; NOT_FHIR for what is no read and no search, NEVER_READ for a Patient."""
    read, search = _READ.fullmatch(url), _SEARCH.fullmatch(url)
    found = read or search
    if found is None:
        raise FetchError(Problem.NOT_FHIR)
    if found[1] in _NEVER_READ:
        raise FetchError(Problem.NEVER_READ)
    return Asked(url, found[1], read[2] if read else None)
