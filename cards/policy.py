"""A coverage policy and its dated versions: what a document of `cards/policies/` says, ready to be asked."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

from cards.coding import Coding
from cards.conditions import Condition, Fact
from cards.coverage_terms import CoverageTerms

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
    """A source of the policy. `retrieved` is the day a person last read it there, None if nobody has."""

    title: str
    url: str
    retrieved: date | None


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


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group of codes of a policy: its name in the document, and the service that it is, as a card calls it."""

    name: str
    service: str


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What is said where some conditions all hold, unless a choice before it applies."""

    conditions: tuple[Condition, ...]
    version: "PolicyVersion"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyVersion:
    """What the policy says from `start` (None: not recorded) to `end` (None: not known), both included.

    `verdict` is the few words that end a card's summary; `position` the sentence that explains them; `key`
    names policy and version; `citation` is how people cite them; `terms` are words of its own; `next_steps` what a
    clinician does about the answer, a sentence each; `reason` the guide's code for why it is given.

    Of a version whose codes are in `groups`, each with an answer of its own, what is said of a group is a version
    too, with that `group`. Where the answer depends on circumstances, `choices` are what may be said; `merged` keeps
    what is said while those are open.
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
    reason: str | None = None
    group: "Group | None" = None
    groups: Mapping[Coding, "PolicyVersion"] = field(default_factory=dict)
    choices: tuple["Choice", ...] = ()
    merged: dict[Any, "PolicyVersion"] = field(default_factory=dict, repr=False)

    @property
    def asks(self) -> frozenset[Fact]:
        """The facts that its answer depends on."""
        return frozenset(condition.fact for choice in self.choices for condition in choice.conditions)

    @property
    def asking_codes(self) -> frozenset[Coding]:
        """The codes of which what is said depends on circumstances."""
        own = self.definitive if self.choices else ()
        return frozenset((*own, *(coding for coding, group in self.groups.items() if group.choices)))

    @property
    def guideline(self) -> Reference:
        """The reference a card links to: the first."""
        return self.references[0]


@dataclass(frozen=True, slots=True, eq=False)
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
        return cite_title(self.number, self.title)


def cite_title(number: str | None, title: str) -> str:
    """Return a policy's number and title as people cite them."""
    return f"{number}: {title}" if number else title


def own_word_list(key: str) -> str:
    """Return the name under which a policy version's own terms are looked for."""
    return f"{key}#terms"


def own_code_list(key: str) -> str:
    """Return the name under which a policy version's own codes are looked for among an order's words."""
    return f"{key}#codes"
