"""Fixtures of the database servers. A test module has them with `pytest_plugins = ["tests.databases.fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.databases.servers import NO_POSTGRESQL, NO_VALKEY, PostgreSQL, Valkey


@pytest.fixture(scope="session", name="postgresql")
def _postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    """A PostgreSQL server; each test makes a database of its own."""
    if NO_POSTGRESQL:
        pytest.skip(NO_POSTGRESQL)
    server = PostgreSQL(tmp_path_factory.mktemp("postgresql"))
    yield server
    server.stop()


@pytest.fixture(name="valkey")
def _valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey server with nothing in it."""
    if NO_VALKEY:
        pytest.skip(NO_VALKEY)
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()
