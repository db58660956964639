"""Finding the policies that an order points to: by its codes, by its words, by inference."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from cards.coding import CodeSystems, Coding
from cards.elements import OrderText, Place
from cards.matching.evidence import NAMING, Evidence, Found, Mentioned, contradict, weigh
from cards.matching.match import Finding, Match, Strength, Tracer
from cards.matching.text import TermFinder, normalise
from cards.order import Order
from cards.policy import Policy, PolicyVersion, own_word_list
from cards.vocabulary import Vocabulary, WordList

#: Requests that can be for an injection; in any other a note that names one is only a remark.
_INJECTING: Final = frozenset({"ServiceRequest", "MedicationRequest", "Appointment", "Encounter"})

#: Payers whose order of policies is remembered.
_MOST_RANKS: Final = 1000


class PolicyIndex:
    """All policies of a deployment, indexed once: an order costs the same under 3 policies and 10,000."""

    def __init__(self, policies: Iterable[Policy], vocabulary: Vocabulary) -> None:
        self.policies: Mapping[str, Policy] = {policy.id: policy for policy in policies}
        self.code_systems: CodeSystems = vocabulary.code_systems
        self._by_code: dict[Coding, list[str]] = {}
        self._by_list: dict[str, list[str]] = {}
        self._lists: dict[str, WordList] = {}
        services: set[str] = set()
        for policy in self.policies.values():
            versions = [version for version in policy.versions if version]
            for coding in {coding for version in versions for coding in (*version.definitive, *version.unlisted)}:
                self._by_code.setdefault(coding, []).append(policy.id)
            named = {name for version in versions for name in version.word_lists}
            agents = {name for version in versions if version.inference for name in version.inference.agents}
            for name in named | agents:
                self._by_list.setdefault(name, []).append(policy.id)
            services |= named
            inferred = {name for version in versions if version.inference for name in version.inference.lists}
            own = {own_word_list(version.key): WordList(version.terms) for version in versions}
            self._lists.update({name: own.get(name) or vocabulary.lists[name] for name in named | inferred})
        self._agent_codes = [(p, n) for n in self._by_list for p in self._lists[n].codes]
        #: The ids of all policies, for a question that no payer is known for.
        self.everything = tuple(self.policies)
        self._ranks: dict[int, tuple[Sequence[str], Mapping[str, int]]] = {}
        self._nothing = {name: _words(words) for name, words in vocabulary.lists.items()}
        self._finder = TermFinder(self._lists, services, vocabulary)

    def find(self, order: Order, binding: Sequence[str], on: date, trace: Tracer | None = None) -> tuple[Finding, ...]:
        """Return what the order shows of the binding policies in force on a day, in the order they bind."""
        rank = self._rank(binding)
        coded = self._find_coded(order, rank, on)
        evidence = None
        candidates = set(coded)
        if len(coded) < len(rank):  # words are looked at only where no code has spoken
            evidence = self._read(order)
            candidates |= self._hinted(order, evidence, rank)
        if trace:
            candidates = set(rank)
        findings = []
        for policy_id in sorted(candidates, key=rank.__getitem__):
            found = None if trace else coded.get(policy_id)
            found = found or self._find_one(policy_id, order, evidence, on, trace)
            if found:
                findings.append(found)
        return tuple(findings)

    def is_another_service(self, order: Order, binding: Sequence[str], on: date) -> bool:
        """Tell whether a code of the order names a service that none of the binding policies is about."""
        versions = [version for policy in binding if (version := self.policies[policy].in_force(on))]
        return bool(order.codings) and all(
            _specific_code(version, order, self.code_systems, self._lists) for version in versions
        )

    def reasons_matter(self, order: Order, binding: Sequence[str], on: date) -> bool:
        """Tell whether why an order is placed could change the answer: only where its codes leave open what is done.

        Clinical records are asked for under no other circumstances (minimum necessary).
        """
        evidence = self._read(order)
        for policy_id in binding:
            version = self.policies[policy_id].in_force(on)
            if version and _has_nonspecific(version, order):
                return True
            if version and version.inference and self._shown(version.inference.agents, order, evidence):
                return True
        return False

    def _find_coded(self, order: Order, rank: Mapping[str, int], on: date) -> dict[str, Finding]:
        """Return the binding policies in force that a code of the order names."""
        coded: dict[str, Finding] = {}
        named = {policy_id for at in order.codings for policy_id in self._by_code.get(at.coding, ())}
        for policy_id in named:
            version = self.policies[policy_id].in_force(on) if policy_id in rank else None
            found = _by_code(version, order) if version else None
            if version and found:
                coded[policy_id] = Finding(self.policies[policy_id], version, *found)
        return coded

    def _rank(self, binding: Sequence[str]) -> Mapping[str, int]:
        """Return the place of each binding policy, made once for each payer's tuple of them."""
        if len(self._ranks) > _MOST_RANKS:  # payers are few; only tools make a tuple for every question
            self._ranks.clear()
        kept = self._ranks.get(id(binding))
        if kept is None or kept[0] is not binding:
            kept = self._ranks[id(binding)] = (binding, {policy: place for place, policy in enumerate(binding)})
        return kept[1]

    def _hinted(self, order: Order, evidence: Evidence, rank: Mapping[str, int]) -> set[str]:
        """Return the binding policies to look at: those with a code, or a term or agent, that the order shows."""
        shown = {found.mention.word_list for found in evidence.mentioned} & self._by_list.keys()
        for at in order.codings:
            shown.update(name for pattern, name in self._agent_codes if pattern.matches(at.coding))
        hinted = [policy for name in shown for policy in self._by_list[name]]
        hinted += [policy for at in order.codings for policy in self._by_code.get(at.coding, ())]
        return {policy for policy in hinted if policy in rank}

    def _find_one(
        self, policy_id: str, order: Order, evidence: Evidence | None, on: date, trace: Tracer | None
    ) -> Finding | None:
        version = self.policies[policy_id].in_force(on)
        if trace:
            trace("in force", version.citation if version else f"{policy_id}: no version in force on {on}")
        if version is None:
            return None
        found = _by_code(version, order)
        if not found:
            found = self._by_words(version, order, evidence or self._read(order), trace)
        if trace and found:
            trace("match", f"{policy_id}: {found[0].strength.value} at {found[1]}")
        elif trace:
            trace("no match", f"{policy_id}: nothing in the order points to it")
        return Finding(self.policies[policy_id], version, *found) if found else None

    def _read(self, order: Order) -> Evidence:
        words = [normalise(text.text) for text in order.texts]
        mentioned = [
            Mentioned(text, mention)
            for text, normal in zip(order.texts, words, strict=True)
            for mention in self._finder.find_in(normal)
        ]
        if not any(self._finder.is_service(found.mention) for found in mentioned):
            return Evidence(mentioned, None, {}, frozenset(), plain_name=True)
        cues = (self._finder.halting_cue(normal) for normal in words)
        named = {text.path: self._finder.treatments(n) for text, n in zip(order.texts, words, strict=True)}
        return Evidence(
            mentioned,
            halted=next((cue.phrase for cue in cues if cue), None),
            treatments={path: treatments for path, treatments in named.items() if treatments},
            naming=frozenset(text.path for text in order.texts if text.place in NAMING),
            plain_name=order.resource_type in _INJECTING
            and all(self._finder.is_plain(n) for t, n in zip(order.texts, words, strict=True) if t.place in NAMING),
        )

    def _by_words(self, version: PolicyVersion, order: Order, evidence: Evidence, trace: Tracer | None) -> Found | None:
        named = evidence.of(version.word_lists)
        specific = _specific_code(version, order, self.code_systems, self._lists)
        if trace:
            for found in named:
                cues = ", ".join(f'{cue.kind} "{cue.phrase}"' for cue in found.mention.cues) or "no cue near it"
                trace("words", f'"{found.mention.term}" in {found.at.path}: {cues}')
            if specific:
                trace("ruled out", f"the code {specific.code} ({specific.system}) names another service")
        if specific:
            return contradict(named, specific)
        if not any(found.coding in version.nonspecific for found in order.codings):
            named = [found for found in named if found.at.place is not Place.REASON]
        weighed = weigh(named, evidence)
        return weighed or self._infer(version, order, evidence, trace) or self._unlisted(version, order)

    def _infer(self, version: PolicyVersion, order: Order, evidence: Evidence, trace: Tracer | None) -> Found | None:
        """Infer the service from an agent, injected, at a musculoskeletal place, with nothing against it."""
        rule = version.inference
        if rule is None:
            return None
        agents = self._shown(rule.agents, order, evidence)
        if not agents:
            return None
        excluded = self._shown(rule.exclusions, order, evidence)
        if trace and excluded:
            trace("ruled out", f"another use of the agent: {excluded[0][0]}")
        if excluded or not self._shown(rule.places, order, evidence):
            return None
        regulated = self._shown(rule.regulated, order, evidence)
        if not (regulated or _has_nonspecific(version, order) or self._shown(rule.injections, order, evidence)):
            return None
        words, at = (regulated or agents)[0]
        place = at.place if at else None
        path = at.path if at else f"{order.resource_type}.code"
        return Match(Strength.INFERRED, place=place, words=words, regulated=bool(regulated)), path

    def _shown(self, lists: frozenset[str], order: Order, evidence: Evidence) -> list[tuple[str, OrderText | None]]:
        """Return the terms and codes of some word lists that the order shows anywhere."""
        by_words: list[tuple[str, OrderText | None]] = [(m.mention.term, m.at) for m in evidence.of(lists)]
        codings = [*(found.coding for found in order.codings), *order.reasons]
        patterns = [pattern for name in lists for pattern in self._lists[name].codes]
        return by_words + [(c.code, None) for c in codings if any(pattern.matches(c) for pattern in patterns)]

    def _unlisted(self, version: PolicyVersion, order: Order) -> Found | None:
        """An unlisted code with no words that say what is done: the service may hide under it."""
        if version.nothing_words is None:
            return None
        nothing = self._nothing[version.nothing_words]
        for found in order.codings:
            if found.coding in version.unlisted and _says_nothing(order, nothing):
                return Match(Strength.UNLISTED, code=found.coding), found.path
        return None


def _words(words: WordList) -> frozenset[str]:
    return frozenset(token for term in words.terms for token in normalise(term).split())


def _says_nothing(order: Order, nothing: frozenset[str]) -> bool:
    titles = (text.text for text in order.texts if text.place in (Place.CODE_TEXT, Place.DISPLAY))
    return all(token in nothing or not token.isalpha() for title in titles for token in normalise(title).split())


def _has_nonspecific(version: PolicyVersion, order: Order) -> bool:
    return any(found.coding in version.nonspecific for found in order.codings)


def _by_code(version: PolicyVersion, order: Order) -> Found | None:
    for found in order.codings:
        if named := version.definitive.get(found.coding):
            return Match(Strength.DEFINITIVE, coding=named), found.path
    return None


def _specific_code(
    version: PolicyVersion, order: Order, code_systems: CodeSystems, lists: Mapping[str, WordList]
) -> Coding | None:
    """Return a code of the order that names another service; words beside it do not overrule it."""
    agents = [p for name in (version.inference.agents if version.inference else ()) for p in lists[name].codes]
    for found in order.codings:
        coding = found.coding
        names_another = code_systems.names_a_service(coding) and coding not in version.nonspecific
        if names_another and not any(pattern.matches(coding) for pattern in agents):
            return coding
    return None
