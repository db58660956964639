"""A call that was kept, as its page shows it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from cds_hooks.console.try_it.answers import read_answer
from cds_hooks.store.audit_event import to_instant
from cds_hooks.store.calls import Bodies, CardSummary, DecisionSummary
from cds_hooks.store.search import Found
from cds_hooks.strict_json import indent


class Told(NamedTuple):
    """What a user did with a card."""

    at: str
    card: str
    outcome: str
    reason: str
    comment: str


class CallShown(NamedTuple):
    """A call: when and whose it was, what was decided, what was sent and what came of it.

    `titles` are the indicator and the summary of each card that was shown, by its uuid.
    """

    id: str
    at: str
    client: str
    service: str
    version: str
    status: int
    milliseconds: float
    error: str
    decisions: tuple[DecisionSummary, ...]
    cards: tuple[CardSummary, ...]
    withheld: tuple[CardSummary, ...]
    left_out: tuple[str, ...]
    told: list[Told]
    titles: Mapping[str, tuple[str, str]]
    request: str
    response: str
    read: list[str]


def describe_call(call: Found, bodies: Bodies, feedback: Sequence[tuple[Any, dict[str, Any]]]) -> CallShown:
    """Return a call as its page shows it."""
    summary = call.summary
    request = bodies.request.decode(errors="replace") if bodies.request is not None else ""
    response = bodies.response.decode(errors="replace")
    return CallShown(
        id=str(uuid.UUID(bytes=call.id)),
        at=to_instant(call.at),
        client=call.client,
        service=call.service,
        version=call.version or "not answered",
        status=call.status,
        milliseconds=call.duration / 1000,
        error=(summary.error if summary else call.problem) or "",
        decisions=summary.decisions if summary else (),
        cards=summary.cards if summary else (),
        withheld=summary.withheld if summary else (),
        left_out=(summary.left_out if summary else None) or (),
        told=[_tell(row, entry) for row, entry in feedback],
        titles=_titles(response),
        request=indent(request),
        response=indent(response),
        read=[indent(one.decode(errors="replace")) for one in bodies.read],
    )


def _titles(response: str) -> dict[str, tuple[str, str]]:
    try:
        shown = read_answer(orjson.loads(response)).cards
    except orjson.JSONDecodeError:
        return {}
    return {card.uuid: (card.indicator, card.summary) for card in shown}


def _tell(row: Any, entry: dict[str, Any]) -> Told:
    given = entry.get("overrideReason") or {}
    reason = given.get("reason") or {}
    words = str(reason.get("display") or reason.get("code") or "")
    return Told(to_instant(row.at), str(entry["card"]), row.outcome, words, str(given.get("userComment") or ""))
