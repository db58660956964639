"""Requests to a FHIR server and its replies, checked: what is not the FHIR that was asked for is no answer."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import orjson

from cds_hooks.errors import UnreadableBodyError
from cds_hooks.fhir.access import Record
from cds_hooks.fhir.outcomes import is_error
from cds_hooks.fhir.queries import Asked
from cds_hooks.outbound.places import Place
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.strict_json import read_json

FHIR_JSON: Final = "application/fhir+json"

#: No encoding: a compressed body cannot be limited before it is unpacked.
_HEADERS: Final = {"Accept": FHIR_JSON, "Accept-Encoding": "identity", "User-Agent": "crd-server"}

#: What clients send for a token: often with the scheme before it.
_TOKEN: Final = re.compile(r"\s*(?:Bearer\s+)?([!-~]+)\s*", re.IGNORECASE | re.ASCII)

#: Some servers write it before their JSON, although RFC 8259 (8.1) says not to.
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Call:
    """What one hook call may do: where, as whom, and until when (of time.monotonic())."""

    base: Place
    headers: Mapping[str, str] = field(repr=False)
    deadline: float

    @property
    def seconds_left(self) -> float:
        """The time until the deadline, below zero after it."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and its body; `document` is the parsed body of a batch's entry, which came parsed with the batch."""

    status: int
    body: bytes = field(repr=False)
    document: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def ends_the_call(self) -> bool:
        """Whether nothing more should be asked: the token is not good, or the server is down or busy."""
        return self.status in (401, 403, 429, 502, 503, 504)

    @property
    def blames_request(self) -> bool:
        """Whether the request was at fault as it was put, so that another may do; not its token, nor the load."""
        return self.status // 100 == 4 and not self.ends_the_call


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None


_BUNDLES: Final = msgspec.json.Decoder(_Bundle)


def request_headers(token: str | None, without_token: bool) -> Mapping[str, str]:
    """Return the headers of all requests, the token among them (CRD-57, HK-61).

    NO_BEARER where none came and one is needed, BAD_BEARER for what cannot be sent as one.
    """
    if not token:
        if without_token:
            return _HEADERS
        raise FetchError(Problem.NO_BEARER)
    found = _TOKEN.fullmatch(token)
    if found is None or found[1].lower() == "bearer":
        raise FetchError(Problem.BAD_BEARER)
    return {**_HEADERS, "Authorization": f"Bearer {found[1]}"}


def batch_body(asked: Sequence[Asked]) -> bytes:
    """Return the batch that asks for all at once."""
    entries = [{"request": {"method": "GET", "url": one.url}} for one in asked]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def problem_of(status: int) -> Problem:
    """Return what a status other than success means."""
    if 300 <= status < 400:
        return Problem.REDIRECTED
    if status in (401, 403):
        return Problem.REFUSED
    return Problem.NOT_THERE if status in (404, 410) else Problem.FAILED


def read_reply(status: int, body: bytes) -> Reply:
    """Return a reply as it came over the wire, without a byte order mark."""
    return Reply(status, body.removeprefix(_BYTE_ORDER_MARK))


def read_document(reply: Reply, max_nesting: int, asked: Asked | None = None) -> Mapping[str, Any]:
    """Return the JSON object of a good reply. Only for a read, 404 tells that there is no such record."""
    problem = problem_of(reply.status) if reply.status // 100 != 2 else None
    if problem is Problem.NOT_THERE and (asked is None or asked.id is None):
        problem = Problem.FAILED
    if problem:
        raise FetchError(problem)
    try:
        return reply.document or read_json(reply.body, max_nesting)
    except (UnreadableBodyError, ValueError):
        raise FetchError(Problem.NOT_FHIR) from None


def check_kind(document: Mapping[str, Any], kind: str) -> None:
    """Raise for another type of resource than was asked for."""
    found = document.get("resourceType")
    if found != kind:
        raise FetchError(Problem.FAILED if found == "OperationOutcome" else Problem.NOT_FHIR)


def read_batch(reply: Reply, number: int, max_nesting: int) -> list[Reply] | None:
    """Return the replies that a batch-response of so many entries stands for; None for anything else."""
    try:
        bundle = read_document(reply, max_nesting)
        check_kind(bundle, "Bundle")
        raws = _raw_resources(reply.body)
    except FetchError:
        return None
    is_answer = bundle.get("type") == "batch-response" and len(raws) == number
    return [_entry_reply(e, raw) for e, raw in zip(bundle["entry"], raws, strict=True)] if is_answer else None


def _entry_reply(entry: Mapping[str, Any], raw: bytes) -> Reply:
    """Return one entry of a batch-response as the reply it stands for; one that says no status is an error."""
    response, resource = entry.get("response"), entry.get("resource")
    status = str(response.get("status"))[:3] if isinstance(response, dict) else ""
    return Reply(int(status) if status.isdecimal() else 500, raw, resource if isinstance(resource, dict) else None)


def read_record(asked: Asked, document: Mapping[str, Any], raw: bytes) -> Record:
    """Return the record that was asked for; another one is no answer, whatever the server meant by it."""
    check_kind(document, asked.kind)
    if document.get("id") != asked.id:
        raise FetchError(Problem.NOT_FHIR)
    return Record(document, raw.strip())


def read_page(bundle: Mapping[str, Any], raw: bytes) -> tuple[Record, ...]:
    """Return the records of one page of a search; FAILED where it holds an error and nothing else (as HK-52 has it)."""
    check_kind(bundle, "Bundle")
    raws = _raw_resources(raw)
    found = [(entry.get("resource"), one) for entry, one in zip(bundle.get("entry") or (), raws, strict=True)]
    records = tuple(Record(resource, one) for resource, one in found if _is_record(resource))
    if not records and any(is_error(resource) for resource, _ in found):
        raise FetchError(Problem.FAILED)
    return records


def _raw_resources(bundle: bytes) -> list[bytes]:
    """Return the bytes of each entry's resource; NOT_FHIR where it is not a Bundle with entries."""
    try:
        entries = _BUNDLES.decode(bundle).entry or ()
    except msgspec.MsgspecError:
        raise FetchError(Problem.NOT_FHIR) from None
    return [bytes(entry.resource) for entry in entries]


def _is_record(resource: Any) -> bool:
    if resource is None:
        return False
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str):
        raise FetchError(Problem.NOT_FHIR)
    return kind != "OperationOutcome"


def next_link(bundle: Mapping[str, Any]) -> str | None:
    """Return the URL of the next page, if there is one; NOT_FHIR where the Bundle says it in no known way.

    Some servers write an empty link on the last page.
    """
    links = bundle.get("link") or ()
    if not isinstance(links, Sequence) or not all(isinstance(link, dict) for link in links):
        raise FetchError(Problem.NOT_FHIR)
    url = next((link.get("url") for link in links if link.get("relation") == "next"), None)
    if url is not None and not isinstance(url, str):
        raise FetchError(Problem.NOT_FHIR)
    return url.strip() or None if url else None
