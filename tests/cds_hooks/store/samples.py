"""Calls as the store keeps them, made up for the tests."""

import time
from typing import Any

from cds_hooks.store.calls import (
    CALL_PART,
    Bodies,
    CallRecord,
    CardSummary,
    DecisionSummary,
    PolicySummary,
    Summary,
    make_id,
)

POLICY = "evicore-cmm-204@2023-05-31"


def ids(number: int) -> tuple[str, str]:
    """Return the ids of the assertion and the card of a call."""
    part = f"{number:08x}-0000"
    assert len(part) == CALL_PART
    return f"{part}-5000-8000-0000000000a1", f"{part}-5000-8000-0000000000c1"


def exchange(number: int = 1, **changed: Any) -> CallRecord:
    """Return a call of one order; those with different numbers have different ids and orders."""
    assertion, card = ids(number)
    order = f"ServiceRequest/order-{number}"
    decision = DecisionSummary(
        order,
        "not-covered",
        "a policy in force",
        "example-health-plan",
        "2026-11-23",
        "Coverage/cov-1",
        assertion,
        (PolicySummary(POLICY, "definitive", "code M0076"),),
    )
    at = changed.pop("at", time.time_ns() // 1000)
    told = {
        "id": make_id(at),
        "at": at,
        "client": "north",
        "service": "order-sign-crd",
        "hook": "order-sign",
        "version": "2.0",
        "status": 200,
        "duration": 900,
        "request_id": f"request-{number}",
        "summary": Summary(f"hook-{number}", (decision,), (CardSummary(card, (order,), (POLICY,)),)),
        "bodies": Bodies(b'{"hook":"order-sign"}', b'{"cards":[]}'),
    }
    return CallRecord(**{**told, **changed})
