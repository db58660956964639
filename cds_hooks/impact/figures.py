"""The figures of a report, counted from the Parquet files of the answers by DuckDB, within a bound of memory."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from cds_hooks.impact.sources import FileRange

#: What orders are counted by.
DIMENSIONS: Final = ("policy", "payer", "code", "month", "site", "client", "type")

NOTHING: Final = "(none)"

#: A text that stands in the orders of fewer patients is not shown unless asked for: it may be about one of them. The
#: number is that of CMS's cell size suppression policy: no cell of 1 to 10.
FEWEST_PATIENTS: Final = 11

#: Sample orders behind a figure, and places of lines that were set aside, in the report.
_SAMPLES: Final = 3
_PLACES: Final = 200

#: Memory that DuckDB takes before it goes to disk.
_MEMORY: Final = "600MB"

Row = dict[str, Any]


class Samples(NamedTuple):
    """A group of orders: what they have in common, how many there are, and some of them."""

    named: Row
    orders: int
    samples: tuple[Row, ...]


class Figures(NamedTuple):
    """Everything a report shows. `by` counts verdicts by the names of each dimension, `alerts` the cards by clinician
    and day; `rare_texts` are texts of too few patients to be shown, and their orders.
    """

    lines: int
    orders: int
    patients: int
    set_aside: Mapping[str, int]
    places: Sequence[Row]
    verdicts: Mapping[str, int]
    problems: Mapping[str, int]
    strengths: Mapping[str, int]
    by: Mapping[str, Mapping[str, Mapping[str, int]]]
    groups: Sequence[Samples]
    differences: Sequence[Samples] | None
    alerts: Mapping[str, Any]
    texts: Mapping[str, Mapping[str, int]]
    rare_texts: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the figures for programs."""
        listed = {"groups": self.groups, "differences": self.differences}
        told = {name: None if s is None else [_sample_json(one) for one in s] for name, s in listed.items()}
        return {**self._asdict(), **told}


def _sample_json(one: Samples) -> Row:
    return {**one.named, "orders": one.orders, "samples": list(one.samples)}


def open_answers(folder: Path, ranges: Iterable[FileRange]) -> duckdb.DuckDBPyConnection:
    """Return the answers of a folder as a database: the view `answer`, its lines numbered as they stand in files."""
    db = duckdb.connect()
    db.execute(f"SET memory_limit='{_MEMORY}'; SET preserve_insertion_order=false; SET enable_progress_bar=false")
    db.execute(f"SET temp_directory='{_quote(folder / 'spill')}'")
    db.execute("CREATE TABLE part (number INTEGER, url TEXT)")
    db.executemany("INSERT INTO part VALUES (?, ?)", [(one.number, one.url) for one in ranges])
    db.execute(f"CREATE VIEW raw AS SELECT * FROM read_parquet('{_quote_pattern(folder)}/answers*.parquet')")
    db.execute("""
        CREATE TABLE place AS SELECT number, url, coalesce(sum(line) OVER (
            PARTITION BY url ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM part JOIN raw ON range = number AND kind = 'lines'""")
    db.execute("""
        CREATE VIEW answer AS SELECT raw.* EXCLUDE (range, line), url AS file, before + line AS line
        FROM raw JOIN place ON range = number WHERE kind <> 'lines'""")
    db.execute("CREATE VIEW asked AS SELECT * FROM answer WHERE kind = 'order'")
    return db


def _quote_pattern(path: Path) -> str:
    """Return a path whose own brackets and stars stand for nothing else."""
    return re.sub(r"([*?\[])", r"[\1]", _quote(path))


def _quote(path: Path) -> str:
    return str(path).replace("'", "''")


def count_figures(db: duckdb.DuckDBPyConnection, *, all_texts: bool = False) -> Figures:
    """Count everything; `all_texts` shows texts that few patients have, and may be about them."""
    lines = _one(db, "SELECT coalesce(sum(line), 0) FROM raw WHERE kind = 'lines'")
    has_baseline = bool(_one(db, "SELECT count(*) FROM asked WHERE was_verdict IS NOT NULL"))
    texts, rare = _count_texts(db, 1 if all_texts else FEWEST_PATIENTS)
    return Figures(
        lines=int(lines),
        orders=_one(db, "SELECT count(*) FROM asked"),
        patients=_one(db, "SELECT count(DISTINCT patient) FROM asked"),
        set_aside=_count(db, "fault", "answer WHERE kind = 'set-aside'"),
        places=_rows(
            db, f"SELECT file, line, fault FROM answer WHERE kind = 'set-aside' ORDER BY file, line LIMIT {_PLACES}"
        ),
        verdicts=_count(db, "verdict", "asked"),
        problems=_count(db, "problem", "asked WHERE problem IS NOT NULL"),
        strengths=_count(db, "strength", "asked WHERE strength IS NOT NULL"),
        by={dimension: _count_by(db, dimension) for dimension in DIMENSIONS},
        groups=_groups(db, ("verdict", "policy", "version", "strength"), "asked"),
        differences=_find_differences(db) if has_baseline else None,
        alerts=_count_alerts(db),
        texts=texts,
        rare_texts=rare,
    )


def _one(db: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = db.execute(query).fetchone()
    return row[0] if row else None


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    found = db.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _count(db: duckdb.DuckDBPyConnection, column: str, source: str) -> dict[str, int]:
    return dict(db.execute(f"SELECT {column}, count(*) AS n FROM {source} GROUP BY 1 ORDER BY n DESC, 1").fetchall())


def _count_by(db: duckdb.DuckDBPyConnection, dimension: str) -> dict[str, dict[str, int]]:
    query = f"SELECT coalesce({dimension}, '{NOTHING}'), verdict, count(*) FROM asked GROUP BY 1, 2 ORDER BY 1, 2"
    found: dict[str, dict[str, int]] = {}
    for name, verdict, count in db.execute(query).fetchall():
        found.setdefault(name, {})[verdict] = count
    return found


_CHANGED: Final = " OR ".join(
    f"was_{name} IS DISTINCT FROM {name}" for name in ("verdict", "policy", "pa_needed", "doc_needed", "problem")
)


def _find_differences(db: duckdb.DuckDBPyConnection) -> list[Samples]:
    columns = ("was_verdict", "verdict", "was_policy", "policy", "payer", "was_pa_needed", "pa_needed")
    return _groups(db, columns, f"asked WHERE {_CHANGED}")


def _groups(db: duckdb.DuckDBPyConnection, columns: Sequence[str], source: str) -> list[Samples]:
    """Return the groups of orders that some columns make, the largest first, each with the first of its orders."""
    query = f"""
        SELECT {", ".join(columns)}, count(*) AS orders,
            arg_min({{'file': file, 'line': line, 'id': id}}, (file, line), {_SAMPLES}) AS samples
        FROM {source} GROUP BY ALL ORDER BY orders DESC, {", ".join(columns)}"""
    rows = _rows(db, query)
    return [Samples({c: row[c] for c in columns}, row["orders"], tuple(row["samples"] or ())) for row in rows]


#: How many cards a clinician gets in a day, as the report groups them.
_SPREAD: Final = """CASE WHEN cards <= 2 THEN cards::TEXT WHEN cards <= 5 THEN '3 to 5' WHEN cards <= 10 THEN '6 to 10'
    ELSE 'more than 10' END"""


def _count_alerts(db: duckdb.DuckDBPyConnection) -> Row:
    """Count cards by clinician and day; orders that name no clinician are counted apart."""
    db.execute("""CREATE OR REPLACE TEMP TABLE clinician_day AS SELECT clinician, day, count(*) FILTER (alert) AS cards
        FROM asked WHERE clinician IS NOT NULL GROUP BY ALL""")
    (row,) = _rows(
        db,
        """SELECT coalesce(sum(cards), 0)::BIGINT AS cards, count(*) AS clinician_days, coalesce(max(cards), 0) AS most,
            round(avg(cards), 2) AS mean, quantile_disc(cards, 0.5) AS half, quantile_disc(cards, 0.95) AS most_of_95
        FROM clinician_day""",
    )
    nobody = _one(db, "SELECT count(*) FILTER (alert) FROM asked WHERE clinician IS NULL")
    spread = dict(
        db.execute(f"SELECT {_SPREAD}, count(*) FROM clinician_day GROUP BY 1 ORDER BY min(cards)").fetchall()
    )
    return {**row, "without_clinician": nobody, "spread": spread}


def _count_texts(db: duckdb.DuckDBPyConnection, fewest: int) -> tuple[dict[str, dict[str, int]], Row]:
    """Return the texts of enough patients with what was answered to them, the most frequent first; and how many texts
    and orders the rest are."""
    db.execute("""CREATE OR REPLACE TEMP TABLE wording AS
        SELECT text, count(DISTINCT patient) AS patients, count(*) AS orders
        FROM asked WHERE text IS NOT NULL GROUP BY 1""")
    query = f"""SELECT text, verdict, count(*) FROM asked JOIN wording USING (text) WHERE patients >= {fewest}
        GROUP BY text, verdict, orders ORDER BY orders DESC, text, verdict"""
    found: dict[str, dict[str, int]] = {}
    for text, verdict, count in db.execute(query).fetchall():
        found.setdefault(text, {})[verdict] = count
    (rare,) = _rows(
        db,
        f"""SELECT count(*) AS texts, coalesce(sum(orders), 0)::BIGINT AS orders FROM wording
        WHERE patients < {fewest}""",
    )
    return found, rare


def write_answers(db: duckdb.DuckDBPyConnection, path: Path, *, with_days: bool) -> None:
    """Write the answers as one Parquet file, without texts and patients; `with_days` adds the days of orders, which
    may tell whose they are (45 CFR 164.514(b)(2)(i)(C))."""
    columns = f"* EXCLUDE (kind, fault, text, was_text, patient{'' if with_days else ', day'})"
    db.execute(f"COPY (SELECT {columns} FROM asked) TO '{_quote(path)}' (FORMAT parquet, COMPRESSION zstd)")


#: What the orders of the smallest groups of figures have in common.
_CUBE: Final = (
    "type",
    "client",
    "site",
    "month",
    "payer",
    "code",
    "policy",
    "version",
    "strength",
    "verdict",
    "problem",
)


def write_cube(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write how many orders and cards there are of each kind in all dimensions at once, as Parquet."""
    counted = f"SELECT {', '.join(_CUBE)}, count(*) AS orders, count(*) FILTER (alert) AS cards FROM asked GROUP BY ALL"
    db.execute(f"COPY ({counted}) TO '{_quote(path)}' (FORMAT parquet, COMPRESSION zstd)")


def write_set_aside(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the place and the reason of each line that was set aside, as CSV."""
    lines = "SELECT file, line, fault AS reason FROM answer WHERE kind = 'set-aside' ORDER BY file, line"
    db.execute(f"COPY ({lines}) TO '{_quote(path)}' (HEADER)")
