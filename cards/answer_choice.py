"""What a policy version says of one order, where that depends on the order's circumstances."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from cards.circumstances import UNKNOWN, Circumstances
from cards.conditions import FACTS, Fact, FactKind
from cards.coverage_terms import CoverageTerms
from cards.matching.match import Finding
from cards.policy import Choice, Covered, PolicyVersion

#: Answers that ask for nothing: an encounter that may not be that of the service is not enough to give one.
_LAX: Final = (Covered.COVERED, "no-auth")


def explain_choice(finding: Finding, chosen: Finding | None) -> tuple[str, str]:
    """Return a step of an explanation: which of the answers of a policy applies, and on what that rests."""
    version = finding.version
    if not version.choices or not finding.match.strength.is_sure:
        return "answer", f"{version.key}: the same whatever the circumstances"
    asked = ", ".join(FACTS[fact].words for fact in Fact if fact in version.asks)
    if chosen is None:
        return "conditions", f"{version.key} depends on {asked}: none of its answers applies"
    told = "; ".join(chosen.facts) or "no condition"
    open_codes = ", ".join(chosen.version.terms_of_coverage.info_needed)
    is_open = any(one is chosen.version for one in version.merged.values())
    rests = f"open, so that {open_codes} is asked for" if is_open else told
    said = ", ".join(filter(None, (chosen.version.covered.value, chosen.version.pa_needed)))
    return "conditions", f"{version.key} depends on {asked}: {rests} -> {said}"


class _Weighed(NamedTuple):
    """The choices that may apply, and the facts that leave open which. `says_nothing`: perhaps none does."""

    choices: tuple[Choice, ...]
    open: tuple[tuple[Fact, str], ...]
    used: tuple[Fact, ...]
    says_nothing: bool


def choose(finding: Finding, circumstances: Circumstances | None) -> Finding | None:
    """Return a finding with the answer that the order's circumstances call for; None where the policy has none.

    What the order does not say is never guessed: then all that may be said is merged into one answer that is as
    conditional as they differ. An encounter settles that nothing is needed only where the order says its day.
    """
    version = finding.version
    if not version.choices or not finding.match.strength.is_sure:
        return finding
    facts = circumstances or UNKNOWN
    weighed = _weigh(version, facts)
    if _needs_a_day(weighed, facts):
        facts = replace(facts, trusts_encounter=False)
        weighed = _weigh(version, facts)
    if not weighed.choices:
        return None
    if len(weighed.choices) == 1 and not weighed.says_nothing:
        told = tuple(facts.words(fact) for fact in weighed.used)
        return finding._replace(version=weighed.choices[0].version, facts=told, dependencies=_named(weighed, facts))
    return finding._replace(version=_merge(version, weighed), dependencies=_named(weighed, facts))


def _weigh(version: PolicyVersion, facts: Circumstances) -> _Weighed:
    """Go through the choices: the first that applies ends it, and one that is open leaves it to those behind it."""
    found: list[Choice] = []
    open_facts: dict[tuple[Fact, str], None] = {}
    used: dict[Fact, None] = {}
    for choice in version.choices:
        held = [(condition.fact, condition.holds(facts)) for condition in choice.conditions]
        if any(holds is False for _, holds in held):
            used |= {fact: None for fact, holds in held if holds is False}
            continue
        found.append(choice)
        asked = [fact for fact, holds in held if holds is None]
        if not asked:
            used |= {fact: None for fact, _ in held}
            return _Weighed(tuple(found), tuple(open_facts), tuple(used), says_nothing=False)
        open_facts |= {(fact, facts.info_needed(fact)): None for fact in asked}
    return _Weighed(tuple(found), tuple(open_facts), tuple(used), says_nothing=True)


def _needs_a_day(weighed: _Weighed, facts: Circumstances) -> bool:
    """Tell whether nothing would be asked for because of an encounter, though it may not be that of the service."""
    if weighed.open or not facts.rests_on_encounter(weighed.used):
        return False
    said = [(choice.version.covered, choice.version.pa_needed) for choice in weighed.choices]
    return not said or _LAX in said


def _named(weighed: _Weighed, facts: Circumstances) -> tuple[str, ...]:
    """Return the other orders that the choices rest on."""
    codings = frozenset(
        coding
        for choice in weighed.choices
        for condition in choice.conditions
        if condition.fact is Fact.BESIDE
        for coding in condition.codes
    )
    return facts.named_beside(codings) if codings else ()


def _merge(version: PolicyVersion, weighed: _Weighed) -> PolicyVersion:
    """Return what can be said while some facts are open; made once, since answers are kept by version."""
    key = (tuple(map(id, weighed.choices)), weighed.open, weighed.says_nothing)
    if key not in version.merged:
        version.merged[key] = _merge_new(version, weighed)
    return version.merged[key]


def _merge_new(version: PolicyVersion, weighed: _Weighed) -> PolicyVersion:
    said = [choice.version for choice in weighed.choices]
    terms = CoverageTerms(
        info_needed=tuple(dict.fromkeys(code for _, code in weighed.open)),
        authorization=next(filter(None, (one.terms_of_coverage.authorization for one in said)), ()),
    )
    about, open_words = _say_what_is_open(said, weighed)
    if about is None:
        joined = _join([one.terms_of_coverage for one in said])
        return replace(said[0], terms_of_coverage=joined, reason=_agree(one.reason for one in said))
    is_covered = about is not _COVERAGE
    if about is _DOCUMENTATION:
        terms = replace(terms, documents=("conditional",))
    return replace(
        version,
        choices=(),
        covered=said[0].covered if is_covered else Covered.CONDITIONAL,
        pa_needed=said[0].pa_needed if about is _DOCUMENTATION else "conditional",
        terms_of_coverage=terms,
        reason=_NETWORK if about is _AUTHORIZATION and any(one.reason == _NETWORK for one in said) else None,
        verdict=f"{_DEPENDS[about]} {open_words}",
        position=f"{about} depends on {open_words}, which {'is' if len(weighed.open) == 1 else 'are'} not stated.",
        next_steps=tuple(dict.fromkeys(_what_is_open(*one).advice for one in weighed.open)),
    )


#: What is open where the birth date was sent, and the order says no day.
_DAY: Final = FactKind("the day of service", "timeframe", "State the day of service on the order.")


def _what_is_open(fact: Fact, code: str) -> FactKind:
    return _DAY if code == _DAY.info_needed else FACTS[fact]


#: Facts are named where they leave a card's summary short enough.
_LONGEST: Final = 45

_COVERAGE: Final = "Whether it is covered"
_AUTHORIZATION: Final = "Whether prior authorization is needed"
_DOCUMENTATION: Final = "Whether documentation is needed"

#: The verdict of each, up to what it depends on.
_DEPENDS: Final = {
    _COVERAGE: "depends on",
    _AUTHORIZATION: "prior authorization depends on",
    _DOCUMENTATION: "documentation depends on",
}

#: The reason that holds while it is open who performs it: authorization is needed out of the network alone.
_NETWORK: Final = "auth-out-network"


def _agree(reasons: Iterable[str | None]) -> str | None:
    """Return the reason that several answers have alike."""
    told = set(reasons)
    return told.pop() if len(told) == 1 else None


def _say_what_is_open(said: Sequence[PolicyVersion], weighed: _Weighed) -> tuple[str | None, str]:
    """Return what the open facts decide about, in words, and those facts; None where all say the same."""
    words = _enumerate(list(dict.fromkeys(_what_is_open(*one).words for one in weighed.open)))
    words = words if len(words) <= _LONGEST else "facts about the order"
    if weighed.says_nothing or len({one.covered for one in said}) > 1:
        return _COVERAGE, words
    if len({one.pa_needed for one in said}) > 1:
        return _AUTHORIZATION, words
    return (_DOCUMENTATION if len({frozenset(one.terms_of_coverage.documents) for one in said}) > 1 else None), words


def _join(terms: Sequence[CoverageTerms]) -> CoverageTerms:
    """Return what several answers with the same documentation ask for, and no limit: which of them holds is open."""
    return CoverageTerms(
        info_needed=_once(one.info_needed for one in terms),
        documents=_once(one.documents for one in terms),
        purposes=_once(one.purposes for one in terms),
        questionnaires=_once(one.questionnaires for one in terms),
        authorization=terms[0].authorization,
    )


def _once(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))


def _enumerate(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[:-1] else []), words[-1]])
