"""A code is a system and a code; the many spellings of one code system fold to one here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Coding(NamedTuple):
    """One code of one code system.

    `system` is the short name of a known code system (`HCPCS`), else the URI as received, folded.
    `code` is upper case without surrounding space: codes compare without regard to either.
    """

    system: str
    code: str


@dataclass(frozen=True)
class CodeSystem:
    """A code system: the name policies use, the URI this service writes, and whether a code names a service."""

    name: str
    uri: str
    aliases: tuple[str, ...]
    names_a_service: bool


def fold_uri(uri: str) -> str:
    """Return `uri` without scheme, `www.`, letter case and trailing slash, the ways real clients vary it."""
    folded = uri.strip().lower().rstrip("/")
    return folded.removeprefix("https://").removeprefix("http://").removeprefix("www.")


@dataclass(frozen=True)
class CodeSystems:
    """All known code systems, with every spelling of each seen on the wire.

    `written` keeps answers as they were written with these systems: when rules are replaced, it goes with them.
    """

    by_name: Mapping[str, CodeSystem]
    written: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = {
            fold_uri(spelling): system.name
            for system in self.by_name.values()
            for spelling in (system.uri, *system.aliases)
        }
        # Exact spellings first: a call then costs one dictionary look-up and no folding.
        for system in self.by_name.values():
            names.update(dict.fromkeys((system.uri, *system.aliases), system.name))
        object.__setattr__(self, "_names", names)

    def coding(self, system: str, code: str) -> Coding:
        """Return the code as the policies spell it: `M0076` of any HCPCS alias, any case, is one `Coding`."""
        name = self._names.get(system)
        if name is None:
            folded = fold_uri(system)
            name = self._names.get(folded, folded)
        code = code.strip().upper()
        return Coding(name, code.replace("-", "") if name == "NDC" else code)  # 67850-140-05 is 6785014005

    def uri(self, name: str) -> str:
        """Return the URI to write for the code system `name`; an unknown system keeps its own spelling."""
        system = self.by_name.get(name)
        return system.uri if system else name

    def names_a_service(self, coding: Coding) -> bool:
        """Tell whether the code says exactly which service is ordered (HCPCS, CPT)."""
        system = self.by_name.get(coding.system)
        return system is not None and system.names_a_service
