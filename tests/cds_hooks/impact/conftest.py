"""A small population, written once, and runs over it."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.impact.judging import read_terms
from cds_hooks.impact.population.writing import write_population
from cds_hooks.impact.rules_package import pack_rules
from cds_hooks.impact.sources import cut, find_files
from cds_hooks.impact.work import Work
from cds_hooks.settings import read_settings

#: Enough for every kind of order under every kind of coverage, and a few ranges of files.
ORDERS = 12_000


@pytest.fixture(scope="session")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("impact") / "population"
    write_population(folder, ORDERS, seed=7)
    return folder


@pytest.fixture(scope="session")
def truth(population: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((population / "truth.json").read_text())
    return found


@pytest.fixture
def plan() -> Callable[..., Work]:
    """Return what plans the work on some files, under the shipped rules."""

    def make(*places: Path, **changes: Any) -> Work:
        settings = read_settings()
        work = Work(
            orders=tuple(cut(find_files(map(str, places)))),
            records=(),
            rules=pack_rules(settings),
            baseline=None,
            terms=read_terms(settings),
            today=date(2026, 11, 26),
            key=b"k" * 32,
            apart=False,
        )
        return work._replace(**changes)

    return make


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes resources, or lines as they are, as an NDJSON file of one clinic."""

    def write(*lines: Any, name: str = "clinic/orders.ndjson") -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        path.write_bytes(b"".join(line + b"\n" for line in written))
        return path

    return write
