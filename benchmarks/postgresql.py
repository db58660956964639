"""A PostgreSQL server to record in, with the settings that it comes with: what it writes is on disk when it says so."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.services import Plan
from tests.databases.servers import NO_POSTGRESQL, PostgreSQL


@contextmanager
def plan(name: str, variables: dict[str, str]) -> Iterator[Plan | None]:
    """Run a server, and return how to start this service with it; None where PostgreSQL is not installed."""
    if NO_POSTGRESQL:
        print(f"bench: {NO_POSTGRESQL}, so it is not compared with", file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bench-postgresql-") as folder:
        server = PostgreSQL(Path(folder))
        try:
            process = int((Path(folder) / "data" / "postmaster.pid").read_text().split()[0])
            database = {"CRD_DATABASE_URL": server.new_database()}
            yield Plan(name, {**variables, **database}, others=(process,))
        finally:
            server.stop()
