"""What the policies of a deployment leave open together: those that bind nobody, and those that contradict others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Final

from cards import Payer, Policy
from cards.coding import Coding
from cards.policy import PolicyVersion

#: As many codes of one contradiction are named.
_MOST_NAMED: Final = 5

#: What can be said of one code: `covered` with `pa-needed`.
_Answers = frozenset[tuple[str, str | None]]


def find_gaps(payers: Iterable[Payer], policies: Mapping[str, Policy]) -> Iterator[str]:
    """Yield, a sentence each, what no payer's orders are answered by and where two policies say different things.

    Neither is wrong by itself: a policy may wait for its payer, and of two answers the stricter is given.
    """
    known = list(payers)
    bound = {policy for payer in known for policy in payer.policies}
    for policy in sorted(policies.keys() - bound):
        codes = {coding for version in policies[policy].versions if version for coding in version.definitive}
        yield f"no payer names {policy}: nobody's orders for its {len(codes)} codes are answered by it"
    for payer in known:
        named = [policies[policy] for policy in payer.policies if policy in policies]
        for one, other in combinations(named, 2):
            yield from _contradictions(payer, one, other)
        for form in sorted(payer.questionnaire_links.keys() - {form for policy in named for form in _forms(policy)}):
            yield f"{payer.id} says where {form} is completed, and no policy of it asks for that form"


def _forms(policy: Policy) -> Iterator[str]:
    """Yield the forms that any version of a policy asks for."""
    versions = [one for version in policy.versions if version for one in (version, *version.groups.values())]
    for version in versions:
        for said in (version, *(choice.version for choice in version.choices)):
            yield from said.terms_of_coverage.questionnaires


def _contradictions(payer: Payer, one: Policy, other: Policy) -> Iterator[str]:
    """Yield the codes of which two policies never say the same, from the first day on which they do so."""
    told: set[Coding] = set()
    for day in sorted({*one.starts, *other.starts}):
        first, second = one.in_force(day), other.in_force(day)
        codes = _contradicting(first, second) - told if first and second else set()
        if codes:
            told |= codes
            yield _describe(payer, (one, other), (first, second), codes, day)


def _contradicting(one: PolicyVersion, other: PolicyVersion) -> set[Coding]:
    shared = one.definitive.keys() & other.definitive.keys()
    return {coding for coding in shared if not _answers(one, coding) & _answers(other, coding)}


def _answers(version: PolicyVersion, coding: Coding) -> _Answers:
    said = version.groups.get(coding, version)
    versions = [choice.version for choice in said.choices] or [said]
    return frozenset((one.covered.value, one.pa_needed) for one in versions)


def _describe(
    payer: Payer, policies: Sequence[Policy], versions: Sequence[PolicyVersion | None], codes: set[Coding], day: date
) -> str:
    named = sorted(codes)
    listed = ", ".join(f"{coding.system} {coding.code}" for coding in named[:_MOST_NAMED])
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    since = "" if day == date.min else f" from {day} on"
    said = [
        f"{policy.id} says {_write(_answers(version, named[0]))}"
        for policy, version in zip(policies, versions, strict=True)
        if version
    ]
    return f"{payer.id}{since}: of {listed}{more} {', '.join(said)}; the stricter is answered"


def _write(answers: _Answers) -> str:
    return " or ".join(sorted(" ".join(part for part in answer if part) for answer in answers))
