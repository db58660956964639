"""What is told of a call in a few words, for the store: what was decided on which orders, and under which ids."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Final, NamedTuple
from uuid import UUID

from cards import ASSERTION, NO_PAYER, SUGGESTION, Answered, Basis, Decision, explain, rests_on
from cards.policy import Covered
from cds_hooks.hooks.request import HookRequest
from cds_hooks.store.calls import CALL_PART, CardSummary, DecisionSummary, PolicySummary, Summary

#: The kinds of ids that are not a card's.
_NO_CARDS: Final = frozenset({ASSERTION, SUGGESTION})


class Ids:
    """Derives the ids of one answer, and remembers what each is of.

    An assertion has the same id in the same call on the same day, and in no other call. Some clients repeat
    hookInstance and order ids for every patient, so the whole request counts, and what was learnt. A card has the
    same id for the same patient, orders, policies and day in every call, so that one that was dismissed can be known
    again: of the calls that it was sent in, the newest is meant by feedback. All ids of one patient's day begin alike
    (`calls.CALL_PART`), so that the store finds the calls of any of them by one entry of its index.
    """

    def __init__(self, service_id: str, call: HookRequest, learnt: str, on: date, namespace: UUID) -> None:
        self._namespace = namespace.bytes
        day = on.isoformat()
        self._patient = f"{call.patient_id}|{day}|"
        self._call = f"{call.digest}{learnt}|{service_id}|{day}|"
        self._first_part = name_uuid(self._namespace, self._patient)[:CALL_PART]
        self.derived: dict[tuple[str, ...], str] = {}

    def derive(self, *parts: str) -> str:
        """Return the id of something, named by its kind and what tells it from others."""
        seed = self._call if parts[0] == ASSERTION else self._patient
        own_part = name_uuid(self._namespace, seed + "|".join(parts))[CALL_PART:]
        found = self.derived[parts] = self._first_part + own_part
        return found


def name_uuid(namespace: bytes, name: str) -> str:
    """Return the UUID of a name (RFC 9562, version 5) as its text; `uuid.uuid5` takes three times as long."""
    digest = hashlib.sha1(namespace + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


#: The first digit of the fourth group, whose two highest bits are 1 and 0.
_VARIANTS: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


class Beside(NamedTuple):
    """What is told of a call beside its answer: the digest of the rules, and the keys of prefetch that it announced.

    `about` is what cards are known again by, `withheld` are those that were not sent, by their ids; where overrides are
    heeded.
    """

    rules: str
    announced: Collection[str]
    about: Mapping[str, str] = {}
    withheld: Collection[str] = ()


def give_account(call: HookRequest, answered: Sequence[Answered], ids: Ids, response: bytes, beside: Beside) -> Summary:
    """Return the account of a call that was answered; of ids that did not leave only those of cards withheld."""
    said = response.decode()  # looking for bytes in bytes takes five times as long
    sent = {
        parts: identity
        for parts, identity in ids.derived.items()
        if identity in said and identity not in beside.withheld
    }
    assertions = {parts[1:3]: identity for parts, identity in sent.items() if parts[0] == ASSERTION}
    decisions = [
        _tell(decision, assertions.get((str(item.number), _coverage_of(decision) or "")))
        for item in answered
        for decision in item.decisions
    ]
    cards = [
        _card(parts, identity, decisions, beside.about) for parts, identity in sent.items() if parts[0] not in _NO_CARDS
    ]
    left_out = tuple([key for key in beside.announced if key not in call.prefetch])
    withheld = [
        _card(parts, identity, decisions, beside.about)
        for parts, identity in (ids.derived.items() if beside.withheld else ())
        if identity in beside.withheld
    ]
    return Summary(call.hook_instance, tuple(decisions), tuple(cards), beside.rules, None, left_out, tuple(withheld))


def _tell(decision: Decision, assertion: str | None) -> DecisionSummary:
    is_answer = decision.basis is Basis.POLICY
    findings = decision.findings if is_answer or decision.is_supposed else ()
    covered, member, on_file = decision.covered, decision.member, decision.authorization
    policies = [PolicySummary(f.version.key, f.match.strength.value, rests_on(f, decision.order)) for f in findings]
    return DecisionSummary(
        order=decision.order.reference,
        covered=covered.value,
        basis=decision.basis.value,
        payer=decision.payer.id if decision.payer_is_known else NO_PAYER,
        on=decision.on.isoformat(),
        coverage=_coverage_of(decision),
        assertion=assertion,
        policies=tuple(policies),
        problem=decision.problem.value if decision.problem else None,
        reasons=(*explain(decision), *(on_file.looked_at if on_file else ())),
        member=f"{member.id.system}|{member.id.value}" if member else None,
        authorization=on_file.satisfied_by.number if on_file and on_file.satisfied_by else None,
        pa_needed=_pa_needed(decision, covered) if is_answer else None,
        supposed=decision.is_supposed,
    )


def _pa_needed(decision: Decision, covered: Covered) -> str | None:
    """Return what is said of prior authorization; of a service that may or may not be covered it is open."""
    if covered is Covered.COVERED:
        return decision.pa_needed or ""
    if covered is Covered.CONDITIONAL:
        return (decision.pa_needed if decision.is_sure else None) or "conditional"
    return None


def _coverage_of(decision: Decision) -> str | None:
    return decision.coverage.reference if decision.coverage else None


def _card(
    parts: Iterable[str], identity: str, decisions: Sequence[DecisionSummary], known: Mapping[str, str]
) -> CardSummary:
    """Return a card with the orders that it names, or all of its payer where it names none, and the policies it names.

    Those that answer for another payer of the same order are none of the card's.
    """
    _, *about = parts
    named = [decision for decision in decisions if decision.order in about]
    concerned = named or [decision for decision in decisions if decision.payer in about]
    orders = dict.fromkeys([decision.order for decision in concerned])
    noted = dict.fromkeys([policy.version for decision in concerned for policy in decision.policies])
    policies = [version for version in noted if version in about]
    return CardSummary(identity, tuple(orders), tuple(policies), known.get(identity) if policies else None)
