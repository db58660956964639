"""Calls as real clients send them (sandbox, crd-request-generator, br-provider, Inferno): all are answered."""

import json
from collections.abc import Callable
from typing import Any

import pytest

SELECT = "/cds-services/order-select-crd"
SIGN = "/cds-services/order-sign-crd"

Change = Callable[[dict[str, Any]], Any]


def order(request: dict[str, Any]) -> dict[str, Any]:
    return request["context"]["draftOrders"]["entry"][0]["resource"]


def coverage_bundle(request: dict[str, Any]) -> dict[str, Any]:
    return request["prefetch"]["coverage"]


TOLERATED: dict[str, Change] = {
    "unknown members everywhere": lambda r: (r.update(x=1), r["context"].update(y={}), order(r).update(z=[1])),
    "extension objects anywhere": lambda r: (
        r.update(extension={"davinci-crd.configuration": {"alt-drug": True}}),
        r["context"].update(extension={"a": 1}),
        r["prefetch"].update(extension={"b": 2}),
    ),
    "Bundle.type missing": lambda r: r["context"]["draftOrders"].pop("type"),
    "resourceType of draftOrders missing": lambda r: r["context"]["draftOrders"].pop("resourceType"),
    "user not logged in": lambda r: r["context"].update(userId="Practitioner/"),
    "patientId as a reference": lambda r: r["context"].update(patientId="Patient/pat-1"),
    "access token empty": lambda r: r.update(fhirAuthorization={"access_token": "", "token_type": "Bearer"}),
    "access token missing": lambda r: r.update(fhirAuthorization={"token_type": "Bearer"}),
    "encounterId null": lambda r: r["context"].update(encounterId=None),
    "own prefetch keys and a collection": lambda r: r.update(
        prefetch={"coverageBundle": {**coverage_bundle(r), "type": "collection"}}
    ),
    "prefetch with a next page": lambda r: coverage_bundle(r).update(link=[{"relation": "next", "url": "x"}]),
    "another prefetch key null": lambda r: r["prefetch"].update(encounter=None),
    "another prefetch key empty": lambda r: r["prefetch"].update(device={}),
    "another prefetch key a string": lambda r: r["prefetch"].update(user="123"),
    "another prefetch key an OperationOutcome": lambda r: r["prefetch"].update(
        device={"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    ),
    "category as an object": lambda r: order(r).update(category={"text": "Imaging"}),
    "intent missing": lambda r: order(r).pop("intent"),
    "reasonCode empty": lambda r: order(r).update(reasonCode=[]),
    "an entry without a resource": lambda r: r["context"]["draftOrders"]["entry"].append({"fullUrl": "urn:uuid:1"}),
    "fullUrl": lambda r: r["context"]["draftOrders"]["entry"][0].update(fullUrl="urn:uuid:draft-1"),
    "coverage as one resource": lambda r: r["prefetch"].update(
        coverage=coverage_bundle(r)["entry"][0]["resource"], payer=coverage_bundle(r)["entry"][1]["resource"]
    ),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_a_real_clients_call_is_answered(name: str, service: Any, example: Any) -> None:
    """clients.md; CRD-169, found-33: what is not expected is ignored. CRD-129, 131; hook-23; dev-15, dev-17."""
    request = example("m0076-order-select")
    TOLERATED[name](request)

    response = service.post(SELECT, request)

    assert response.status_code == 200, response.text
    answer = response.json()
    assert [card["summary"] for card in answer["cards"]][:1] == [
        "Prolotherapy (M0076) is not covered: considered investigational"
    ]


def test_an_empty_coding_is_no_code_and_no_fault(service: Any, example: Any) -> None:
    """The sandbox's PAMA tab sends `coding: [{}]`, on every change of its form. HK-77."""
    request = example("knee-mri")
    order(request)["code"] = {"coding": [{}]}

    assert service.post(SELECT, request).json() == {"cards": []}


def test_the_same_hook_instance_is_answered_again(service: Any, example: Any) -> None:
    """clients.md: crd-request-generator sends one hookInstance for ever."""
    request = example("m0076-order-select")

    first, second = service.post(SELECT, request), service.post(SELECT, request)

    assert first.status_code == second.status_code == 200
    assert first.content == second.content  # the same call gives the same bytes on the same day


def test_different_calls_never_share_an_assertion(service: Any, example: Any) -> None:
    """Some clients repeat hookInstance and order ids for every patient."""
    one, other = example("m0076-order-sign"), example("m0076-order-sign")
    other["prefetch"]["patient"]["birthDate"] = "1980-01-01"

    def assertion(request: dict[str, Any]) -> str:
        answer = service.post(SIGN, request).json()
        parts = answer["systemActions"][0]["resource"]["extension"][-1]["extension"]
        return str(parts[-1]["valueString"])

    assert assertion(one) != assertion(other)


@pytest.mark.parametrize(("note", "several"), [("the same", 1), ("another", 2)])
def test_two_orders_with_one_id_get_two_assertions(note: str, several: int, service: Any, example: Any) -> None:
    """Some clients give every draft the same id; but one that is there twice, byte by byte, is one order."""
    request = example("m0076-order-sign")
    entries = request["context"]["draftOrders"]["entry"]
    entries[0]["resource"]["note"] = [{"text": "the same"}]
    entries.append({"resource": {**entries[0]["resource"], "note": [{"text": note}]}})

    actions = service.post(SIGN, request).json()["systemActions"]

    ids = {action["resource"]["extension"][-1]["extension"][-1]["valueString"] for action in actions}
    assert len(ids) == len(actions) == several


@pytest.mark.parametrize("value", [None, {}, {"resourceType": "Bundle", "type": "searchset", "total": 0}])
def test_no_coverage_gives_cards_without_coverage_information(value: Any, service: Any, example: Any) -> None:
    """CRD-63; found-32, found-34."""
    request = example("m0076-order-select")
    request["prefetch"]["coverage"] = value

    answer = service.post(SELECT, request).json()

    assert answer["cards"][0]["source"]["label"] == "Example Health Plan"
    assert "systemActions" not in answer


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"beneficiary": {"reference": "Patient/somebody-else"}}])
def test_an_inactive_coverage_or_anothers_is_no_coverage(change: dict[str, Any], service: Any, example: Any) -> None:
    request = example("m0076-order-select")
    coverage_bundle(request)["entry"][0]["resource"].update(change)

    assert "systemActions" not in service.post(SELECT, request).json()


def test_order_select_comments_only_on_the_selected_orders(service: Any, example: Any) -> None:
    """CRD: order-select SHOULD comment on `selections` only. CRD-210; hook-34."""
    request = example("m0076-order-select")
    another = {**order(request), "id": "another", "code": {"text": "MRI of the knee"}}
    request["context"]["draftOrders"]["entry"].append({"resource": another})
    request["context"]["selections"] = ["ServiceRequest/another"]

    assert service.post(SELECT, request).json() == {"cards": []}


def test_order_sign_comments_on_every_draft(service: Any, example: Any) -> None:
    """CRD-226, 279; hook-39; resp-29, resp-48."""
    answer = service.post(SIGN, example("two-orders-one-matches")).json()

    assert [action["resource"]["id"] for action in answer["systemActions"]] == ["mri-1", "prolo-1"]


def test_unmatched_orders_can_be_left_alone(start_service: Any, example: Any) -> None:
    """crd.md 10.3 (b): by setting, silence; `systemActions` stays, Inferno fails a primary hook without it."""
    service = start_service(CRD_UNMATCHED_ORDERS="silent")

    answer = service.post(SIGN, example("two-orders-one-matches")).json()

    assert [action["resource"]["id"] for action in answer["systemActions"]] == ["prolo-1"]


def test_an_unknown_payer_can_be_refused(start_service: Any, example: Any) -> None:
    service = start_service(CRD_UNKNOWN_PAYER="refuse")

    response = service.post(SIGN, example("unknown-payer"))

    assert response.status_code == 400
    assert response.json()["issue"][0]["code"] == "not-supported"
    assert service.post(SIGN, example("m0076-order-sign")).status_code == 200


BROKEN: dict[str, tuple[Change, str]] = {
    "category as an object": (lambda o: o.update(category={"text": "x"}), ".category"),
    "code as a string": (lambda o: o.update(code="M0076"), ".code"),
    "an unknown element": (lambda o: o.update(nonsense=1), ".nonsense"),
    "status missing": (lambda o: o.pop("status"), ".status"),
    "subject missing": (lambda o: o.pop("subject"), ".subject"),
    "a contained resource of no type": (
        lambda o: o.update(contained=[{"resourceType": "Nonsense"}]),
        ".contained[0].resourceType",
    ),
    "a contained resourceType that is no string": (
        lambda o: o.update(contained=[{"resourceType": 7}]),
        ".contained[0].resourceType",
    ),
    "a resourceType that is no request": (lambda o: o.update(resourceType="Patient"), ".resourceType"),
    "authoredOn on no day": (lambda o: o.update(authoredOn="2026-02-31"), ".authoredOn"),
}


@pytest.fixture(scope="module", name="strict_service")
def _strict_service(start_service: Any) -> Any:
    return start_service(CRD_FHIR_CHECK="strict")


@pytest.mark.parametrize("name", BROKEN)
def test_strict_names_every_path_at_fault(name: str, strict_service: Any, example: Any) -> None:
    """CRD-163: 422 for JSON that is not FHIR. (Faults of the envelope are 400, as 2.1 and 2.2 want them: hook-13.)"""
    request = example("m0076-order-sign")
    change, path = BROKEN[name]
    change(order(request))

    response = strict_service.post(SIGN, request)

    assert response.status_code == 422
    assert f"context.draftOrders.entry[0].resource{path}" in [
        issue["expression"][0] for issue in response.json()["issue"]
    ]


@pytest.mark.parametrize("case", ["order-dispatch-2.1", "appointment-book-2.2"])
def test_strict_checks_orders_that_came_with_prefetch(case: str, strict_service: Any, example: Any) -> None:
    request = example(case)
    request["prefetch"]["serviceRequests"]["entry"][0]["resource"]["authoredOn"] = "soon"

    response = strict_service.post(f"/cds-services/{request['hook']}-crd", request)

    assert response.status_code == 422
    assert response.json()["issue"][0]["expression"] == ["prefetch.serviceRequests.entry[0].resource.authoredOn"]


def test_strict_checks_the_coverage_too(strict_service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    coverage_bundle(request)["entry"][0]["resource"].pop("payor")

    response = strict_service.post(SIGN, request)

    assert response.status_code == 422
    assert response.json()["issue"][0]["expression"] == ["prefetch.coverage.entry[0].resource.payor"]


def test_strict_answers_what_is_valid(strict_service: Any, example: Any) -> None:
    assert strict_service.post(SIGN, example("m0076-order-sign")).status_code == 200


@pytest.mark.parametrize("name", BROKEN)
def test_lenient_reads_what_can_be_read_and_never_says_covered(name: str, service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    BROKEN[name][0](order(request))

    response = service.post(SIGN, request)

    assert response.status_code == 200
    said = [
        part.get("valueCode")
        for action in response.json()["systemActions"]
        for part in action["resource"]["extension"][-1]["extension"]
        if part["url"] == "covered"
    ]
    assert said in (["not-covered"], ["conditional"], [])


@pytest.mark.parametrize(
    "code",
    ["M0076", 7, [], {"coding": "M0076"}, {"coding": [7]}, {"coding": [{"system": "x", "code": 7}]}, {"text": ["x"]}],
)
def test_an_order_that_cannot_be_read_is_unknown(code: Any, service: Any, example: Any) -> None:
    """House: unknown is answered as unknown. On order-sign on the order itself, on order-select as a card."""
    sign, select = example("m0076-order-sign"), example("m0076-order-select")
    order(sign)["code"] = order(select)["code"] = code

    signed, selected = service.post(SIGN, sign).json(), service.post(SELECT, select).json()

    parts = {p["url"]: p for p in signed["systemActions"][0]["resource"]["extension"][-1]["extension"]}
    assert parts["covered"]["valueCode"] == "conditional"
    assert "could not be read" in parts["reason"]["valueCodeableConcept"]["text"]
    assert [card["indicator"] for card in selected["cards"]] == ["info"]
    assert "links" not in selected["cards"][0]


def test_numbers_come_back_digit_for_digit(service: Any, example: Any) -> None:
    """FHIR precision is meaning; unknown members, nulls, escapes and the order of members stay as well."""
    text = json.dumps(example("m0076-order-sign"))
    odd = """"quantityQuantity": {"value": 1.10, "x": [1e2, 123456789.123456789012345, null, "\\u00e9\\/"]}, "zz": -0.0,
        "contained": [{"resourceType": "Basic", "id": "b"}], "_status": {"id": "s"}"""
    text = text.replace('"quantityQuantity": {"value": 1.1, "unit": "session"}', odd)
    assert odd in text

    answer = service.post(SIGN, text.encode()).text

    start = answer.index('"resource":') + len('"resource":')
    sent = text[text.index('{"resourceType": "ServiceRequest"') :]
    sent = sent[: sent.index('"_status": {"id": "s"}') + len('"_status": {"id": "s"}')]
    assert answer[start:].startswith(sent + ',"extension":[{"url":')


@pytest.mark.parametrize("where", ["prefetch", "contained"])
def test_a_reason_that_is_a_record_of_its_own_counts(where: str, service: Any, example: Any) -> None:
    """An unlisted code with a Condition as its reason: the Condition's words count as the reason's."""
    request = example("m0076-order-sign")
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/pat-1"}}
    condition["code"] = {"text": "Prolotherapy for SI joint laxity"}
    draft = order(request)
    draft["code"] = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}]}
    draft.pop("reasonCode")
    draft["reasonReference"] = [{"reference": "Condition/c" if where == "prefetch" else "#c"}]
    if where == "prefetch":
        request["prefetch"]["conditions"] = {"resourceType": "Bundle", "entry": [{"resource": condition}]}
    else:
        draft["contained"] = [condition]

    [card] = service.post(SIGN, request).json()["cards"]

    assert card["summary"] == "Prolotherapy is not covered: considered investigational"
    assert "in the order's reason" in card["detail"]


def covered_of(answer: dict[str, Any]) -> list[str]:
    return [
        part["valueCode"]
        for action in answer.get("systemActions", ())
        for part in action["resource"]["extension"][-1]["extension"]
        if part["url"] == "covered"
    ]


@pytest.mark.parametrize(
    "members",
    [
        {"doNotPerform": "true"},
        {"doNotPerform": 1},
        {"status": ["revoked"]},
        {"modifierExtension": [{"url": "http://example.org/doNotPerform", "valueBoolean": True}]},
    ],
)
def test_an_order_that_may_be_void_is_answered_as_unknown(members: dict[str, Any], service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    order(request).update(members)

    answer = service.post(SIGN, request).json()

    assert answer["cards"] == []
    assert covered_of(answer) == ["conditional"]


@pytest.mark.parametrize("extension", [None, {}, "x", 5, [None], [[]], [{}]])
def test_an_odd_extension_member_fails_nobody(extension: Any, service: Any, example: Any) -> None:
    request = example("two-orders-one-matches")
    order(request)["extension"] = extension

    response = service.post(SIGN, request)

    assert response.status_code == 200
    assert response.json()["systemActions"][-1]["resource"]["id"] == "prolo-1"


@pytest.mark.parametrize("kind", [[], {}, ["ServiceRequest"], 7, None])
def test_an_odd_resource_type_is_an_order_that_cannot_be_read(kind: Any, service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    order(request)["resourceType"] = kind

    assert [card["indicator"] for card in service.post(SIGN, request).json()["cards"]] == ["info"]


@pytest.mark.parametrize("url", [[], {}, 7, None])
def test_an_odd_part_of_our_former_annotation_fails_nobody(url: Any, service: Any, example: Any) -> None:
    request = example("already-signed")
    order(request)["extension"][0]["extension"].append({"url": url})

    assert covered_of(service.post(SIGN, request).json()) == ["not-covered"]


def test_an_escaped_member_name_does_not_become_a_second_one(service: Any, example: Any) -> None:
    text = json.dumps(example("m0076-order-sign"))
    kept = '"\\u0065xtension": [{"url": "http://keep.me", "valueString": "b"}]'
    text = text.replace('"status": "draft"', f'{kept}, "status": "draft"')
    assert "u0065" in text

    resource = service.post(SIGN, text.encode()).json()["systemActions"][0]["resource"]

    urls = [extension["url"].rpartition("/")[2] for extension in resource["extension"]]
    assert urls == ["keep.me", "ext-coverage-information"]


def test_two_cards_of_one_answer_have_two_ids(service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    coded, worded = order(request), {**order(request), "code": {"text": "Prolotherapy"}}
    entries = [{"resource": {k: v for k, v in o.items() if k != "id"}} for o in (coded, worded)]
    request["context"]["draftOrders"]["entry"] = entries

    cards = service.post(SIGN, request).json()["cards"]

    assert len(cards) == 2
    assert len({card["uuid"] for card in cards}) == 2


def test_many_orders_in_doubt_do_not_make_as_many_cards(service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    request["context"]["draftOrders"]["entry"] = [{"resource": {"id": f"o{n}"}} for n in range(100)]

    (card,) = service.post(SIGN, request).json()["cards"]

    assert "And 80 more." in card["detail"]


def test_an_order_for_another_patient_is_not_judged_under_this_ones_coverage(service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    order(request)["subject"] = {"reference": "Patient/someone-else"}

    assert service.post(SIGN, request).json()["systemActions"] == []


def test_a_request_of_another_kind_is_not_decided_by_a_remark(service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    request["context"]["draftOrders"]["entry"][0]["resource"] = {
        "resourceType": "NutritionOrder", "id": "n", "status": "draft", "intent": "order", "dateTime": "2026-11-23",
        "patient": {"reference": "Patient/pat-1"}, "note": [{"text": "Prolotherapy"}],
    }  # fmt: skip

    assert covered_of(service.post(SIGN, request).json()) == ["conditional"]


@pytest.mark.parametrize("selection", ["ServiceRequest/prolo-1", "prolo-1"])
def test_a_selection_may_be_a_reference_or_a_bare_id(selection: str, service: Any, example: Any) -> None:
    request = example("m0076-order-select")
    request["context"]["selections"] = [selection]

    assert len(service.post(SELECT, request).json()["cards"]) == 1


def test_many_codings_cost_no_more_than_their_number(service: Any, example: Any) -> None:
    """A megabyte of codings is answered within the guide's five seconds."""
    request = example("m0076-order-sign")
    coding = {"system": "http://www.ama-assn.org/go/cpt", "code": "20999", "display": "dextrose knee"}
    order(request)["code"]["coding"] = [coding] * 15_000

    assert service.post(SIGN, request).elapsed.total_seconds() < 5


def test_strict_repeats_no_member_name_that_could_be_about_a_patient(strict_service: Any, example: Any) -> None:
    request = example("m0076-order-sign")
    order(request)["SSN 123-45-6789"] = 1
    order(request)["contained"] = [{"resourceType": "Nonsense", "Ida Invented": {"resourceType": "Nonsense"}}]
    coverage = coverage_bundle(request)["entry"][0]["resource"]
    request["prefetch"]["Ida Invented 1971"] = {**{k: v for k, v in coverage.items() if k != "payor"}, "id": "other"}

    response = strict_service.post(SIGN, request)

    assert response.status_code == 422
    assert "123-45" not in response.text
    assert "Ida" not in response.text
    assert "prefetch.*.payor" in response.text
