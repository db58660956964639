"""Calls in PostgreSQL: a partition for each month, so that a month that is too old goes at once, as a dropped table.

Ids are UUIDs of version 7 and so in the order of time: a month is a range of ids. Partitions are made ahead; a row that
finds none goes into the default partition and stays there. `mentions` is partitioned like `exchanges`, by the ids of
its calls, so the two always have the same months. SQLite has no partitions: nothing here changes it.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from cds_hooks.store.calls import first_id

#: The tables that are partitioned, in the order in which writers lock them, and by which column.
PARTITIONED: Final[Mapping[str, str]] = {"exchanges": "id", "mentions": "exchange"}

#: This month and the next two are made ahead.
_AHEAD: Final = 3

#: One number for all processes, by which they take turns at partitions ("CRD" and a 3).
_TURN: Final = 0x43524403

#: So many milliseconds a partition that is made or dropped may wait for a lock, and its making may take altogether:
#: calls that come meanwhile wait behind it. Less than PostgreSQL takes to look for a deadlock (1 s), so that who made
#: or dropped gives way, and no call fails.
_BRIEF: Final = "SET LOCAL lock_timeout = 500; SET LOCAL statement_timeout = {}"
_MAKING: Final = 800

#: As often a partition is tried to be dropped, with so many seconds between, before its rows are deleted one by one.
_TRIES: Final = 5
_PAUSE: Final = 0.5


class Partition(NamedTuple):
    """A range of ids, `end` not included, and what the names of its tables have behind `exchanges_` and `mentions_`."""

    name: str
    start: bytes
    end: bytes

    def overlaps(self, others: Iterable["Partition"]) -> bool:
        """Tell whether some of its ids are in the range of another."""
        return any(self.start < other.end and other.start < self.end for other in others)

    @property
    def bounds(self) -> str:
        """Its range in SQL."""
        start = f"'\\x{self.start.hex()}'" if self.start else "MINVALUE"
        return f"FOR VALUES FROM ({start}) TO ('\\x{self.end.hex()}')"


class Dropped(NamedTuple):
    """How many calls a partition had, and the first and the last of them."""

    partition: str
    calls: int
    first: bytes
    last: bytes


def month_of(at: int, later: int = 0) -> Partition:
    """Return the month (UTC) of a time in microseconds since 1970, or one so many months later."""
    day = datetime.fromtimestamp(at // 1_000_000, UTC)
    number = day.year * 12 + day.month - 1 + later
    start, end = (int(datetime(one // 12, one % 12 + 1, 1, tzinfo=UTC).timestamp()) for one in (number, number + 1))
    return Partition(f"{number // 12:04}_{number % 12 + 1:02}", first_id(start * 1_000_000), first_id(end * 1_000_000))


def months_ahead() -> list[Partition]:
    """Return the months that there should be partitions of."""
    now = time.time_ns() // 1000
    return [month_of(now, later) for later in range(_AHEAD)]


def is_partitioned(connection: sa.Connection) -> bool:
    """Tell whether calls are partitioned here."""
    kind = sa.text("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass('exchanges')")
    return connection.dialect.name == "postgresql" and bool(connection.execute(kind).scalar())


def make_first(connection: sa.Connection, already: Sequence[Partition] = ()) -> None:
    """Make the default partition and those of the next months, in a store that is being made or changed."""
    for table in PARTITIONED:
        connection.exec_driver_sql(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    for month in months_ahead():
        if not month.overlaps(already):
            _make(connection, month)


def make_ahead(engine: sa.Engine) -> None:
    """Make the partitions of the next months that are not there, where this user may.

    Several processes may do it at once. A month of which rows are in the default partition already gets none.
    """
    there = _own_partitions(engine)
    if there is None:
        return
    for month in months_ahead():
        if not month.overlaps(there):
            with engine.begin() as connection:
                _make_briefly(connection, month)


def _make_briefly(connection: sa.Connection, month: Partition) -> None:
    if not connection.execute(sa.text(f"SELECT pg_try_advisory_xact_lock({_TURN})")).scalar():
        return  # another process is at it
    connection.exec_driver_sql(_BRIEF.format(_MAKING))
    kept = sa.text("SELECT EXISTS (SELECT FROM exchanges_default WHERE id >= :start AND id < :end)")
    values = {"start": month.start, "end": month.end}
    if not month.overlaps(partitions_of(connection)) and not connection.execute(kept, values).scalar():
        _make(connection, month)


def _make(connection: sa.Connection, month: Partition) -> None:
    """Make the tables of a month, and then attach them: that holds up no call of another month."""
    for table in PARTITIONED:
        made = f"{table}_{month.name}"
        connection.exec_driver_sql(f"CREATE TABLE {made} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)")
        connection.exec_driver_sql(f"ALTER TABLE {table} ATTACH PARTITION {made} {month.bounds}")


def drop_before(engine: sa.Engine, at: int, note: Callable[[sa.Connection, Dropped], None]) -> int:
    """Drop the partitions that have only what is from before a time, each noted in its transaction; return how many
    calls that were. What cannot be dropped soon (a back-up reads it, another user owns it) is left."""
    there = _own_partitions(engine) or []
    return sum(_drop(engine, one, note) for one in there if one.end <= first_id(at))


def _drop(engine: sa.Engine, partition: Partition, note: Callable[[sa.Connection, Dropped], None]) -> int:
    for _ in range(_TRIES):
        try:
            with engine.begin() as connection:
                return _drop_once(connection, partition, note)
        except sa.exc.DBAPIError:
            time.sleep(_PAUSE)
    return 0


def _drop_once(connection: sa.Connection, partition: Partition, note: Callable[[sa.Connection, Dropped], None]) -> int:
    connection.exec_driver_sql(_BRIEF.format(0))
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_TURN})")
    if partition not in partitions_of(connection):
        return 0  # another process dropped it
    names = [f"{table}_{partition.name}" for table in PARTITIONED]
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(names)} IN SHARE MODE")
    calls = connection.execute(sa.text(f"SELECT count(*) FROM {names[0]}")).scalar() or 0  # noqa: S608 (names of ours)
    ends = [
        connection.execute(sa.text(f"SELECT id FROM {names[0]} ORDER BY id {order} LIMIT 1")).scalar()  # noqa: S608
        for order in ("ASC", "DESC")
    ]
    for name in names:  # before it is noted: who notes an access must not wait for these locks with that one held
        connection.exec_driver_sql(f"DROP TABLE {name}")
    if calls:
        note(connection, Dropped(names[0], calls, *(bytes(one) for one in ends if one)))
    return calls


def partitions_of(connection: sa.Connection) -> list[Partition]:
    """Return the partitions that both tables have, with the same bounds; without the default one."""
    found: dict[str, set[Partition]] = {table: set() for table in PARTITIONED}
    for table, name, bounds in connection.execute(_PARTITIONS):
        said = _BOUNDS.fullmatch(bounds or "")  # without bounds where it was dropped this moment
        if said and name.startswith(f"{table}_"):
            start, end = bytes.fromhex(said["start"] or ""), bytes.fromhex(said["end"])
            found[table].add(Partition(name.removeprefix(f"{table}_"), start, end))
    return sorted(set.intersection(*found.values()), key=lambda one: one.end)


def _own_partitions(engine: sa.Engine) -> list[Partition] | None:
    """Return the partitions; None where there cannot be any, or where this user may not change them."""
    if engine.dialect.name != "postgresql":
        return None
    with engine.begin() as connection:
        may_change = is_partitioned(connection) and connection.execute(_OWNS).scalar()
        return partitions_of(connection) if may_change else None


_OWNS: Final = sa.text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('exchanges')")
_PARTITIONS: Final[Any] = sa.text("""
    SELECT parent.relname, child.relname, pg_get_expr(child.relpartbound, child.oid)
    FROM pg_inherits JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent IN (to_regclass('exchanges'), to_regclass('mentions'))""")
_BOUNDS: Final = re.compile(
    r"FOR VALUES FROM \((?:MINVALUE|'\\x(?P<start>[0-9a-f]+)')\) TO \('\\x(?P<end>[0-9a-f]+)'\)"
)
