"""A coverage policy and its dated versions: what a document of `cards/policies/` says, ready to be asked."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from cards.coding import CodeSystems, Coding
from cards.coverage_terms import CoverageTerms, read_terms
from cards.errors import DocumentError
from cards.vocabulary import Vocabulary

Json = Mapping[str, Any]

#: The key of a version whose start the source does not record; it is in force until the next dated one.
UNKNOWN_START: Final = "unknown"


class Covered(StrEnum):
    """Codes of the `covered` element of coverage information (CRD value set coverageInfo).

    No policy says INDETERMINATE: it is the answer where a technical failure prevents one (CRD 2.2, resp-43).
    """

    COVERED = "covered"
    NOT_COVERED = "not-covered"
    CONDITIONAL = "conditional"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyCode:
    """A code as the policy names it, with the display this service writes beside it."""

    coding: Coding
    display: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A source of the policy. `retrieved` is the day a person last read it there."""

    title: str
    url: str
    retrieved: date


@dataclass(frozen=True, eq=False)
class Inference:
    """When an order that does not name the service may still be for it, as word lists (policy.schema.json)."""

    agents: frozenset[str]
    places: frozenset[str]
    injections: frozenset[str]
    exclusions: frozenset[str]
    regulated: frozenset[str]
    regulatory_note: str | None

    @property
    def lists(self) -> frozenset[str]:
        """All word lists that must be looked for."""
        return self.agents | self.places | self.injections | self.exclusions | self.regulated


@dataclass(frozen=True, eq=False)
class PolicyVersion:
    """What the policy says from `start` (None: not recorded) to `end` (None: not known), both included.

    `verdict` is the few words that end a card's summary; `position` the sentence that explains them; `key`
    names policy and version; `citation` is how people cite them; `terms` are words of its own; `next_steps` what a
    clinician does about the answer, a sentence each.
    """

    start: date | None
    end: date | None
    label: str | None
    covered: Covered
    pa_needed: str | None
    terms_of_coverage: CoverageTerms
    verdict: str
    position: str
    notes: tuple[str, ...]
    definitive: Mapping[Coding, PolicyCode]
    nonspecific: frozenset[Coding]
    unlisted: frozenset[Coding]
    nothing_words: str | None
    word_lists: frozenset[str]
    inference: Inference | None
    references: tuple[Reference, ...]
    key: str
    citation: str
    terms: tuple[str, ...]
    next_steps: tuple[str, ...]

    @property
    def guideline(self) -> Reference:
        """The reference a card links to: the first."""
        return self.references[0]


@dataclass(frozen=True, eq=False)
class Policy:
    """A policy with its history."""

    id: str
    title: str
    service: str
    publisher: str
    number: str | None
    starts: tuple[date, ...]
    versions: tuple[PolicyVersion | None, ...]

    def in_force(self, on: date) -> PolicyVersion | None:
        """Return the version in force on a day; none before the first version and after a `null`."""
        position = bisect_right(self.starts, on)
        return self.versions[position - 1] if position else None

    @property
    def name(self) -> str:
        """The policy as people cite it: number and title."""
        return _name(self.number, self.title)


def _name(number: str | None, title: str) -> str:
    return f"{number}: {title}" if number else title


def _cite(document: Json, label: str | None, start: date | None) -> str:
    """Return the version as people cite it: publisher, number and title, version, since when."""
    version = f", {label}" if label else ""
    since = f"in force from {start}" if start else "in force; its start is not recorded"
    return f"{document['publisher']}, {_name(document.get('number'), document['title'])}{version}, {since}"


def own_word_list(key: str) -> str:
    """Return the name under which a policy version's own terms are looked for."""
    return f"{key}#terms"


def own_code_list(key: str) -> str:
    """Return the name under which a policy version's own codes are looked for among an order's words."""
    return f"{key}#codes"


def read_policy(document: Json, vocabulary: Vocabulary) -> Policy:
    """Read a policy document that has passed policy.schema.json; a word list or code system must exist."""
    starts: list[date] = []
    versions: list[PolicyVersion | None] = []
    keys = sorted(document["versions"], key=_start)
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        starts.append(_start(key))
        entry = document["versions"][key]
        end = _start(following) - timedelta(days=1) if following else None
        versions.append(None if entry is None else _read_version(entry, key, end, document, vocabulary))
    return Policy(
        id=document["id"],
        title=document["title"],
        service=document["service"],
        publisher=document["publisher"],
        number=document.get("number"),
        starts=tuple(starts),
        versions=tuple(versions),
    )


def _start(key: str) -> date:
    return date.min if key == UNKNOWN_START else date.fromisoformat(key)


def _read_version(entry: Json, key: str, end: date | None, document: Json, vocabulary: Vocabulary) -> PolicyVersion:
    path = f"$.versions['{key}']"
    definitive: dict[Coding, PolicyCode] = {}
    nonspecific: set[Coding] = set()
    unlisted: set[Coding] = set()
    for number, code in enumerate(entry["codes"]):
        where = f"{path}.codes[{number}]"
        readings = _readings(code["system"], code["code"], where, vocabulary.code_systems)
        if code["role"] == "definitive":
            named = PolicyCode(readings[0], code["display"])
            labels = (code["system"], *code.get("also-labelled", ()))
            spelled = (_readings(label, code["code"], where, vocabulary.code_systems) for label in labels)
            definitive.update(dict.fromkeys((coding for codings in spelled for coding in codings), named))
        else:
            nonspecific.update(readings)
            if code["role"] == "unlisted":
                unlisted.update(readings)
    start = None if key == UNKNOWN_START else date.fromisoformat(key)
    return PolicyVersion(
        start=start,
        end=end,
        label=entry.get("label"),
        covered=Covered(entry["covered"]),
        pa_needed=entry.get("pa-needed"),
        terms_of_coverage=read_terms(entry),
        verdict=entry["verdict"],
        position=entry["position"],
        notes=tuple(entry.get("notes", ())),
        definitive=definitive,
        nonspecific=frozenset(nonspecific),
        unlisted=frozenset(unlisted),
        nothing_words=_list_name(entry["unlisted-means-nothing"], path, vocabulary) if unlisted else None,
        inference=_read_inference(entry.get("inference"), f"{path}.inference", vocabulary),
        word_lists=_word_lists(entry.get("terms", ()), f"{document['id']}@{key}", path, vocabulary),
        references=tuple(_read_reference(reference) for reference in entry["references"]),
        key=f"{document['id']}@{key}",
        citation=_cite(document, entry.get("label"), start),
        terms=tuple(term for term in entry.get("terms", ()) if not term.startswith("@")),
        next_steps=tuple(entry.get("next-steps", ())),
    )


def _readings(system: str, code: str, path: str, code_systems: CodeSystems) -> tuple[Coding, ...]:
    if system not in code_systems.by_name:
        known = ", ".join(sorted(code_systems.by_name))
        raise DocumentError(f"{path}.system", f"code system {system} is not in the vocabulary (known: {known})")
    return code_systems.readings(system, code)


def _word_lists(terms: Any, version_key: str, path: str, vocabulary: Vocabulary) -> frozenset[str]:
    lists: set[str] = set()
    for number, term in enumerate(terms):
        named = term.startswith("@")
        lists.add(_list_name(term, f"{path}.terms[{number}]", vocabulary) if named else own_word_list(version_key))
    return frozenset(lists)


def _read_inference(entry: Json | None, path: str, vocabulary: Vocabulary) -> Inference | None:
    if entry is None:
        return None

    def lists(name: str) -> frozenset[str]:
        return frozenset(_list_name(term, f"{path}.{name}", vocabulary) for term in entry.get(name, ()))

    return Inference(
        agents=lists("agents"),
        places=lists("sites") | lists("indications"),
        injections=lists("injection-words"),
        exclusions=lists("exclusions"),
        regulated=lists("regulated"),
        regulatory_note=entry.get("regulatory-note"),
    )


def _list_name(term: str, path: str, vocabulary: Vocabulary) -> str:
    if term[1:] not in vocabulary.lists:
        known = ", ".join(f"@{name}" for name in sorted(vocabulary.lists))
        raise DocumentError(path, f"word list {term} is not in the vocabulary (known: {known})")
    return term[1:]


def _read_reference(entry: Json) -> Reference:
    return Reference(entry["title"], entry["url"], date.fromisoformat(entry["retrieved"]))
