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

    @property
    def is_sure(self) -> bool:
        """Tell whether the policy's own answer may be given; in doubt it is conditional."""
        return self in (Strength.DEFINITIVE, Strength.STATED)


class Match(NamedTuple):
    """On what a policy is found in an order. `words` are as looked for, `doubt` is what weakened the match,
    as the end of a sentence about the words.

    Two matches that rest on the same are equal, wherever in an order they were found.
    """

    strength: Strength
    coding: PolicyCode | None = None
    place: Place | None = None
    words: str | None = None
    doubt: str | None = None
    code: Coding | None = None
    regulated: bool = False


#: A match and the FHIRPath of what it rests on.
Found = tuple[Match, str]


class Finding(NamedTuple):
    """A policy, its version in force, the match that points to it, and the FHIRPath of that in the order."""

    policy: Policy
    version: PolicyVersion
    match: Match
    path: str
