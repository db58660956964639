"""How an order was matched, step by step: which policies were looked at, what matched, what was ruled out by what."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from cards.matching.evidence import Evidence, Mentioned
from cards.matching.match import Found
from cards.matching.policy_index import PolicyIndex
from cards.matching.policy_match import by_code
from cards.matching.second_reading import FEW
from cards.matching.weighing import weigh
from cards.order import Order
from cards.policy import PolicyVersion

#: Takes a step: the rule, and what it found.
Tracer = Callable[[str, str], None]


def explain(index: PolicyIndex, order: Order, binding: Sequence[str], on: date, trace: Tracer) -> None:
    """Tell `trace` of every binding policy why the order is for its service, or why it is not."""
    evidence, contradicted = index.read(order), index.contradiction_in(order)
    for policy_id in index.rank(binding):
        version = index.policies[policy_id].in_force(on)
        trace("in force", version.citation if version else f"{policy_id}: no version in force on {on}")
        if version:
            found = index.matcher.match(version, order, evidence, contradicted)
            for step in _explain_words(index, version, order, evidence):
                trace(*step)
            trace(*_conclude(policy_id, found))
            for span in found.deciding if found else ():
                trace("deciding words", f"{span.path}, characters {span.start} to {span.end}")


def _explain_words(
    index: PolicyIndex, version: PolicyVersion, order: Order, evidence: Evidence
) -> Iterator[tuple[str, str]]:
    """Yield what the order's words say of a policy that no code names, and what of it does not count."""
    matcher = index.matcher
    if by_code(version, order):
        return
    for found in matcher.named(version, evidence):
        cues = ", ".join(f'{cue.kind} "{cue.phrase}"' for cue in found.mention.cues) or "no cue near it"
        yield "words", f'"{found.mention.term}" in {found.at.path}: {cues}'
    yield from _explain_second_reading(matcher.named(version, evidence), evidence)
    for found in matcher.spelled(version, order, evidence):
        yield "words", f'"{found.mention.term}" in {found.at.path}: a code of the policy without its system'
    if specific := matcher.specific_code(version, order):
        yield "ruled out", f"the code {specific.code} ({specific.system}) names another service"
    elif not matcher.by_own_words(version, order, evidence) and (use := matcher.excluding(version, order, evidence)):
        yield "ruled out", f"another use of the agent: {use}"


def _explain_second_reading(named: Sequence[Mentioned], evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Yield what the rules alone say, how likely it was learned to be, between which limits, and by what words."""
    learned = evidence.learned(named)
    if learned is None:
        return
    alone, limits = weigh(named, evidence, by_rules_alone=True), learned.limits
    said = f"{alone.match.strength.value}{_tell_doubt(alone)}" if alone else "nothing"
    few = f", fewer than {FEW}: a note that orders and what takes it back are believed" if learned.told < FEW else ""
    yield "second reading", f"by the rules alone: {said}; the order tells {learned.told} words beside its name{few}"
    between = {
        "ordered": f"doubted below {limits.refuse_note} (in its name {limits.refuse_name}), sure from {limits.accept}",
        "stands": f"taken back below {limits.falls}, told below {limits.told}, sure from {limits.stands}",
        "concerned": f"passed over below {limits.silent}, asked about from {limits.ask}",
    }
    for question, (likely, heaviest) in learned.explain().items():
        shares = ", ".join(f'"{one.feature}" {one.share:+.2f}' for one in heaviest)
        told = f"{question} {likely:.2f}: {between[question]}; by {shares or 'nothing known'}"
        yield "second reading", told


def _conclude(policy_id: str, found: Found | None) -> tuple[str, str]:
    if found:
        return "match", f"{policy_id}: {found.match.strength.value} at {found.path}{_tell_doubt(found)}"
    return "no match", f"{policy_id}: nothing in the order points to it"


def _tell_doubt(found: Found) -> str:
    return f", {found.match.doubt.told}" if found.match.doubt else ""
