"""What is sent along: the queries that a service announces, filled in from the context and asked at the FHIR server.

CDS Hooks 2.0, Prefetch Template: https://cds-hooks.hl7.org/2.0/#prefetch-template. A template that the context does not
fill, and a query that fails, are left out: the service then reads for itself. Nothing found is `null`.
"""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import requests

_TOKEN: Final = re.compile(r"\{\{([^{}]*)\}\}")

#: `context.dispatchedOrders.resolve().ofType(ServiceRequest).id`, as CRD 2.2 has it.
_REFERRED: Final = re.compile(r"context\.([\w.]+)\.resolve\(\)\.ofType\((\w+)\)\.id")

#: Seconds that all queries together may hold up the clinician.
BUDGET: Final = 2.0


class Query(NamedTuple):
    """One template: what became of it, after how many milliseconds."""

    name: str
    query: str
    outcome: str
    milliseconds: float


def fill_template(template: str, context: Mapping[str, Any]) -> str | None:
    """Return the query that a template stands for; None where the context does not fill all its tokens."""
    values = {token: _value(token, context) for token in _TOKEN.findall(template)}
    return _TOKEN.sub(lambda found: values[found[1]], template) if all(values.values()) else None


def _value(token: str, context: Mapping[str, Any]) -> str:
    if token == "userPractitionerId":  # noqa: S105 - a token of a template, nobody's secret
        return str(context.get("userId", "")).removeprefix("Practitioner/")
    referred = _REFERRED.fullmatch(token)
    if referred:
        path, kind = referred.groups()
        found = [reference.partition("/") for reference in _references(context, path.split("."))]
        return ",".join(logical_id for found_kind, _, logical_id in found if found_kind == kind)
    value = context.get(token.removeprefix("context."))
    return value if isinstance(value, str) else ""


def _references(value: Any, path: list[str]) -> Iterator[str]:
    """Yield the references that a path leads to, through lists as FHIRPath goes."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, path)
    elif path and isinstance(value, dict):
        yield from _references(value.get(path[0]), path[1:])
    elif isinstance(value, dict):
        yield str(value.get("reference", ""))
    elif isinstance(value, str):
        yield value


def fetch_prefetch(
    templates: Mapping[str, str], context: Mapping[str, Any], base: str, token: str
) -> tuple[dict[str, Any], list[Query]]:
    """Return the prefetch of a call, and what was asked for it."""
    found: dict[str, Any] = {}
    asked: list[Query] = []
    deadline = time.monotonic() + BUDGET
    for name, template in templates.items():
        query = fill_template(template, context)
        if query is None:
            continue
        started = time.perf_counter()
        status, resource = _get(f"{base}/{query}", token, deadline - time.monotonic())
        if status in (200, 404):
            found[name] = resource if status == 200 else None
        outcome = str(status) if status else "no answer in time"
        asked.append(Query(name, query, outcome, (time.perf_counter() - started) * 1000))
    return found, asked


def _get(url: str, token: str, seconds: float) -> tuple[int, Any]:
    if seconds <= 0:
        return 0, None
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    try:
        answer = requests.get(url, headers=headers, timeout=seconds)
        return answer.status_code, answer.json()
    except requests.RequestException:
        return 0, None
