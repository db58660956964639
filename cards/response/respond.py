"""The whole answer to one hook call: the response types, run in order over all decisions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from cards.coding import CodeSystems
from cards.coverage import CoverageProblem
from cards.coverage_outcome import Voice
from cards.decision import Basis, Decision
from cards.policy import Covered
from cards.response.card import Card, OrderUpdate
from cards.response.doubts import is_contradicted
from cards.response.options import ResponseOptions
from cards.response.types import alternate_request, coverage_information, external_reference, instructions
from cards.response.types.alternate_request import ProposedOrder
from cards.response.wording import has_modifier

#: Makes an id of the kind of a thing and what tells it from others.
DeriveId = Callable[..., str]

#: Makes a card, when it is sent.
MakeCard = Callable[[], Card]


class Answered(NamedTuple):
    """The decisions on one order, one for each coverage it is judged under, and the JSON text to be updated.

    `number` is the order's place in the call, which keeps ids apart.
    """

    decisions: tuple[Decision, ...]
    order: bytes
    number: int


@dataclass(frozen=True, slots=True)
class HookResponse:
    """The cards and system actions of one answer."""

    cards: tuple[Card, ...]
    system_actions: tuple[OrderUpdate, ...]
    primary_hook: bool
    extension: Mapping[str, Any] | None = None

    def to_json(self) -> bytes:
        """Return the body of the response; the orders in it are the bytes that came, plus our extension.

        `systemActions` is left out when empty (CDS Hooks: no empty elements) but on primary hooks, where
        Inferno's CRD suite demands the member.
        """
        body: dict[str, Any] = {"cards": [card.to_json() for card in self.cards]}
        if self.system_actions or self.primary_hook:
            body["systemActions"] = [action.to_json() for action in self.system_actions]
        if self.extension:
            body["extension"] = dict(self.extension)
        return orjson.dumps(body)


def respond(
    answered: Sequence[Answered],
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: DeriveId,
) -> HookResponse:
    """Return the response to one hook call: few cards, and coverage information on each order that gets one."""
    actions: list[OrderUpdate] = []
    if options.annotates and options.wants(coverage_information.TOPIC):
        for item in answered:
            owed = [d for d in item.decisions if _is_written(d, options)]
            action = coverage_information.build(owed, item.order, item.number, options, code_systems, derive_id)
            if action:
                actions.append(action)
    drafts = _draft_cards(answered, options, code_systems, derive_id)
    cards = [make() for make in drafts[: options.max_cards]]
    return HookResponse(tuple(cards), tuple(actions), options.primary_hook)


def _is_written(decision: Decision, options: ResponseOptions) -> bool:
    """Tell whether a decision is to be told; what no policy speaks of, or nobody knows, only where owed (hook-16)."""
    match decision.basis:
        case Basis.NOT_EVALUATED:
            return options.primary_hook and options.annotate_unmatched
        case Basis.COVERAGE:
            return options.primary_hook and decision.outcome.annotation is not None
        case Basis.TECHNICAL:
            return options.primary_hook
        case Basis.POLICY | Basis.UNREADABLE:
            return True


def _is_said_on_order(decision: Decision, options: ResponseOptions) -> bool:
    return options.primary_hook and _is_written(decision, options) and coverage_information.is_possible(decision)


class _CardKind(IntEnum):
    """What a card tells, by importance: one that is cut off by `max-cards` is the least important.

    What a clinician must know comes first, and what only confirms that all is well last.
    """

    NOT_COVERED = 0
    NO_ACTIVE_COVERAGE = 1
    TERMS = 2
    QUESTION = 3
    SUPPOSED = 4
    INSTRUCTIONS = 5
    COVERAGE_PROBLEM = 6
    COVERED = 7


_ANSWERS: Final = {
    Covered.NOT_COVERED: _CardKind.NOT_COVERED,
    Covered.CONDITIONAL: _CardKind.TERMS,
    Covered.COVERED: _CardKind.COVERED,
}

#: The kinds of cards that link to the guideline.
_LINKING: Final = frozenset({*_ANSWERS.values(), _CardKind.SUPPOSED})


def _draft_cards(
    answered: Sequence[Answered], options: ResponseOptions, code_systems: CodeSystems, derive_id: DeriveId
) -> list[MakeCard]:
    """Return what makes the cards that could be sent, the most important first; they are made when they are sent.

    Orders of which the same is to be told share one card.
    """
    groups: dict[tuple[Any, ...], list[ProposedOrder]] = {}
    for kind, one in _sort(answered, options):
        groups.setdefault((kind, *_likeness(kind, one.decision)), []).append(one)
    drafts: list[tuple[_CardKind, MakeCard]] = []
    for (kind, *_), group in groups.items():
        decisions = [one.decision for one in group]
        if not options.wants(_topic(kind, decisions[0])):
            continue
        if kind is _CardKind.QUESTION:
            drafts.append((kind, partial(alternate_request.build, group, options, code_systems, derive_id)))
        elif kind in _LINKING:
            drafts.append((kind, partial(external_reference.build, decisions, options, code_systems, derive_id)))
        else:
            drafts.append((kind, partial(_INSTRUCTIONS[kind], decisions, options, derive_id)))
    return [draft for _, draft in sorted(drafts, key=itemgetter(0))]


def _sort(answered: Sequence[Answered], options: ResponseOptions) -> Iterator[tuple[_CardKind, ProposedOrder]]:
    """Yield each decision that a card is to tell of, with its order; an order is asked about once, whoever pays."""
    for item in answered:
        how = options
        for decision in item.decisions:
            kind = _kind_of(decision, how)
            if kind is not None:
                yield kind, ProposedOrder(decision, item.order)
            if kind is _CardKind.QUESTION:
                how = how._replace(proposes=False)


def _kind_of(decision: Decision, options: ResponseOptions) -> _CardKind | None:
    """Return what card a decision calls for: none where the order says it, or where nothing need be said."""
    if decision.is_sure:
        kind = _ANSWERS[decision.covered]
        return _CardKind.TERMS if kind is _CardKind.COVERED and decision.sets_terms else kind
    if decision.basis is Basis.COVERAGE:
        return _kind_of_problem(decision, options)
    if decision.basis is Basis.NOT_EVALUATED:
        is_owed = _is_written(decision, options) and not _is_said_on_order(decision, options)
        return _CardKind.COVERAGE_PROBLEM if is_owed else None
    if options.proposes and alternate_request.is_possible(decision):
        return _CardKind.QUESTION
    if _is_said_on_order(decision, options) and not _is_asked_anyway(decision, options):
        return None
    return _CardKind.INSTRUCTIONS if _is_written(decision, options) else None


def _is_asked_anyway(decision: Decision, options: ResponseOptions) -> bool:
    """Tell whether a card asks what the order is told already: only who orders can say which of two services it is."""
    is_wrong = any(is_contradicted(finding.match) for finding in decision.findings)
    return decision.basis is Basis.POLICY and (options.cards_in_doubt or is_wrong)


def calls_for_card(decision: Decision, options: ResponseOptions) -> bool:
    """Tell whether a decision calls for a card of its own, without making it."""
    return _kind_of(decision, options) is not None


def _kind_of_problem(decision: Decision, options: ResponseOptions) -> _CardKind | None:
    """Return what card tells of a coverage that cannot be told or is not in force."""
    if decision.outcome.card is Voice.PAYER:
        is_told = options.wire.tells_inactive_by_card or not _is_said_on_order(decision, options)
        return _CardKind.NO_ACTIVE_COVERAGE if is_told and (options.primary_hook or decision.findings) else None
    if decision.outcome.card is Voice.DEFAULT and decision.findings:
        return _CardKind.SUPPOSED if decision.names_service else _CardKind.INSTRUCTIONS
    if not options.primary_hook or decision.problem is CoverageProblem.SELF_PAY:
        return None
    return None if _is_said_on_order(decision, options) else _CardKind.COVERAGE_PROBLEM


def _topic(kind: _CardKind, decision: Decision) -> str:
    return external_reference.topic(decision) if kind in _LINKING else instructions.TOPIC


#: What builds each kind of card of words alone.
_INSTRUCTIONS: Final[Mapping[_CardKind, Callable[[Sequence[Decision], ResponseOptions, DeriveId], Card]]] = {
    _CardKind.NO_ACTIVE_COVERAGE: instructions.build_inactive,
    _CardKind.INSTRUCTIONS: instructions.build,
    _CardKind.COVERAGE_PROBLEM: instructions.build_problem,
}


def _likeness(kind: _CardKind, decision: Decision) -> tuple[Any, ...]:
    """Return what orders that can share one card have in common: answer, policies, payer, and what is known of it."""
    if kind is _CardKind.COVERAGE_PROBLEM:
        return decision.payer.id, decision.basis is Basis.COVERAGE
    if kind is _CardKind.NO_ACTIVE_COVERAGE:
        return decision.payer.id, decision.outcome.reason
    if decision.covered is not Covered.NOT_COVERED and decision.is_sure and not decision.outcome.reason:
        return external_reference.likeness(decision)
    policies = [(f.version.key, f.match.coding if f.match.strength.is_sure else f.match) for f in decision.findings]
    told = (decision.covered, decision.payer.id, decision.payer_is_known, decision.problem, *policies)
    if decision.is_sure:
        return told
    open_codes = kind is _CardKind.QUESTION and alternate_request.leaves_open(decision)
    return (decision.basis, decision.outcome.reason, has_modifier(decision), open_codes, *told)
