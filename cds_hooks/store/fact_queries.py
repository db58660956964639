"""Reads facts: sums of what was counted in some days, by whatever is asked for."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.facts import ANSWER, AUTHORIZATION, CARD, FEEDBACK, REPEAT
from cds_hooks.store.month_sums import days_outside
from cds_hooks.store.tables import FACT_SUMS, FACTS

#: The kinds of facts that have a policy and a payer; others are shown whatever is chosen of those.
_OF_POLICIES = frozenset({ANSWER, AUTHORIZATION, CARD, FEEDBACK, REPEAT})

#: What the sums of a day are told apart by.
_OF_A_DAY = frozenset({"day", "what"})


class Wanted(NamedTuple):
    """Which facts: from the first day to the last, both included; of one policy, payer or client, or of any."""

    first: str
    last: str
    policy: str | None = None
    payer: str | None = None
    client: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether they are of everything in these days."""
        return not (self.policy or self.payer or self.client)


class Sum(NamedTuple):
    """How often something occurred. What was not asked for is empty."""

    number: int
    milliseconds: int
    day: str = ""
    hook: str = ""
    client: str = ""
    payer: str = ""
    policy: str = ""
    what: str = ""
    why: str = ""


class Sums(list[Sum]):
    """Some sums, to be added up further."""

    def by(self, *names: str) -> dict[Any, int]:
        """Return counts by one or several members, the greatest first."""
        found: dict[Any, int] = {}
        for one in self:
            key = getattr(one, names[0]) if len(names) == 1 else tuple([getattr(one, name) for name in names])
            found[key] = found.get(key, 0) + one.number
        return dict(sorted(found.items(), key=lambda item: (-item[1], str(item[0]))))

    def of(self, **members: str) -> "Sums":
        """Return those whose members are as given."""
        return Sums(one for one in self if all(getattr(one, name) == value for name, value in members.items()))

    @property
    def total(self) -> int:
        """How often all of it occurred."""
        return sum(one.number for one in self)


class FactReader:
    """Reads the facts of one store, by an engine whose statements stand alone; StoreError where that fails.

    What is of `months`, as `MonthSums.prepare` returns them, is read by their sums.
    """

    def __init__(self, engine: sa.Engine, wanted: Wanted, months: Sequence[str] = ()) -> None:
        self._engine = engine
        self._wanted = wanted
        self._months = months

    def read(self, kind: str, *names: str) -> Sums:
        """Return the sums of facts of a kind, by some columns; what is read in several parts is not added up."""
        parts = [self._select(*part, kind, names) for part in self._parts(kind, names)]
        rows = self._run(sa.union_all(*parts)) if parts else ()
        return Sums(Sum(int(row[0]), int(row[1]), **dict(zip(names, row[2:], strict=True))) for row in rows)

    def everything(self) -> "FactReader":
        """Return what reads the facts of the same days, whatever else is chosen."""
        return FactReader(self._engine, Wanted(self._wanted.first, self._wanted.last), self._months)

    def last_day(self) -> str | None:
        """Return the last day that anything is known of, at all."""
        newest = sa.select(FACTS.c.day).where(FACTS.c.kind == ANSWER).order_by(FACTS.c.day.desc()).limit(1)
        return next((row[0] for row in self._run(newest)), None)

    def _parts(self, kind: str, names: Sequence[str]) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
        """Yield from which tables what is wanted is read, and of which days: by sums where those are fine enough."""
        months = self._months
        if "day" in names and (set(names) - _OF_A_DAY or any(True for _ in self._chosen(kind, FACTS))):
            months = ()
        for first, last in days_outside(self._wanted.first, self._wanted.last, months):
            yield FACTS, FACTS.c.day.between(first, last)
        if months and "day" in names:
            days = FACT_SUMS.c.day
            in_months = sa.func.substr(days, 1, 7).in_(months), sa.func.length(days) > len(months[0])
            yield FACT_SUMS, sa.and_(days.between(self._wanted.first, self._wanted.last), *in_months)
        elif months:
            yield FACT_SUMS, FACT_SUMS.c.day.in_(months)

    def _select(self, table: sa.Table, days: sa.ColumnElement[bool], kind: str, names: Sequence[str]) -> sa.Select[Any]:
        columns = [table.c[name] for name in names]
        counts = [sa.func.sum(table.c.count), sa.func.sum(table.c.milliseconds)]
        chosen = self._chosen(kind, table)
        return sa.select(*counts, *columns).where(table.c.kind == kind, days, *chosen).group_by(*columns)

    def _chosen(self, kind: str, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
        wanted, columns = self._wanted, table.c
        if wanted.client:
            yield columns.client == wanted.client
        if kind in _OF_POLICIES and wanted.policy:
            yield columns.policy == wanted.policy
        if kind in _OF_POLICIES and wanted.payer:
            yield columns.payer == wanted.payer

    def _run(self, query: sa.Select[Any] | sa.CompoundSelect[Any]) -> Iterable[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None
