"""In PostgreSQL calls are partitioned by month: old months are dropped, and nothing else is noticed of it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from cds_hooks.store import partition_adoption, partitions
from cds_hooks.store.calls import CallRecord, first_id
from cds_hooks.store.database import NEWEST, StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.partitions import make_ahead, month_of
from cds_hooks.store.retention import delete_before
from cds_hooks.store.search import Archive
from cds_hooks.store.tables import EXCHANGES, MENTIONS
from cds_hooks.store.verification import verify
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.reading import archive, calls, kept
from tests.cds_hooks.store.samples import exchange, ids
from tests.cds_hooks.store.test_database import MIGRATIONS
from tests.conftest import ROOT
from tests.databases.servers import POSTGRES, PostgreSQL
from tests.documents.snippets import read
from tests.waiting import wait_until

pytest_plugins = ["tests.databases.fixtures"]


def moment(year: int, month: int, day: int = 15) -> int:
    """Return a time, in microseconds since 1970."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


def call(number: int, year: int, month: int, day: int = 15, **changed: Any) -> CallRecord:
    return exchange(number, at=moment(year, month, day) + number * 1000, **changed)


@pytest.fixture(name="url")
def _url(postgresql: PostgreSQL) -> str:
    url = postgresql.new_database()
    assert prepare(url) == NEWEST
    return url


@pytest.fixture(name="engine")
def _engine(url: str) -> Iterator[sa.Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def write(url: str, *calls: CallRecord) -> None:
    """Write calls as a service does, each with its link."""
    writer = Writer(connect(url), RecordCipher())
    for one in calls:
        writer.write(one)
    writer.close()


def make_months(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, *months: tuple[int, int]) -> None:
    """Make partitions as a service did that ran in these months."""
    with monkeypatch.context() as then:
        then.setattr(partitions, "months_ahead", lambda: [month_of(moment(*month)) for month in months])
        make_ahead(engine)


def rows(engine: sa.Engine, statement: str) -> list[Any]:
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def tables(engine: sa.Engine, whole: str = "exchanges") -> set[str]:
    """Return the names of the partitions of a table."""
    query = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:whole)")
    with engine.begin() as connection:
        return set(connection.execute(query, {"whole": whole}).scalars())


def places(engine: sa.Engine, table: sa.Table = EXCHANGES) -> dict[str, int]:
    """Return how many rows each partition has."""
    name = sa.literal_column("tableoid::regclass::text")
    with engine.begin() as connection:
        counted = connection.execute(sa.select(name, sa.func.count()).select_from(table).group_by(name))
        return {row[0]: row[1] for row in counted}


def ahead(whole: str = "exchanges") -> set[str]:
    now = time.time_ns() // 1000
    return {f"{whole}_{month_of(now, later).name}" for later in range(3)}


def test_a_month_is_a_range_of_ids() -> None:
    month = month_of(moment(2024, 12, 31))
    assert month.name == "2024_12"
    assert (month.start, month.end) == (first_id(moment(2024, 12, 1)), first_id(moment(2025, 1, 1)))
    assert month_of(moment(2024, 11), later=3).name == "2025_02"
    assert month.start <= call(1, 2024, 12, 1).id < month.end <= call(1, 2025, 1, 1).id


def test_a_new_store_has_partitions_of_this_month_and_the_next_two(engine: sa.Engine) -> None:
    assert tables(engine) == {"exchanges_default", *ahead()}
    assert tables(engine, "mentions") == {"mentions_default", *ahead("mentions")}


def test_partitions_store_what_is_compressed_as_it_is(engine: sa.Engine) -> None:
    found = rows(
        engine, "SELECT DISTINCT attstorage FROM pg_attribute WHERE attname IN ('summary', 'bodies') AND attnum > 0"
    )
    assert found == [("e",)]


def test_each_call_is_in_the_partition_of_its_month(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 5), (2024, 6))
    write(url, call(1, 2024, 5, 1), call(2, 2024, 5, 31), call(3, 2024, 6, 1), exchange(4))
    assert places(engine) == {"exchanges_2024_05": 2, "exchanges_2024_06": 1, sorted(ahead())[0]: 1}
    assert places(engine, MENTIONS) == {"mentions_2024_05": 6, "mentions_2024_06": 3, sorted(ahead("mentions"))[0]: 3}


def test_a_call_of_a_month_that_has_no_partition_is_kept_by_the_default_one(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That month gets none later; others do, and no service is troubled."""
    far = call(1, 2031, 3)
    write(url, far)
    assert places(engine) == {"exchanges_default": 1}
    make_months(engine, monkeypatch, (2031, 3), (2031, 4))
    assert "exchanges_2031_04" in tables(engine)
    assert "exchanges_2031_03" not in tables(engine)
    write(url, call(2, 2031, 3), call(3, 2031, 4))
    assert places(engine) == {"exchanges_default": 2, "exchanges_2031_04": 1}
    assert prepare(url) == NEWEST


def test_a_call_is_found_in_whatever_partition(url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    make_months(engine, monkeypatch, (2024, 5), (2024, 6))
    write(url, *(call(number, 2024, 4 + number) for number in (1, 2, 3)), exchange(4, client="south"))
    for number in (1, 2, 3, 4):
        assertion, card = ids(number)
        order = f"ServiceRequest/order-{number}"
        for wanted in ({"assertion": assertion}, {"card": card}, {"order": order}, {"hook_instance": f"hook-{number}"}):
            assert [found.request_id for found in calls(url, **wanted)] == [f"request-{number}"]
    assert [one.request_id for one in calls(url, client="north")] == ["request-3", "request-2", "request-1"]
    between = {"since": moment(2024, 5, 20), "until": moment(2024, 6, 20)}
    assert [one.request_id for one in calls(url, **between)] == ["request-2"]


def test_a_call_is_kept_once_however_often_it_is_written(url: str) -> None:
    """A commit whose success was not heard of is repeated."""
    again = exchange(1)
    write(url, again, again)
    assert kept(url) == {again.id}


def test_a_look_up_by_id_reads_one_partition_and_one_by_digest_the_index_of_each(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 5), (2024, 6))
    sought = call(1, 2024, 5)
    write(url, sought, call(2, 2024, 6))

    def plan(query: str, value: bytes) -> str:
        with engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # a few rows would be read without an index
            return "\n".join(connection.execute(sa.text(query), {"value": value}).scalars())

    by_id = plan("EXPLAIN SELECT * FROM exchanges WHERE id = :value", sought.id)
    assert "exchanges_2024_05" in by_id
    assert by_id.count(" on ") == 1
    by_digest = plan("EXPLAIN SELECT exchange FROM mentions WHERE digest = :value", bytes(16))
    for name in tables(engine, "mentions"):
        assert f"{name}_pkey" in by_digest
    assert "Seq Scan" not in by_digest


def test_retention_drops_months_that_are_over_and_deletes_the_rest_in_slices(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 4), (2024, 5), (2024, 6))
    old = [call(1, 2024, 3), *(call(number, 2024, 4) for number in range(2, 7)), call(7, 2024, 5)]
    young = [call(8, 2024, 6, 1), call(9, 2024, 6, 20), exchange(10)]
    write(url, *old, *young)
    assert delete_before(engine, moment(2024, 6, 10), "retention", "its days are over") == 8
    assert kept(url) == {young[1].id, young[2].id}
    assert not {"exchanges_2024_04", "exchanges_2024_05"} & tables(engine)
    assert not {"mentions_2024_04", "mentions_2024_05"} & tables(engine, "mentions")
    assert rows(engine, "SELECT count(*) FROM mentions") == [(6,)]
    with archive(url) as opened:
        [april, may, slices] = [detail for detail in _deletions(opened) if "calls" in detail]
    assert (april["partition"], april["calls"]) == ("exchanges_2024_04", 5)
    assert (april["first"], april["last"]) == (old[1].id.hex(), old[5].id.hex())
    assert (may["partition"], may["calls"]) == ("exchanges_2024_05", 1)
    assert (slices["calls"], slices["first"], slices["last"]) == (2, old[0].id.hex(), young[0].id.hex())


def _deletions(opened: Archive) -> list[dict[str, Any]]:
    found = [row for row in opened.accesses(None, 100) if row.action == "delete"]
    return [msgspec.json.decode(row.detail) for row in reversed(found)]


def test_what_is_kept_fits_its_chains_after_months_were_dropped(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 5), (2024, 6))
    write(url, call(1, 2024, 5), call(2, 2024, 5), call(3, 2024, 6, 1), call(4, 2024, 6, 20), exchange(5))
    assert delete_before(engine, moment(2024, 6, 10), "retention", None) == 3
    found = verify(engine, RecordCipher())
    assert (found.problems, found.calls) == ([], 2)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM exchanges WHERE id >= :id"), {"id": first_id(moment(2024, 6))})
    assert {problem.kind for problem in verify(engine, RecordCipher()).problems} == {"missing"}


def test_a_month_that_somebody_reads_is_deleted_in_slices(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A back-up, for example: it does not keep retention from its day, nor retention the calls from being written."""
    monkeypatch.setattr(partitions, "_TRIES", 1)
    make_months(engine, monkeypatch, (2024, 5))
    write(url, call(1, 2024, 5), exchange(2))
    reader = connect(url)
    with reader.begin() as reading:
        reading.execute(sa.text("SELECT count(*) FROM exchanges"))
        assert delete_before(engine, moment(2024, 6), "retention", None) == 1
    reader.dispose()
    assert "exchanges_2024_05" in tables(engine)
    assert [one.request_id for one in calls(url)] == ["request-2"]
    assert delete_before(engine, moment(2024, 6), "retention", None) == 0
    assert "exchanges_2024_05" not in tables(engine)


def test_services_that_make_partitions_at_once_do_so_once(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = [month_of(moment(2041, 5), later) for later in range(6)]
    monkeypatch.setattr(partitions, "months_ahead", lambda: months)

    def start(_: int) -> str:
        return prepare(url)

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(start, range(6))) == [NEWEST] * 6
    make_ahead(engine)
    assert {f"exchanges_{month.name}" for month in months} <= tables(engine)
    assert len(tables(engine)) == len(tables(engine, "mentions")) == 10


def test_retention_of_two_services_at_once_drops_each_month_once(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 4), (2024, 5), (2024, 6))
    write(url, *(call(number, 2024, 4 + number % 3) for number in range(30)))

    def delete(_: int) -> int:
        own = connect(url)
        deleted = delete_before(own, moment(2024, 7), "retention", None)
        own.dispose()
        return deleted

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(delete, range(2))) == 30
    assert kept(url) == set()
    assert verify(engine, RecordCipher()).problems == []


def test_who_does_not_own_the_tables_makes_and_drops_none_and_deletes_in_slices(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_months(engine, monkeypatch, (2024, 5))
    write(url, call(1, 2024, 5))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE crd_rows_only LOGIN")
        connection.exec_driver_sql(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO crd_rows_only"
        )
    there = tables(engine)
    app = connect(url.replace("crd@", "crd_rows_only@"))
    make_months(app, monkeypatch, (2024, 6))
    assert delete_before(app, moment(2024, 6), "retention", None) == 1
    assert tables(engine) == there
    app.dispose()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY crd_rows_only")
        connection.exec_driver_sql("DROP ROLE crd_rows_only")


def test_the_documented_query_shows_the_partitions(engine: sa.Engine) -> None:
    [query] = [one.text for one in read(ROOT / "docs/records.md") if one.language == "sql"]
    assert {name for name, _, _ in rows(engine, query)} == tables(engine)


def test_one_month_can_be_put_away_and_be_looked_into_elsewhere(
    url: str, engine: sa.Engine, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the documented commands."""
    make_months(engine, monkeypatch, (2024, 5), (2024, 6))
    put_away = [call(1, 2024, 5), call(2, 2024, 5)]
    write(url, *put_away, call(3, 2024, 6))
    elsewhere = postgresql.new_database()
    [commands] = [one.text for one in read(ROOT / "docs/operate.md") if "partition-root" in one.text]
    for documented, here in (("@db.internal/crd", url), ("@db.internal/old", elsewhere)):
        commands = commands.replace(f"postgresql://crd{documented}", here.replace("+psycopg", ""))
    programs = os.pathsep.join([str(Path(str(POSTGRES)).parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    script = commands.replace("2026_11", "2024_05")
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, env={**os.environ, "PATH": programs}, check=True)
    assert kept(elsewhere) == {one.id for one in put_away}
    assert [one.request_id for one in calls(elsewhere, card=ids(2)[1])] == ["request-2"]


def make_older(url: str) -> None:
    """Make a store as the version before partitions made it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()


@pytest.fixture(name="older")
def _older(postgresql: PostgreSQL) -> str:
    url = postgresql.new_database()
    make_older(url)
    return url


FILES = (
    "SELECT relfilenode FROM pg_class WHERE relname ~ '^(exchanges|mentions)(_before)?(_pkey|_of_client)?(_before)?$'"
)


def test_an_older_store_becomes_the_first_partition_and_no_row_is_copied(older: str) -> None:
    written = [call(1, 2023, 2), call(2, 2024, 5), exchange(3)]
    write(older, *written)
    engine = connect(older)
    files = {number for (number,) in rows(engine, FILES)}
    assert len(files) == 5
    assert prepare(older) == NEWEST
    assert files <= {number for (number,) in rows(engine, FILES)}
    assert places(engine) == {"exchanges_before": 3}
    assert kept(older) == {one.id for one in written}
    assert rows(engine, "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid > 16384") == []
    assert tables(engine) >= {"exchanges_before", "exchanges_default", max(ahead())}
    later = month_of(time.time_ns() // 1000, later=2)
    write(older, exchange(4), exchange(5, at=int.from_bytes(later.start[:6], "big") * 1000))
    assert places(engine) == {"exchanges_before": 4, f"exchanges_{later.name}": 1}
    assert [one.request_id for one in calls(older, card=ids(1)[1])] == ["request-1"]
    assert verify(engine, RecordCipher()).problems == []
    assert delete_before(engine, moment(2024, 5, 1), "retention", None) == 1
    assert verify(engine, RecordCipher()).problems == []
    engine.dispose()


def test_of_an_older_store_that_is_dropped_at_last_the_chains_fit(older: str) -> None:
    write(older, call(1, 2023, 2), exchange(2))
    assert prepare(older) == NEWEST
    engine = connect(older)
    assert delete_before(engine, time.time_ns() // 1000 + 70 * 86_400_000_000, "operator", None) == 2
    assert "exchanges_before" not in tables(engine)
    assert verify(engine, RecordCipher()).problems == []
    engine.dispose()


def test_services_of_the_older_version_go_on_while_the_tables_are_changed(older: str) -> None:
    """Each call that they were told is kept is there, and none was refused."""
    written: list[bytes] = []
    ends = threading.Event()

    def serve(first: int) -> None:
        writer = Writer(connect(older), RecordCipher())
        number = first
        while not ends.is_set():
            one = exchange(number)
            writer.write(one)
            written.append(one.id)
            number += 1
        writer.close()

    with ThreadPoolExecutor(2) as threads:
        services = [threads.submit(serve, first) for first in (1, 1_000_000)]
        try:
            wait_until(lambda: len(written) >= 50)
            assert prepare(older) == NEWEST
            then = len(written)
            wait_until(lambda: len(written) >= then + 50 or any(service.done() for service in services))
        finally:
            ends.set()
        for service in services:
            service.result()
    assert kept(older) == set(written)
    engine = connect(older)
    assert verify(engine, RecordCipher()).problems == []
    engine.dispose()


def test_the_new_tables_may_be_used_by_who_might_use_the_old(older: str) -> None:
    engine = connect(older)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE crd_granted LOGIN")
        connection.exec_driver_sql("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO crd_granted")
    prepare(older)
    write(older.replace("crd@", "crd_granted@"), exchange(1))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY crd_granted")
        connection.exec_driver_sql("DROP ROLE crd_granted")
    engine.dispose()


@pytest.mark.parametrize("part", ["adopt", "lock"])
def test_a_migration_that_fails_leaves_the_tables_as_they_were(
    older: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody reads the tables all the time it gives up, and calls of later months are not refused."""
    write(older, exchange(1))
    with monkeypatch.context() as broken, (reader := connect(older)).connect() as reading:
        if part == "adopt":
            broken.setattr(partition_adoption, "make_first", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                prepare(older)
        else:
            reading.execute(sa.text("SELECT count(*) FROM exchanges"))
            with pytest.raises(StoreError, match="55P03"):
                prepare(older, patience=1)
    reader.dispose()
    write(older, call(2, 2033, 1))
    assert len(kept(older)) == 2
    assert prepare(older) == NEWEST
    engine = connect(older)
    assert places(engine) == {"exchanges_before": 2}
    engine.dispose()
