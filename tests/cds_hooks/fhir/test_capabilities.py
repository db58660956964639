"""What servers say that they can do: read with care, and remembered only so long and so much."""

from typing import Any

import pytest

from cds_hooks.fhir import capabilities
from cds_hooks.fhir.capabilities import Names, TtlCache, read_names, translate
from cds_hooks.fhir.queries import read_asked
from cds_hooks.outbound.places import Place

FHIR = "http://hl7.org/fhir/SearchParameter"
US_CORE = "http://hl7.org/fhir/us/core/SearchParameter"


def statement(*parameters: Any, kind: Any = "Coverage") -> dict[str, Any]:
    resource = {"type": kind, "searchParam": list(parameters)}
    return {"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": [resource]}]}


def parameter(name: Any, definition: Any = None) -> dict[str, Any]:
    return {"name": name, **({"definition": definition} if definition else {})}


def in_words(names: Names, url: str) -> str:
    asked = read_asked(url)
    assert asked
    return translate(asked, names)


@pytest.mark.parametrize(
    ("kind", "parameters", "names"),
    [
        ("Coverage", [parameter("member", f"{FHIR}/Coverage-patient")], {"patient": "member"}),
        ("Coverage", [parameter("member", f"{FHIR}/Coverage-patient|4.0.1")], {"patient": "member"}),
        ("Coverage", [parameter("member", f"{US_CORE}/us-core-coverage-patient")], {"patient": "member"}),
        ("Coverage", [parameter("state", f"{FHIR}/Coverage-status")], {"status": "state"}),
        ("Coverage", [parameter("holder", f"{FHIR}/Coverage-policy-holder")], {"policy-holder": "holder"}),
        ("ServiceRequest", [parameter("member", f"{FHIR}/clinical-patient")], {"patient": "member"}),
        ("Coverage", [parameter("beneficiary", f"{FHIR}/Coverage-beneficiary")], {"patient": "beneficiary"}),
        ("Coverage", [parameter("beneficiary")], {"patient": "beneficiary"}),
        ("Task", [parameter("beneficiary")], {}),
        ("Coverage", [parameter("patient", f"{FHIR}/Coverage-patient"), parameter("beneficiary")], {}),
        ("Coverage", [parameter("patient"), parameter("member", f"{FHIR}/Coverage-patient")], {}),
        ("Coverage", [parameter("member", f"{FHIR}/Coverage-patient"), parameter("patient")], {}),
        ("Coverage", [parameter("member", "https://ehr.example.org/SearchParameter/Coverage-patient")], {}),
        ("Coverage", [parameter("member")], {}),
    ],
)
def test_a_parameter_is_known_by_its_definition(kind: str, parameters: list[Any], names: dict[str, str]) -> None:
    """CRD-60: what a parameter does is told by its definition; a name of FHIR's own that works is kept."""
    assert read_names(statement(*parameters, kind=kind)) == {(kind, name): own for name, own in names.items()}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"rest": None},
        {"rest": {"resource": []}},
        {"rest": [None, 7, {"resource": "Coverage"}, {"resource": [None, {"type": "Coverage"}]}]},
        statement(None, 7, [], {}, kind="Coverage"),
        statement(parameter("member", f"{FHIR}/Coverage-patient"), kind=None),
        statement(parameter("member", f"{FHIR}/Coverage-patient"), kind="X" * 1000),
        statement(parameter(7, f"{FHIR}/Coverage-patient"), parameter("member", 7)),
        statement(parameter("member", f"{FHIR}/Coverage-{'x' * 1000}")),
        *[statement(parameter(name, f"{FHIR}/Coverage-patient")) for name in ("", "a&b", "a=b", "a#", "a b", "\u00e9")],
        statement(parameter("x" * 1000, f"{FHIR}/Coverage-patient")),
    ],
)
def test_a_statement_that_is_odd_says_nothing(document: dict[str, Any]) -> None:
    """X-7: it comes from a server that anybody can name, and its names become part of a URL."""
    assert read_names(document) == {}


def test_of_endless_names_only_some_are_kept() -> None:
    many = [parameter(f"own-{a}{b}", f"{FHIR}/Coverage-{a}{b}") for a in "abcdefghij" for b in "abcdefghij"]

    assert len(read_names(statement(*many))) == 64


@pytest.mark.parametrize(
    ("url", "translated"),
    [
        ("Coverage?patient=1&status=active", "Coverage?member=1&status=active"),
        ("Coverage?patient:Patient=1", "Coverage?member:Patient=1"),
        ("Coverage?patient.name=x", "Coverage?member.name=x"),
        ("Coverage?status=patient", "Coverage?status=patient"),
        ("Coverage?patient=1&_include=Coverage:payor", "Coverage?member=1"),
        ("Coverage?patients=1&_count=5&=", "Coverage?patients=1&_count=5&="),
        ("Task?patient=1", "Task?patient=1"),
    ],
)
def test_only_names_of_parameters_are_translated(url: str, translated: str) -> None:
    """CRD-60: the names, of the type that is searched; never a value."""
    assert in_words({("Coverage", "patient"): "member"}, url) == translated


PLACES = [Place(f"https://{name}.example.org", ()) for name in "abc"]


def test_not_more_servers_are_remembered_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can name servers; the memory of them is bounded, and forgets the oldest."""
    monkeypatch.setattr(capabilities, "MOST_REMEMBERED", 2)
    lately: TtlCache[bool] = TtlCache()

    for place in (PLACES[0], PLACES[1], PLACES[0], PLACES[2]):
        lately.add(place, True)

    assert [lately.get(place) for place in PLACES] == [True, None, True]


def test_what_a_server_showed_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server can learn; nothing learned of it and nothing known are not the same."""
    lately: TtlCache[Names] = TtlCache()
    lately.add(PLACES[0], {})
    monkeypatch.setattr(capabilities, "SECONDS_REMEMBERED", 0.0)
    lately.add(PLACES[1], {})

    assert [lately.get(place) for place in PLACES] == [{}, None, None]
