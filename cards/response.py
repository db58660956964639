"""The whole answer to one hook call: the response types, run in order over all decisions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from cards.card import Card, SystemAction
from cards.coding import CodeSystems
from cards.decision import Basis, Decision
from cards.response_types import coverage_information, external_reference, instructions
from cards.versions import WireVersion


class Answered(NamedTuple):
    """A decision, the JSON text of the order it is on, and the order's number in the call, which keeps ids apart."""

    decision: Decision
    order: bytes
    number: int


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """How to say it.

    `primary_hook`: coverage information is owed for every order (CRD: order-sign). `annotate_unmatched`:
    say so on the order where no policy of this service speaks of it. `most_instructions`: as many orders in doubt get
    a card of their own; a call of a thousand is not answered with a thousand cards.
    """

    wire: WireVersion
    primary_hook: bool
    annotate_unmatched: bool
    most_instructions: int = 10


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
    alike: dict[tuple[Any, ...], list[Decision]] = {}
    wanting: list[Answered] = []
    for item in answered:
        decision = item.decision
        action = None
        if decision.basis is not Basis.NOT_EVALUATED or (options.primary_hook and options.annotate_unmatched):
            action = coverage_information.build(*item, options.wire, code_systems, derive_id)
        if action:
            actions.append(action)
        if decision.is_sure:
            alike.setdefault(_likeness(decision), []).append(decision)
        elif decision.basis is not Basis.NOT_EVALUATED and not (
            options.primary_hook and coverage_information.is_possible(decision)
        ):
            wanting.append(item)
    cards = [
        external_reference.build(group, number, options.wire, derive_id) for number, group in enumerate(alike.values())
    ]
    asked = wanting[: options.most_instructions]
    cards += [instructions.build(item.decision, item.number, options.wire, derive_id) for item in asked]
    return HookResponse(tuple(cards), tuple(actions), options.primary_hook)


def _likeness(decision: Decision) -> tuple[Any, ...]:
    """Return what orders that can share one card have in common: answer, policies, payer, and what is known of it."""
    policies = [(finding.version.key, finding.match.coding) for finding in decision.findings]
    return decision.covered, decision.payer.id, decision.payer_is_known, decision.coverage is None, *policies
