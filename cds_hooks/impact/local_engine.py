"""Answering on one machine: all cores over ranges of files, each range streamed through in batches.

What is answered of a range is a Parquet file of its own, there when the range is done: that is how work that was
stopped goes on.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from cds_hooks.impact.answers import Answerer, answer_batch
from cds_hooks.impact.batches import ANSWERED, ASKED
from cds_hooks.impact.reading import RecordRow, Row, read_records, read_rows
from cds_hooks.impact.record_store import RecordStore, RecordWriter
from cds_hooks.impact.sources import FileRange
from cds_hooks.impact.work import Work, columns_of

T = TypeVar("T")

#: Orders of a batch: enough for Arrow, few enough to keep memory flat.
_BATCH: Final = 4096

#: Ranges under way beside those at work, so that no core waits.
_AHEAD: Final = 2

#: Tells how many bytes of the input are done, and in which part of the work.
Advance = Callable[[str, int], None]

READING: Final = "Reading coverages"
ANSWERING: Final = "Answering orders"

_RECORDS: Final = "records.sqlite"


def answer_locally(work: Work, folder: Path, workers: int, advance: Advance) -> None:
    """Answer all orders into Parquet files in `folder`; what is there from a run that was stopped is kept.

    On KeyboardInterrupt the ranges under way are finished first, and then it goes on its way.
    """
    store = folder / _RECORDS
    context = get_context("spawn")  # Arrow's threads do not survive a fork
    with ProcessPoolExecutor(workers, context, _begin, (work, store)) as pool:
        try:
            if not store.exists():
                _write_records(pool, work, store, workers, advance)
            todo = [(part, folder / name_part(part)) for part in work.orders]
            for part, path in todo:
                if path.exists():
                    advance(ANSWERING, part.size)
            ahead = _in_order(pool, _answer_range, (one for one in todo if not one[1].exists()), workers + _AHEAD)
            for (part, _), _ in ahead:
                advance(ANSWERING, part.size)
        except KeyboardInterrupt:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def name_part(part: FileRange) -> str:
    """Return the name of the file of a range's answers."""
    return f"answers-{part.number:06}.parquet"


def _write_records(pool: ProcessPoolExecutor, work: Work, store: Path, workers: int, advance: Advance) -> None:
    half = store.with_suffix(".half")
    writer = RecordWriter(half)
    tasks = ((part, work.apart) for part in (*work.orders, *work.records))
    for (part, _), rows in _in_order(pool, _read_records, tasks, workers + _AHEAD):
        writer.add(rows)
        advance(READING, part.size)
    writer.finish()
    half.rename(store)


def _in_order(
    pool: ProcessPoolExecutor, call: Callable[..., T], tasks: Iterable[tuple[Any, ...]], most: int
) -> Iterator[tuple[tuple[Any, ...], T]]:
    """Yield each task with its result, in their order; no more than `most` are under way, so that none pile up."""
    rest, under_way = iter(tasks), deque[tuple[tuple[Any, ...], Future[T]]]()
    while True:
        under_way.extend((task, pool.submit(call, *task)) for task in islice(rest, most - len(under_way)))
        if not under_way:
            return
        task, future = under_way.popleft()
        yield task, future.result()


# What follows runs in the processes of the pool.

_WORK: list[Any] = []


def _begin(work: Work, store: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that is asked to stop tells when
    pa.set_cpu_count(1)
    _WORK[:] = [work, store, None, None]


def _tools() -> tuple[Answerer, RecordStore]:
    """Return what answers and what finds records, made when the first range asks for them."""
    if _WORK[2] is None:
        _WORK[2:] = [_WORK[0].make_answerer(), RecordStore(_WORK[1])]
    return _WORK[2], _WORK[3]


def _read_records(part: FileRange, apart: bool) -> list[RecordRow]:
    return list(read_records(part, apart=apart))


def _answer_range(part: FileRange, path: Path) -> None:
    answerer, store = _tools()
    half = path.with_suffix(f".{os.getpid()}.half")
    rows = read_rows(part, apart=_WORK[0].apart)
    with pq.ParquetWriter(half, ANSWERED, compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            writer.write_batch(answer_batch(_ask(batch, part, store), answerer))
    half.rename(path)


def _ask(rows: list[Row], part: FileRange, store: RecordStore) -> pa.RecordBatch:
    records = [store.find(row.patient, row.named) if row.patient else [] for row in rows]
    columns = columns_of(rows, part, records)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, ASKED, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=ASKED)
