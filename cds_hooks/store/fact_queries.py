"""Reads facts: sums of what was counted in some days, by whatever is asked for."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.facts import ANSWER, AUTHORIZATION, CARD, FEEDBACK, REPEAT
from cds_hooks.store.tables import FACTS

#: The kinds of facts that have a policy and a payer; others are shown whatever is chosen of those.
_OF_POLICIES = frozenset({ANSWER, AUTHORIZATION, CARD, FEEDBACK, REPEAT})


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
    """Reads the facts of one store, by an engine whose statements stand alone; StoreError where that fails."""

    def __init__(self, engine: sa.Engine, wanted: Wanted) -> None:
        self._engine = engine
        self._wanted = wanted

    def read(self, kind: str, *names: str) -> Sums:
        """Return the sums of facts of a kind, by some columns."""
        columns = [FACTS.c[name] for name in names]
        counts = [sa.func.sum(FACTS.c.count), sa.func.sum(FACTS.c.milliseconds)]
        query = sa.select(*counts, *columns).where(*self._terms(kind)).group_by(*columns)
        rows = self._run(query)
        return Sums(Sum(int(row[0]), int(row[1]), **dict(zip(names, row[2:], strict=True))) for row in rows)

    def everything(self) -> "FactReader":
        """Return what reads the facts of the same days, whatever else is chosen."""
        return FactReader(self._engine, Wanted(self._wanted.first, self._wanted.last))

    def last_day(self) -> str | None:
        """Return the last day that anything is known of, at all."""
        newest = sa.select(FACTS.c.day).where(FACTS.c.kind == ANSWER).order_by(FACTS.c.day.desc()).limit(1)
        return next((row[0] for row in self._run(newest)), None)

    def _terms(self, kind: str) -> Iterator[sa.ColumnElement[bool]]:
        wanted, columns = self._wanted, FACTS.c
        yield columns.kind == kind
        yield columns.day >= wanted.first
        yield columns.day <= wanted.last
        if wanted.client:
            yield columns.client == wanted.client
        if kind in _OF_POLICIES and wanted.policy:
            yield columns.policy == wanted.policy
        if kind in _OF_POLICIES and wanted.payer:
            yield columns.payer == wanted.payer

    def _run(self, query: sa.Select[Any]) -> Iterable[Any]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).all()
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None
