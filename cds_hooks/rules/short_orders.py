"""Orders as a policy author writes them in a case, in one line, spelled out as the FHIR resources they stand for.

`"CPT 20999"` is a code, `{"text": "Prolotherapy, right knee"}` the order's own words; together with `display`, `note`
and `reason` they make a ServiceRequest. Everything else is written long: as a FHIR resource, which is left as it is.
"""

from collections.abc import Mapping
from typing import Any, Final

from cards import NPI, PLACE_OF_SERVICE, CodeSystems, DocumentError

#: Members that are text where an order is written short, and objects where it is a FHIR resource.
_SHORT: Final = ("code", "text")


def write_in_full(order: Any, path: str, systems: CodeSystems) -> Mapping[str, Any]:
    """Return an order that has passed policy-cases.schema.json as a FHIR resource; `path` is its JSON path."""
    if isinstance(order, str):
        return {"code": {"coding": [_read_code(order, path, systems)]}}
    if not any(isinstance(order.get(name), str) for name in _SHORT):
        return dict(order)
    written: dict[str, Any] = {"code": _read_concept(order, path, systems)}
    if "note" in order:
        written["note"] = [{"text": order["note"]}]
    if "place-of-service" in order:
        written["locationCode"] = [{"coding": [{"system": PLACE_OF_SERVICE, "code": order["place-of-service"]}]}]
    if "ordered-by" in order:
        written["requester"] = identify_provider(order["ordered-by"])
    if "performed-by" in order:
        written["performer"] = [identify_provider(order["performed-by"])]
    if "reason" in order:
        written["reasonCode"] = [{"text": order["reason"]}]
    return written


def identify_provider(npi: str) -> dict[str, Any]:
    """Return a Reference to a provider by its NPI."""
    return {"identifier": {"system": NPI, "value": npi}}


def _read_concept(order: Mapping[str, str], path: str, systems: CodeSystems) -> dict[str, Any]:
    """Return the CodeableConcept of a short order: `display` is the coding's, `text` the concept's."""
    concept: dict[str, Any] = {}
    if "code" in order:
        coding = _read_code(order["code"], f"{path}.code", systems)
        concept["coding"] = [{**coding, "display": order["display"]} if "display" in order else coding]
    if "text" in order:
        concept["text"] = order["text"]
    return concept


def read_code(code: str, path: str, systems: CodeSystems) -> dict[str, str]:
    """Return a FHIR Coding for a code as a person writes it in passing: `HCPCS M0076`, `CPT|20999`, or the code alone.

    Alone, what begins with a digit is CPT and anything else HCPCS; DocumentError where the system is not known.
    """
    named = code.replace("|", " ").strip()
    if " " not in named:
        named = f"{'CPT' if named[:1].isdigit() else 'HCPCS'} {named}"
    return _read_code(named, path, systems)


def _read_code(code: str, path: str, systems: CodeSystems) -> dict[str, str]:
    """Read `SYSTEM CODE`; the last word is the code, for SNOMED CT has a space in its name."""
    name, _, value = code.rpartition(" ")
    if name in systems.by_name:
        return {"system": systems.uri(name), "code": value}
    raise DocumentError(path, f"no code system {name!r} (known: {', '.join(systems.by_name)}){systems.nearest(name)}")
