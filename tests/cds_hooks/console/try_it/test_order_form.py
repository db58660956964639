"""A form stands for one FHIR order, and an order for one form."""

import pytest

from cards.npi import npis
from cds_hooks.console.try_it.examples import cases_of
from cds_hooks.console.try_it.order_form import FormError, OrderForm, fill_form, write_order
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.short_orders import write_in_full
from cds_hooks.settings import read_settings

GOLD, OTHER = "2000000002", "2000000028"
FORM = OrderForm(on="2026-11-23", coverage="medicare")


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("M0076", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"),
        ("HCPCS M0076", "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"),
        ("20999", "http://www.ama-assn.org/go/cpt"),
        ("CPT|20999", "http://www.ama-assn.org/go/cpt"),
        ("SNOMED CT 1234", "http://snomed.info/sct"),
    ],
)
def test_a_code_is_read_as_people_write_it(rules: Rules, code: str, system: str) -> None:
    order = write_order(FORM._replace(code=code), rules.vocabulary.code_systems)

    assert order["code"]["coding"] == [{"system": system, "code": code.replace("|", " ").split()[-1]}]


@pytest.mark.parametrize("policy", ["cms-ncd-150-7", "example-coverage-guide", "medical-policy-2-01-26"])
def test_every_case_goes_into_the_form_and_comes_out_as_it_was(rules: Rules, policy: str) -> None:
    systems = rules.vocabulary.code_systems
    for case in cases_of(policy, rules, read_settings()).found:
        filled = fill_form(case.order, systems, FORM)

        assert write_order(filled, systems) == {"resourceType": "ServiceRequest", **case.order}


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({"ordered-by": GOLD, "performed-by": OTHER}, {"ordered_by": GOLD, "performed_by": OTHER}),
        ({"place-of-service": "22"}, {"place": "22"}),
    ],
)
def test_what_a_case_says_besides_its_code_stands_in_the_fields(
    rules: Rules, order: dict[str, str], fields: dict[str, str]
) -> None:
    systems = rules.vocabulary.code_systems
    filled = fill_form(write_in_full({"code": "CPT 71260", **order}, "$", systems), systems, FORM)

    assert filled == FORM._replace(code="CPT 71260", **fields)


def test_what_the_fields_cannot_say_stays_as_fhir(rules: Rules) -> None:
    """Two performers, a provider who is marked as former, a place that the form does not offer."""
    systems = rules.vocabulary.code_systems
    order = write_in_full({"code": "CPT 71260", "performed-by": GOLD, "place-of-service": "22"}, "$", systems)
    former = {"identifier": {**order["performer"][0]["identifier"], "use": "old"}}
    prison = [{"coding": [{**order["locationCode"][0]["coding"][0], "code": "09"}]}]

    for change in ({"performer": order["performer"] * 2}, {"requester": former}, {"locationCode": prison}):
        filled = fill_form(order | change, systems, FORM)

        assert (filled.code, filled.performed_by, filled.ordered_by, filled.place) == ("", "", "", "")
        assert write_order(filled, systems) == {"resourceType": "ServiceRequest", **order, **change}


def test_each_kind_of_order_has_its_code_where_fhir_has_it(rules: Rules) -> None:
    systems = rules.vocabulary.code_systems
    for kind, member in (("DeviceRequest", "codeCodeableConcept"), ("MedicationRequest", "medicationCodeableConcept")):
        assert member in write_order(FORM._replace(kind=kind, code="E0105"), systems)


def test_a_place_is_said_as_cms_codes_it(rules: Rules) -> None:
    order = write_order(FORM._replace(text="Brace", place="22"), rules.vocabulary.code_systems)

    assert order["locationCode"][0]["coding"][0]["code"] == "22"


@pytest.mark.parametrize(
    ("kind", "performer"),
    [("ServiceRequest", [GOLD]), ("DeviceRequest", GOLD), ("MedicationRequest", GOLD)],
)
def test_providers_stand_where_fhir_has_them(rules: Rules, kind: str, performer: str | list[str]) -> None:
    """R4: of a ServiceRequest there may be several performers, of a device or a medication there is one."""
    form = FORM._replace(kind=kind, text="Brace", ordered_by=OTHER, performed_by=GOLD)
    order = write_order(form, rules.vocabulary.code_systems)

    assert npis(order["requester"]) == {OTHER}
    found = [npis(one) for one in order["performer"]] if isinstance(performer, list) else npis(order["performer"])
    assert found == ([{GOLD}] if isinstance(performer, list) else {GOLD})


@pytest.mark.parametrize(
    "npi", ["2000000003", "200000000", "20000000020", "\uff12000000002", "Dr. Gold", "2000 000002"]
)
def test_a_mistyped_npi_is_named_and_nothing_of_it_is_sent(rules: Rules, npi: str) -> None:
    with pytest.raises(FormError) as raised:
        write_order(FORM._replace(text="Brace", ordered_by=npi, performed_by=npi), rules.vocabulary.code_systems)
    assert list(raised.value.faults) == ["ordered_by", "performed_by"]
    assert npi not in str(raised.value)


def test_an_order_as_fhir_stands_for_the_fields_of_providers_too(rules: Rules) -> None:
    form = FORM._replace(resource='{"code": {"text": "Brace"}}', ordered_by="nobody")

    assert "requester" not in write_order(form, rules.vocabulary.code_systems)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "code"),
        ({"code": "NOSUCH 1"}, "code"),
        ({"code": "1", "on": "yesterday"}, "on"),
        ({"code": "1", "hook": "patient-view"}, "hook"),
        ({"code": "1", "version": "9"}, "version"),
        ({"code": "1", "kind": "Patient"}, "kind"),
        ({"resource": "[]"}, "resource"),
        ({"resource": '{"resourceType": "Patient"}'}, "resource"),
        ({"resource": '{"id": "a", "id": "b"}'}, "resource"),
        ({"resource": "[" * 100_000}, "resource"),
    ],
)
def test_what_is_no_order_is_named_by_its_field(rules: Rules, changes: dict[str, str], field: str) -> None:
    with pytest.raises(FormError) as raised:
        write_order(FORM._replace(**changes), rules.vocabulary.code_systems)
    assert list(raised.value.faults) == [field]
