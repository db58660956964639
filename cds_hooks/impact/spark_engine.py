"""Answering on Apache Spark: the same function over batches, as many machines as the cluster has.

Each task reads a range of a file, so the machines must reach the files, and have this package. Spark joins orders with
the records of their patients, runs tasks anew whose machine is lost, and brings the answers back as Parquet.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as fn

from cds_hooks.impact.answers import Answerer, answer_batch
from cds_hooks.impact.batches import ANSWERED, ASKED
from cds_hooks.impact.local_engine import ANSWERING, READING, Advance
from cds_hooks.impact.reading import RecordRow, read_links, read_records, read_rows
from cds_hooks.impact.sources import FileRange
from cds_hooks.impact.work import Work

#: As `--engine`: the master is that of `spark-submit`, or of the platform that runs the job.
SUBMITTED: Final = "submitted"

_BATCH: Final = 4096

#: Rows of answers in a Parquet file that comes back: some MB of memory in a task.
_ROWS_OF_FILE: Final = 200_000

#: Bytes of orders in a part of a join.
_BYTES_OF_PART: Final = 64 << 20

_OPTIONS: Final = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(_BATCH),
    "spark.driver.maxResultSize": "0",  # answers are some 20 bytes each
    "spark.sql.adaptive.coalescePartitions.enabled": "false",  # see _size_shuffles
    "spark.ui.showConsoleProgress": "false",
}

_RECORDS: Final = pa.schema(
    [
        ("patient", pa.string()),
        ("key", pa.string()),
        ("place", pa.int64()),
        ("named", pa.list_(pa.string())),
        ("content", pa.binary()),
    ]
)
_RECORDS_DDL: Final = "patient string, key string, place long, named array<string>, content binary"
_LINKS: Final = pa.schema([("patient", pa.string()), ("key", pa.string())])
_LINKS_DDL: Final = "patient string, key string"
_ORDERS: Final = pa.schema([*(field for field in ASKED if field.name != "records"), ("patient", pa.string())])
_ORDERS_DDL: Final = "range int, line long, kind string, fault string, folder string, order binary, patient string"
_FILES: Final = pa.schema([("content", pa.binary())])

Batches = Iterator[pa.RecordBatch]


def answer_on_spark(work: Work, folder: Path, master: str, advance: Advance) -> None:
    """Answer all orders on a cluster, into Parquet files in `folder` of this machine."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("crd impact")
    if master != SUBMITTED:
        builder = builder.master(master)
    for name, value in _OPTIONS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        for number, row in enumerate(_answer(session, work).collect()):
            (folder / f"answers-{number:06}.parquet").write_bytes(row.content)
    finally:
        session.stop()
    advance(READING, sum(part.size for part in (*work.orders, *work.records)))
    advance(ANSWERING, sum(part.size for part in work.orders))


def _answer(session: SparkSession, work: Work) -> DataFrame:
    """Return the answers, as the bytes of Parquet files."""
    _size_shuffles(session, work)
    found = _read(session, partial(_read_records, (*work.orders, *work.records), work.apart), _RECORDS_DDL).persist()
    # Most of what orders name, such as places, is in no file: links to it would be as many as orders.
    types = frozenset(row[0] for row in found.select(_type_of_key()).distinct().collect())
    links = _read(session, partial(_read_links, work.orders, work.apart, types), _LINKS_DDL)
    orders = _read(session, partial(_read_orders, work.orders, work.apart), _ORDERS_DDL)
    records = _records_by_patient(found, links).hint("shuffle_hash")  # orders are many: they need not be sorted
    asked = orders.join(records, "patient", "left").select(*ASKED.names)
    return asked.mapInArrow(partial(_answer_orders, work), "content binary")


def _size_shuffles(session: SparkSession, work: Work) -> None:
    """Have as many parts of joins as keep all cores busy, and none that is too large for a task."""
    size = sum(part.size for part in (*work.orders, *work.records))
    parts = max(2 * session.sparkContext.defaultParallelism, size // _BYTES_OF_PART)
    session.conf.set("spark.sql.shuffle.partitions", str(parts))


def _read(session: SparkSession, read: "partial[Batches]", ddl: str) -> DataFrame:
    """Return what a function reads of ranges, its first argument, each in a task of its own."""
    count = len(read.args[0])
    return session.range(0, count, 1, count).mapInArrow(read, ddl)


def _records_by_patient(records: DataFrame, links: DataFrame) -> DataFrame:
    """Return for each patient all that answers may rest on, as `RecordStore.find` finds it for one order."""
    own = records.withColumn("patient", fn.coalesce("patient", "key"))
    held = own.unionByName(links.distinct().join(records.drop("patient"), "key"))
    payers = held.select("patient", fn.explode("named").alias("key")).distinct()
    every = held.unionByName(payers.join(records.drop("patient"), "key"))
    # Of a record that came more than once the last counts, as files and lines go.
    listed = fn.array_sort(fn.collect_set(fn.struct("place", "content")))
    return every.groupBy("patient").agg(fn.transform(listed, lambda one: one.content).alias("records"))


def _type_of_key() -> Column:
    """Return the type in a key, as `Keys` makes them."""
    return fn.substring_index(fn.substring_index("key", "/", 1), "|", -1)


# What follows runs on the machines of the cluster.


def _read_records(parts: Sequence[FileRange], apart: bool, numbers: Batches) -> Batches:
    """Yield the records of ranges, whose numbers come in batches, by the schema `_RECORDS`."""
    for part in _parts_of(numbers, parts):
        rows = enumerate(read_records(part, apart=apart))
        yield from _in_batches((_record_row(part, place, row) for place, row in rows), _RECORDS)


def _record_row(part: FileRange, place: int, row: RecordRow) -> tuple[Any, ...]:
    return (row.patient, row.key, (part.number << 40) + place, list(row.named), row.content)


def _read_links(parts: Sequence[FileRange], apart: bool, types: frozenset[str], numbers: Batches) -> Batches:
    """Yield which records of some types the orders of ranges name, by the schema `_LINKS`."""
    for part in _parts_of(numbers, parts):
        yield from _in_batches(read_links(part, types, apart=apart), _LINKS)


def _read_orders(parts: Sequence[FileRange], apart: bool, numbers: Batches) -> Batches:
    """Yield the orders of ranges, whose numbers come in batches, by the schema `_ORDERS`."""
    for part in _parts_of(numbers, parts):
        rows = (
            (part.number, row.line, row.kind, row.fault, part.folder, row.order, row.patient)
            for row in read_rows(part, apart=apart)
        )
        yield from _in_batches(rows, _ORDERS)


def _answer_orders(work: Work, asked: Batches) -> Batches:
    """Answer batches of orders with their records; yield the answers as Parquet files, the bytes of one in each row."""
    answerer = _answerer(work)
    answered = (answer_batch(batch, answerer) for batch in asked)
    while file := _write_file(answered):
        yield pa.RecordBatch.from_arrays([pa.array([file], pa.binary())], schema=_FILES)


@lru_cache(maxsize=1)
def _answerer(work: Work) -> Answerer:
    """Return what answers, made once in each process of the cluster."""
    return work.make_answerer()


def _write_file(answered: Batches) -> bytes | None:
    """Return the next answers as a Parquet file; None where there are no more."""
    first = next(answered, None)
    if first is None:
        return None
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, ANSWERED, compression="zstd") as writer:
        writer.write_batch(first)
        rows = first.num_rows
        for batch in answered:
            writer.write_batch(batch)
            rows += batch.num_rows
            if rows >= _ROWS_OF_FILE:
                break
    written: bytes = sink.getvalue().to_pybytes()
    return written


def _parts_of(batches: Batches, parts: Sequence[FileRange]) -> Iterator[FileRange]:
    for batch in batches:
        yield from (parts[number] for number in batch.column(0).to_pylist())


def _in_batches(rows: Iterator[tuple[Any, ...]], schema: pa.Schema) -> Batches:
    while some := list(islice(rows, _BATCH)):
        columns = zip(*some, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
