"""What costs more than one call may is refused before any work."""

import copy
import re
import time
from typing import Any

import pytest
import requests

from cds_hooks.errors import TooCostlyError, UnreadableBodyError
from cds_hooks.hooks.request_limits import refuse_costly
from cds_hooks.strict_json import read_json

SIGN = "/cds-services/order-sign-crd"


def coverages(request: dict[str, Any], number: int, **members: Any) -> None:
    entries = [{"resource": {"resourceType": "Coverage", "id": f"c{n}", **members}} for n in range(number)]
    request["prefetch"]["coverage"] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def swell(request: dict[str, Any], text: str) -> None:
    request["context"]["draftOrders"]["entry"][0]["resource"]["code"] = {"text": text}


def outcome(response: requests.Response) -> dict[str, Any]:
    assert response.status_code == 413
    return response.json()["issue"][0]


def test_more_orders_than_the_setting_allows_are_413(start_service: Any, example: Any) -> None:
    """CRD_MAX_ORDERS; as many as it allows are answered."""
    service = start_service(CRD_MAX_ORDERS="3")
    request = example("m0076-order-sign")
    bundle = request["context"]["draftOrders"]
    order = bundle["entry"][0]["resource"]
    bundle["entry"] = [{"resource": {**copy.deepcopy(order), "id": f"o{number}"}} for number in range(3)]
    assert service.post(SIGN, request).status_code == 200

    bundle["entry"].append({"resource": order})

    issue = outcome(service.post(SIGN, request))
    assert issue["code"] == "too-costly"
    assert issue["expression"] == ["context.draftOrders"]


@pytest.mark.parametrize("name", ["dispatchedOrders", "appointments", "selections"])
def test_whatever_names_orders_is_counted(name: str) -> None:
    refuse_costly(b"", {"context": {name: ["ServiceRequest/1"] * 5}}, 5)

    with pytest.raises(TooCostlyError, match=re.escape(f"context.{name}")):
        refuse_costly(b"", {"context": {name: ["ServiceRequest/1"] * 6}}, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda request: coverages(request, 1001),
        lambda request: coverages(request, 1, payor=[{"reference": "Organization/1"}] * 1000),
        lambda request: request["prefetch"].update({f"k{number}": None for number in range(3000)}),
        lambda request: swell(request, "\ufdfa" * 10_000),
    ],
    ids=["records", "payers", "keys", "characters that swell"],
)
def test_what_takes_seconds_is_413(change: Any, service: Any, example: Any) -> None:
    """Within 2 MiB such calls took up to 9 seconds of the processor."""
    request = example("m0076-order-sign")
    change(request)

    assert outcome(service.post(SIGN, request))["code"] == "too-costly"


def test_a_member_that_is_there_twice_is_found_in_time() -> None:
    """Among 100,000 others, in 1 MiB, it took minutes when each name was compared with all."""
    members = b",".join(b'"%x":1' % number for number in range(100_000))
    started = time.process_time()

    with pytest.raises(UnreadableBodyError):
        read_json(b'{"a":{%s,"z":1,"z":2}}' % members, 64)

    assert time.process_time() - started < 5


def test_a_name_of_the_request_is_not_repeated() -> None:
    with pytest.raises(TooCostlyError) as refused:
        refuse_costly(b"", {"context": {"JohnSmith": [1, 2]}}, 1)

    assert "Smith" not in str(refused.value.issues)
