"""The request bodies of the test kit, and what the kit checks in an answer."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(os.environ.get("CRD_SHARED", ROOT.parent / "shared")) / "inferno"

#: Why the bodies cannot be sent; empty where they can.
NO_KIT: Final = "" if FOLDER.is_dir() else f"the test kit's bodies are not there: {FOLDER}"

VERSIONS: Final = ("2.0", "2.1", "2.2")
PRIMARY: Final = ("order-sign", "order-dispatch", "appointment-book")
COVERAGE_INFORMATION: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

Json = dict[str, Any]


class Body(NamedTuple):
    """A request body by its file's name; `suite` is the version of the guide that its suite is for."""

    name: str
    suite: str
    request: Json

    @property
    def hook(self) -> str:
        """Return the hook that it calls."""
        return str(self.request["hook"])

    def as_sent(self, version: str, server: str | None, token: str | None) -> Json:
        """Return the body in a version, its records at a FHIR server; None offers none."""
        body = {k: v for k, v in self.request.items() if k not in ("fhirServer", "fhirAuthorization")}
        if server:
            granted = {"token_type": "Bearer", "expires_in": 300, "scope": "system/*.read", "subject": "crd"}
            body |= {"fhirServer": server, "fhirAuthorization": {"access_token": token or "token", **granted}}
        body["extension"] = {**(body.get("extension") or {}), "davinci-crd.requestedVersion": version}
        return body


def read_bodies() -> list[Body]:
    """Return all bodies that are hook calls."""
    suites = {"inf201": "2.0", "p221": "2.2"}
    bodies = []
    for path in sorted(FOLDER.glob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        if isinstance(document, dict) and "hook" in document:
            bodies.append(Body(path.stem, suites.get(path.stem.partition("-")[0], ""), document))
    return bodies


def read_records() -> list[Json]:
    """Return what the testers' FHIR servers hold."""
    files = (FOLDER / f"fhir-server-{version}.json" for version in ("2.0.1", "2.2.1"))
    return [record for file in files for record in json.loads(file.read_text("utf-8"))]


def orders_sent(body: Json) -> list[Json]:
    """Return the orders, or appointments, that a call brings itself."""
    context = body["context"]
    bundle = context.get("appointments" if body["hook"] == "appointment-book" else "draftOrders") or {}
    return [entry["resource"] for entry in bundle.get("entry", ())]


def faults(body: Json, answer: Json) -> Iterator[str]:
    """Yield what the kit would complain of in any 200."""
    yield from _card_faults(answer)
    sent = {_name(order): order for order in orders_sent(body)}
    actions = answer.get("systemActions", [])
    for action in actions:
        if action.get("type") != "update" or not action.get("description"):
            yield "an action is no update with a description"
        resource = action["resource"]
        order = sent.get(_name(resource))
        if order and _without_ours(order) != _without_ours(resource):
            yield f"the order {resource['resourceType']} has changed beyond the extension"
    if body["hook"] in PRIMARY and "systemActions" not in answer:
        yield "systemActions is missing on a primary hook"


def unannotated(body: Json, answer: Json) -> list[str]:
    """Return the orders of a primary hook that got no coverage information, by type.

    From 2.2 on an Appointment that is made for orders is annotated on those.
    """
    if body["hook"] not in PRIMARY:
        return []
    annotated = {_name(action["resource"]) for action in answer.get("systemActions", []) if _is_annotated(action)}
    wanted = [order for order in orders_sent(body) if not (order.get("basedOn") and annotated)]
    return [order["resourceType"] for order in wanted if _name(order) not in annotated]


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id')}"


def _card_faults(answer: Json) -> Iterator[str]:
    for card in answer["cards"]:
        topic = card["source"].get("topic", {})
        if not (topic.get("system") and topic.get("code")):
            yield "source.topic lacks system or code"
        if any(not link["url"].startswith(("https://", "http://")) for link in card.get("links", ())):
            yield "a link is not absolute"
        if len(card["summary"]) >= 140:
            yield "a summary is too long"


def _is_annotated(action: Json) -> bool:
    return any(extension["url"] == COVERAGE_INFORMATION for extension in action["resource"].get("extension", ()))


def _without_ours(order: Json) -> Json:
    others = [extension for extension in order.get("extension", ()) if extension.get("url") != COVERAGE_INFORMATION]
    return {**{k: v for k, v in order.items() if k != "extension"}, "extension": others}
