"""Fixtures of the database servers. A test module has them with `pytest_plugins = ["tests.databases.fixtures"]`."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases.servers import NO_POSTGRESQL, NO_VALKEY, PostgreSQL, Valkey


@pytest.fixture(scope="session", name="postgresql")
def _postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server; each test makes a database of its own.

    It may run as another user, and other sessions close the folders that pytest makes, so it has a folder outside them.
    """
    if NO_POSTGRESQL:
        pytest.skip(NO_POSTGRESQL)
    with tempfile.TemporaryDirectory(prefix="crd-postgresql-") as folder:
        server = PostgreSQL(Path(folder))
        yield server
        server.stop(3)  # at once: what many tests wrote need not reach the disk, as the folder goes


@pytest.fixture(name="valkey")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey server with nothing in it."""
    if NO_VALKEY:
        pytest.skip(NO_VALKEY)
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()
