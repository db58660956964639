"""One function answers a batch: an Arrow record batch of orders in, one of answers out. Both engines run it."""

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from cards import literal_reference, record_key
from cds_hooks.impact.batches import ABOUT_COLUMNS, ANSWERED, ORDER, VERDICT
from cds_hooks.impact.held_records import CoverageReader, HeldRecords
from cds_hooks.impact.judging import AskedOrder, Judge
from cds_hooks.impact.order_shapes import OrderReader

#: Turns an id into what a report may hold.
NameId = Callable[[str], str]


def hash_ids(key: bytes) -> NameId:
    """Return what makes hashes of ids: without the key nobody can find out whose they are."""

    def hash_id(text: str) -> str:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).hexdigest()

    return hash_id


def keep_ids(text: str) -> str:
    """Return an id as it is, for reports that are asked to hold them."""
    return text


class Answerer(NamedTuple):
    """What answers: the rules that are asked, those of the baseline where there is one, and what a report may hold."""

    judge: Judge
    baseline: Judge | None
    orders: OrderReader
    coverages: CoverageReader
    name_id: NameId
    today: date


def make_answerer(judge: Judge, baseline: Judge | None, name_id: NameId, today: date) -> Answerer:
    """Return what answers batches; `today` is the day of orders that say none."""
    code_systems = judge.rules.vocabulary.code_systems
    return Answerer(judge, baseline, OrderReader(code_systems), CoverageReader(code_systems), name_id, today)


def answer_batch(asked: pa.RecordBatch, answerer: Answerer) -> pa.RecordBatch:
    """Answer a batch of the schema `ASKED` with one of the schema `ANSWERED`, a row for a row."""
    columns = [column.to_pylist() for column in asked.columns]
    rows = [_answer(answerer, *row) for row in zip(*columns, strict=True)]
    turned = zip(*rows, strict=True) if rows else [()] * len(ANSWERED)
    arrays = [pa.array(values, field.type) for values, field in zip(turned, ANSWERED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=ANSWERED)


_NO_ANSWER = (None,) * len(VERDICT)


def _answer(
    answerer: Answerer,
    part: int,
    line: int,
    kind: str,
    fault: str | None,
    folder: str,
    content: bytes | None,
    records: list[bytes] | None,
) -> tuple[Any, ...]:
    if kind != ORDER or content is None:
        return (part, line, kind, fault, *(None,) * (ABOUT_COLUMNS - 4), *_NO_ANSWER, *_NO_ANSWER)
    resource = orjson.loads(content)
    asked = _read(resource, records or [], answerer)
    verdict = answerer.judge.judge(asked)
    was = answerer.baseline.judge(asked) if answerer.baseline else _NO_ANSWER
    about = _describe(resource, asked, folder, answerer.name_id)
    return (part, line, kind, None, *about, *verdict, *was)


def _read(resource: dict[str, Any], records: list[bytes], answerer: Answerer) -> AskedOrder:
    held = HeldRecords(records)
    read = answerer.orders.read(resource, held.resolve)
    subject = literal_reference(resource.get("subject"))
    insurance = answerer.coverages.read(held, record_key(subject) if subject else None, read.insurance)
    day = _day_of(resource) or (read.service_days.first if read.service_days else answerer.today)
    return AskedOrder(resource, read, insurance, held.resolve, day)


def _describe(resource: dict[str, Any], asked: AskedOrder, folder: str, name_id: NameId) -> tuple[Any, ...]:
    """Return what an order is counted by: ids, type, client, site, day and month."""
    kind, identity, day = resource["resourceType"], resource.get("id"), asked.day
    subject, clinician = literal_reference(resource.get("subject")), literal_reference(resource.get("requester"))
    return (
        name_id(f"{kind}/{identity}") if isinstance(identity, str) else None,
        name_id(record_key(subject)) if subject else None,
        name_id(record_key(clinician)) if clinician else None,
        kind,
        _client_of(resource) or folder,
        _site_of(resource),
        day,
        day.isoformat()[:7],
    )


def _day_of(resource: dict[str, Any]) -> date | None:
    """Return the day an order was placed, which stands for the day of the call."""
    placed = resource.get("authoredOn")
    try:
        return date.fromisoformat(placed[:10]) if isinstance(placed, str) else None
    except ValueError:
        return None


def _client_of(resource: dict[str, Any]) -> str | None:
    """Return the system that a resource comes from, where it says so (Meta.source)."""
    meta = resource.get("meta")
    source = meta.get("source") if isinstance(meta, dict) else None
    return source.partition("#")[0] if isinstance(source, str) else None


def _site_of(resource: dict[str, Any]) -> str | None:
    """Return where the service is to be: the Location that the order names, else its place of service."""
    named = resource.get("locationReference")
    reference = literal_reference(named[0]) if isinstance(named, list) and named else None
    if reference:
        return record_key(reference)
    places = resource.get("locationCode")
    codings = places[0].get("coding") if isinstance(places, list) and places and isinstance(places[0], dict) else None
    first = codings[0] if isinstance(codings, list) and codings else None
    code = first.get("code") if isinstance(first, dict) else None
    return f"place of service {code}" if isinstance(code, str) else None
