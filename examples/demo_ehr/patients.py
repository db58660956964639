"""The records of this EHR when it starts, as FHIR R4: nobody in them exists."""

from typing import Any, Final, NamedTuple

Resource = dict[str, Any]

_HL7: Final = "http://terminology.hl7.org/CodeSystem"

CLINICIAN: Final = "Practitioner/dr-invented"
PERFORMER: Final = "Organization/ortho-clinic"

#: The payers: id here, name, and the identifier that payers are known by.
_PAYERS: Final = (
    ("ehp", "Example Health Plan", "EHP01"),
    ("ebp", "Example Blue Plan", "EBP01"),
    ("ema", "Example Medicare Advantage", "EMA01"),
    ("cms", "Medicare", "CMS"),
    ("acme", "Acme Health", "ACME01"),
)


class Person(NamedTuple):
    """One patient; `payer` is an id of `_PAYERS`, or empty."""

    id: str
    given: str
    gender: str
    born: str
    payer: str = ""
    ended: str = ""
    pays_alone: bool = False
    covered_by: str = ""


PEOPLE: Final = (
    Person("ida", "Ida", "female", "1971-04-02", "ehp", covered_by="Example Health Plan"),
    Person("ben", "Ben", "male", "1984-09-17", "ebp", covered_by="Example Blue Plan"),
    Person("mae", "Mae", "female", "1955-01-30", "ema", covered_by="Example Medicare Advantage"),
    Person("otis", "Otis", "male", "1949-06-11", "cms", covered_by="Medicare"),
    Person("nora", "Nora", "female", "1992-12-05", covered_by="No coverage on file"),
    Person("emil", "Emil", "male", "1966-03-21", "ehp", "2025-12-31", covered_by="Example Health Plan, ended"),
    Person("lea", "Lea", "female", "1988-11-09", "ehp", covered_by="Example Health Plan, which does not know her"),
    Person("pia", "Pia", "female", "1979-08-08", pays_alone=True, covered_by="Pays for herself"),
    Person("finn", "Finn", "male", "2001-02-14", "acme", covered_by="Acme Health, not served by the service"),
)


#: Invented NPIs: the clinician's, whom the example plan gave its gold card, and the clinic's, of the plan's network.
_GOLD_CARD: Final = "2000000002"
_OF_NETWORK: Final = "2000000028"


def _npi(value: str) -> list[Resource]:
    return [{"system": "http://hl7.org/fhir/sid/us-npi", "value": value}]


def make_records() -> list[Resource]:
    """Return all records: people, who treats them, who pays."""
    family = [{"family": "Invented", "given": ["Dana"], "prefix": ["Dr."]}]
    records: list[Resource] = [
        {
            "resourceType": "Practitioner",
            "id": CLINICIAN.partition("/")[2],
            "identifier": _npi(_GOLD_CARD),
            "name": family,
        },
        {
            "resourceType": "Organization",
            "id": PERFORMER.partition("/")[2],
            "identifier": _npi(_OF_NETWORK),
            "name": "Invented Orthopaedic Clinic",
        },
    ]
    for payer, name, value in _PAYERS:
        identifier = [{"system": "http://example.org/payer-id", "value": value}]
        records.append(
            {"resourceType": "Organization", "id": payer, "identifier": identifier, "active": True, "name": name}
        )
    for person in PEOPLE:
        records += [_patient(person), *_coverage(person)]
    return records


def _patient(person: Person) -> Resource:
    return {
        "resourceType": "Patient",
        "id": person.id,
        "identifier": [{"system": "http://hospital.example.org/mrn", "value": f"000-{person.id.upper()}"}],
        "name": [{"family": "Invented", "given": [person.given]}],
        "gender": person.gender,
        "birthDate": person.born,
    }


def _coverage(person: Person) -> list[Resource]:
    if not person.payer and not person.pays_alone:
        return []
    patient = {"reference": f"Patient/{person.id}"}
    coverage: Resource = {
        "resourceType": "Coverage",
        "id": f"{person.id}-coverage",
        "status": "active",
        "subscriberId": f"EX-{person.id.upper()}",
        "beneficiary": patient,
        "relationship": {"coding": [{"system": f"{_HL7}/subscriber-relationship", "code": "self"}]},
        "period": {"start": "2024-01-01", **({"end": person.ended} if person.ended else {})},
        "payor": [patient if person.pays_alone else {"reference": f"Organization/{person.payer}"}],
    }
    if person.pays_alone:
        coverage["type"] = {"coding": [{"system": f"{_HL7}/coverage-selfpay", "code": "pay"}]}
    return [coverage]
