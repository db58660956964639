"""Whether an order points to one version of a policy: by a code, by its words, by inference, by an empty code."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cards.coding import CodeSystems, Coding
from cards.elements import Place
from cards.matching.evidence import NAMING, Evidence, Mentioned, Remark
from cards.matching.match import Found, Match, Span, Strength
from cards.matching.plainness import is_number
from cards.matching.tokens import normalise
from cards.matching.weighing import contradict, weigh, word_match
from cards.order import Order
from cards.policy import PolicyVersion, own_code_list
from cards.vocabulary import CodePattern, WordList

#: Where a number can be a code; anywhere else it is more likely a number.
_NAMING_CODES: Final = NAMING | {Place.BARE_CODE}

#: Places that say what is done only under a name that leaves it open.
_REMARKS: Final = frozenset({Place.NOTE, Place.INSTRUCTION, Place.REASON})


class PolicyMatcher:
    """The rules that match an order with a policy version; `lists` are the word lists that policies name.

    `nothing` are lists of words that do not say what is to be done.
    """

    def __init__(
        self, lists: Mapping[str, WordList], nothing: Mapping[str, WordList], code_systems: CodeSystems
    ) -> None:
        self._lists = lists
        self._nothing = {name: _tokens_of(words) for name, words in nothing.items()}
        self._code_systems = code_systems

    def match(
        self, version: PolicyVersion, order: Order, evidence: Evidence, contradicted: Remark | None = None
    ) -> Found | None:
        """Return the surest match; `contradicted` is what the order's name says against its code."""
        return by_code(version, order, contradicted) or self.by_words(version, order, evidence)

    def by_words(self, version: PolicyVersion, order: Order, evidence: Evidence) -> Found | None:
        """Return the surest match of an order in which no code names the policy's service."""
        if specific := self.specific_code(version, order):
            return contradict([*self.named(version, evidence), *self.spelled(version, order, evidence)], specific)
        return (
            self.by_own_words(version, order, evidence)
            or self._infer(version, order, evidence)
            or self._unlisted(version, order)
        )

    def by_own_words(self, version: PolicyVersion, order: Order, evidence: Evidence) -> Found | None:
        """Return the match of words that name the service, or of the policy's code as a word: never a sure one."""
        named = self.named(version, evidence)
        if not has_nonspecific(version, order):
            named = [found for found in named if found.at.place is not Place.REASON or _is_ordered(found, evidence)]
        if weighed := weigh(named, evidence):
            return weighed
        spelled = self.spelled(version, order, evidence)
        return word_match(Strength.QUALIFIED, spelled[0]) if spelled else None

    def named(self, version: PolicyVersion, evidence: Evidence) -> list[Mentioned]:
        """Return where the order's words name the policy's service."""
        return evidence.named(version.word_lists)

    def specific_code(self, version: PolicyVersion, order: Order) -> Coding | None:
        """Return a code of the order that names another service; words beside it do not overrule it."""
        is_open = has_nonspecific(version, order)
        for found in order.codings:
            coding = found.coding
            if is_open and self._code_systems.is_add_on(coding):
                continue
            names_another = self._code_systems.names_a_service(coding) and coding not in version.nonspecific
            if names_another and not any(pattern.matches(coding) for pattern in self._agent_codes(version)):
                return coding
        return None

    def excluding(self, version: PolicyVersion, order: Order, evidence: Evidence) -> str | None:
        """Return what shows another use of the agent that the order names."""
        rule = version.inference
        if rule is None or not self.shown(rule.agents, order, evidence):
            return None
        return next((words for words, _ in self.shown(rule.exclusions, order, evidence)), None)

    def shown(self, lists: frozenset[str], order: Order, evidence: Evidence) -> list[tuple[str, Mentioned | None]]:
        """Return the terms and codes of some word lists that the order shows anywhere; a term with its place."""
        by_words: list[tuple[str, Mentioned | None]] = [(found.mention.term, found) for found in evidence.of(lists)]
        codings = [*(found.coding for found in order.codings), *order.reasons]
        patterns = [pattern for name in lists for pattern in self._lists[name].codes]
        return by_words + [(c.code, None) for c in codings if any(pattern.matches(c) for pattern in patterns)]

    def _agent_codes(self, version: PolicyVersion) -> list[CodePattern]:
        return [
            code for name in (version.inference.agents if version.inference else ()) for code in self._lists[name].codes
        ]

    def _infer(self, version: PolicyVersion, order: Order, evidence: Evidence) -> Found | None:
        """Infer the service from an agent, injected, at a musculoskeletal place, with nothing against it."""
        rule = version.inference
        if rule is None or not (agents := self.shown(rule.agents, order, evidence)):
            return None
        if not evidence.has_open_name and all(found and found.at.place in _REMARKS for _, found in agents):
            return None  # a note under the name of another service is a remark
        if self.excluding(version, order, evidence) or not (places := self.shown(rule.places, order, evidence)):
            return None
        regulated = self.shown(rule.regulated, order, evidence)
        injections = self.shown(rule.injections, order, evidence)
        if not (regulated or injections or has_nonspecific(version, order)):
            return None
        deciding = regulated or agents
        words, found = deciding[0]
        match = Match(
            Strength.INFERRED, place=found.at.place if found else None, words=words, regulated=bool(regulated)
        )
        path = found.at.path if found else f"{order.resource_type}.code"
        return Found(match, path, tuple(_first_spans(deciding, places, injections)))

    def spelled(self, version: PolicyVersion, order: Order, evidence: Evidence) -> list[Mentioned]:
        """Return the policy's codes that the order has as words, or as codes without a system."""
        found = [
            Mentioned(one.at, one.mention._replace(term=one.mention.term.upper()))
            for one in evidence.named(frozenset({own_code_list(version.key)}))
            if one.at.place in _NAMING_CODES or not one.mention.term.isdigit()
        ]
        definitive = {coding.code for coding in version.definitive} if found else set()
        return [one for one in found if one.mention.term in definitive or self._says_nothing(version, order)]

    def _unlisted(self, version: PolicyVersion, order: Order) -> Found | None:
        """An unlisted code with no words that say what is done: the service may hide under it."""
        for found in order.codings:
            if found.coding in version.unlisted and self._says_nothing(version, order):
                return Found(Match(Strength.UNLISTED, code=found.coding), found.path)
        return None

    def _says_nothing(self, version: PolicyVersion, order: Order) -> bool:
        """Tell whether the order's name has no word that says what is done."""
        if version.nothing_words is None:
            return False
        nothing = self._nothing[version.nothing_words]
        titles = (text.text for text in order.texts if text.place in (Place.CODE_TEXT, Place.DISPLAY))
        return all(token in nothing or is_number(token) for title in titles for token in normalise(title).split())


def _first_spans(*kinds: Sequence[tuple[str, Mentioned | None]]) -> Iterator[Span]:
    """Yield the characters of the first term of each kind that is one of words."""
    for shown in kinds:
        if found := next((found for _, found in shown if found), None):
            yield Span(found.at.path, *found.mention.span)


def by_code(version: PolicyVersion, order: Order, contradicted: Remark | None = None) -> Found | None:
    """Return the match of a code that names the policy's service; a sure one, but where the name contradicts it.

    A policy that has no words for its services, only lists of codes, cannot tell whose name that is.
    """
    for found in order.codings:
        if named := version.definitive.get(found.coding):
            if contradicted and version.word_lists:
                match = Match(Strength.QUALIFIED, words=named.coding.code, doubt=contradicted.doubt)
                return Found(match, found.path, (contradicted.span,) if contradicted.span else ())
            return Found(Match(Strength.DEFINITIVE, coding=named), found.path)
    return None


def _is_ordered(found: Mentioned, evidence: Evidence) -> bool:
    """Tell that a reason under a name that leaves open what is done says it: "here for prolotherapy #3"."""
    is_ordered = bool(found.mention.ordered or found.mention.explicit) and not found.mention.cues
    is_told = evidence.has_open_name or evidence.has_half_open_name
    return is_ordered and is_told and not evidence.note_is_of_another


def by_group(version: PolicyVersion, order: Order) -> Iterator[tuple[PolicyVersion, Found]]:
    """Yield each group of a version that a code of the order is in, with its match."""
    seen: set[str] = set()
    for found in order.codings:
        group = version.groups.get(found.coding)
        if group and group.key not in seen:
            seen.add(group.key)
            named = version.definitive[found.coding]
            yield group, Found(Match(Strength.DEFINITIVE, coding=named), found.path)


def has_nonspecific(version: PolicyVersion, order: Order) -> bool:
    """Tell whether a code of the order leaves open what is done."""
    return any(found.coding in version.nonspecific for found in order.codings)


def _tokens_of(words: WordList) -> frozenset[str]:
    return frozenset(token for term in words.terms for token in normalise(term).split())
