"""What is on an order already: an answer that knows nothing new never removes an earlier one (resp-35, hook-16)."""

import copy
import json
from typing import Any

import pytest

from tests.service.who_answers import EXTENSION, ROWS, annotation, make_call, order

CPT = "http://www.ama-assn.org/go/cpt"


def earlier(covered: str, *parts: dict[str, Any], about: str = "Coverage/cov-1") -> dict[str, Any]:
    """An answer that was written before."""
    return {
        "url": EXTENSION,
        "extension": [
            {"url": "coverage", "valueReference": {"reference": about}},
            {"url": "covered", "valueCode": covered},
            *parts,
            {"url": "date", "valueDate": "2026-11-01"},
            {"url": "coverage-assertion-id", "valueString": "earlier"},
        ],
    }


SATISFIED = (
    {"url": "pa-needed", "valueCode": "satisfied"},
    {"url": "satisfied-pa-id", "valueString": "PA-4711"},
)

#: Calls whose answer knows nothing new, by what is known or asked.
KNOWING_NOTHING = {
    "not evaluated": (ROWS[0], {"code": {"text": "MRI of the knee"}}),
    "could not be read": (ROWS[0], {"code": {"text": 7}}),
    "a payer not served": (next(row for row in ROWS if row.known.endswith("not served here")), {}),
    "a payer that leads nowhere": (next(row for row in ROWS if "leads nowhere" in row.known), {}),
}


def answer_with(service: Any, row: Any, version: str, former: dict[str, Any], **members: Any) -> Any:
    request = make_call(row, version, "order-sign")
    order(request).update(members)
    order(request)["extension"] = [former]
    response = service.post("/cds-services/order-sign-crd", request)
    return response.json().get("systemActions", []) if response.status_code == 200 else []


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("parts", [(), SATISFIED], ids=["", "satisfied"])
@pytest.mark.parametrize("knowing", KNOWING_NOTHING)
def test_what_knows_nothing_new_removes_no_earlier_answer(
    knowing: str, parts: tuple[Any, ...], version: str, service: Any
) -> None:
    """resp-35, resp-36, hook-16: SHALL NOT unless something is new, and the order keeps what it has."""
    row, members = KNOWING_NOTHING[knowing]

    assert answer_with(service, row, version, earlier("covered", *parts), **members) == []


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_an_authorization_goes_only_where_a_policy_contradicts_it(version: str, service: Any) -> None:
    """resp-35: `satisfied` with its number stays beside a doubt, and not beside a policy that does not cover."""
    doubtful = {"code": {"coding": [{"system": CPT, "code": "20999"}]}}

    assert answer_with(service, ROWS[0], version, earlier("covered", *SATISFIED), **doubtful) == []
    (action,) = answer_with(service, ROWS[0], version, earlier("covered", *SATISFIED))
    assert annotation(action)["covered"] == "not-covered"
    assert "PA-4711" not in json.dumps(action)


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_what_the_policies_say_replaces_an_earlier_answer(version: str, service: Any) -> None:
    (action,) = answer_with(service, ROWS[0], version, earlier("covered"))

    assert annotation(action)["covered"] == "not-covered"
    assert len(action["resource"]["extension"]) == 1


def test_an_answer_about_another_coverage_is_not_touched(service: Any) -> None:
    (action,) = answer_with(service, ROWS[0], "2.2", earlier("covered", *SATISFIED, about="Coverage/other"))

    assert len(action["resource"]["extension"]) == 2


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_an_order_is_written_onto_once_however_often_it_is_signed(version: str, service: Any) -> None:
    """CRD-267, resp-35."""
    for row in ROWS:
        request = make_call(row, version, "order-sign")
        first = service.post("/cds-services/order-sign-crd", request)
        for action in first.json().get("systemActions", ()):
            again = copy.deepcopy(request)
            again["context"]["draftOrders"]["entry"][0]["resource"] = action["resource"]
            assert service.post("/cds-services/order-sign-crd", again).json()["systemActions"] == [], row.known


# --- cards ------------------------------------------------------------------------------------------------------------


def card_of(service: Any, request: dict[str, Any]) -> str:
    (card,) = service.post(f"/cds-services/{request['hook']}-crd", request).json()["cards"]
    return str(card["uuid"])


def test_a_card_that_was_dismissed_can_be_known_again(service: Any) -> None:
    """CDS Hooks, card.uuid: the same patient, order, policy and day, whichever hook asks and whatever stands beside."""
    signed = make_call(ROWS[0], "2.2", "order-sign")
    first = card_of(service, signed)
    annotated = copy.deepcopy(signed)
    (action,) = service.post("/cds-services/order-sign-crd", signed).json()["systemActions"]
    annotated["context"]["draftOrders"]["entry"][0]["resource"] = action["resource"]
    beside = copy.deepcopy(signed)
    beside["hookInstance"] = "another"
    beside["context"]["draftOrders"]["entry"].append(
        {"resource": {**order(signed), "id": "m", "code": {"text": "MRI"}}}
    )

    assert card_of(service, make_call(ROWS[0], "2.2", "order-select")) == first
    assert card_of(service, annotated) == first
    assert card_of(service, beside) == first


def test_a_card_about_anything_else_is_another_card(service: Any) -> None:
    """HK-80: another patient, another order, or another content of it."""
    cards = [card_of(service, make_call(ROWS[0], "2.2", "order-sign"))]
    for old, new in (("pat-1", "pat-2"), ("prolo-1", "prolo-2"), ("right knee", "left knee")):
        request = json.loads(json.dumps(make_call(ROWS[0], "2.2", "order-sign")).replace(old, new))
        cards.append(card_of(service, request))

    assert len(set(cards)) == 4
