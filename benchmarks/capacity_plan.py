"""What a number of calls a second needs, from what `make bench` has measured."""

import math
from typing import Any, Final, NamedTuple

from benchmarks.queueing import Work, simulate_open

#: Workers and databases are planned to be busy for this share of the time: the rest is for peaks.
BUSY: Final = 0.6

#: The share of a call's processor time that comes after the commit: its metrics, its log record, the answer's way out.
AFTER: Final = 0.15

#: Workers of a replica, and replicas that there are at least, so that one may be away.
WORKERS, REPLICAS = 2, 2

#: Connections of a worker to PostgreSQL: one that writes, one that reads, those of used tokens.
CONNECTIONS: Final = 8

#: What one PostgreSQL is taken to have: cores, connections, and bytes that may come to it in a day.
_CORES, _MOST_CONNECTIONS, _MOST_BYTES = 16, 500, 1e12

#: Bytes of a call in the store, with what it is found by, where no check has measured them.
RECORD: Final = 1_000


class Costs(NamedTuple):
    """What a call costs: the service's work, the database's processor time (ms), a worker's peak (MiB), bytes kept.

    `cold` is how many times as long a call takes that comes by itself: it counts for how long calls wait.
    """

    work: Work
    database: float
    peak: float
    record: float
    cold: float = 1.0


class Need(NamedTuple):
    """What a number of calls a second needs, how many are in flight, and within how many ms 95 % are answered."""

    rate: int
    workers: int
    p95: float
    in_flight: float
    database: float
    stored: float
    is_least: bool

    @property
    def replicas(self) -> int:
        """How many replicas have so many workers."""
        return self.workers // WORKERS


def read_costs(measured: dict[str, Any], record: float = RECORD) -> Costs:
    """Return what a call costs as shipped, recorded in PostgreSQL, with a token of ES384."""
    rows = {(row["part"], row["name"], row["connections"]): row for row in measured["rows"]}
    postgresql, shipped = rows["parts", "PostgreSQL", 8], rows["parts", "as shipped", 8]
    token = rows["parts", "as shipped, JWT ES384", 8]["cost"] - shipped["cost"]
    database = postgresql["processor"].get("database", 0.0)
    alone, logged = rows["connections", "as shipped", 1], rows["connections", "+ logs", 1]
    commit_ms = (alone["p50"] - logged["p50"]) - (alone["cost"] - logged["cost"]) / 1000
    spread = spread_of(alone["p50"], alone["p95"])
    work = Work((postgresql["cost"] - database + token) / 1000, spread, max(0.0, commit_ms), AFTER)
    return Costs(work, database / 1000, rows["parts", "as shipped, JWT ES384", 8]["peak"], record)


def spread_of(median: float, most: float) -> float:
    """Return the spread of the logarithm of times, from their median and their 95th percentile."""
    return math.log(most / median) / 1.645


def plan(rate: int, costs: Costs) -> Need:
    """Return what so many calls a second need."""
    wanted = math.ceil(rate * costs.work.processor / 1000 / BUSY)
    least = REPLICAS * WORKERS
    workers = max(least, math.ceil(wanted / WORKERS) * WORKERS)
    found = simulate_open(rate / workers, costs.work._replace(processor=costs.work.processor * costs.cold))
    return Need(
        rate,
        workers,
        found.share(0.95),
        rate * found.mean / 1000,
        rate * costs.database / 1000 / BUSY,
        rate * costs.record * 86_400,
        workers == least,
    )


def limits(costs: Costs) -> dict[str, float]:
    """Return how many calls a second each part bears, the one that is reached first at the beginning."""
    alone = 1000 * BUSY / costs.work.processor
    found = {
        f"{REPLICAS} replicas of {WORKERS} workers": alone * WORKERS * REPLICAS,
        f"{_MOST_BYTES / 1e12:.0f} TB of records a day": _MOST_BYTES / 86_400 / costs.record,
        f"{_MOST_CONNECTIONS} connections to PostgreSQL": _MOST_CONNECTIONS / CONNECTIONS * alone,
        f"{_CORES} cores of PostgreSQL": _CORES * BUSY * 1000 / costs.database,
    }
    return dict(sorted(found.items(), key=lambda one: one[1]))
