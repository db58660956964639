"""What a client sends along: the queries that a service announces, filled in from a call's context and asked."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import requests

_TOKEN: Final = re.compile(r"\{\{([^{}]*)\}\}")

#: `context.dispatchedOrders.resolve().ofType(ServiceRequest).id`, as CRD 2.2 has it (found-29).
_REFERRED: Final = re.compile(r"context\.([\w.]+)\.resolve\(\)\.ofType\((\w+)\)\.id")

#: The tokens that stand for the user, by the type of resource the user is (https://cds-hooks.hl7.org/2.0/#prefetch-tokens).
_USERS: Final = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}


def fill_template(template: str, context: Mapping[str, Any]) -> str | None:
    """Return the FHIR query that a template stands for; None where the context does not fill all its tokens."""
    values = {token: _value(token, context) for token in _TOKEN.findall(template)}
    if not all(values.values()):
        return None
    return _TOKEN.sub(lambda found: quote(values[found[1]], safe="/,"), template)


def _value(token: str, context: Mapping[str, Any]) -> str:
    if token in _USERS:
        kind, _, logical_id = str(context.get("userId", "")).partition("/")
        return logical_id if kind == _USERS[token] else ""
    referred = _REFERRED.fullmatch(token)
    if referred:
        path, kind = referred.groups()
        ids = (reference.split("/") for reference in _references(context, path.split(".")))
        return ",".join(parts[-1] for parts in ids if parts[-2:-1] == [kind])
    value = context.get(token.removeprefix("context."))
    return value if isinstance(value, str) else ""


def _references(value: Any, path: list[str]) -> Iterator[str]:
    """Yield the references that a path leads to, through lists as FHIRPath goes."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item, path)
    elif path and isinstance(value, Mapping):
        yield from _references(value.get(path[0]), path[1:])
    elif isinstance(value, Mapping) and isinstance(value.get("reference"), str):
        yield value["reference"]
    elif isinstance(value, str) and not path:
        yield value


class FhirSource(NamedTuple):
    """The FHIR server that a client has its records on."""

    base: str
    token: str | None
    timeout: float

    def read(self, query: str) -> tuple[Any, str | None]:
        """Return what a query found (None where there is no such record), and what went wrong, if it did."""
        headers = {"Accept": "application/fhir+json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            answer = requests.get(f"{self.base}/{query}", headers=headers, timeout=self.timeout, allow_redirects=False)
            if answer.status_code in (404, 410):
                return None, None
            return (answer.json(), None) if answer.status_code == 200 else (None, f"status {answer.status_code}")
        except requests.Timeout:
            return None, f"no answer within {self.timeout:g} s"
        except requests.JSONDecodeError:
            return None, "not JSON"
        except requests.RequestException:
            return None, "not reached"
