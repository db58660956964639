"""Finding the policies that an order points to: by its codes, by its words, by inference."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from cards.coding import CodeSystems, Coding
from cards.matching.contradiction import ContradictionFinder
from cards.matching.evidence import Evidence, Remark, read_evidence
from cards.matching.match import Finding
from cards.matching.policy_match import PolicyMatcher, by_code, by_group, has_nonspecific
from cards.matching.text import TermFinder
from cards.order import Order
from cards.policy import Policy, PolicyVersion, own_code_list, own_word_list
from cards.vocabulary import Vocabulary, WordList

#: Payers whose order of policies is remembered.
_MOST_RANKS: Final = 1000


class _Plan(NamedTuple):
    """How a payer's policies are looked for: their places, and those that an order's words may point to.

    A policy of codes alone is looked for among the words only of an order that no code of a binding policy is on.
    """

    binding: Sequence[str]
    rank: Mapping[str, int]
    worded: frozenset[str]


class PolicyIndex:
    """All policies of a deployment, indexed once: an order costs the same under 3 policies and 10,000."""

    def __init__(self, policies: Iterable[Policy], vocabulary: Vocabulary) -> None:
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in policies}
        self.code_systems: CodeSystems = vocabulary.code_systems
        #: The ids of all policies, for a question that no payer is known for.
        self.everything = tuple(self.policies)
        self._by_code: dict[Coding, list[str]] = {}
        self._by_open_code: dict[Coding, list[str]] = {}
        self._by_list: dict[str, list[str]] = {}
        #: The codes whose answer depends on circumstances; and whether that of a policy's words does.
        self._asking: set[Coding] = set()
        self._worded: frozenset[str] = frozenset(p.id for p in self.policies.values() if _has_words(p))
        self._asks_of_words = False
        self._lists: dict[str, WordList] = {}
        services: set[str] = set()
        self._beside: set[str] = set()
        own_codes: dict[str, list[set[str]]] = {}
        open_codes: set[str] = set()
        for policy in self.policies.values():
            services |= self._add(policy, vocabulary)
            for name, codes in _codes_by_list(policy).items():
                own_codes.setdefault(name, []).append(codes)
            open_codes |= _open_codes(policy)
        self._agent_codes = [(code, name) for name in self._by_list for code in self._lists[name].codes]
        self._ranks: dict[int, _Plan] = {}
        self._finder = TermFinder(self._lists, services, vocabulary, self._beside, self._by_list, own_codes, open_codes)
        self._contradictions = ContradictionFinder(self._finder)
        self.matcher = PolicyMatcher(self._lists, vocabulary.lists, vocabulary.code_systems)

    def _add(self, policy: Policy, vocabulary: Vocabulary) -> set[str]:
        """Enter a policy under every code and word list that can point to it; return the lists of its service."""
        versions = [version for version in policy.versions if version]
        _enter(self._by_code, {code for v in versions for code in (*v.definitive, *v.unlisted)}, policy)
        _enter(self._by_open_code, {code for v in versions for code in v.nonspecific}, policy)
        named = {name for version in versions for name in version.word_lists}
        agents = {name for version in versions if version.inference for name in version.inference.agents}
        inferred = {name for version in versions if version.inference for name in version.inference.lists}
        rules = [version.inference for version in versions if version.inference]
        self._beside.update(*(rule.agents | rule.places | rule.injections for rule in rules))
        own = {own_word_list(version.key): WordList(version.terms) for version in versions}
        codes = {own_code_list(version.key): _codes_as_words(version) for version in versions}
        _enter(self._by_list, named | agents | codes.keys(), policy)
        self._asking.update(code for version in versions for code in version.asking_codes)
        self._asks_of_words |= any(version.choices and version.word_lists for version in versions)
        self._lists.update({name: own.get(name) or vocabulary.lists[name] for name in named | inferred} | codes)
        return named

    def find(self, order: Order, binding: Sequence[str], on: date) -> tuple[Finding, ...]:
        """Return what the order shows of the binding policies in force on a day, in the order they bind."""
        _, rank, worded = self._plan(binding)
        found = self._find_coded(order, rank, on)
        # Words are looked at only where no code has spoken; a difference of thousands is not made for each order.
        if not found or len(worded) > len(found) or worded - found.keys():
            evidence = self.read(order)
            for policy_id in self._hinted(order, evidence, rank) - found.keys():
                if finding := self._find_one(policy_id, order, evidence, on):
                    found[policy_id] = finding
        findings = [found[policy_id] for policy_id in sorted(found, key=rank.__getitem__)]
        for finding in findings:
            if finding.version.groups:
                return tuple([one for each in findings for one in self._by_groups(each, order)])
        return tuple(findings)

    def _by_groups(self, finding: Finding, order: Order) -> Sequence[Finding]:
        """Return what a finding's policy says of the groups that the order's codes are in; itself where it has none."""
        policy, version = finding.policy, finding.version
        if not version.groups:
            return (finding,)
        if finding.match.strength.is_sure:
            return [Finding(policy, group, *found) for group, found in by_group(version, order)]
        named = (group for code, group in version.groups.items() if code.code == finding.match.words)
        return (finding._replace(version=next(named, version)),)

    def read(self, order: Order) -> Evidence:
        """Return what the order's words show."""
        return read_evidence(order, self._finder)

    def contradiction_in(self, order: Order) -> Remark | None:
        """Return what an order's name says against its code."""
        return self._contradictions.find_in(order)

    def rank(self, binding: Sequence[str]) -> Mapping[str, int]:
        """Return the place of each binding policy."""
        return self._plan(binding)[1]

    def _plan(self, binding: Sequence[str]) -> _Plan:
        """Return in which order policies bind, and which of them words may point to, made once for each payer."""
        if len(self._ranks) > _MOST_RANKS:  # payers are few; only tools make a tuple for every question
            self._ranks.clear()
        kept = self._ranks.get(id(binding))
        if kept is None or kept.binding is not binding:
            rank = {policy: place for place, policy in enumerate(binding)}
            kept = self._ranks[id(binding)] = _Plan(binding, rank, self._worded.intersection(binding))
        return kept

    def is_another_service(self, order: Order, binding: Sequence[str], on: date) -> bool:
        """Tell whether a code of the order names a service that none of the binding policies is about."""
        specific = [found.coding for found in order.codings if self.code_systems.names_a_service(found.coding)]
        if not specific:
            return bool(order.codings) and not any(self._in_force(binding, on))
        rank = self.rank(binding)
        left_open = {policy for coding in specific for policy in self._by_open_code.get(coding, ())}
        left_open.update(self._with_agent(specific))
        doubtful = (policy for policy in left_open if policy in rank)
        return all(self.matcher.specific_code(version, order) for version in self._in_force(doubtful, on))

    def reasons_matter(self, order: Order, binding: Sequence[str], on: date) -> bool:
        """Tell whether why an order is placed could change the answer: only where its codes leave open what is done.

        Clinical records are asked for under no other circumstances (minimum necessary).
        """
        evidence = self.read(order)
        for version in self._in_force(binding, on):
            if has_nonspecific(version, order):
                return True
            if version.inference and self.matcher.shown(version.inference.agents, order, evidence):
                return True
        return False

    def asks_circumstances(self, order: Order) -> bool:
        """Tell whether an answer on the order may depend on its circumstances: planned when the rules were loaded."""
        return self._asks_of_words or not self._asking.isdisjoint([found.coding for found in order.codings])

    def _in_force(self, policies: Iterable[str], on: date) -> Iterator[PolicyVersion]:
        for policy in policies:
            if version := self.policies[policy].in_force(on):
                yield version

    def _find_coded(self, order: Order, rank: Mapping[str, int], on: date) -> dict[str, Finding]:
        """Return the binding policies in force that a code of the order names."""
        coded: dict[str, Finding] = {}
        named = {policy_id for at in order.codings for policy_id in self._by_code.get(at.coding, ())}
        binding = named & rank.keys()
        contradicted = self.contradiction_in(order) if binding else None
        for policy_id in binding:
            version = self.policies[policy_id].in_force(on)
            if version and (found := by_code(version, order, contradicted)):
                coded[policy_id] = Finding(self.policies[policy_id], version, *found)
        return coded

    def _hinted(self, order: Order, evidence: Evidence, rank: Mapping[str, int]) -> set[str]:
        """Return the binding policies to look at: those with a code, or a term or agent, that the order shows."""
        lists = {found.mention.word_list for found in evidence.pointing}
        codings = [at.coding for at in order.codings]
        hinted = {policy for name in lists for policy in self._by_list.get(name, ())}
        hinted.update(policy for coding in codings for policy in self._by_code.get(coding, ()))
        hinted.update(self._with_agent(codings))
        return hinted & rank.keys()

    def _with_agent(self, codings: Sequence[Coding]) -> Iterator[str]:
        """Yield the policies with an agent that one of some codes stands for."""
        for pattern, name in self._agent_codes:
            if any(pattern.matches(coding) for coding in codings):
                yield from self._by_list[name]

    def _find_one(self, policy_id: str, order: Order, evidence: Evidence, on: date) -> Finding | None:
        policy = self.policies[policy_id]
        version = policy.in_force(on)
        found = self.matcher.match(version, order, evidence) if version else None
        return Finding(policy, version, *found) if version and found else None


def _enter(index: dict[Any, list[str]], keys: Iterable[Any], policy: Policy) -> None:
    for key in keys:
        index.setdefault(key, []).append(policy.id)


def _has_words(policy: Policy) -> bool:
    return any(version.word_lists or version.inference or version.unlisted for version in policy.versions if version)


def _codes_as_words(version: PolicyVersion) -> WordList:
    """Return the codes that an order may name without their system, or as words."""
    return WordList(tuple(dict.fromkeys(coding.code for coding in (*version.definitive, *version.unlisted))))


def _open_codes(policy: Policy) -> set[str]:
    """Return the codes that leave open which service they are for, of the versions that have words for theirs."""
    versions = [version for version in policy.versions if version and version.word_lists]
    return {coding.code for version in versions for coding in (*version.nonspecific, *version.unlisted)}


def _codes_by_list(policy: Policy) -> dict[str, set[str]]:
    """Return for each word list of a policy's service the codes of the versions that have it."""
    codes: dict[str, set[str]] = {}
    for version in filter(None, policy.versions):
        for name in version.word_lists:
            codes.setdefault(name, set()).update(coding.code for coding in version.definitive)
    return codes
