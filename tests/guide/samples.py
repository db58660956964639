"""The guide's own sample requests: as published in 2.1 and 2.2, and made of the package's example resources in 2.0.1."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent

Json = dict[str, Any]

#: The example orders of the 2.0.1 package, which has no sample of a hook call.
_ORDERS: Final = (
    *(f"{kind}-example" for kind in ("ServiceRequest", "DeviceRequest", "MedicationRequest", "NutritionOrder")),
    "VisionPrescription-visionprescription-example",
    "CommunicationRequest-example",
)


class Sample(NamedTuple):
    """A hook call of the guide, by a name of its own."""

    name: str
    request: Json

    @property
    def path(self) -> str:
        """Return the path of the service that it calls."""
        return f"/cds-services/{self.request['hook']}-crd"


def read_samples() -> list[Sample]:
    """Return the sample calls of all versions."""
    return [*_published("2.1", "2.1.0"), *_published("2.2", "2.2.1"), *_of_package()]


def _published(version: str, folder: str) -> Iterator[Sample]:
    for path in sorted((HERE / folder / "resources").glob("CRDServiceRequest*.json")):
        request = json.loads(path.read_text("utf-8"))
        extension = {**request.get("extension", {}), "davinci-crd.requestedVersion": version}
        yield Sample(f"{version}-{path.stem}", {**request, "extension": extension})


def _of_package() -> Iterator[Sample]:
    coverage = [_example("Coverage-example"), _example("Organization-example")]
    orders = [_example(name) for name in _ORDERS]
    yield Sample("2.0-order-sign", _call("order-sign", {"draftOrders": _bundle(orders)}, coverage))
    alone = (order for order in orders if order["resourceType"] in ("ServiceRequest", "DeviceRequest"))
    for order in alone:
        name = f"2.0-order-sign-{order['resourceType']}"
        yield Sample(name, _call("order-sign", {"draftOrders": _bundle([order])}, coverage))
    appointments = _bundle([_example("Appointment-example")])
    yield Sample("2.0-appointment-book", _call("appointment-book", {"appointments": appointments}, coverage))


def _call(hook: str, context: Json, coverage: list[Json]) -> Json:
    return {
        "hook": hook,
        "hookInstance": "6e7a5a0e-3ad7-4c3f-9a5f-0e5d5c9f2b10",
        "context": {"userId": "Practitioner/example", "patientId": "example", **context},
        "prefetch": {"coverage": _bundle(coverage)},
    }


def _bundle(resources: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def _example(name: str) -> Json:
    example: Json = json.loads((HERE / "2.0.1" / "example" / f"{name}.json").read_text("utf-8"))
    return example
