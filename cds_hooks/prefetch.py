"""What of the records a decision needs was prefetched. Records are found by resource type, whatever their key:
clients name keys as they like, and send Bundles of any type, or none, or null, or an OperationOutcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cards import CodeSystems, Coverage, read_coverage, same_reference
from cds_hooks.fhir_check import element_name

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Prefetched:
    """The coverages of the patient with the resources they were read from, and how many of others were set aside.

    `records` are the Conditions that came along, by `Type/id`: an order may give one as its reason.
    """

    coverages: tuple[Coverage, ...]
    resources: tuple[tuple[Json, str], ...]
    foreign: int
    records: dict[str, Json]
    patient_id: str

    def of(self, subject: str | None) -> tuple[Coverage, ...]:
        """Return the coverages for an order's subject: none where that is another patient than the call's."""
        is_other = subject is not None and "Patient/" in subject
        is_other = is_other and not same_reference(str(subject), f"Patient/{self.patient_id}")
        return () if is_other else self.coverages


def read_prefetch(prefetch: Json, patient_id: str, code_systems: CodeSystems) -> Prefetched:
    """Read the Coverages of the patient, each with the payor Organization that came along or is contained."""
    found: list[tuple[Json, str]] = []
    organizations: list[Json] = []
    records: dict[str, Json] = {}
    for name, value in prefetch.items():
        if isinstance(value, dict):
            key = element_name(name)
            entries = value.get("entry")
            if isinstance(entries, list):
                for number, entry in enumerate(entries):
                    if isinstance(entry, dict):
                        _sort(
                            entry.get("resource"),
                            f"prefetch.{key}.entry[{number}].resource",
                            found,
                            organizations,
                            records,
                        )
            else:
                _sort(value, f"prefetch.{key}", found, organizations, records)
    mine = [item for item in found if _is_of(item[0], patient_id)]
    coverages = [read_coverage(coverage, organizations, code_systems) for coverage, _ in mine]
    return Prefetched(tuple(coverages), tuple(mine), len(found) - len(mine), records, patient_id)


def _sort(
    resource: Any,
    path: str,
    coverages: list[tuple[Json, str]],
    organizations: list[Json],
    records: dict[str, Json],
) -> None:
    if isinstance(resource, dict):
        kind = resource.get("resourceType")
        if kind == "Coverage":
            coverages.append((resource, path))
        elif kind == "Organization":
            organizations.append(resource)
        elif kind == "Condition":
            records[f"Condition/{resource.get('id')}"] = resource


def _is_of(coverage: Json, patient_id: str) -> bool:
    """Tell whether a Coverage is the patient's; one that does not name its beneficiary was searched by patient."""
    beneficiary = coverage.get("beneficiary")
    reference = beneficiary.get("reference") if isinstance(beneficiary, dict) else None
    return not isinstance(reference, str) or same_reference(reference, f"Patient/{patient_id}")
