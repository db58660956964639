"""The whole answer to one hook call: the response types, run in order over all decisions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Final, NamedTuple

import orjson

from cards.coding import CodeSystems
from cards.decision import Basis, Decision
from cards.policy import Covered
from cards.response.card import Card, SystemAction
from cards.response.options import ResponseOptions
from cards.response.types import coverage_information, external_reference, instructions
from cards.response.wording import has_modifier


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
    system_actions: tuple[SystemAction, ...]
    primary_hook: bool
    extension: Mapping[str, Any] | None = None

    def to_json(self) -> bytes:
        """Return the body of the response; the orders in it are the bytes that came, plus our extension.

        `systemActions` is left out when empty (CDS Hooks: no empty elements) but on primary hooks, where
        Inferno's CRD suite demands the member.
        """
        body: dict[str, Any] = {"cards": [card.to_json() for card in self.cards]}
        if self.system_actions or self.primary_hook:
            body["systemActions"] = [
                {
                    "type": "update",
                    "description": action.description,
                    "resource": orjson.Fragment(action.resource),
                }
                for action in self.system_actions
            ]
        if self.extension:
            body["extension"] = dict(self.extension)
        return orjson.dumps(body)


def respond(
    answered: Sequence[Answered],
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> HookResponse:
    """Return the response to one hook call: few cards, and coverage information on each order that gets one."""
    actions: list[SystemAction] = []
    if options.wants(coverage_information.TOPIC):
        for item in answered:
            owed = [d for d in item.decisions if _is_written(d, options)]
            action = coverage_information.build(owed, item.order, item.number, options, code_systems, derive_id)
            if action:
                actions.append(action)
    cards = [make() for _, make in _draft_cards(answered, options, derive_id)[: options.max_cards]]
    return HookResponse(tuple(cards), tuple(actions), options.primary_hook)


def _is_written(decision: Decision, options: ResponseOptions) -> bool:
    """Tell whether a decision is to be told; what no policy speaks of, or nobody knows, only where owed (hook-16)."""
    if decision.basis is Basis.NOT_EVALUATED:
        return options.primary_hook and options.annotate_unmatched
    return decision.basis is not Basis.TECHNICAL or options.primary_hook


#: Importance of a card, the least first, and what makes it.
_CardDraft = tuple[int, Callable[[], Card]]


def _draft_cards(
    answered: Sequence[Answered], options: ResponseOptions, derive_id: Callable[..., str]
) -> list[_CardDraft]:
    """Return the cards that could be sent, the most important first; they are made when they are sent."""
    alike: dict[tuple[Any, ...], list[Decision]] = {}
    wanting: dict[tuple[Any, ...], list[Decision]] = {}
    unwritten: dict[str, list[Decision]] = {}
    for item in answered:
        for decision in item.decisions:
            if decision.is_sure:
                alike.setdefault(_likeness(decision), []).append(decision)
            elif not _is_written(decision, options) or (
                options.primary_hook and coverage_information.is_possible(decision)
            ):
                continue
            elif decision.basis is Basis.NOT_EVALUATED:
                unwritten.setdefault(decision.payer.id, []).append(decision)
            else:
                kind = (decision.basis, has_modifier(decision), *_likeness(decision))
                wanting.setdefault(kind, []).append(decision)
    drafts: list[_CardDraft] = [
        (_IMPORTANCE[group[0].covered], partial(external_reference.build, group, number, options, derive_id))
        for number, group in enumerate(alike.values())
        if options.wants(external_reference.topic(group[0]))
    ]
    if options.wants(instructions.TOPIC):
        drafts += [
            (2, partial(instructions.build, group, number, options, derive_id))
            for number, group in enumerate(wanting.values())
        ]
        drafts += [(3, partial(instructions.build_problem, group, options, derive_id)) for group in unwritten.values()]
    return sorted(drafts, key=itemgetter(0)) if len(drafts) > 1 else drafts


#: What a clinician must know comes first: a card that is cut off by `max-cards` is the least important one.
_IMPORTANCE: Final = {Covered.NOT_COVERED: 0, Covered.CONDITIONAL: 1, Covered.COVERED: 4}


def _likeness(decision: Decision) -> tuple[Any, ...]:
    """Return what orders that can share one card have in common: answer, policies, payer, and what is known of it."""
    policies = [(f.version.key, f.match.coding if f.match.strength.is_sure else f.match) for f in decision.findings]
    return decision.covered, decision.payer.id, decision.payer_is_known, decision.problem, *policies
