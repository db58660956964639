"""Orders of cases are written short or long; what is misspelt is said with file and path, and what may be meant."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.errors import StartError
from cds_hooks.rules.cases import Case, read_cases
from cds_hooks.rules.loading import Rules

HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
LONG = {"code": {"coding": [{"system": HCPCS, "code": "M0076"}]}}

Read = Callable[..., tuple[Case, ...]]


@pytest.fixture(name="read")
def _read(tmp_path: Path, rules: Rules) -> Read:
    """Read two cases, the first with an order, or another member, as given."""

    def read(order: Any = "HCPCS M0076", **members: Any) -> tuple[Case, ...]:
        case = {"name": "A case of a policy", "on": "2026-01-01", "order": order, "expect": "nothing"}
        path = tmp_path / "cases.json"
        path.write_text(json.dumps({"cases": [{**case, **members}, case | {"order": LONG}]}))
        return read_cases(path, rules.vocabulary.code_systems)

    return read


SHORT_AND_LONG: list[tuple[Any, Any]] = [
    ("HCPCS M0076", LONG),
    ({"code": "HCPCS M0076"}, LONG),
    ({"text": "Zorbling brace"}, {"code": {"text": "Zorbling brace"}}),
    (
        {"code": "CPT 20999", "note": "For prolotherapy"},
        {
            "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}]},
            "note": [{"text": "For prolotherapy"}],
        },
    ),
    (
        {"code": "SNOMED CT 17222009", "display": "Brace", "text": "A brace", "reason": "Pain"},
        {
            "code": {
                "coding": [{"system": "http://snomed.info/sct", "code": "17222009", "display": "Brace"}],
                "text": "A brace",
            },
            "reasonCode": [{"text": "Pain"}],
        },
    ),
    (LONG, LONG),
    ({"resourceType": "DeviceRequest", "codeCodeableConcept": {"text": "x"}},) * 2,
    ({"resourceType": "ServiceRequest", "doNotPerform": True},) * 2,
]


@pytest.mark.parametrize(("short", "long"), SHORT_AND_LONG, ids=[str(short) for short, _ in SHORT_AND_LONG])
def test_an_order_written_short_is_the_resource_it_stands_for(read: Read, short: Any, long: Any) -> None:
    assert [case.order for case in read(short)] == [long, LONG]


WRONG_ORDERS: list[tuple[Any, str]] = [
    ({"cod": "HCPCS M0076"}, "order: Additional properties are not allowed ('cod' was unexpected); did you mean 'code' for 'cod'?"),
    ({"code": "HCPCS M0076", "nite": "x"}, "order: Additional properties are not allowed ('nite' was unexpected); did you mean 'note' for 'nite'?"),
    ({"cod": {"text": "x"}}, "order: Additional properties are not allowed ('cod' was unexpected); did you mean 'code' for 'cod'?"),
    ({"code": "HCPCS M0076", "note": [{"text": "x"}]}, "order.note: [{'text': 'x'}] is not of type 'string'"),
    ({"code": "HCPCS M0076", "zzz": 1}, "order: Additional properties are not allowed ('zzz' was unexpected)"),
    ({"note": "x"}, "order: 'code' is a required property"),
    ({}, "order: "),
    ({"text": "x", "display": "x"}, "order: 'code' is a dependency of 'display'"),
    ("M0076", "order: 'M0076' does not match"),
    ("HCPC M0076", "order: no code system 'HCPC' (known: HCPCS, CPT,"),
    ({"code": "cpt 20999"}, "order.code: no code system 'cpt' (known: HCPCS, CPT,"),
    ({"resourceType": "ServiceRequst"}, "order.resourceType: 'ServiceRequst' is not one of"),
    (7, "order: 7 is not of type 'string', 'object'"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "says"), WRONG_ORDERS, ids=[str(order) for order, _ in WRONG_ORDERS])
def test_an_order_that_cannot_be_read_is_told_with_its_path(read: Read, tmp_path: Path, order: Any, says: str) -> None:
    with pytest.raises(StartError) as refused:
        read(order)

    assert str(refused.value).startswith(f"{tmp_path / 'cases.json'}: $.cases[0].{says}")


@pytest.mark.parametrize(("system", "meant"), [("HCPC", "HCPCS"), ("cpt", "CPT"), ("Snomed", "SNOMED CT")])
def test_a_misspelt_code_system_is_told_with_the_one_that_may_be_meant(read: Read, system: str, meant: str) -> None:
    with pytest.raises(StartError, match=rf"; did you mean {meant}\?"):
        read(f"{system} 20999")


def test_a_misspelt_member_of_a_case_is_told_with_the_one_that_may_be_meant(read: Read) -> None:
    with pytest.raises(StartError) as refused:
        read(strenght="stated")

    assert "$.cases[0]: Additional properties are not allowed ('strenght' was unexpected)" in str(refused.value)
    assert str(refused.value).endswith("; did you mean 'strength' for 'strenght'?")
