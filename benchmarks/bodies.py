"""Hook requests of every size that is measured, made from one example as a client sends it."""

import copy
import json
from typing import Any, Final

from benchmarks.services import ROOT

SIGN: Final = "/cds-services/order-sign-crd"
_EXAMPLE: Final = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json"

#: The id that the patient's coverage has in it.
MEMBER: Final = "EX-4711"
_UNMATCHED: Final = {
    "coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "73721", "display": "MRI of a joint of the leg"}],
    "text": "MRI right knee",
}
_SENTENCE: Final = "Chronic low back pain, no red flags, physical therapy for six weeks without relief. "


def sign(orders: int = 1, note: int = 0, matched: bool = True) -> bytes:
    """Return an order-sign request of some orders, each with a note of so many characters, without whitespace.

    The orders are of a service that a policy names, or of one that none does.
    """
    request: dict[str, Any] = json.loads(_EXAMPLE.read_bytes())
    bundle = request["context"]["draftOrders"]
    first = bundle["entry"][0]["resource"]
    bundle["entry"] = [{"resource": _order(first, number, note, matched)} for number in range(1, orders + 1)]
    return json.dumps(request, separators=(",", ":")).encode()


def _order(first: dict[str, Any], number: int, note: int, matched: bool) -> dict[str, Any]:
    order = {**copy.deepcopy(first), "id": f"order-{number}"}
    if not matched:
        order["code"] = _UNMATCHED
    if note:
        order["note"] = [{"text": (_SENTENCE * (note // len(_SENTENCE) + 1))[:note]}]
    return order
