"""A form stands for one FHIR order, and an order for one form."""

import pytest

from cds_hooks.console.try_it.examples import cases_of
from cds_hooks.console.try_it.order_form import FormError, OrderForm, fill_form, write_order
from cds_hooks.rules.loading import Rules
from cds_hooks.settings import read_settings

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


@pytest.mark.parametrize("policy", ["cms-ncd-150-7", "evicore-cmm-204", "medical-policy-2-01-26"])
def test_every_case_goes_into_the_form_and_comes_out_as_it_was(rules: Rules, policy: str) -> None:
    systems = rules.vocabulary.code_systems
    for case in cases_of(policy, rules, read_settings()).found:
        filled = fill_form(case.order, systems, FORM)

        assert write_order(filled, systems) == {"resourceType": "ServiceRequest", **case.order}


def test_each_kind_of_order_has_its_code_where_fhir_has_it(rules: Rules) -> None:
    systems = rules.vocabulary.code_systems
    for kind, member in (("DeviceRequest", "codeCodeableConcept"), ("MedicationRequest", "medicationCodeableConcept")):
        assert member in write_order(FORM._replace(kind=kind, code="E0105"), systems)


def test_a_place_is_said_as_cms_codes_it(rules: Rules) -> None:
    order = write_order(FORM._replace(text="Brace", place="22"), rules.vocabulary.code_systems)

    assert order["locationCode"][0]["coding"][0]["code"] == "22"


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
