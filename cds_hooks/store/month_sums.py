"""Sums of facts by month, so that the figures of a year need not add up each of its days.

They are made when figures of a month that is over are asked for, and made anew where one of its days was counted since:
each change of facts notes the month (`note_change`), and sums are of that many changes. So they are exact however many
services write, and are lost without harm. For charts there are the sums of each day beside them, by kind and `what`.
"""

import time
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import kind_of
from cds_hooks.store.facts import KINDS
from cds_hooks.store.tables import FACT_MONTHS, FACT_SUMS, FACTS
from cds_hooks.telemetry.logs import record

#: A month is summed once it has been over for so long: calls of its last moments have been counted then.
_REST: Final = timedelta(days=2)

#: Seconds after which no further month is begun: the next page goes on.
_PATIENCE: Final = 2.0

#: What comes behind all days of a month, in the order of text.
_END: Final = "-99"

#: By what a month is summed: all that facts have but the day. And a day: its kind and what.
_KEY: Final = tuple(column.name for column in FACTS.primary_key)
_BY: Final = tuple(name for name in _KEY if name != "day")
_OF_A_DAY: Final = ("kind", "what")


def months_between(first: str, last: str) -> Iterator[str]:
    """Yield the months that lie wholly between two days and have been over for long enough on the last of them."""
    begins = date.fromisoformat(first)
    month = begins.replace(day=1)
    while (following := (month + timedelta(days=31)).replace(day=1)) + _REST <= date.fromisoformat(last):
        if month >= begins:
            yield month.isoformat()[:7]
        month = following


def days_outside(first: str, last: str, months: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the stretches between two days, both included, that are not of these months."""
    begins = date.fromisoformat(first)
    for month in sorted(months):
        start = date.fromisoformat(f"{month}-01")
        if start > begins:
            yield begins.isoformat(), (start - timedelta(days=1)).isoformat()
        begins = (start + timedelta(days=31)).replace(day=1)
    if begins.isoformat() <= last:
        yield begins.isoformat(), last


class MonthSums:
    """The sums of one store. `reading` is an engine whose statements stand alone."""

    def __init__(self, writing: sa.Engine, reading: sa.Engine) -> None:
        self._writing = writing
        self._reading = reading

    def prepare(self, first: str, last: str) -> list[str]:
        """Return the months between two days that can be read by their sums; what is missing of those is made.

        Where that cannot be done the days are read, which takes longer and comes to the same.
        """
        ends = time.monotonic() + _PATIENCE
        try:
            return [
                month
                for month, changes, summed in self._states(list(months_between(first, last)))
                if summed == changes or (time.monotonic() < ends and self._make(month))
            ]
        except SQLAlchemyError as error:
            record("warning", "facts-not-summed", reason=kind_of(error))
            return []

    def _states(self, months: list[str]) -> list[tuple[str, int, int]]:
        query = sa.select(FACT_MONTHS).where(FACT_MONTHS.c.month.in_(months))
        with self._reading.connect() as connection:
            known = {row.month: (row.changes, row.summed) for row in connection.execute(query)}
        return [(month, *known.get(month, (0, -1))) for month in months]

    def _make(self, month: str) -> bool:
        """Add up a month; tell whether that was done, and no day of it was counted anew meanwhile."""
        [(_, changes, _)] = self._states([month])
        with self._reading.connect() as connection:
            rows = [*_add_up(connection, month, _BY, month), *_add_up(connection, month, _OF_A_DAY)]
        with self._writing.begin() as connection:
            if connection.execute(_LOCK, {"month": month}).scalar() != changes:
                return False
            connection.execute(sa.delete(FACT_SUMS).where(FACT_SUMS.c.day.between(month, month + _END)))
            if rows:
                is_sqlite = connection.dialect.name == "sqlite"
                connection.exec_driver_sql(_INSERT if is_sqlite else _INSERT.replace("?", "%s"), rows)
            connection.execute(_SUMMED, {"of": month})
        return True


def _add_up(connection: sa.Connection, month: str, names: Iterable[str], day: str = "") -> list[tuple[Any, ...]]:
    """Return the rows of a month, summed by some columns: as of that `day`, or of each."""
    by = [*names, *(() if day else ("day",))]
    said = [FACTS.c[name] if name in by else sa.literal(day if name == "day" else "") for name in _KEY]
    sums = [sa.func.sum(FACTS.c[name]) for name in ("count", "milliseconds")]
    of = FACTS.c.kind.in_(KINDS), FACTS.c.day.between(month, month + _END)  # the kinds lead to the key of the table
    query = sa.select(*said, *sums).where(*of).group_by(*(FACTS.c[name] for name in by))
    return [(*row[:-2], int(row[-2]), int(row[-1])) for row in connection.execute(query)]


_INSERT: Final = f"INSERT INTO fact_sums ({', '.join((*_KEY, 'count', 'milliseconds'))}) VALUES ({', '.join('?' * 11)})"  # noqa: S608 - names of ours

#: Waits for who changes facts of a month, and is waited for by them (`note_change`).
_LOCK: Final = sa.text("""
    INSERT INTO fact_months (month, changes, summed) VALUES (:month, 0, -1)
    ON CONFLICT (month) DO UPDATE SET changes = fact_months.changes RETURNING changes
""")
_SUMMED: Final = (
    sa.update(FACT_MONTHS).where(FACT_MONTHS.c.month == sa.bindparam("of")).values(summed=FACT_MONTHS.c.changes)
)
