"""The database makes itself, changes by steps that only add, and is nobody else's to read."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cds_hooks.store import database
from cds_hooks.store.database import NEWEST, OLDER, StoreError, connect, prepare
from cds_hooks.store.tables import TABLES, USED_TOKENS
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

MIGRATIONS = Path(__file__).resolve().parents[3] / "cds_hooks" / "store" / "migrations"


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/crd.sqlite3"


def is_whole(name: str | None, kind: str, _: object) -> bool:
    """Leave the partitions out: the tables they are of stand for them."""
    return not (kind == "table" and name and name.startswith(("exchanges_", "mentions_")))


def differences(store: str) -> list[object]:
    engine = connect(store)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"include_name": is_whole}), TABLES)
    engine.dispose()
    return found


def migrate(store: str) -> None:
    """Make the tables by the migrations, one after the other."""
    engine = connect(store)
    database._migrate(engine)
    engine.dispose()


def test_the_migrations_make_the_tables(tmp_path: Path) -> None:
    migrate(url(tmp_path))
    assert prepare(url(tmp_path)) == NEWEST
    assert differences(url(tmp_path)) == []


def test_the_migrations_make_the_tables_in_postgresql(postgresql: PostgreSQL) -> None:
    store = postgresql.new_database()
    migrate(store)
    assert prepare(store) == NEWEST
    assert prepare(store) == NEWEST
    assert differences(store) == []


COLUMNS = """
    SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attstorage
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attnum > 0 AND relnamespace = 'public'::regnamespace ORDER BY 1, 2"""


def written(store: str) -> list[Any]:
    """Return how SQLite has written the tables and indexes down, less what means nothing: blanks and quotes."""
    with sqlite3.connect(store.removeprefix("sqlite:///")) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return [(name, "".join(str(sql).replace('"', "").split())) for name, sql in found]


def test_a_new_store_has_the_tables_that_the_migrations_make(tmp_path: Path) -> None:
    (tmp_path / "migrated").mkdir()
    migrate(url(tmp_path / "migrated"))
    assert prepare(url(tmp_path)) == NEWEST
    assert differences(url(tmp_path)) == []
    assert written(url(tmp_path)) == written(url(tmp_path / "migrated"))


def test_a_new_store_in_postgresql_has_the_tables_that_the_migrations_make(postgresql: PostgreSQL) -> None:
    def columns(store: str) -> list[Any]:
        engine = connect(store)
        with engine.connect() as connection:
            rows = connection.execute(sa.text(COLUMNS)).fetchall()
        engine.dispose()
        return [tuple(row) for row in rows]

    created, migrated = postgresql.new_database(), postgresql.new_database()
    assert prepare(created) == NEWEST
    migrate(migrated)
    assert differences(created) == []
    assert columns(created) == columns(migrated)


def test_the_code_names_every_migration() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_current_head() == NEWEST
    assert {revision.revision for revision in script.walk_revisions()} == {NEWEST, *OLDER}


def test_a_store_of_used_tokens_from_before_keeps_them(tmp_path: Path) -> None:
    engine = connect(url(tmp_path))
    USED_TOKENS.create(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(USED_TOKENS), {"digest": b"d" * 32, "until": 1.0})
    engine.dispose()

    assert prepare(url(tmp_path)) == NEWEST
    with (engine := connect(url(tmp_path))).begin() as connection:
        assert connection.execute(sa.select(USED_TOKENS.c.until)).scalars().all() == [1.0]
    engine.dispose()
    assert differences(url(tmp_path)) == []


def test_a_newer_store_is_left_as_it_is(tmp_path: Path) -> None:
    """In a rolling restart the old version runs beside the new one, whose migrations only add."""
    prepare(url(tmp_path))
    engine = connect(url(tmp_path))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.text("ALTER TABLE exchanges ADD COLUMN of_tomorrow TEXT"))
    engine.dispose()
    assert prepare(url(tmp_path)) == "9999"


def test_processes_that_start_together_make_the_tables_once(tmp_path: Path, postgresql: PostgreSQL) -> None:
    for store in (url(tmp_path), postgresql.new_database()):
        code = f"from cds_hooks.store.database import prepare; print(prepare({store!r}))"
        started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)]
        assert [process.communicate()[0].decode().strip() for process in started] == [NEWEST] * 4
        assert differences(store) == []


def test_only_its_owner_may_read_a_new_file(tmp_path: Path) -> None:
    prepare(url(tmp_path))
    assert (tmp_path / "crd.sqlite3").stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_made_is_told_without_its_url(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^No such file or directory$"):
        prepare(f"sqlite:///{tmp_path}/nowhere/crd.sqlite3")


def test_a_server_that_is_not_there_is_told_without_its_url() -> None:
    with pytest.raises(StoreError) as told:
        prepare("postgresql+psycopg://crd:secret@127.0.0.1:1/crd")
    assert "secret" not in str(told.value)
