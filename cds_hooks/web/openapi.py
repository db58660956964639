"""The OpenAPI document that the service publishes: every route, from the services, the schemas and the errors.

It says what is true of all versions of CRD. Nothing in it is told twice: what discovery offers, what a request must
have and which error has which status are read where the service itself reads them.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import orjson

from cds_hooks.auth.caller import read_modes
from cds_hooks.errors import HTTP_STATUS
from cds_hooks.hooks.services import SERVICES, Service
from cds_hooks.settings import Settings

Json = dict[str, Any]


class Route(NamedTuple):
    """One URL with one method; `takes` and `gives` name schemas, `door` says who is let in.

    `never` are the statuses that errors elsewhere have, and this URL has not. A route without `gives` that is not
    `missing` answers with nothing in its body, unless `may_give` names what is told there of what was not taken.
    """

    method: Literal["get", "post"]
    path: str
    summary: str
    door: Literal["anybody", "discovery", "service"]
    gives: str | None = None
    takes: str | None = None
    never: frozenset[int] = frozenset()
    is_missing: bool = False
    may_give: str | None = None


#: No URL of the document is unknown or called with a wrong method, and discovery and probes read no body.
_NOT_OF_CALLS: Final = frozenset({404, 405})
_NOT_OF_READS: Final = frozenset({400, 403, 404, 405, 412, 413, 415, 422})


def _read(path: str, summary: str, gives: str, door: Literal["anybody", "discovery"]) -> Route:
    return Route("get", path, summary, door, gives, never=_NOT_OF_READS)


def _hook(service: Service) -> Route:
    path = f"/cds-services/{service.id}"
    return Route("post", path, service.title, "service", "hook-response", service.hook, _NOT_OF_CALLS)


def _feedback(service: Service) -> Route:
    path, summary = f"/cds-services/{service.id}/feedback", f"What became of the cards of {service.id}"
    return Route(
        "post",
        path,
        summary,
        "service",
        takes="feedback",
        never=_NOT_OF_CALLS | {412, 422},
        may_give="operation-outcome",
    )


def _missing(path: str, summary: str) -> Route:
    return Route("post", path, summary, "discovery", never=_NOT_OF_READS, is_missing=True)


ROUTES: Final = (
    _read("/cds-services", "The services there are (Discovery)", "discovery", "discovery"),
    *(_hook(service) for service in SERVICES),
    *(_feedback(service) for service in SERVICES),
    _missing("/cds-services/{service_id}", "Any other service"),
    _missing("/cds-services/{service_id}/feedback", "What became of the cards of any other service"),
    Route(
        "get",
        "/fhir/Questionnaire/{questionnaire_id}",
        "A form that a policy asks for (DTR)",
        "discovery",
        "questionnaire",
        never=_NOT_OF_READS - {404},
    ),
    _read("/health", "Whether the process answers", "health", "anybody"),
    _read("/ready", "Whether calls can be sent here", "ready", "anybody"),
    _read("/openapi.json", "This document", "openapi", "discovery"),
)

_ABOUT: Final = " ".join(
    (
        "Coverage Requirements Discovery (CRD 2.0, 2.1 and 2.2) over CDS Hooks 2.0. Requests are read tolerantly: the",
        "schemas say what a call must have, everything else is ignored. Every error but 401 is an OperationOutcome",
        "that says what is wrong and where. OPTIONS is answered on every URL, for browsers.",
    )
)


def build_document(settings: Settings) -> bytes:
    """Return the document of all routes, as JSON, for a deployment with these settings."""
    doors = _doors(settings)
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route, doors)
    document: Json = {
        "openapi": "3.1.0",
        "info": {"title": "CRD server", "description": _ABOUT, "version": "2.0"},
        "servers": [{"url": settings.public_base_url or "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(), "headers": _HEADERS},
    }
    if any(doors.values()):
        document["components"]["securitySchemes"] = {"bearer": _BEARER}
    return orjson.dumps(document)


_BEARER: Final[Json] = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The client's own JWT (CDS Hooks 2.0, Trusting CDS Clients), or a gateway's access token.",
}
_HEADERS: Final[Json] = {
    "X-Request-ID": {
        "description": "The id of this call in the logs: the client's, where it is hexadecimal.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }
}


def _doors(settings: Settings) -> Mapping[str, list[Json]]:
    """Return what each door asks for; an empty list asks for nothing."""
    modes = read_modes(settings.auth)
    asked: list[Json] = [] if modes == ("none",) else [{"bearer": []}, *([{}] if "none" in modes else [])]
    return {"anybody": [], "discovery": asked if settings.discovery == "closed" else [], "service": asked}


def _operation(route: Route, doors: Mapping[str, list[Json]]) -> Json:
    never = route.never - ({404} if route.is_missing else set())
    if not doors[route.door]:
        never |= {401, 403}
    statuses = sorted(set(HTTP_STATUS.values()) - never)
    answers = {} if route.is_missing else {"200": _answer(200, route.gives)}
    if route.may_give:
        answers["200"]["x-may-have"] = {"$ref": f"#/components/schemas/{route.may_give}"}
    errors = {str(status): _answer(status, None if status == 401 else "operation-outcome") for status in statuses}
    if route.gives == "ready":
        errors["503"] = _answer(503, "ready")  # no call failed: it says what does
    operation: Json = {"summary": route.summary, "security": doors[route.door], "responses": {**answers, **errors}}
    if route.takes:
        operation["requestBody"] = {"required": True, "content": _content(route.takes)}
    if "{" in route.path:
        name = route.path.partition("{")[2].partition("}")[0]
        operation["parameters"] = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}}]
    return operation


def _answer(status: int, schema: str | None) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    content = {"content": _content(schema)} if schema else {}
    return {"description": HTTPStatus(status).phrase, "headers": headers, **content}


def _content(schema: str) -> Json:
    kind = "application/fhir+json" if schema == "questionnaire" else "application/json"
    return {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _schemas() -> Json:
    """Return the definitions of all schema files, their references turned to where they stand in the document."""
    found: Json = {}
    for name in ("hook-request", "hook-response", "service-response", "feedback"):
        text = (Path(__file__).parents[1] / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
        found |= json.loads(text.replace("#/$defs/", "#/components/schemas/"))["$defs"]
    return found
