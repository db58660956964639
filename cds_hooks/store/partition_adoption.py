"""Takes the tables of a store from before there were partitions as the first partition, beside services that go on.

No row is copied. `check_rows` has PostgreSQL look through all rows while calls are written; `adopt` then swaps the
tables in a moment, as it need not look itself.
"""

import re
import time
from typing import Final

import sqlalchemy as sa

from cds_hooks.store.partitions import PARTITIONED, Partition, is_partitioned, make_first, month_of

#: What the tables' names have behind `exchanges_` and `mentions_` once they are partitions.
BEFORE: Final = "before"

#: The range ends at least so many microseconds from now: until the swap no row of a later month can be written, and
#: who must mend a migration that was killed has as long.
_MARGIN: Final = 7 * 86_400_000_000

#: Calls wait behind who waits for a lock of all: so many milliseconds, and again after a pause, in seconds.
_BRIEF: Final = 300
_PAUSE: Final = 0.7

#: The constraint by which PostgreSQL knows that all rows are of the range.
_RULE: Final = "only_before"

_INDEXES: Final = ("exchanges_pkey", "exchanges_of_client", "mentions_pkey")


def check_rows(connection: sa.Connection) -> None:
    """Have PostgreSQL note, in transactions of its own, from before which month all rows are; calls go on meanwhile."""
    with connection.begin():
        if not _is_due(connection):
            return
        _lock(connection)
        end = _end(connection)
        for table, column in PARTITIONED.items():
            rule = f"CHECK ({column} < '\\x{end.hex()}') NOT VALID"
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_RULE}")
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {_RULE} {rule}")
    for table in PARTITIONED:
        with connection.begin():
            connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {_RULE}")


def forget_rows(connection: sa.Connection) -> None:
    """Take back what `check_rows` noted, where the tables were not swapped: later months' calls would be refused."""
    with connection.begin():
        if _is_due(connection):
            _lock(connection)
            for table in PARTITIONED:
                connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_RULE}")


def adopt(connection: sa.Connection) -> None:
    """Put partitioned tables in the place of the ones that are there, which become their first partition."""
    if connection.dialect.name != "postgresql":
        return
    _lock(connection)
    before = Partition(BEFORE, b"", _noted_end(connection) or _end(connection))
    is_empty = not connection.exec_driver_sql("SELECT EXISTS (SELECT FROM exchanges)").scalar()
    for index in _INDEXES:
        connection.exec_driver_sql(f"ALTER INDEX {index} RENAME TO {index}_{BEFORE}")
    for table, column in PARTITIONED.items():
        _replace(connection, table, column)
    connection.exec_driver_sql("ALTER TABLE exchanges ADD PRIMARY KEY (id)")
    connection.exec_driver_sql("ALTER TABLE mentions ADD PRIMARY KEY (digest, exchange)")
    connection.exec_driver_sql("CREATE INDEX exchanges_of_client ON exchanges (client, id)")
    for table in PARTITIONED:
        old = f"{table}_{BEFORE}"
        attach = f"ALTER TABLE {table} ATTACH PARTITION {old} {before.bounds}"
        connection.exec_driver_sql(f"DROP TABLE {old}" if is_empty else attach)
        if not is_empty:
            connection.exec_driver_sql(f"ALTER TABLE {old} DROP CONSTRAINT IF EXISTS {_RULE}")
    make_first(connection, already=() if is_empty else (before,))


def _replace(connection: sa.Connection, table: str, column: str) -> None:
    """Put an empty partitioned table in the place of a table: with its columns, its owner and who may use it."""
    old = f"{table}_{BEFORE}"
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {old}")
    like = f"(LIKE {old} INCLUDING DEFAULTS INCLUDING STORAGE)"
    connection.exec_driver_sql(f"CREATE TABLE {table} {like} PARTITION BY RANGE ({column})")
    for statement in connection.execute(_RIGHTS, {"old": old, "new": table}).scalars().all():
        connection.exec_driver_sql(statement)


def _is_due(connection: sa.Connection) -> bool:
    there = connection.exec_driver_sql("SELECT to_regclass('exchanges') IS NOT NULL").scalar()
    return bool(there) and not is_partitioned(connection)


def _end(connection: sa.Connection) -> bytes:
    """Return where the range of all that is kept can end: with a month, some days from now, behind the newest row."""
    newest = connection.exec_driver_sql("SELECT id FROM exchanges ORDER BY id DESC LIMIT 1").scalar()
    at = int.from_bytes(bytes(newest)[:6], "big") * 1000 if newest else 0
    return month_of(max(at, time.time_ns() // 1000 + _MARGIN)).end


def _noted_end(connection: sa.Connection) -> bytes | None:
    """Return the end that `check_rows` noted, if it did."""
    query = sa.text(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'exchanges'::regclass AND conname = :rule"
    )
    said = re.search(r"'\\x([0-9a-f]+)'", connection.execute(query, {"rule": _RULE}).scalar() or "")
    return bytes.fromhex(said[1]) if said else None


def _lock(connection: sa.Connection) -> None:
    """Lock both tables; wait for those who use them as long as the connection's `lock_timeout` says, bit by bit."""
    ends = time.monotonic() + float(connection.execute(_PATIENCE).scalar() or 0) / 1000
    while True:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_BRIEF}")
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(PARTITIONED)} IN ACCESS EXCLUSIVE MODE")
        except sa.exc.OperationalError:
            if time.monotonic() + _PAUSE > ends:
                raise
            time.sleep(_PAUSE)
        else:
            return


_PATIENCE: Final = sa.text("SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")

#: Statements that give one table's rights to another: partitions need none, who asks does so by the whole.
_RIGHTS: Final = sa.text("""
    SELECT format('GRANT %s ON TABLE %I TO %s%s', privilege_type, CAST(:new AS text),
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(:old) AND grantee <> relowner
    UNION ALL
    SELECT format('ALTER TABLE %I OWNER TO %I', CAST(:new AS text), pg_get_userbyid(relowner))
    FROM pg_class WHERE oid = to_regclass(:old)""")
