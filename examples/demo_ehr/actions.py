"""What is done with an answer: system actions at once, those of a suggestion when somebody takes it.

CDS Hooks 2.0, Action: `update` brings the whole resource, `create` a new one, `delete` a reference. A service may
change what the call was about, and nothing else.
"""

from typing import Any

from examples.demo_ehr.fhir_server import patient_of, reference_of
from examples.demo_ehr.orders import COVERAGE_INFORMATION
from examples.demo_ehr.patients import Resource

Records = dict[str, Resource]


def apply_action(action: dict[str, Any], records: Records, patient: str) -> str:
    """Change the records that are being worked on, and say what was done."""
    kind, resource = action.get("type"), action.get("resource") or {}
    if kind == "delete":
        reference = str(action.get("resourceId"))
        return f"Deleted {reference}" if records.pop(reference, None) else f"Not deleted: {reference} is not open here"
    try:
        reference, owner = reference_of(resource), patient_of(resource)
    except KeyError:
        return f"Not done: {kind} without a resource"
    if owner != patient:
        return f"Not done: {reference} is not this patient's"
    if kind == "update" and reference not in records:
        return f"Not done: {reference} is not open here"
    records[reference] = resource
    return f"{'Updated' if kind == 'update' else 'Created'} {reference}"


def read_coverage_information(resource: Resource) -> list[list[tuple[str, str]]]:
    """Return what payers wrote onto a resource: the parts of each coverage information, by name."""
    written = [one for one in resource.get("extension", ()) if one.get("url") == COVERAGE_INFORMATION]
    return [[(part["url"], _read_part(part)) for part in one.get("extension", ())] for one in written]


def _read_part(part: dict[str, Any]) -> str:
    """Return the value of one part in a line; parts of parts stand side by side."""
    if "extension" in part:
        return "; ".join(said for one in part["extension"] if one["url"] != "category" and (said := _read_part(one)))
    value = next((value for name, value in part.items() if name.startswith("value")), "")
    while isinstance(value, dict):
        codings = value.get("coding") or [{}]
        if value.get("display") and value.get("code"):
            return f"{value['display']} ({value['code']})"
        value = value.get("text") or value.get("display") or value.get("reference") or value.get("code") or codings[0]
        if value == {}:
            return ""
    return str(value)
