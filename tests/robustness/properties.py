"""What must be true of every answer, whatever was asked: the properties of the tests and of `make soak`."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs

from tests.robustness.wire import Request, Response

#: What is put into names, ids, birth dates, tokens and free text; it must be in no error and in no log.
MARKS: Final = ("zqx7", "1913-07-09", "1913070")

#: The longest that any call may take, in seconds: the FHIR time budget, and waiting on a busy machine.
LONGEST: Final = 12.0

#: What the HTTP server says, before there is a call, of bytes that are no HTTP or go beyond its limits.
_BEFORE_HTTP: Final = frozenset({400, 414, 431})


class Properties:
    """The properties of a service with this OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths = document["paths"]
        self._components = document["components"]
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def faults(self, request: Request, response: Response) -> list[str]:
        """Return what is wrong with an answer; an empty list where nothing is."""
        return list(self._faults(request, response))

    def _faults(self, request: Request, response: Response) -> Iterator[str]:
        if response.seconds > LONGEST or (response.body == b"timeout" and response.status == 0):
            yield f"hang: {response.seconds:.1f} s"
        if response.status >= 500:
            yield f"5xx: {response.status}"
        if not request.is_http:
            if response.status not in (0, *_BEFORE_HTTP) and response.status < 500 and not is_answer(response):
                yield f"answer to what is no HTTP: {response.status}"
            yield from _leaks(response)
            return
        if response.status == 0:
            yield f"no answer: {response.body.decode()}"
            return
        yield from _leaks(response)
        yield from self._unlike_document(request, response)
        yield from _missing_headers(response)

    def _unlike_document(self, request: Request, response: Response) -> Iterator[str]:
        if request.method == "OPTIONS":
            if response.status != 204:
                yield f"status {response.status} of a preflight"
            return
        operation = self._operation(request)
        if operation is None:
            if response.status not in (404, 405):
                yield f"status {response.status} where there is nothing"
            yield from self._unlike_schema(request, response, "operation-outcome")
            return
        documented = operation["responses"].get(str(response.status))
        if documented is None:
            yield f"status {response.status} is not in the document"
            return
        may_have = documented.get("x-may-have", {}) if response.body else {}
        schema = documented.get("content", {}).get("application/json", {}).get("schema", may_have).get("$ref", "")
        yield from self._unlike_schema(request, response, schema.rpartition("/")[2])

    def _operation(self, request: Request) -> Mapping[str, Any] | None:
        path = re.sub("/{2,}", "/", unquote(request.target.partition("?")[0], "latin-1")).rstrip("/") or "/"
        method = {"HEAD": "get"}.get(request.method, request.method.lower())
        known = next((one for one in (path, f"{path.rpartition('/')[0]}/{{service_id}}") if one in self._paths), None)
        return self._paths[known].get(method) if known else None

    def _unlike_schema(self, request: Request, response: Response, name: str) -> Iterator[str]:
        if request.method == "HEAD" or not name:
            if response.body:
                yield "a body where there is none"
            return
        try:
            body = json.loads(response.body)
        except ValueError:
            yield f"the body of {response.status} is not JSON"
            return
        fault = next(self._validator(name).iter_errors(body), None)
        if fault is not None:
            yield f"the body of {response.status} is not as the document has it: {fault.instance_path} {fault.schema_path}"

    def _validator(self, name: str) -> jsonschema_rs.Validator:
        if name not in self._validators:
            schema = {"$ref": f"#/components/schemas/{name}", "components": self._components}
            self._validators[name] = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        return self._validators[name]


def is_answer(response: Response) -> bool:
    """Whether the service itself answered, not the HTTP server before it."""
    return "x-request-id" in response.headers


def _leaks(response: Response) -> Iterator[str]:
    told = response.body if response.status >= 400 or response.status == 0 else b""
    text = (told.decode("utf-8", "replace") + json.dumps(dict(response.headers))).lower()
    yield from (f"leak: {mark} in the answer" for mark in MARKS if mark in text)


def _missing_headers(response: Response) -> Iterator[str]:
    says_nothing = response.status in (204, 401) or (response.status == 200 and not response.body)
    if response.headers.get("content-type") != "application/json" and not says_nothing:
        yield f"Content-Type of {response.status}: {response.headers.get('content-type')}"
    for name in ("x-request-id", "access-control-allow-origin", "x-content-type-options", "cache-control"):
        if not response.headers.get(name):
            yield f"no {name}"


def leaks_of_log(log: str) -> list[str]:
    """Return the lines of a log that hold what they must not: marks, traces of errors, what is no JSON."""
    return [line[:500] for line in log.splitlines() if _is_bad(line)]


def _is_bad(line: str) -> bool:
    if any(mark in line.lower() for mark in MARKS) or "internal-error" in line:
        return True
    try:
        return not isinstance(json.loads(line), dict)
    except ValueError:
        return bool(line.strip())
