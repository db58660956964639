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
    return [[_read_part(part) for part in one.get("extension", ())] for one in written]


def _read_part(part: dict[str, Any]) -> tuple[str, str]:
    """Return the name and the value of one part; a detail has the name that its own code gives it."""
    said = {one["url"]: _read_value(one) for one in part.get("extension", ())}
    if not said:
        return part["url"], _read_value(part)
    qualification = f" ({said['qualification']})" if said.get("qualification") else ""
    return said.get("code", part["url"]), f"{said.get('value', '')}{qualification}"


def _read_value(part: dict[str, Any]) -> str:
    """Return the value of one part in a line, whichever of FHIR's types it has; of a code its words and itself."""
    value = next((value for name, value in part.items() if name.startswith("value")), "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return str(value)
    if "start" in value or "end" in value:
        return f"{value.get('start', '')} to {value.get('end', '')}"
    if "telecom" in value:
        return ", ".join(str(one["value"]) for one in ({"value": value.get("name")}, *value["telecom"]) if one["value"])
    if "value" in value:
        return f"{value['value']} {value.get('unit') or value.get('system', '')}".strip()
    coding = next(iter(value.get("coding", ())), value)
    words, code = value.get("text") or coding.get("display"), coding.get("code")
    if words and code and "coding" not in value:
        return f"{words} ({code})"
    return str(words or code or value.get("reference", ""))
