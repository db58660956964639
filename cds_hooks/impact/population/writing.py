"""Writes the population as FHIR bulk data: a folder for each clinic, plain and compressed files, and faulty lines."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import IO, Any, Final

import orjson
import zstandard

from cards import PLACE_OF_SERVICE
from cds_hooks.impact.population.patients import CLINICS, Patient, coverage_resources, invent, payer_resources
from cds_hooks.impact.population.services import DAYS, FIRST_DAY, SERVICES, Ordered
from cds_hooks.impact.population.truth import Placed, Truth

TRUTH: Final = "truth.json"

#: Each type of order in its own file, one of each form that is read.
_FILES: Final = {
    "ServiceRequest": "ServiceRequest.ndjson",
    "DeviceRequest": "DeviceRequest.ndjson.gz",
    "MedicationRequest": "MedicationRequest.ndjson.zst",
}

#: So many orders come for a patient, a clinician and a site, and so many lines for one that is faulty, or of no order.
_ORDERS_OF_PATIENT: Final = 8
_CLINICIANS: Final = 400
_SITES: Final = 12
_FAULTY_EVERY: Final = 400
_OTHER_EVERY: Final = 150

_NOTES: Final = (
    "Pain for three months, worse on stairs. No red flags.",
    "Patient has completed six weeks of home exercises without relief; please call with results.",
    "Allergies reviewed. Needs an afternoon appointment and transportation.",
)

#: Lines that are no resources, and what is said of them.
FAULTS: Final = (
    (b'{"resourceType": "ServiceRequest", "id": "cut', "not JSON in UTF-8"),
    (b"HTTP/1.1 503 Service Unavailable", "not JSON in UTF-8"),
    (b'{"resourceType": "ServiceRequest", "note": [{"text": "\xff\xfe"}]}', "not JSON in UTF-8"),
    (b'[{"resourceType": "ServiceRequest"}]', "not a FHIR resource: no resourceType"),
    (b'{"id": "nothing"}', "not a FHIR resource: no resourceType"),
)


def write_population(folder: Path, orders: int, seed: int, advance: Callable[[], object] = int) -> Path:
    """Write so many orders and all around them into a new folder; return the file with the truth."""
    dice, truth = Random(seed), Truth()  # noqa: S311 - invented people, no secrets
    folder.mkdir(parents=True)
    patients = [invent(number, dice) for number in range(max(1, orders // _ORDERS_OF_PATIENT))]
    _write_records(folder, patients, truth)
    with ExitStack() as stack:
        files = {(c, kind): _open(stack, folder / c / name) for c in CLINICS for kind, name in _FILES.items()}
        for number, placed in enumerate(_place_orders(orders, patients, dice)):
            file = files[placed.patient.clinic, placed.ordered.resource_type]
            _write_line(file, orjson.dumps(_resource(number, placed, dice)), truth)
            truth.add(placed)
            _write_noise(number, files[CLINICS[0], "ServiceRequest"], truth)
            advance()
    path = folder / TRUTH
    path.write_bytes(orjson.dumps(truth.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    return path


def _open(stack: ExitStack, path: Path) -> IO[bytes]:
    file = stack.enter_context(path.open("wb"))
    opened: Any = {".gz": _gzip, ".zst": zstandard.open}.get(path.suffix)
    return stack.enter_context(opened(file, "wb")) if opened else file


def _gzip(file: IO[bytes], mode: str) -> gzip.GzipFile:
    """Open a file that says nothing of when it was written: the same seed gives the same bytes."""
    return gzip.GzipFile("", mode, 3, file, mtime=0)


def _write_line(file: IO[bytes], line: bytes, truth: Truth) -> None:
    file.write(line + b"\n")
    truth.lines += 1


def _write_records(folder: Path, patients: list[Patient], truth: Truth) -> None:
    for clinic in CLINICS:
        (folder / clinic).mkdir()
        with (folder / clinic / "Coverage.ndjson").open("wb") as file:
            for patient in patients:
                for coverage in coverage_resources(patient) if patient.clinic == clinic else ():
                    _write_line(file, orjson.dumps(coverage), truth)
    (folder / "payers").mkdir()
    with (folder / "payers" / "Organization.ndjson").open("wb") as file:
        for payer in payer_resources():
            _write_line(file, orjson.dumps(payer), truth)


def _write_noise(number: int, file: IO[bytes], truth: Truth) -> None:
    """Write what real exports hold besides orders: other resources, empty lines, and lines that are none."""
    if number % _OTHER_EVERY == 0:
        _write_line(file, b'{"resourceType":"Observation","id":"n","status":"final"}', truth)
        _write_line(file, b"", truth)
    if number % _FAULTY_EVERY == 0:
        line, reason = FAULTS[number // _FAULTY_EVERY % len(FAULTS)]
        _write_line(file, line, truth)
        truth.add_fault(reason)


def _place_orders(orders: int, patients: list[Patient], dice: Random) -> Iterator[Placed]:
    weights = [ordered.weight for ordered in SERVICES]
    for number in range(orders):
        ordered = dice.choices(SERVICES, weights)[0]
        day = FIRST_DAY + timedelta(days=dice.randrange(DAYS))
        later = dice.randrange(21) if dice.random() < 0.3 else 0
        where = f"place of service {ordered.place}" if ordered.place else f"Location/site-{dice.randrange(_SITES)}"
        yield Placed(
            ordered=ordered,
            patient=patients[dice.randrange(len(patients))],
            day=day,
            service_day=day + timedelta(days=later),
            clinician=dice.randrange(_CLINICIANS),
            site=where,
            text=f"{ordered.text} {_in_letters(number)}" if ordered.is_unique else ordered.text,
            names_second=dice.random() < 0.5,
            is_void=dice.random() < 0.01,
        )


def _in_letters(number: int) -> str:
    """Return a number in letters, each of which is another text."""
    letters = (chr(ord("a") + int(digit)) for digit in str(number))
    return "x" + "".join(letters)


def _resource(number: int, placed: Placed, dice: Random) -> dict[str, Any]:
    """Return an order as FHIR has it."""
    ordered, patient = placed.ordered, placed.patient
    concept: dict[str, Any] = {"text": placed.text} if placed.text else {}
    if ordered.coding:
        concept["coding"] = [ordered.coding]
    named = "c{}-2" if placed.names_second else "c{}-1"
    insurance = [{"reference": f"Coverage/{named.format(patient.number)}"}] if _names_coverage(placed) else None
    note = [{"text": dice.choice(_NOTES)}] if ordered.code and dice.random() < 0.4 else None
    resource = {
        "resourceType": ordered.resource_type,
        "id": f"o{number}",
        "status": "revoked" if placed.is_void else "active",
        "intent": "order",
        _CONCEPTS[ordered.resource_type]: concept,
        "subject": {"reference": f"Patient/{patient.id}"},
        "authoredOn": f"{placed.day}T{8 + number % 10:02}:15:00Z",
        "requester": {"reference": f"Practitioner/d{placed.clinician}"},
        "insurance": insurance,
        "note": note,
        "occurrenceDateTime": f"{placed.service_day}" if placed.service_day != placed.day else None,
        **_where(ordered, placed.site),
    }
    return {name: value for name, value in resource.items() if value is not None}


_CONCEPTS: Final = {
    "ServiceRequest": "code",
    "DeviceRequest": "codeCodeableConcept",
    "MedicationRequest": "medicationCodeableConcept",
}


def _names_coverage(placed: Placed) -> bool:
    return placed.names_second and placed.patient.situation.name == "TWICE"


def _where(ordered: Ordered, site: str) -> dict[str, Any]:
    if ordered.place:
        return {"locationCode": [{"coding": [{"system": PLACE_OF_SERVICE, "code": ordered.place}]}]}
    return {"locationReference": [{"reference": site}]}
