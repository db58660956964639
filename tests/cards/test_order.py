"""Reading orders of every request type, and never failing on one."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import read_order, record_key
from cards.coding import Coding
from cards.elements import Place
from cards.order_reader import ORDER_TYPES
from cds_hooks.rules.loading import Rules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["coding", "text", "code", "system", "display", "url", "extension", "start", "reference"]), inner),
    max_leaves=12,
)  # fmt: skip
ELEMENTS = [
    "id", "status", "code", "medicationCodeableConcept", "codeCodeableConcept", "orderDetail", "note", "reasonCode",
    "insurance", "occurrenceDateTime", "occurrencePeriod", "doNotPerform",
]  # fmt: skip


@given(kind=st.sampled_from(sorted(ORDER_TYPES)), members=st.dictionaries(st.sampled_from(ELEMENTS), JSON))
def test_reading_never_fails(kind: str, members: dict[str, Any], rules: Rules) -> None:
    order = read_order({"resourceType": kind, **members}, rules.vocabulary.code_systems)

    assert all(fault.path.startswith(kind) for fault in order.faults)


def test_every_place_is_read(rules: Rules) -> None:
    """CRD-3; conf-4."""
    cpt = "http://www.ama-assn.org/go/cpt"
    order = read_order(
        {
            "resourceType": "ServiceRequest",
            "id": "o",
            "code": {"text": "a", "coding": [{"system": cpt, "code": "20999", "display": "b"}]},
            "orderDetail": [{"text": "c"}],
            "note": [{"text": "d"}],
            "reasonCode": [{"text": "e", "coding": [{"system": cpt, "code": "1", "display": "f"}]}],
        },
        rules.vocabulary.code_systems,
    )

    assert [(text.place, text.text) for text in order.texts] == [
        (Place.CODE_TEXT, "a"),
        (Place.DISPLAY, "b"),
        (Place.ORDER_DETAIL, "c"),
        (Place.REASON, "e"),
        (Place.REASON, "f"),
        (Place.NOTE, "d"),
    ]
    assert [coding.coding for coding in order.codings] == [Coding("CPT", "20999")]  # a reason's code orders nothing


@pytest.mark.parametrize(
    "members",
    [
        {"status": 5}, {"status": ["revoked"]}, {"doNotPerform": "true"}, {"doNotPerform": 1}, {"insurance": "x"},
        {"occurrenceDateTime": "garbage"}, {"occurrenceDateTime": "20230101"}, {"occurrenceDateTime": "2026-02-31"},
        {"extension": {}}, {"extension": "x"}, {"modifierExtension": [{"url": "x", "valueBoolean": True}]}, {"id": "a/b"},
        {"id": ""}, {"reasonReference": "x"}, {"dosageInstruction": 7}, {"subject": "Patient/other"},
        {"subject": [{"reference": "Patient/other"}]}, {"subject": {"reference": ["Patient/other"]}}, {"patient": 7},
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_a_fault(members: dict[str, Any], rules: Rules) -> None:
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)

    paths = [fault.path.split("[")[0].removesuffix(".reference") for fault in order.faults]
    assert paths == [f"ServiceRequest.{next(iter(members))}"]


@pytest.mark.parametrize("status", ["revoked", "Revoked", " revoked ", "entered-in-error"])
def test_a_void_order_is_void_however_it_is_written(status: str, rules: Rules) -> None:
    assert read_order({"resourceType": "ServiceRequest", "status": status}, rules.vocabulary.code_systems).is_void


M0076 = {"system": "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes", "code": "M0076"}
CONCEPT = {"coding": [M0076], "text": "Prolotherapy"}
PAYLOAD = "http://hl7.org/fhir/5.0/StructureDefinition/extension-CommunicationRequest.payload.content[x]"
RECORDS = {
    "Medication/m": {"code": CONCEPT},
    "Device/d": {"type": CONCEPT, "deviceName": [{"name": "Prolotherapy"}]},
}


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "ServiceRequest", "code": CONCEPT},
        {"resourceType": "MedicationRequest", "medicationCodeableConcept": CONCEPT},
        {"resourceType": "MedicationRequest", "medicationReference": {"reference": "Medication/m"}},
        {"resourceType": "MedicationRequest", "medicationReference": {"reference": "#m"}, "contained": [{"resourceType": "Medication", "id": "m", "code": CONCEPT}]},
        {"resourceType": "MedicationRequest", "contained": [{"resourceType": "Medication", "id": "#m", "code": CONCEPT}], "medicationReference": {"reference": "#m"}},
        {"resourceType": "DeviceRequest", "codeCodeableConcept": CONCEPT},
        {"resourceType": "DeviceRequest", "codeReference": {"reference": "https://ehr.example.org/fhir/Device/d"}},
        {"resourceType": "NutritionOrder", "oralDiet": {"type": [CONCEPT]}},
        {"resourceType": "NutritionOrder", "supplement": [{"type": CONCEPT}]},
        {"resourceType": "NutritionOrder", "enteralFormula": {"baseFormulaType": CONCEPT}},
        {"resourceType": "CommunicationRequest", "payload": [{"extension": [{"url": PAYLOAD, "valueCodeableConcept": CONCEPT}]}]},
        {"resourceType": "VisionPrescription", "lensSpecification": [{"product": CONCEPT}]},
        {"resourceType": "Appointment", "serviceType": [CONCEPT]},
        {"resourceType": "Encounter", "serviceType": CONCEPT},
        {"resourceType": "Encounter", "type": [CONCEPT]},
    ],
    ids=lambda resource: f"{resource['resourceType']}-{list(resource)[1]}",
)  # fmt: skip
def test_every_request_type_says_what_is_ordered(resource: dict[str, Any], rules: Rules) -> None:
    """CRD-153, hook-4: all order types that the guide requires of clients."""
    order = read_order(resource, rules.vocabulary.code_systems, lambda one: RECORDS.get(record_key(one)))

    assert [found.coding for found in order.codings] == [Coding("HCPCS", "M0076")]
    assert order.title == "Prolotherapy"
    assert not order.faults


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({"resourceType": "NutritionOrder", "oralDiet": []}, "NutritionOrder.oralDiet"),
        ({"resourceType": "NutritionOrder", "supplement": {"type": CONCEPT}}, "NutritionOrder.supplement"),
        ({"resourceType": "Appointment", "serviceType": CONCEPT}, "Appointment.serviceType"),
        ({"resourceType": "Appointment", "start": "tomorrow"}, "Appointment.start"),
        ({"resourceType": "CommunicationRequest", "payload": [7]}, "CommunicationRequest.payload"),
        ({"resourceType": "VisionPrescription", "lensSpecification": [{"note": "n"}]}, "VisionPrescription.lensSpecification[0].note"),
    ],
)  # fmt: skip
def test_a_fault_says_where_it_stands(resource: dict[str, Any], path: str, rules: Rules) -> None:
    order = read_order(resource, rules.vocabulary.code_systems)

    assert [fault.path for fault in order.faults] == [path]


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "VisionPrescription", "lensSpecification": [{"product": {"text": "Lens"}, "extension": [{"url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options", "valueCodeableConcept": CONCEPT}]}]},
        {"resourceType": "ServiceRequest", "code": {"text": "Injection", "extension": [{"url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options", "valueCodeableConcept": CONCEPT}]}},
    ],
)  # fmt: skip
def test_the_codes_the_client_expects_to_bill_are_considered(resource: dict[str, Any], rules: Rules) -> None:
    """billopt-3."""
    order = read_order(resource, rules.vocabulary.code_systems)

    assert Coding("HCPCS", "M0076") in [found.coding for found in order.codings]


def test_a_record_that_did_not_come_is_named(rules: Rules) -> None:
    order = read_order(
        {
            "resourceType": "MedicationRequest",
            "medicationReference": {"reference": "Medication/elsewhere"},
            "reasonReference": [{"reference": "Condition/1"}, {"reference": "Condition/2"}],
        },
        rules.vocabulary.code_systems,
        {"Condition/2": {"code": {"text": "Knee pain"}}}.get,
    )

    assert order.unread == ("Medication/elsewhere",)
    assert order.unread_reasons == ("Condition/1",)


def test_an_appointment_is_for_its_patient_on_its_day_and_based_on_its_orders(rules: Rules) -> None:
    alternate = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/alternate-reference", "valueReference": {"reference": "DeviceRequest/2"}}]}  # fmt: skip
    order = read_order(
        {
            "resourceType": "Appointment",
            "start": "2026-12-01T09:00:00Z",
            "participant": [{"actor": {"reference": "Practitioner/1"}}, {"actor": {"reference": "Patient/1"}}],
            "basedOn": [{"reference": "ServiceRequest/1"}, alternate],
        },
        rules.vocabulary.code_systems,
    )

    assert order.subject == "Patient/1"
    assert order.service_date == date(2026, 12, 1)
    assert order.based_on == ("ServiceRequest/1", "DeviceRequest/2")


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({"resourceType": "ServiceRequest", "code": {"concept": CONCEPT}}, "ServiceRequest.code.concept"),
        ({"resourceType": "ServiceRequest", "code": {"reference": {"reference": "ActivityDefinition/1"}}}, "ServiceRequest.code.reference"),
        ({"resourceType": "MedicationRequest", "medication": {"concept": CONCEPT}}, "MedicationRequest.medication"),
        ({"resourceType": "MedicationRequest", "medication": {"reference": {"reference": "Medication/m"}}}, "MedicationRequest.medication"),
        ({"resourceType": "DeviceRequest", "code": {"concept": CONCEPT}}, "DeviceRequest.code"),
        ({"resourceType": "ServiceRequest", "code": CONCEPT, "reason": [{"concept": CONCEPT}]}, "ServiceRequest.reason"),
        ({"resourceType": "Appointment", "serviceType": [{"concept": CONCEPT}]}, "Appointment.serviceType[0].concept"),
        ({"resourceType": "NutritionOrder", "supplement": [{"type": {"concept": CONCEPT}}]}, "NutritionOrder.supplement[0].type.concept"),
    ],
)  # fmt: skip
def test_the_shapes_of_fhir_r5_are_faults(resource: dict[str, Any], path: str, rules: Rules) -> None:
    order = read_order(resource, rules.vocabulary.code_systems)

    assert [fault.path for fault in order.faults] == [path]


def test_a_code_without_a_system_is_words_and_no_code(rules: Rules) -> None:
    codings = [{"code": "M0076-RT"}, {"code": "20999", "system": " "}, {"code": " "}]
    order = read_order({"resourceType": "ServiceRequest", "code": {"coding": codings}}, rules.vocabulary.code_systems)

    assert order.codings == ()
    assert [(text.place, text.text, text.path) for text in order.texts] == [
        (Place.BARE_CODE, "M0076", "ServiceRequest.code.coding[0].code"),
        (Place.BARE_CODE, "20999", "ServiceRequest.code.coding[1].code"),
    ]
