"""What the guide demands of every answer, asked of a running service: of all examples, whatever their hook."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
SELECT = "/cds-services/order-select-crd"
SIGN = "/cds-services/order-sign-crd"
COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: Hooks that may say what they know of coverage, but not ask for documents.
SECONDARY = ("order-select", "encounter-start", "encounter-discharge")


class Answered(NamedTuple):
    """One example as the running service answers it."""

    name: str
    hook: str
    request: dict[str, Any]
    answer: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module", name="answered")
def _answered(service: Any) -> list[Answered]:
    """Every example that is answered (some may be there to be refused)."""
    answered = []
    for path in sorted((ROOT / "fhir_examples").glob("*/*/request.json")):
        request = json.loads(path.read_text())
        response = service.post(f"/cds-services/{request['hook']}-crd", path.read_bytes())
        if response.status_code == 200:
            seconds = response.elapsed.total_seconds()
            answered.append(Answered(path.parent.name, request["hook"], request, response.json(), seconds))
    assert len(answered) >= 10
    return answered


def cards_of(answered: list[Answered]) -> list[dict[str, Any]]:
    return [card for each in answered for card in each.answer["cards"]]


def coverage_information(answer: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The parts of every coverage information of an answer."""
    return [
        extension["extension"]
        for action in answer.get("systemActions", ())
        for extension in action["resource"].get("extension", ())
        if extension["url"] == COVERAGE_INFORMATION
    ]


def value(parts: list[dict[str, Any]], url: str) -> Any:
    """The value of the first part of this name."""
    [part, *_] = [part for part in parts if part["url"] == url]
    [found] = [part[member] for member in part if member.startswith("value")]
    return found


def order(request: dict[str, Any]) -> dict[str, Any]:
    return request["context"]["draftOrders"]["entry"][0]["resource"]


@pytest.fixture(name="services")
def _services(service: Any) -> list[dict[str, Any]]:
    return requests.get(f"{service.base}/cds-services", timeout=60).json()["services"]


def test_no_two_services_share_an_id(services: list[dict[str, Any]]) -> None:
    """HK-211: a shared id would say that the cards of one hook replace those of another."""
    ids = [each["id"] for each in services]

    assert len(ids) == len(set(ids))


def test_no_prefetch_template_is_filled_from_a_list_or_a_resource(services: list[dict[str, Any]]) -> None:
    """LIB-16, 32, 73, 89, 93: `draftOrders`, `appointments`, `fulfillmentTasks` and `selections` are no prefetch tokens."""
    for each in services:
        for template in each.get("prefetch", {}).values():
            tokens = set(re.findall(r"context\.(\w+)", template))
            assert tokens <= {"userId", "patientId", "encounterId", "performer", "dispatchedOrders"}


def test_answers_come_in_time(answered: list[Answered]) -> None:
    """CRD-5 to 11; found-2: nine in ten calls within five seconds, on every hook."""
    late = [each.name for each in answered if each.seconds > 5]

    assert len({each.hook for each in answered}) == 6
    assert len(late) <= len(answered) / 10, late


def test_one_address_answers_for_every_payer(service: Any, example: Any) -> None:
    """CRD-27; found-15, impl-3: the Coverage says whom the answer is of; the client calls one endpoint."""
    request = example("m0076-order-sign")
    other = example("medicare-by-type", "cms-ncd-150-7")
    request["prefetch"]["coverage"] = other["prefetch"]["coverage"]
    request["context"]["patientId"] = other["context"]["patientId"]
    order(request)["subject"] = order(other)["subject"]

    [ours] = service.post(SIGN, example("m0076-order-sign")).json()["cards"]
    [theirs] = service.post(SIGN, request).json()["cards"]

    assert (ours["source"]["label"], theirs["source"]["label"]) == ("Example Health Plan", "Medicare")


def test_a_card_about_some_of_the_orders_says_which(service: Any, example: Any) -> None:
    """CRD-140, 141; dev-24, dev-25: in words in the detail, and as references beside it."""
    [card] = service.post(SIGN, example("two-orders-one-matches")).json()["cards"]

    assert "Order: Prolotherapy, right knee." in card["detail"]
    assert "MRI" not in card["detail"]
    assert card["extension"] == {"davinci-crd.associated-resource": ["ServiceRequest/prolo-1"]}


def test_an_order_changed_after_it_was_signed_is_answered_and_stays_active(service: Any, example: Any) -> None:
    """CRD-217: order-sign 1.1 fires again for orders that are no drafts any more."""
    request = example("m0076-order-sign")
    order(request)["status"] = "active"

    answer = service.post(SIGN, request).json()

    assert [action["resource"]["status"] for action in answer["systemActions"]] == ["active"]
    assert [value(parts, "covered") for parts in coverage_information(answer)] == ["not-covered"]


PATIENT = {"reference": "Patient/pat-1"}
PRACTITIONER = {"reference": "Practitioner/prac-1"}
PROLOTHERAPY = {"coding": [{"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "M0076"}]}
ORDERS: dict[str, dict[str, Any]] = {
    "ServiceRequest": {
        "status": "draft", "intent": "order", "code": PROLOTHERAPY, "subject": PATIENT, "authoredOn": "2026-11-23",
        "requester": PRACTITIONER,
    },
    "MedicationRequest": {
        "status": "draft", "intent": "order", "medicationCodeableConcept": {"text": "Amoxicillin 500 mg capsule"},
        "subject": PATIENT, "authoredOn": "2026-11-23", "requester": PRACTITIONER,
    },
    "DeviceRequest": {
        "status": "draft", "intent": "order", "codeCodeableConcept": {"text": "Wheelchair"}, "subject": PATIENT,
        "authoredOn": "2026-11-23", "requester": PRACTITIONER,
    },
    "NutritionOrder": {
        "status": "draft", "intent": "order", "patient": PATIENT, "dateTime": "2026-11-23", "orderer": PRACTITIONER,
        "oralDiet": {"instruction": "Low sodium"},
    },
    "VisionPrescription": {
        "status": "draft", "created": "2026-11-23", "patient": PATIENT, "dateWritten": "2026-11-23",
        "prescriber": PRACTITIONER,
        "lensSpecification": [
            {
                "product": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-visionprescriptionproduct", "code": "lens"}]},
                "eye": "right",
            }
        ],
    },
}  # fmt: skip


def profile_errors(path: Path) -> list[str]:
    """What an independent check against the CRD 2.0.1 profiles finds; it needs Node and material beside the repository.

    The published context of the extension lacks VisionPrescription by an authoring slip, mended in 2.1: no error here.
    """
    shared = Path(os.environ.get("CRD_SHARED", ROOT.parent / "shared"))
    tool = shared / "tools" / "validate_profile.mjs"
    modules = ROOT / "tests" / "profile" / "node_modules"
    if not shutil.which("node") or not tool.is_file() or not modules.is_dir():
        pytest.skip(f"needs node, {tool} and {modules} (scripts/node-modules installs them)")
    command = ["node", str(tool), str(path)]
    checked = subprocess.run(command, cwd=modules.parent, capture_output=True, text=True, check=False)
    said = checked.stdout + checked.stderr
    assert "VisionPrescription/order-1" in said
    return [line for line in said.splitlines() if " error " in line and "not allowed on VisionPrescription" not in line]


@pytest.fixture(scope="module", name="of_every_type")
def _of_every_type(service: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One order of each type as its profile has it, and the answer to them all."""
    request = json.loads((ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json").read_text())
    sent = [{"resourceType": kind, "id": "order-1", **members} for kind, members in ORDERS.items()]
    request["context"]["draftOrders"]["entry"] = [{"resource": resource} for resource in sent]
    return sent, service.post(SIGN, request).json()


def test_an_order_of_any_type_comes_back_whole_with_coverage_information(of_every_type: Any) -> None:
    """CRD-153: every type of order that the guide asks of clients is answered."""
    sent, answer = of_every_type

    back = [action["resource"] for action in answer["systemActions"]]

    assert [{k: v for k, v in resource.items() if k != "extension"} for resource in back] == sent
    assert len(coverage_information(answer)) == len(sent)


def test_an_order_of_any_type_goes_back_as_its_profile_has_it(of_every_type: Any, tmp_path: Path) -> None:
    """CRD-273, 274, 275, 276, 277; resp-47: with our extension it still conforms."""
    response = tmp_path / "response.json"
    response.write_text(json.dumps(of_every_type[1]))

    assert profile_errors(response) == []


def test_the_service_is_able_to_give_all_three_types_of_response(answered: list[Answered]) -> None:
    """CRD-247, 248, 249; resp-14: the Inferno suite wants one of each over all calls."""
    cards = cards_of(answered)

    assert any(coverage_information(each.answer) for each in answered)
    assert any(links and {link["type"] for link in links} == {"absolute"} for links in map(links_of, cards))
    assert any(not links_of(card) and "suggestions" not in card for card in cards)


def links_of(card: dict[str, Any]) -> list[dict[str, str]]:
    return card.get("links", [])


def urls_in(document: Any) -> Iterator[str]:
    """Every web address in a policy or payer file."""
    items = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for item in items:
        yield from [item] if isinstance(item, str) and item.startswith("http") else urls_in(item)


def test_an_external_reference_links_to_a_guideline_and_nothing_else(answered: list[Answered]) -> None:
    """CRD-258, 259; resp-17, 18, 19: at least one link, all absolute, to the policy, or to a form that the payer's file names."""
    guidelines = {
        url
        for path in (ROOT / "cards" / "policies").glob("*/policy.json")
        for url in urls_in(json.loads(path.read_text()))
    }
    payers = [json.loads(path.read_text()) for path in (ROOT / "cards" / "payers").glob("*.json")]
    forms = {link["url"] for payer in payers for link in payer.get("questionnaire-links", {}).values()}
    references = [card for card in cards_of(answered) if card["source"]["topic"]["code"].endswith("guideline")]

    assert references
    for card in references:
        assert card["links"]
        assert {link["type"] for link in card["links"]} == {"absolute"}
        assert {link["url"] for link in card["links"]} & guidelines
        assert {link["url"] for link in card["links"]} <= guidelines | forms


def test_instructions_lead_nowhere(answered: list[Answered]) -> None:
    """resp-23: no way to a portal in a card of words."""
    instructions = [card for card in cards_of(answered) if not links_of(card)]

    assert instructions
    for card in instructions:
        assert "http" not in card["detail"]
        assert "www." not in card["detail"]


def test_coverage_information_is_never_a_card(answered: list[Answered]) -> None:
    """resp-25: it is written onto the order by a system action; an order that a card offers has another code."""
    assert any(coverage_information(each.answer) for each in answered)
    assert any("suggestions" in card for card in cards_of(answered))
    for card in cards_of(answered):
        assert COVERAGE_INFORMATION not in json.dumps(card)


def test_a_secondary_hook_asks_for_no_documents(answered: list[Answered], start_service: Any) -> None:
    """CRD-167; hook-19: neither clinical nor administrative documentation is asked for there."""
    writing = start_service(CRD_ANNOTATE_SUPPORTING_HOOKS="1")
    asked = [each for each in answered if each.hook in SECONDARY]
    answers = [writing.post(f"/cds-services/{each.hook}-crd", each.request).json() for each in asked]
    said = [part["url"] for answer in answers for parts in coverage_information(answer) for part in parts]

    assert "covered" in said
    assert not {"doc-needed", "doc-purpose", "questionnaire"} & set(said)


def test_an_answer_names_the_codes_that_it_holds_for(answered: list[Answered]) -> None:
    """CRD-262; resp-30: what limits an assertion is in it. Not-covered holds for the policy's codes."""
    sure = [parts for each in answered for parts in coverage_information(each.answer) if value(parts, "covered") == "not-covered"]  # fmt: skip

    assert sure
    for parts in sure:
        codes = [part["valueCoding"]["code"] for part in parts if part["url"] == "billingCode"]
        assert codes in (["M0076"], ["S8948"])


def test_two_coverages_of_an_order_have_two_assertions(service: Any, example: Any) -> None:
    """CRD-264; resp-32: the first payer's assertion stays, the second has an id of its own."""
    request = example("m0076-order-sign")
    [first] = service.post(SIGN, request).json()["systemActions"]
    request["context"]["draftOrders"]["entry"] = [{"resource": first["resource"]}]
    request["prefetch"]["coverage"]["entry"][0]["resource"]["id"] = "cov-2"

    both = coverage_information(service.post(SIGN, request).json())

    assert [value(parts, "coverage")["reference"] for parts in both] == ["Coverage/cov-1", "Coverage/cov-2"]
    assert len({value(parts, "coverage-assertion-id") for parts in both}) == 2


def test_coverage_information_needs_nothing_that_a_client_need_not_send(service: Any, example: Any) -> None:
    """conf-7, conf-8, conf-12; hook-22, billopt-2: what a profile demands is enough, and less is no error."""
    full, least = example("m0076-order-sign"), example("m0076-order-sign")
    least["context"]["draftOrders"]["entry"] = [
        {"resource": {"resourceType": "ServiceRequest", "id": "prolo-1", **ORDERS["ServiceRequest"]}}
    ]
    least["prefetch"] = {"coverage": least["prefetch"]["coverage"]}
    full["prefetch"]["observations"] = {"resourceType": "Observation", "id": "o", "status": "final", "code": PROLOTHERAPY}  # fmt: skip

    said = [coverage_information(service.post(SIGN, request).json()) for request in (full, least)]

    for url in ("coverage", "covered", "billingCode", "reason"):
        assert [value(parts, url) for parts in said[0]] == [value(parts, url) for parts in said[1]]


@pytest.mark.parametrize("version", ["3.1.1", "6.1.0", "7.0.0"])
def test_records_of_every_us_core_are_read(version: str, service: Any, example: Any) -> None:
    """conf-2: US Core 3.1.1 has no Coverage profile; later ones tell the member id and who is covered."""
    request = example("m0076-order-sign")
    us_core = "http://hl7.org/fhir/us/core/StructureDefinition"
    request["prefetch"]["patient"]["meta"] = {"profile": [f"{us_core}/us-core-patient|{version}"]}
    coverage = request["prefetch"]["coverage"]["entry"][0]["resource"]
    if version != "3.1.1":
        coverage["meta"] = {"profile": [f"{us_core}/us-core-coverage|{version}"]}
        del coverage["subscriberId"]
        member = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}]}
        coverage["identifier"] = [{"type": member, "system": "http://example.org/members", "value": "EX-4711"}]

    answer = service.post(SIGN, request).json()

    assert [value(parts, "covered") for parts in coverage_information(answer)] == ["not-covered"]
