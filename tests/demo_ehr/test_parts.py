"""The parts of the demo EHR by themselves, and that it and the service know nothing of each other."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from examples.demo_ehr.actions import apply_action, read_coverage_information
from examples.demo_ehr.catalogue import CPT, HCPCS, Catalogue
from examples.demo_ehr.fhir_server import FhirServer
from examples.demo_ehr.orders import FormError, OrderForm, fill_form, write_order
from examples.demo_ehr.patients import make_records
from tests.conftest import ROOT

EHR = ROOT / "examples" / "demo_ehr"


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.split(".")[0] for name in plain | {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}}


def test_it_is_a_client_like_any_other() -> None:
    modules = list(EHR.glob("*.py"))
    assert len(modules) > 8
    assert not {"cards", "cds_hooks"} & set().union(*map(imported, modules))

    for package in ("cards", "cds_hooks"):
        assert [path for path in (ROOT / package).rglob("*.py") if "demo_ehr" in path.read_text()] == []


ORDER: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "id": "o-1",
    "status": "draft",
    "subject": {"reference": "Patient/ida"},
}


def apply(action: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    records = {"ServiceRequest/o-1": ORDER}
    return apply_action(action, records, "ida"), records


def test_an_update_brings_the_whole_resource() -> None:
    """CDS Hooks 2.0, Action: `update` is no patch."""
    changed = {**ORDER, "status": "on-hold"}

    assert apply({"type": "update", "resource": changed}) == (
        "Updated ServiceRequest/o-1",
        {"ServiceRequest/o-1": changed},
    )


def test_a_creation_adds_and_a_deletion_takes_away() -> None:
    new = {**ORDER, "id": "o-2"}
    assert apply({"type": "create", "resource": new})[1] == {"ServiceRequest/o-1": ORDER, "ServiceRequest/o-2": new}
    assert apply({"type": "delete", "resourceId": "ServiceRequest/o-1"}) == ("Deleted ServiceRequest/o-1", {})


@pytest.mark.parametrize(
    "action",
    [
        {"type": "update", "resource": {**ORDER, "id": "o-9"}},
        {"type": "update", "resource": {**ORDER, "subject": {"reference": "Patient/ben"}}},
        {"type": "create", "resource": {**ORDER, "id": "o-2", "subject": {"reference": "Patient/ben"}}},
        {"type": "delete", "resourceId": "ServiceRequest/o-9"},
        {"type": "update", "resource": {"resourceType": "ServiceRequest"}},
        {"type": "update"},
    ],
)
def test_a_service_changes_nothing_that_the_call_was_not_about(action: dict[str, Any]) -> None:
    said, records = apply(action)

    assert said.startswith("Not d")
    assert records == {"ServiceRequest/o-1": ORDER}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fhir_examples").glob("*/*/response.json")), ids=lambda p: p.parent.name
)
def test_coverage_information_of_every_version_is_read(path: Path) -> None:
    for action in json.loads(path.read_text()).get("systemActions", ()):
        [*_, parts] = read_coverage_information(action["resource"])
        said = dict(parts)
        assert said["covered"] in ("covered", "not-covered", "conditional", "indeterminate")
        assert all(said[name] for name in ("coverage", "date", "coverage-assertion-id"))
        assert all(said.values()), said
        assert "detail" not in said
        assert re.search(r" \([A-Z0-9]{5}\)$", said.get("billingCode", "x (12345)"))


CATALOGUE = Catalogue(
    {
        "entry": [
            {
                "resource": {
                    "resourceType": "ValueSet",
                    "title": "Knee braces: definitive codes",
                    "status": status,
                    "compose": {"include": [{"system": HCPCS, "concept": [{"code": code, "display": "Knee brace"}]}]},
                }
            }
            for code, status in (("L1851", "active"), ("L9999", "retired"))
        ]
    }
)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("L1851", (HCPCS, "L1851")),
        ("hcpcs l1851", (HCPCS, "L1851")),
        ("HCPCS L1851 Knee brace", (HCPCS, "L1851")),
        ("73721", (CPT, "73721")),
        ("99999", (CPT, "99999")),
        ("J9999", (HCPCS, "J9999")),
        ("knee brace", None),
        ("12", None),
        ("SNOMED 12345", None),
    ],
)
def test_a_code_is_known_as_people_write_it(written: str, code: tuple[str, str] | None) -> None:
    found = CATALOGUE.find(written)

    assert (found and (found.system, found.code)) == code


def test_codes_of_ended_policies_are_not_offered() -> None:
    assert [one.code for one in CATALOGUE.orderables if one.system == HCPCS] == ["J1030", "L1851"]


FORM = OrderForm("CPT 73721, HCPCS L1851", "Brace, left knee", "Since May", "Pain", "", "2026-11-23")


@pytest.mark.parametrize(
    "form",
    [
        FORM,
        FORM._replace(codes="CPT 73721", place="22"),
        FORM._replace(codes="HCPCS J1030"),
        OrderForm(text="x", day=FORM.day),
    ],
)
def test_a_form_becomes_an_order_and_the_order_that_form(form: OrderForm) -> None:
    assert fill_form(write_order(form, CATALOGUE, "ida", "o-1", {}), CATALOGUE) == form


def test_an_order_keeps_what_a_coding_says_and_loses_an_answer_to_something_else() -> None:
    coding = {"system": CPT, "code": "73721", "display": "MRI", "userSelected": True}
    before = write_order(FORM._replace(codes="73721"), CATALOGUE, "ida", "o-1", {}) | {"extension": [{"url": "x"}]}
    before["code"]["coding"] = [coding]

    assert write_order(FORM._replace(codes="73721"), CATALOGUE, "ida", "o-1", before) == before
    changed = write_order(FORM._replace(codes="73721", text="MRI"), CATALOGUE, "ida", "o-1", before)
    assert changed["code"]["coding"] == [coding]
    assert "extension" not in changed


def test_an_empty_form_is_no_order() -> None:
    with pytest.raises(FormError):
        write_order(OrderForm(reason="Pain", day="2026-11-23"), CATALOGUE, "ida", "o-1", {})


def ask(server: FhirServer, token: str, query: str) -> int:
    return server.answer(f"Bearer {token}", query).status


def test_a_token_opens_one_patients_records_until_it_is_taken_back() -> None:
    server = FhirServer(make_records())
    token = server.open("ida")

    assert ask(server, token, "Patient/ida") == ask(server, token, "Organization/ehp") == 200
    assert ask(server, token, "Patient/ben") == ask(server, token, "Coverage/ben-coverage") == 403
    assert ask(server, token, "Patient/nobody") == 404
    assert server.answer(f"Bearer {token}", "Coverage?patient=ben").resource["total"] == 0
    assert ask(server, token, "Coverage?beneficiary.name=ida") == 400
    assert ask(server, "another", "Patient/ida") == ask(server, "", "Patient/ida") == 401

    assert len(server.close(token)) == 7
    assert ask(server, token, "Patient/ida") == 401
