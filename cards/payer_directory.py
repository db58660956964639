"""The payers this service answers for, and how a Coverage is recognised as one of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, fold_system
from cards.coverage import Coverage, Identifier, identifier
from cards.errors import DocumentError
from cards.override_reasons import OverrideReason, read_override_reasons
from cards.vocabulary import CodePattern, read_patterns

Json = Mapping[str, Any]


def fold_name(name: str) -> str:
    """Return a payer's name as names are compared: case, surrounding and repeated space do not count."""
    return " ".join(name.casefold().split())


class Contact(NamedTuple):
    """Whom to ask about an answer: a desk, and how to reach it as pairs of ContactPoint.system and value."""

    name: str | None
    telecom: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Payer:
    """A payer of the directory: how it is recognised, which policies bind it (the first the most), whom to ask.

    `place_systems` are spellings of the place-of-service code set that its clients use besides CMS's, folded;
    `questionnaire_links` are label and address of forms, by their canonical URL.
    """

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
    classes: frozenset[str] = frozenset()
    icon: str | None = None
    override_reasons: tuple[OverrideReason, ...] = ()
    place_systems: frozenset[str] = frozenset()
    questionnaire_links: Mapping[str, tuple[str, str]] = field(default_factory=dict)


#: So many payers are named where it is said whom this service answers for.
_MOST_NAMED: Final = 10


@dataclass(frozen=True)
class PayerDirectory:
    """The payers this service answers for; `default` is the one in whose name is said what cannot be told."""

    payers: tuple[Payer, ...]
    default: Payer = field(init=False)
    names: str = field(init=False)
    _by_identifier: Mapping[Identifier, Payer] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "default", next(payer for payer in self.payers if payer.is_default))
        object.__setattr__(self, "_by_identifier", {mark: p for p in self.payers for mark in p.identifiers})
        object.__setattr__(self, "names", _enumerate([payer.name for payer in self.payers]))

    def identifies(self, coverage: Coverage) -> bool:
        """Tell whether an identifier of the coverage's payer is known, which is the surest step of all."""
        return any(mark in self._by_identifier for mark in coverage.payer_identifiers)

    def recognise(self, coverage: Coverage) -> Payer | None:
        """Return the payer that the coverage names: by identifier, else by class, by type, or by name.

        Two payers at one step are nobody: ambiguity is answered as unknown, not guessed.
        """
        marked = {p.id: p for mark in coverage.payer_identifiers if (p := self._by_identifier.get(mark))}
        if marked:
            return next(iter(marked.values())) if len(marked) == 1 else None
        classes = {fold_name(name) for name in coverage.classes}
        names = {fold_name(name) for name in coverage.payer_names}
        steps = (
            [p for p in self.payers if p.classes & classes],
            [p for p in self.payers if any(t.matches(c) for t in p.types for c in coverage.types)],
            [p for p in self.payers if p.names & names],
        )
        found = next((step for step in steps if step), [])
        return found[0] if len(found) == 1 else None


def _enumerate(names: Sequence[str]) -> str:
    """Return names as a list in words, the first few of many."""
    shown = list(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        shown.append(f"{len(names) - _MOST_NAMED} more")
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), shown[-1]])


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
        classes=frozenset(fold_name(name) for name in marks.get("coverage-classes", ())),
        icon=document.get("icon"),
        override_reasons=read_override_reasons(document.get("override-reasons"), document.get("url")),
        questionnaire_links={
            q: (link["label"], link["url"]) for q, link in document.get("questionnaire-links", {}).items()
        },
        place_systems=frozenset(fold_system(system) for system in document.get("place-of-service-systems", ())),
    )


def _read_contact(entry: Json) -> Contact:
    return Contact(entry.get("name"), tuple((point["system"], point["value"]) for point in entry["telecom"]))


def _read_type(entry: Json, number: int, code_systems: CodeSystems) -> tuple[CodePattern, ...]:
    if entry["system"] not in code_systems.by_name:
        raise DocumentError(f"$.recognised-by.coverage-types[{number}].system", f"no code system {entry['system']}")
    return read_patterns(entry, code_systems)
