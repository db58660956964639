"""What in an order points to a policy, how strongly, and on which of its codes or words that rests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import NamedTuple

from cards.coding import CodeSystems, Coding
from cards.order import Order, OrderText, Place
from cards.policy import Policy, PolicyCode, PolicyVersion, own_word_list
from cards.text import Mention, TermFinder
from cards.vocabulary import Vocabulary


class Strength(Enum):
    """How surely the order is for the policy's service (strengths of the domain note, section 4)."""

    DEFINITIVE = "definitive"  # a code of the order names the service
    STATED = "stated"  # the order's own words name it, with nothing near that says otherwise
    QUALIFIED = "qualified"  # words name it, but a cue or another code says it may not be ordered


class Match(NamedTuple):
    """On what a policy is found in an order. `words` are as looked for, `cue` is what weakened the match.

    Two matches that rest on the same are equal, wherever in an order they were found.
    """

    strength: Strength
    coding: PolicyCode | None = None
    place: Place | None = None
    words: str | None = None
    cue: str | None = None


class Finding(NamedTuple):
    """A policy, its version in force, the match that points to it, and the FHIRPath of that in the order."""

    policy: Policy
    version: PolicyVersion
    match: Match
    path: str


@dataclass(frozen=True, slots=True)
class _Mentioned:
    at: OrderText
    mention: Mention


class PolicyIndex:
    """All policies of a deployment, indexed once: an order costs the same under 3 policies and 10,000."""

    def __init__(self, policies: Iterable[Policy], vocabulary: Vocabulary) -> None:
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in policies}
        self.code_systems: CodeSystems = vocabulary.code_systems
        by_code: dict[Coding, list[str]] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for policy in self.policies.values():
            versions = [version for version in policy.versions if version]
            for coding in {coding for version in versions for coding in version.definitive}:
                by_code.setdefault(coding, []).append(policy.id)
            for name in {name for version in versions for name in version.word_lists}:
                lists[name] = policy.terms if name == own_word_list(policy.id) else vocabulary.lists[name]
        self._by_code = by_code
        self._finder = TermFinder(lists, vocabulary)

    def find(self, order: Order, binding: Sequence[str], on: date) -> tuple[Finding, ...]:
        """Return what the order shows of the binding policies in force on a day, in the order they bind."""
        named = self._named_by_codes(order)
        mentioned: list[_Mentioned] | None = None
        findings = []
        for policy_id in binding:
            version = self.policies[policy_id].in_force(on)
            found = _by_code(version, order) if version and policy_id in named else None
            if version and not found:
                if mentioned is None:  # words are looked at only where no code has spoken
                    mentioned = [_Mentioned(text, m) for text in order.texts for m in self._finder.find(text.text)]
                found = _by_words(version, order, mentioned, self.code_systems) if mentioned else None
            if version and found:
                findings.append(Finding(self.policies[policy_id], version, *found))
        return tuple(findings)

    def _named_by_codes(self, order: Order) -> set[str]:
        return {policy for found in order.codings for policy in self._by_code.get(found.coding, ())}


#: A match and the FHIRPath of what it rests on.
_Found = tuple[Match, str]


def _by_code(version: PolicyVersion, order: Order) -> _Found | None:
    for found in order.codings:
        if named := version.definitive.get(found.coding):
            return Match(Strength.DEFINITIVE, coding=named), found.path
    return None


def _by_words(
    version: PolicyVersion, order: Order, mentioned: Sequence[_Mentioned], code_systems: CodeSystems
) -> _Found | None:
    mine = [m for m in mentioned if m.mention.word_list in version.word_lists]
    if not mine:
        return None
    specific = _specific_code(version, order, code_systems)
    if specific:
        return _contradicted(mine, specific)
    if not any(found.coding in version.nonspecific for found in order.codings):
        mine = [m for m in mine if m.at.place is not Place.REASON]
    return _weigh(mine)


def _specific_code(version: PolicyVersion, order: Order, code_systems: CodeSystems) -> Coding | None:
    """Return a code of the order that names another service; words beside it do not overrule it."""
    for found in order.codings:
        if code_systems.names_a_service(found.coding) and found.coding not in version.nonspecific:
            return found.coding
    return None


def _contradicted(mentioned: Sequence[_Mentioned], specific: Coding) -> _Found | None:
    """The order's code is another service's: its name alone leaves a doubt, a remark elsewhere not even that."""
    for m in mentioned:
        if m.at.place in (Place.CODE_TEXT, Place.DISPLAY):
            return _worded(Strength.QUALIFIED, m, f"the code {specific.code}")
    return None


def _weigh(mentioned: Sequence[_Mentioned]) -> _Found | None:
    """Weigh all mentions together: any cue weakens the order, unless the service is plainly ordered besides."""
    clean = [m for m in mentioned if not m.mention.cues]
    hedged = [m for m in mentioned if m.mention.cues]
    if not hedged:
        return _worded(Strength.STATED, clean[0]) if clean else None
    if clean and all(cue.kind == "history" for m in hedged for cue in m.mention.cues):
        plain = [m for m in clean if m.mention.ordered or m.at.place in (Place.CODE_TEXT, Place.DISPLAY)]
        if plain:  # a past course besides the one that is ordered now
            return _worded(Strength.STATED, plain[0])
    return _worded(Strength.QUALIFIED, hedged[0], hedged[0].mention.cues[0].phrase)


def _worded(strength: Strength, found: _Mentioned, cue: str | None = None) -> _Found:
    return Match(strength, place=found.at.place, words=found.mention.term, cue=cue), found.at.path
