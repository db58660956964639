"""Propose Alternate Request: a card that offers the code which says what an order leaves open, with one tap.

What is proposed is the order as received with one coding more: once it is there, the next call is answered for certain.
Such a card has no links; each suggestion has one update of one order or, where the version allows, only says what to do
(resp-53, resp-56; CRD-282). None is recommended: what is ordered only the clinician knows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from cards.coding import CodeSystems, Coding
from cards.decision import Basis, Decision
from cards.order import Order
from cards.policy import PolicyCode
from cards.response.card import ANY, AT_MOST_ONE, Card, HooksCoding, OrderUpdate, Suggestion, name_source
from cards.response.codings import add_coding, write_coding
from cards.response.doubts import may_be_ordered, tell_doubts
from cards.response.identity import SUGGESTION, identify_card
from cards.response.options import ResponseOptions
from cards.response.plain_text import plain
from cards.response.wording import cite, head, list_orders, name_order, write_paragraphs

#: The topic of these cards: what they ask for is what coverage depends on.
TOPIC: Final = "coverage-info"

#: Where the kinds of orders that can be for a procedure have its code.
_CODED: Final[Mapping[str, str]] = {"ServiceRequest": "code"}

#: An order that is still to be carried out; some clients leave the status of a draft away.
_OPEN: Final = frozenset({None, "draft", "active", "on-hold"})

#: Of more codes than this one must be looked up, not tapped.
_MOST_CODES: Final = 4

#: As many orders get suggestions on one card, each with as much of its name.
_MOST_ORDERS: Final = 20
_LONGEST_NAME: Final = 60


class ProposedOrder(NamedTuple):
    """An order in doubt and its JSON text as received."""

    decision: Decision
    order: bytes


class _Offer(NamedTuple):
    """A code that may be added, and what it is called."""

    name: str
    code: PolicyCode


def is_possible(decision: Decision) -> bool:
    """Tell whether an order can be told from others by a code that it does not have yet, and can take that code."""
    order = decision.order
    if decision.basis is not Basis.POLICY or decision.is_sure or not _takes_code(order):
        return False
    return 0 < len(_find_offers(decision)) <= _MOST_CODES


def leaves_open(decision: Decision) -> bool:
    """Tell whether a code of the order says nothing of what is done, so that another procedure may be under it."""
    return any(coded.coding in f.version.nonspecific for f in decision.findings for coded in decision.order.codings)


def build(
    proposed: Sequence[ProposedOrder],
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> Card:
    """Build the one card for orders that leave open the same, in the same words."""
    decisions = [one.decision for one in proposed]
    first = decisions[0]
    identity = derive_id(*identify_card("alternate-request", decisions))
    return Card(
        uuid=identity,
        summary=head(first),
        detail=write_paragraphs(*tell_doubts(first), list_orders(decisions, lambda _: ""), *cite(first)),
        indicator="info",
        source=name_source(first.payer, HooksCoding(options.wire.topic_system, TOPIC, "Coverage Information")),
        extension=options.associate(list(dict.fromkeys([one.order.reference for one in decisions]))),
        suggestions=tuple(_suggest(proposed, options, code_systems, partial(derive_id, SUGGESTION, identity))),
        selection_behavior=AT_MOST_ONE if len(proposed) == 1 else ANY,
    )


def _suggest(
    proposed: Sequence[ProposedOrder],
    options: ResponseOptions,
    code_systems: CodeSystems,
    derive_id: Callable[..., str],
) -> Iterator[Suggestion]:
    """Yield what can be chosen: one of it for one order, and of several orders any, each by its name."""
    is_alone = len(proposed) == 1
    for one in proposed[:_MOST_ORDERS]:
        for offer in _find_offers(one.decision):
            said = f"is {offer.name}: add {offer.code.coding.code}"
            label = f"This {said}" if is_alone else f"{plain(name_order(one.decision), _LONGEST_NAME)} {said}"
            changed = _add(one, offer.code, code_systems)
            if changed:
                yield Suggestion(derive_id(one.decision.order.reference, *offer.code.coding), label, changed)
    if is_alone and options.wire.suggests_without_action and leaves_open(proposed[0].decision):
        yield Suggestion(derive_id("another"), "This is another procedure: enter its code")


def _add(one: ProposedOrder, code: PolicyCode, code_systems: CodeSystems) -> OrderUpdate | None:
    changed = add_coding(one.order, _CODED[one.decision.order.resource_type], write_coding(code, code_systems))
    return OrderUpdate(f"Add code {code.coding.code} ({code.display}) to the order", changed) if changed else None


def _takes_code(order: Order) -> bool:
    """Tell whether an order is to be carried out, and has a readable place for a code on the client's system."""
    if order.id is None or order.status not in _OPEN or order.resource_type not in _CODED:
        return False
    element = f"{order.resource_type}.{_CODED[order.resource_type]}"
    return not any(fault.path.startswith(element) for fault in order.faults)


def _find_offers(decision: Decision) -> list[_Offer]:
    """Return the codes by which the policies name what may be ordered, each once; several go by their own names."""
    offers: dict[Coding, _Offer] = {}
    for finding in decision.findings:
        for code in finding.codes if may_be_ordered(finding.match) else ():
            name = finding.service if len(finding.codes) == 1 else code.display
            offers.setdefault(code.coding, _Offer(name.lower(), code))
    return list(offers.values())
