"""The FHIR R4 endpoint of this EHR: what is on record, for whoever brings a token that is good for it.

A token is made for one hook call, opens one patient's records, and is taken back when the answer is there.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from flask import Blueprint, Response, jsonify, request

from examples.demo_ehr.patients import Resource

#: Seconds that a token lives at most (CRD: 30 or less).
LIFETIME: Final = 30

#: Seconds before each answer of a server that is slow.
SLOWNESS: Final = 4.0

#: Records that belong to no patient.
_SHARED: Final = frozenset({"Organization", "Practitioner"})


class Read(NamedTuple):
    """One request that was made to this server, with its status and its milliseconds."""

    token: str
    query: str
    status: int
    milliseconds: float


class Found(NamedTuple):
    """A status and the resource that goes with it."""

    status: int
    resource: Resource


class FhirServer:
    """All records by `Type/id`, the tokens that open them, and what was read. `state` is normal, slow or closed."""

    def __init__(self, records: list[Resource]) -> None:
        self._records = {reference_of(record): record for record in records}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._reads: list[Read] = []
        self.state = "normal"

    def open(self, patient: str) -> str:
        """Return a new token for the records of one patient."""
        token = secrets.token_urlsafe(24)
        self._tokens[token] = (patient, time.monotonic() + LIFETIME)
        return token

    def close(self, token: str) -> list[Read]:
        """Take a token back, and return what was read with it."""
        with self._lock:
            self._tokens.pop(token, None)
            read = [one for one in self._reads if one.token == token]
            self._reads = [one for one in self._reads if one.token != token]
        return read

    def save(self, record: Resource) -> None:
        """Put a record on file, in place of an earlier one."""
        self._records[reference_of(record)] = record

    def remove(self, reference: str) -> None:
        """Take a record off the file."""
        self._records.pop(reference, None)

    def get(self, reference: str) -> Resource | None:
        """Return a record, None where there is none."""
        return self._records.get(reference)

    def answer(self, authorization: str, query: str) -> Found:
        """Answer a read (`Coverage/1`) or a search (`Coverage?patient=1`), and note that it was asked."""
        started = time.perf_counter()
        token = authorization.removeprefix("Bearer ")
        found = self._answer(token, query)
        taken = (time.perf_counter() - started) * 1000
        with self._lock:
            self._reads.append(Read(token, query, found.status, taken))
        return found

    def _answer(self, token: str, query: str) -> Found:
        if self.state == "slow":
            time.sleep(SLOWNESS)
        patient, until = self._tokens.get(token, ("", 0.0))
        if self.state == "closed" or time.monotonic() > until:
            return _outcome(401, "login", "This needs an access token that is good.")
        path, is_search, parameters = query.partition("?")
        if is_search:
            return self._search(path, dict(parse_qsl(parameters)), patient)
        record = self._records.get(path)
        if record is None:
            return _outcome(404, "not-found", "There is no such record.")
        if not _concerns(record, patient):
            return _outcome(403, "forbidden", "The token is not for this patient.")
        return Found(200, record)

    def _search(self, kind: str, parameters: dict[str, str], patient: str) -> Found:
        unknown = parameters.keys() - _MATCHERS.keys()
        if unknown:
            return _outcome(400, "not-supported", f"This server does not search by {', '.join(sorted(unknown))}.")
        found = [
            record
            for record in self._records.values()
            if record["resourceType"] == kind
            and _concerns(record, patient)
            and all(_MATCHERS[name](record, value) for name, value in parameters.items())
        ]
        entries = [{"resource": record, "search": {"mode": "match"}} for record in found]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        return Found(200, bundle | ({"entry": entries} if entries else {}))


def reference_of(record: Resource) -> str:
    """Return the relative reference of a record."""
    return f"{record['resourceType']}/{record['id']}"


def patient_of(record: Resource) -> str:
    """Return the id of the patient that a record is about; empty where it says none."""
    actors = [one.get("actor", {}) for one in record.get("participant", ())]
    named = [record.get(name, {}) for name in ("subject", "beneficiary", "patient", "for")]
    references = [one.get("reference", "") for one in (*named, *actors)]
    own = record["id"] if record["resourceType"] == "Patient" else ""
    return own or next((one.partition("/")[2] for one in references if one.startswith("Patient/")), "")


def _concerns(record: Resource, patient: str) -> bool:
    return record["resourceType"] in _SHARED or patient_of(record) == patient


#: The search parameters of this server.
_MATCHERS: Final[Mapping[str, Callable[[Resource, str], bool]]] = {
    "_id": lambda record, value: record["id"] in value.split(","),
    "patient": lambda record, value: patient_of(record) == value.removeprefix("Patient/"),
    "status": lambda record, value: record.get("status") in value.split(","),
}


def _outcome(status: int, code: str, text: str) -> Found:
    issue = [{"severity": "error", "code": code, "diagnostics": text}]
    return Found(status, {"resourceType": "OperationOutcome", "issue": issue})


def create_blueprint(server: FhirServer) -> Blueprint:
    """Return the routes of the endpoint: read, search, a batch of both, and what it can do."""
    fhir = Blueprint("fhir", __name__, url_prefix="/fhir")

    def asked(query: str) -> Found:
        return server.answer(request.headers.get("Authorization", ""), query)

    @fhir.get("/metadata")
    def metadata() -> Response:
        interactions = [{"code": "read"}, {"code": "search-type"}]
        kinds = [{"type": kind, "interaction": interactions} for kind in ("Coverage", "Patient", "ServiceRequest")]
        rest = [{"mode": "server", "resource": kinds, "interaction": [{"code": "batch"}]}]
        return _send(Found(200, {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": rest}))

    @fhir.get("/<kind>")
    def search(kind: str) -> Response:
        return _send(asked(f"{kind}?{request.query_string.decode()}"))

    @fhir.get("/<kind>/<logical_id>")
    def read(kind: str, logical_id: str) -> Response:
        return _send(asked(f"{kind}/{logical_id}"))

    @fhir.post("/")
    @fhir.post("", strict_slashes=False)
    def batch() -> Response:
        return _send(Found(200, _answer_batch(request.get_json(force=True), asked)))

    return fhir


def _answer_batch(bundle: Any, asked: Any) -> Resource:
    found = [asked(entry["request"]["url"]) for entry in bundle.get("entry", ())]
    entries = [{"resource": one.resource, "response": {"status": str(one.status)}} for one in found]
    return {"resourceType": "Bundle", "type": "batch-response", "entry": entries}


def _send(found: Found) -> Response:
    response = jsonify(found.resource)
    response.status_code = found.status
    response.content_type = "application/fhir+json"
    return response
