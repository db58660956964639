"""Fixtures of the servers of keys. A test module has them with `pytest_plugins = ["tests.auth.fixtures"]`."""

from collections.abc import Iterator

import pytest

from tests.auth.servers import KeyServer


@pytest.fixture(scope="module", name="key_server")
def _key_server() -> Iterator[KeyServer]:
    """A server of keys."""
    server = KeyServer()
    yield server
    server.stop()


@pytest.fixture(name="other_key_server")
def _other_key_server() -> Iterator[KeyServer]:
    """One more, to see whether anything gets there."""
    server = KeyServer()
    yield server
    server.stop()
