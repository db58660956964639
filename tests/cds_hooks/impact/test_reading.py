"""Every line of a file is read once, however the file is cut, compressed or damaged; none is fatal."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.errors import StartError
from cds_hooks.impact import sources
from cds_hooks.impact.reading import RecordRow, Row, read_links, read_records, read_rows
from cds_hooks.impact.record_store import RecordStore, RecordWriter
from cds_hooks.impact.sources import FileRange, cut, find_files, read_lines

ORDER = {"resourceType": "ServiceRequest", "id": "o1", "subject": {"reference": "Patient/p1"}}
COVERAGE = {"resourceType": "Coverage", "id": "c1", "beneficiary": {"reference": "Patient/p1"}}


def rows_of(path: Path) -> list[Row]:
    return [row for part in cut(find_files([str(path)])) for row in read_rows(part)]


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=12), st.integers(1, 60))
def test_ranges_have_each_line_once(lines: list[bytes], step: int) -> None:
    content = b"\n".join(lines)
    with fsspec.open("memory://ranges.ndjson", "wb") as file:
        file.write(content)

    ranges = [
        FileRange(n, "memory://ranges.ndjson", start, min(start + step, len(content)), step, None)
        for n, start in enumerate(range(0, max(1, len(content)), step))
    ]
    found = [line for part in ranges for line in read_lines(part)]

    assert found == (content.removesuffix(b"\n").split(b"\n") if content else [])


def test_a_line_that_is_too_long_is_set_aside_and_the_next_is_read(
    write_lines: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_CHUNK", 64)
    monkeypatch.setattr(sources, "LONGEST_LINE", 200)
    path = write_lines(b"x" * 1000, ORDER)

    assert [(row.line, row.kind) for row in rows_of(path)] == [(1, "set-aside"), (2, "order"), (2, "lines")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "not JSON in UTF-8"),
        (b'{"a": "\xff"}', "not JSON in UTF-8"),
        (b"[" * 2000, "not JSON in UTF-8"),
        (b'"text"', "not a FHIR resource: no resourceType"),
        (b'{"resourceType": 7}', "not a FHIR resource: no resourceType"),
    ],
)
def test_a_line_that_cannot_be_read_is_set_aside_with_its_reason(
    write_lines: Callable[..., Path], line: bytes, fault: str
) -> None:
    rows = rows_of(write_lines(ORDER, line, b"", ORDER))

    assert [(row.line, row.kind, row.fault) for row in rows] == [
        (1, "order", None),
        (2, "set-aside", fault),
        (4, "order", None),
        (4, "lines", None),
    ]


@pytest.mark.parametrize(("name", "compress"), [("o.ndjson.gz", gzip.compress), ("o.ndjson.zst", zstandard.compress)])
def test_a_compressed_file_is_read_as_far_as_it_goes(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    lines = b"".join(json.dumps({**ORDER, "id": f"o{n}-{n * 7919 % 1000}"}).encode() + b"\n" for n in range(2000))
    whole, broken = tmp_path / name, tmp_path / f"half-{name}"
    whole.write_bytes(compress(lines))
    broken.write_bytes(compress(lines)[:2000])

    assert [row.kind for row in rows_of(whole)] == ["order"] * 2000 + ["lines"]
    *_, last, count = rows_of(broken)
    assert last.fault is None or last.fault.startswith("the file cannot be read on from here")
    assert count.kind == "lines"
    assert any(row.kind == "set-aside" for row in rows_of(broken))


def test_a_folder_without_ndjson_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")

    with pytest.raises(StartError, match="no NDJSON here"):
        find_files([str(tmp_path)])
    with pytest.raises(StartError, match="cannot be read"):
        find_files([str(tmp_path / "none.ndjson")])


def test_files_are_read_from_object_stores() -> None:
    """fsspec's own memory file system stands for one: it is reached by URL alone."""
    with fsspec.open("memory://lake/2026/orders.ndjson", "wb") as file:
        file.write(json.dumps(ORDER).encode() + b"\n")

    [file] = find_files(["memory://lake/2026"])

    assert file.url == "memory:///lake/2026/orders.ndjson"
    assert [row.kind for part in cut([file]) for row in read_rows(part)] == ["order", "lines"]


def store_of(path: Path, *rows: RecordRow) -> RecordStore:
    writer = RecordWriter(path)
    writer.add(rows)
    writer.finish()
    return RecordStore(path)


def test_an_order_gets_its_patients_coverages_their_payers_and_what_it_names(tmp_path: Path) -> None:
    store = store_of(
        tmp_path / "records",
        RecordRow("Coverage/c1", "Patient/p1", ("Organization/a",), b"c1"),
        RecordRow("Coverage/c2", "Patient/p2", ("Organization/b", "Organization/gone"), b"c2"),
        RecordRow("Organization/a", None, (), b"a"),
        RecordRow("Organization/b", None, (), b"b"),
        RecordRow("Patient/p1", None, (), b"p1"),
        RecordRow("Medication/m", None, (), b"m"),
    )

    assert store.find("Patient/p1", ()) == [b"c1", b"p1", b"a"]
    assert sorted(store.find("Patient/p1", ("Coverage/c2", "Medication/m"))) == [b"a", b"b", b"c1", b"c2", b"m", b"p1"]
    assert store.find("Patient/p9", ()) == []


def test_of_a_record_that_came_twice_the_last_counts(tmp_path: Path) -> None:
    store = store_of(
        tmp_path / "records",
        RecordRow("Coverage/c1", "Patient/p1", (), b"old"),
        RecordRow("Coverage/c1", "Patient/p1", (), b"new"),
    )

    assert store.find("Patient/p1", ()) == [b"new"]


def test_of_a_patient_nothing_is_kept_but_the_birth_date(write_lines: Callable[..., Path]) -> None:
    path = write_lines({"resourceType": "Patient", "id": "p1", "name": [{"family": "Doe"}], "birthDate": "1980-01-01"})
    [part] = cut(find_files([str(path)]))

    [record] = read_records(part)

    assert b"Doe" not in record.content
    assert b"1980-01-01" in record.content


def test_exports_kept_apart_have_ids_of_their_own(write_lines: Callable[..., Path]) -> None:
    path = write_lines({**ORDER, "insurance": [{"reference": "Coverage/c1"}]}, COVERAGE, name="clinic-b/all.ndjson")
    [part] = cut(find_files([str(path)]))

    [order, _] = read_rows(part, apart=True)
    [record] = read_records(part, apart=True)

    assert (order.patient, order.named) == ("clinic-b|Patient/p1", ("clinic-b|Coverage/c1",))
    assert (record.key, record.patient) == ("clinic-b|Coverage/c1", "clinic-b|Patient/p1")


def test_what_orders_name_is_linked_once_for_each_patient(write_lines: Callable[..., Path]) -> None:
    named: dict[str, Any] = {**ORDER, "insurance": [{"reference": "Coverage/c1"}]}
    path = write_lines(named, named, {**named, "subject": {"reference": "Patient/p2"}})
    [part] = cut(find_files([str(path)]))

    found = list(read_links(part, {"Coverage"}))

    assert found == [("Patient/p1", "Coverage/c1"), ("Patient/p2", "Coverage/c1")]


def test_what_is_in_no_file_is_not_linked(write_lines: Callable[..., Path]) -> None:
    named = {"insurance": [{"reference": "Coverage/c1"}], "locationReference": [{"reference": "Location/l1"}]}
    path = write_lines({**ORDER, **named}, name="clinic-b/all.ndjson")
    [part] = cut(find_files([str(path)]))

    assert list(read_links(part, {"Location"}, apart=True)) == [("clinic-b|Patient/p1", "clinic-b|Location/l1")]
    assert list(read_links(part, {"Coverage", "Organization"}, apart=True)) == [
        ("clinic-b|Patient/p1", "clinic-b|Coverage/c1")
    ]
