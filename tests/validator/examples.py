"""The resources that example responses carry, each with the order as it came in the request."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
CANONICAL = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition"
COVERAGE_INFORMATION = f"{CANONICAL}/ext-coverage-information"


class Written(NamedTuple):
    """A resource of an action of a response; `received` is the same of the request, None where there is none.

    It is only offered where a suggestion has it.
    """

    case: str
    version: str
    resource: Mapping[str, Any]
    received: Mapping[str, Any] | None
    is_offered: bool = False

    @property
    def name(self) -> str:
        return f"{self.case}/{self.resource['resourceType']}/{self.resource.get('id')}"

    @property
    def profile(self) -> str:
        """The guide's profile of this resource; 2.1 and 2.2 have two for an Appointment."""
        name = str(self.resource["resourceType"]).lower()
        if name == "appointment" and self.version != "2.0":
            name += "-with-order" if "basedOn" in self.resource else "-no-order"
        return f"{CANONICAL}/profile-{name}"


def read_written() -> list[Written]:
    """Return what the responses of all examples write onto orders, or propose."""
    folders = sorted(path.parent for path in (ROOT / "fhir_examples").glob("*/*/response.json"))
    return [written for folder in folders for written in _of_example(folder)]


def _of_example(folder: Path) -> Iterator[Written]:
    request = json.loads((folder / "request.json").read_text())
    response = json.loads((folder / "response.json").read_text())
    version = request.get("extension", {}).get("davinci-crd.requestedVersion", "2.0")
    received = {_key(resource): resource for resource in _resources(request)}
    case = f"{folder.parent.name}/{folder.name}"
    for action, is_offered in _actions(response):
        if isinstance(action.get("resource"), dict):
            resource = action["resource"]
            yield Written(case, version, resource, received.get(_key(resource)), is_offered)


def _actions(response: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Yield the actions of a response, and whether each is only offered."""
    yield from ((action, False) for action in response.get("systemActions", ()))
    for card in response["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield from ((action, True) for action in suggestion.get("actions", ()))


def _resources(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict) and "resourceType" in value:
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _resources(item)


def _key(resource: Mapping[str, Any]) -> tuple[Any, Any]:
    return resource["resourceType"], resource.get("id")
