"""What a match is: how strongly an order points to a policy, and on which code or words of the order that rests."""

from enum import Enum
from typing import NamedTuple

from cards.coding import Coding
from cards.elements import Place
from cards.policy import Policy, PolicyCode, PolicyVersion


class Strength(Enum):
    """How surely the order is for the policy's service (docs/matching.md, How sure)."""

    DEFINITIVE = "definitive"  # a code of the order names the service
    STATED = "stated"  # the order's own words name it, with nothing near that says otherwise
    QUALIFIED = "qualified"  # words name it, but a cue or another code says it may not be ordered
    INFERRED = "inferred"  # an agent is injected into a place that makes it likely
    UNLISTED = "unlisted"  # a code that says nothing, and no words that say more

    def __init__(self, value: str) -> None:
        #: Whether the policy's own answer may be given; in doubt it is conditional.
        self.is_sure = value in ("definitive", "stated")


class DoubtKind(Enum):
    """What speaks against an order for the service; the value says it as the end of a sentence about its words.

    The first group is of identity (is the service what the order is for?), the second of liveness (does the order
    stand?). `{clause}` are words of the order as written, `{place}` where they stand.
    """

    ANOTHER_CODE = "while the code {code} is another service's"
    ANOTHER_NAME = "while the order's name says something else"
    CONTRADICTED = 'while {place} is "{clause}"'
    ANOTHER_TREATMENT = 'while {place} also says "{clause}"'
    CONSIDERED = 'where {place} says "{clause}"'
    NOT_ORDERED = "where nothing says that it is to be done"
    UNREAD = "while the order has words in a script that is not read here"
    NEAR = "which may be another procedure"
    ANY_WORD = "and may be any word there"

    TAKEN_BACK = 'but {place} also says "{clause}"'
    NOT_UNDERSTOOD = 'if this order stands; {place} says "{clause}"'

    @property
    def is_of_liveness(self) -> bool:
        """Tell that the service is surely named, and the doubt is whether the order for it stands."""
        return self in (DoubtKind.TAKEN_BACK, DoubtKind.NOT_UNDERSTOOD)


class Clause(NamedTuple):
    """Words of an order as they were sent, and the place they stand in."""

    place: Place
    words: str


class Doubt(NamedTuple):
    """What speaks against an order for the service: a clause of its words, or a code, where one does.

    With the strength STATED a doubt of the kind NOT_UNDERSTOOD leaves the answer as it is, to be given with the clause.
    """

    kind: DoubtKind
    clause: Clause | None = None
    code: Coding | None = None

    @property
    def told(self) -> str:
        """The doubt as the end of a sentence about the words it is about."""
        place, words = (self.clause.place.value, self.clause.words) if self.clause else ("", "")
        return self.kind.value.format(place=place, clause=words, code=self.code.code if self.code else "")


class Span(NamedTuple):
    """Characters of an order, as sent: the FHIRPath of a text, from `start` to before `end`, in code points."""

    path: str
    start: int
    end: int


class Match(NamedTuple):
    """On what a policy is found in an order. `words` are as looked for, `doubt` is what speaks against it.

    Two matches that rest on the same are equal, wherever in an order they were found.
    """

    strength: Strength
    coding: PolicyCode | None = None
    place: Place | None = None
    words: str | None = None
    doubt: Doubt | None = None
    code: Coding | None = None
    regulated: bool = False


class Found(NamedTuple):
    """A match, the FHIRPath of what it rests on, and the characters that decided: the name, then the doubt.

    Of an inference they are the agent, the place and the injection.
    """

    match: Match
    path: str
    deciding: tuple[Span, ...] = ()


class Finding(NamedTuple):
    """A policy, its version in force, the match that points to it, and where in the order that stands.

    `facts` are the circumstances, in words, that the answer of the version rests on besides; `dependencies` the other
    orders of the call that it holds together with.
    """

    policy: Policy
    version: PolicyVersion
    match: Match
    path: str
    deciding: tuple[Span, ...] = ()
    facts: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """What is ordered: the policy's service, or that of the group of codes."""
        return self.version.group.service if self.version.group else self.policy.service

    @property
    def codes(self) -> tuple[PolicyCode, ...]:
        """The codes that name what may be ordered: the one that the order writes without its system, else all."""
        named = {code.coding: code for code in self.version.definitive.values()}
        written = [code for code in named.values() if code.coding.code == self.match.words]
        return tuple(written or named.values())
