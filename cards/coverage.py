"""Who pays: the Coverage of the patient, and which payer of the directory it names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, Coding, fold_uri
from cards.errors import DocumentError
from cards.references import find_contained, is_id, literal_reference, same_reference
from cards.vocabulary import CodePattern, read_patterns

Json = Mapping[str, Any]

#: What a Coverage without an `order` sorts as: after those that say which they are.
_LAST: Final = 1_000_000


class Identifier(NamedTuple):
    """A business identifier; the system is folded as code systems are, the value compares exactly."""

    system: str
    value: str


def identifier(system: str, value: str) -> Identifier:
    """Return the identifier with its system folded to one spelling."""
    return Identifier(fold_uri(system), value.strip())


def fold_name(name: str) -> str:
    """Return a payer's name as names are compared: case, surrounding and repeated space do not count."""
    return " ".join(name.casefold().split())


class CoverageProblem(Enum):
    """Why it is not known under which coverage, or by which payer, an order is paid; the value says it."""

    NONE = "no coverage of the patient was sent or found"
    INACTIVE = "no coverage of the patient is in force on the day of service"
    NOT_THE_ONE_NAMED = "the coverage that the order names was not sent or found"
    SEVERAL = "several coverages of the patient were sent or found, and nothing says which is the primary one"
    UNREAD = "the coverage of the patient could not be read"
    NO_PAYER_IDENTIFIER = "no identifier of the coverage's payer was sent or found"
    UNKNOWN_PAYER = "the payer of the coverage is not one this service answers for"
    UNREAD_PAYER = "the payer of the coverage could not be read"
    OTHER_PATIENT = "the order is for another patient than the call"


@dataclass(frozen=True, slots=True)
class Coverage:
    """A Coverage, as far as it says who pays.

    `reference` is the form this service writes back to the client; without an id there is none, and the payer is
    known all the same. `starts` and `ends` are the period's dates as written, a year or a month at the least.
    `unread_payors` are payors that did not come along, as literal references.
    """

    reference: str | None
    starts: str | None
    ends: str | None
    status: str | None
    order: int
    payer_identifiers: frozenset[Identifier]
    payer_names: tuple[str, ...]
    types: tuple[Coding, ...]
    unread_payors: tuple[str, ...] = ()

    @property
    def last_day(self) -> date | None:
        """The day the coverage ends on, where its period names one."""
        try:
            return date.fromisoformat(self.ends) if self.ends else None
        except ValueError:
            return None

    def is_active(self, on: date) -> bool:
        """Tell whether the coverage counts on a day; a missing status counts, since clients search for active ones."""
        day = on.isoformat()
        begun = self.starts is None or self.starts <= day[: len(self.starts)]
        ended = self.ends is not None and self.ends < day[: len(self.ends)]
        return self.status in (None, "active") and begun and not ended


class Contact(NamedTuple):
    """Whom to ask about an answer: a desk, and how to reach it as pairs of ContactPoint.system and value."""

    name: str | None
    telecom: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Payer:
    """A payer of the directory: how it is recognised, which policies bind it (the first the most), whom to ask."""

    id: str
    name: str
    url: str | None
    is_default: bool
    identifiers: frozenset[Identifier]
    types: tuple[CodePattern, ...]
    names: frozenset[str]
    policies: tuple[str, ...]
    policy_links: Mapping[str, str]
    policy_contacts: Mapping[str, Contact]


@dataclass(frozen=True)
class PayerDirectory:
    """The payers this service answers for; `default` is the one for an order without Coverage."""

    payers: tuple[Payer, ...]
    default: Payer = field(init=False)
    _by_identifier: Mapping[Identifier, Payer] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", next(payer for payer in self.payers if payer.is_default))
        object.__setattr__(self, "_by_identifier", {mark: p for p in self.payers for mark in p.identifiers})

    def identifies(self, coverage: Coverage) -> bool:
        """Tell whether an identifier of the coverage's payer is known, which is the surest step of all."""
        return any(mark in self._by_identifier for mark in coverage.payer_identifiers)

    def recognise(self, coverage: Coverage) -> Payer | None:
        """Return the payer that the coverage names: by identifier, else by its type, else by name.

        Two payers at one step are nobody: ambiguity is answered as unknown, not guessed.
        """
        marked = {p.id: p for mark in coverage.payer_identifiers if (p := self._by_identifier.get(mark))}
        if marked:
            return next(iter(marked.values())) if len(marked) == 1 else None
        if coverage.types:
            typed = [p for p in self.payers if any(t.matches(c) for t in p.types for c in coverage.types)]
            if typed:
                return typed[0] if len(typed) == 1 else None
        names = {fold_name(name) for name in coverage.payer_names}
        by_name = [p for p in self.payers if p.names & names]
        return by_name[0] if len(by_name) == 1 else None


def read_payer(document: Json, code_systems: CodeSystems) -> Payer:
    """Read a payer document that has passed payer.schema.json."""
    marks = document["recognised-by"]
    return Payer(
        id=document["id"],
        name=document["name"],
        url=document.get("url"),
        is_default=document.get("default", False),
        identifiers=frozenset(identifier(i["system"], i["value"]) for i in marks.get("identifiers", ())),
        types=tuple(p for n, t in enumerate(marks.get("coverage-types", ())) for p in _read_type(t, n, code_systems)),
        names=frozenset(fold_name(name) for name in (document["name"], *marks.get("names", ()))),
        policies=tuple(document["policies"]),
        policy_links=document.get("policy-links", {}),
        policy_contacts={policy: _read_contact(c) for policy, c in document.get("policy-contacts", {}).items()},
    )


def _read_contact(entry: Json) -> Contact:
    return Contact(entry.get("name"), tuple((point["system"], point["value"]) for point in entry["telecom"]))


def _read_type(entry: Json, number: int, code_systems: CodeSystems) -> tuple[CodePattern, ...]:
    if entry["system"] not in code_systems.by_name:
        raise DocumentError(f"$.recognised-by.coverage-types[{number}].system", f"no code system {entry['system']}")
    return read_patterns(entry, code_systems)


def read_coverage(
    resource: Json,
    organizations: Sequence[Json] = (),
    code_systems: CodeSystems | None = None,
    records: Mapping[str, Json] | None = None,
    base: str | None = None,
) -> Coverage:
    """Read a Coverage with what is known of its payor.

    `organizations` are the Organization resources that came along, `records` those known by another URL, `base` is
    what relative references are read against; the payor may also be contained, or stand in the reference itself as an
    identifier or a display.
    """
    identifiers: set[Identifier] = set()
    names: list[str] = []
    unread: list[str] = []
    for payor in _objects(resource.get("payor")):
        organization = _resolve(payor.get("reference"), resource, organizations, records or {}, base)
        if not organization and (reference := literal_reference(payor)):
            unread.append(reference)
        for entry in (payor.get("identifier"), *_objects(organization.get("identifier"))):
            if isinstance(entry, dict) and isinstance(entry.get("system"), str) and isinstance(entry.get("value"), str):
                identifiers.add(identifier(entry["system"], entry["value"]))
        alias = organization.get("alias")
        said = (payor.get("display"), organization.get("name"), *(alias if isinstance(alias, list) else ()))
        names += [name for name in said if isinstance(name, str)]
    order, status, identity = resource.get("order"), resource.get("status"), resource.get("id")
    period = resource.get("period")
    return Coverage(
        reference=f"Coverage/{identity}" if isinstance(identity, str) and is_id(identity) else None,
        starts=_day(period, "start"),
        ends=_day(period, "end"),
        status=None if status is None else str(status).strip().lower(),
        order=order if type(order) is int else _LAST,
        payer_identifiers=frozenset(identifiers),
        payer_names=tuple(names),
        types=_types(resource.get("type"), code_systems) if code_systems else (),
        unread_payors=tuple(unread),
    )


def _day(period: Any, member: str) -> str | None:
    value = period.get(member) if isinstance(period, dict) else None
    return value[:10] if isinstance(value, str) and value[:4].isdigit() else None


def _types(concept: Any, code_systems: CodeSystems) -> tuple[Coding, ...]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return tuple(
        code_systems.coding(coding["system"], coding["code"])
        for coding in _objects(codings)
        if isinstance(coding.get("system"), str) and isinstance(coding.get("code"), str)
    )


def choose_coverages(
    coverages: Iterable[Coverage],
    insurance: Sequence[str],
    on: date,
    base: str | None = None,
    *,
    until: date | None = None,
) -> tuple[tuple[Coverage, ...], CoverageProblem | None]:
    """Return the coverages an order may be judged under: those of its `insurance`, else all that are in force.

    A coverage that the order names keeps the reference the client used for it, relative or absolute. An order that
    names a coverage which did not come along is judged under none: another one would be a guess. `base` is what
    relative references are read against; `until` is the last day that the day of service may be, where it is not known.
    """
    mine = tuple(coverages)
    if not mine:
        return (), CoverageProblem.NONE
    if insurance and any(reference.rpartition("/")[0].endswith("Coverage") for reference in insurance):
        named = ((coverage, _name_of(coverage, insurance, base)) for coverage in mine)
        mine = tuple(replace(coverage, reference=reference) for coverage, reference in named if reference)
        if not mine:
            return (), CoverageProblem.NOT_THE_ONE_NAMED
    active = tuple([one for one in mine if one.is_active(on) and (until is None or one.is_active(until))])
    return active, None if active else CoverageProblem.INACTIVE


def _name_of(coverage: Coverage, insurance: Sequence[str], base: str | None) -> str | None:
    """Return the reference by which an order names a coverage; one at another server is another coverage."""
    own = coverage.reference
    return next((reference for reference in insurance if own and same_reference(reference, own, base)), None)


def _resolve(
    reference: Any, coverage: Json, organizations: Sequence[Json], records: Mapping[str, Json], base: str | None
) -> Json:
    if not isinstance(reference, str):
        return {}
    if reference.startswith("#"):
        contained = find_contained(reference, coverage) or {}
        return contained if contained.get("resourceType") == "Organization" else {}
    if reference.startswith("urn:"):
        return records.get(reference, {})
    return next((o for o in organizations if same_reference(reference, f"Organization/{o.get('id')}", base)), {})


def _objects(value: Any) -> list[Json]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
