"""A code is a system and a code; the many spellings of either fold to one here and nowhere else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, NamedTuple


class Coding(NamedTuple):
    """One code of one code system.

    `system` is the short name of a known code system (`HCPCS`), else the URI as received, folded.
    `code` is upper case without surrounding space, modifiers and hyphens that do not count.
    """

    system: str
    code: str


@dataclass(frozen=True)
class CodeSystem:
    """A code system: the name policies use, the URI this service writes, and what its codes look like.

    `procedure_codes` is a regular expression for the codes of a system whose codes take modifiers; `segments` are the
    lengths of the segments that a code of digits has, with zeros before what is shorter. `add_ons` are codes of what
    goes with another service. `form` says in words what its codes look like; with `of_diagnoses` they name no service.
    """

    name: str
    uri: str
    aliases: tuple[str, ...]
    names_a_service: bool
    procedure_codes: str | None = None
    segments: tuple[int, ...] = ()
    add_ons: frozenset[str] = frozenset()
    form: str = ""
    of_diagnoses: bool = False


#: So many answers are kept as they were written.
_MOST_WRITTEN: Final = 10_000

#: What stands between a procedure's code and its modifiers, of which a claim has four at most: two characters each
#: (claim form CMS 1500, item 24D). Some clients write nothing between them.
_MODIFIERS: Final = r"(?:[-\s.:,/^+]*[0-9A-Z]{2}){0,4}[-\s.:,/^+]*"


def fold_uri(uri: str) -> str:
    """Return `uri` without scheme, `www.`, letter case and trailing slash, the ways real clients vary it."""
    folded = uri.strip().lower().rstrip("/")
    return folded.removeprefix("https://").removeprefix("http://").removeprefix("www.")


def fold_system(system: str) -> str:
    """Return a code system's URI, OID or name as they are compared: without a version (`|2026`) and `urn:oid:`."""
    return fold_uri(system.partition("|")[0]).removeprefix("urn:oid:")


@dataclass(frozen=True)
class CodeSystems:
    """All known code systems, with every spelling of each seen on the wire.

    `written` keeps answers as they were written with these systems: when rules are replaced, it goes with them.
    """

    by_name: Mapping[str, CodeSystem]
    written: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: Mapping[str, str] = field(init=False, repr=False)
    _forms: Mapping[str, re.Pattern[str]] = field(init=False, repr=False)
    _procedure: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        spellings = {s.name: (s.uri, *s.aliases, s.name) for s in self.by_name.values()}
        names = {fold_system(spelling): name for name, spelled in spellings.items() for spelling in spelled}
        # Exact spellings too: a call then costs one dictionary look-up and no folding.
        names |= {spelling: name for name, spelled in spellings.items() for spelling in spelled}
        object.__setattr__(self, "_names", names)
        forms = {s.name: re.compile(s.procedure_codes) for s in self.by_name.values() if s.procedure_codes}
        object.__setattr__(self, "_forms", forms)
        either = "|".join(form.pattern for form in forms.values()) or "(?!)"
        object.__setattr__(self, "_procedure", re.compile(f"({either}){_MODIFIERS}"))

    def nearest(self, name: str) -> str:
        """Return, as the end of a message, which system another spelling of it is, or a misspelt name may mean.

        Nothing where none is like it.
        """
        known = self._names.get(name) or self._names.get(fold_system(name))
        if known:
            return f"; write {known}" if ":" in name else f"; did you mean {known}?"
        found = get_close_matches(name.upper(), self.by_name, n=1, cutoff=0.5)
        return f"; did you mean {found[0]}?" if found else ""

    def write_once(self, key: Any, write: Callable[[], Any]) -> Any:
        """Return what was written for a key, or else write it and keep it, as long as there is room."""
        found = self.written.get(key)
        if found is None:
            found = write()
            if len(self.written) < _MOST_WRITTEN:
                self.written[key] = found
        return found

    def coding(self, system: str, code: str) -> Coding:
        """Return the code as the policies spell it: `m0076-RT` of any HCPCS alias is HCPCS M0076."""
        return self.readings(system, code)[0]

    def readings(self, system: str, code: str) -> tuple[Coding, ...]:
        """Return all that a code can be: a drug code of ten digits without hyphens does not show its segments."""
        name = self._names.get(system) or fold_system(system)
        name = self._names.get(name, name)
        known, code = self.by_name.get(name), code.strip().upper()
        if known and known.procedure_codes:
            return (self._procedure_coding(name, code),)
        if known and known.segments:
            return tuple(Coding(name, digits) for digits in _pad(code, known.segments))
        return (Coding(name, code),)

    def bare(self, code: str) -> str:
        """Return a code that came without a system as it is looked for among the policies' codes."""
        found = self._procedure.fullmatch(code.strip().upper())
        return found[1] if found else code

    def prefix(self, name: str, code: str) -> str:
        """Return the beginning of codes of the system `name` as codes are spelled: of a drug code, whole segments."""
        code = code.strip().upper()
        known = self.by_name.get(name)
        return _pad_each(code.split("-"), known.segments) if known and known.segments and "-" in code else code

    def uri(self, name: str) -> str:
        """Return the URI to write for the code system `name`; an unknown system keeps its own spelling."""
        system = self.by_name.get(name)
        return system.uri if system else name

    def names_a_service(self, coding: Coding) -> bool:
        """Tell whether the code says exactly which service is ordered (HCPCS, CPT)."""
        system = self.by_name.get(coding.system)
        return system is not None and system.names_a_service

    def can_have(self, coding: Coding) -> bool:
        """Tell whether a code looks as those of its system do, as far as that is known."""
        form = self._forms.get(coding.system)
        return form is None or form.fullmatch(coding.code) is not None

    def tell_form(self, name: str) -> str:
        """Return, as a part of a message, what the codes of a system look like; nothing where that is not known."""
        known = self.by_name.get(name)
        return f" ({known.form})" if known and known.form else ""

    def is_add_on(self, coding: Coding) -> bool:
        """Tell whether the code is of what goes with another service, such as guidance or sedation."""
        system = self.by_name.get(coding.system)
        return system is not None and coding.code in system.add_ons

    def _procedure_coding(self, name: str, code: str) -> Coding:
        """Split modifiers off; a code that only another system of procedures can have is that one's.

        HCPCS Level I is CPT, and CPT codes never begin with a letter, so that either label is met on both.
        """
        found = None if self._forms[name].fullmatch(code) else self._procedure.fullmatch(code)
        if not found:
            return Coding(name, code)
        base = found[1]
        fitting = [other for other, form in self._forms.items() if form.fullmatch(base)]
        return Coding(name if name in fitting else fitting[0], base)


def _pad(code: str, segments: tuple[int, ...]) -> tuple[str, ...]:
    """Return the digits of a code with all segments at full length, in each way that it can be read."""
    if "-" in code:
        return (_pad_each(code.split("-"), segments),)
    if not code.isdigit() or len(code) != sum(segments) - 1:
        return (code,)
    ends = [sum(segments[:number]) for number in range(len(segments))]
    return tuple(dict.fromkeys(f"{code[:end]}0{code[end:]}" for end in ends))


def _pad_each(parts: list[str], segments: tuple[int, ...]) -> str:
    lengths = (*segments, *([0] * len(parts)))
    return "".join(part.strip().zfill(length) for part, length in zip(parts, lengths, strict=False))
