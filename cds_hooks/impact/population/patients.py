"""The invented patients: who pays for each, and the coverages and payers that say so."""

from collections.abc import Iterator, Mapping
from enum import Enum
from random import Random
from typing import Any, Final, NamedTuple

from cds_hooks.impact.population.services import ADVANTAGE, BLUE, HEALTH, MEDICARE

#: The identifiers by which the shipped payers are known.
_PAYERS: Final[Mapping[str, str]] = {MEDICARE: "CMS", ADVANTAGE: "EMA01", BLUE: "EBP01", HEALTH: "EHP01"}
_STRANGER: Final = "another-payer"

CLINICS: Final = ("clinic-a", "clinic-b", "clinic-c")


class Situation(Enum):
    """How a patient is insured."""

    INSURED = "one coverage in force"
    TWICE = "two coverages in force, Medicare's first"
    ENDED = "a coverage that is not in force any more"
    UNKNOWN = "a payer that this service does not answer for"
    SELF = "the patient pays"
    NONE = "no coverage"


_SITUATIONS: Final = {
    Situation.INSURED: 70,
    Situation.TWICE: 8,
    Situation.ENDED: 6,
    Situation.UNKNOWN: 8,
    Situation.SELF: 3,
    Situation.NONE: 5,
}


class Patient(NamedTuple):
    """A patient by number, with the clinic, how insured, and the payer of the only, or of the second coverage."""

    number: int
    clinic: str
    situation: Situation
    payer: str

    @property
    def id(self) -> str:
        """The id of the Patient."""
        return f"p{self.number}"


def invent(number: int, dice: Random) -> Patient:
    """Return a patient."""
    situation = dice.choices(list(_SITUATIONS), list(_SITUATIONS.values()))[0]
    payer = HEALTH if situation is Situation.TWICE else dice.choice(list(_PAYERS))
    return Patient(number, CLINICS[number % len(CLINICS)], situation, payer)


def payer_resources() -> Iterator[dict[str, Any]]:
    """Yield the payers as Organizations."""
    for payer, value in (*_PAYERS.items(), (_STRANGER, "XX999")):
        mark = {"system": "http://example.org/payer-id", "value": value}
        yield {"resourceType": "Organization", "id": payer, "identifier": [mark], "name": f"Payer {value}"}


def coverage_resources(patient: Patient) -> Iterator[dict[str, Any]]:
    """Yield the coverages of a patient."""
    match patient.situation:
        case Situation.NONE:
            return
        case Situation.TWICE:
            yield _coverage(patient, 1, f"Organization/{MEDICARE}", order=1)
            yield _coverage(patient, 2, f"Organization/{patient.payer}", order=2)
        case Situation.SELF:
            yield _coverage(patient, 1, f"Patient/{patient.id}")
        case Situation.UNKNOWN:
            yield _coverage(patient, 1, f"Organization/{_STRANGER}")
        case Situation.ENDED:
            yield _coverage(patient, 1, f"Organization/{patient.payer}", period={"end": "2023-12-31"})
        case Situation.INSURED:
            yield _coverage(patient, 1, f"Organization/{patient.payer}", period={"start": "2020-01-01"})


def _coverage(patient: Patient, number: int, payor: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": f"c{patient.number}-{number}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/{patient.id}"},
        "subscriberId": f"S{patient.number:09}",
        "payor": [{"reference": payor}],
        **more,
    }
