"""A suggestion changes the orders of a call as an EHR changes them (CDS Hooks 2.0, Suggestion and Action)."""

from typing import Any

import pytest

from cds_hooks.console.try_it.suggestions import apply_suggestion


def call() -> dict[str, Any]:
    orders = [{"resource": {"resourceType": "ServiceRequest", "id": name, "status": "draft"}} for name in ("a", "b")]
    return {"context": {"draftOrders": {"resourceType": "Bundle", "entry": orders}}, "prefetch": {}}


def offering(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"cards": [{"suggestions": [{"label": "x", "actions": list(actions)}]}]}


def orders(request: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(e["resource"]["id"], e["resource"].get("code")) for e in request["context"]["draftOrders"]["entry"]]


def test_an_update_replaces_the_order_of_its_id() -> None:
    action = {"type": "update", "resource": {"resourceType": "ServiceRequest", "id": "b", "code": "new"}}

    assert orders(apply_suggestion(call(), offering(action), 0, 0)) == [("a", None), ("b", "new")]


def test_a_create_adds_an_order() -> None:
    action = {"type": "create", "resource": {"resourceType": "ServiceRequest", "code": "new"}}

    assert orders(apply_suggestion(call(), offering(action), 0, 0))[2:] == [("suggested-1", "new")]


@pytest.mark.parametrize(
    "action",
    [
        {"type": "delete", "resourceId": ["ServiceRequest/a"]},
        {"type": "delete", "resource": {"resourceType": "ServiceRequest", "id": "a"}},
    ],
)
def test_a_delete_takes_the_order_away(action: dict[str, Any]) -> None:
    assert orders(apply_suggestion(call(), offering(action), 0, 0)) == [("b", None)]


def test_the_call_that_was_sent_stays_as_it_was() -> None:
    sent = call()
    apply_suggestion(sent, offering({"type": "delete", "resourceId": ["ServiceRequest/a"]}), 0, 0)

    assert sent == call()


def test_a_suggestion_without_actions_changes_nothing() -> None:
    assert apply_suggestion(call(), offering(), 0, 0) == call()


def test_there_is_no_suggestion_but_those_offered() -> None:
    for card, number in ((0, 1), (1, 0)):
        with pytest.raises(LookupError):
            apply_suggestion(call(), offering(), card, number)
