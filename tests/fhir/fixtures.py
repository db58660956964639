"""Fixtures of the FHIR servers. A test module has them with `pytest_plugins = ["tests.fhir.fixtures"]`."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fhir.servers import NO_FHIR_SERVER, RunningServer, start_fhir_server, start_odd_server


@pytest.fixture(scope="session", name="fhir_server")
def _fhir_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningServer]]:
    """Start FHIR servers that hold given resources; the same one again for the same resources and options."""
    if NO_FHIR_SERVER:
        pytest.skip(NO_FHIR_SERVER)
    started: dict[str, RunningServer] = {}

    def start(*resources: dict[str, Any], **how: Any) -> RunningServer:
        key = repr((resources, how))
        if key not in started:
            started[key] = start_fhir_server(tmp_path_factory.mktemp("fhir"), *resources, **how)
        return started[key]

    yield start
    for server in started.values():
        server.stop()


@pytest.fixture(scope="session", name="odd_server")
def _odd_server() -> Iterator[RunningServer]:
    """The server whose paths say how it misbehaves."""
    server = start_odd_server()
    yield server
    server.stop()


@pytest.fixture(name="other_server")
def _other_server() -> Iterator[RunningServer]:
    """A server on another port, to see whether anything gets there."""
    server = start_odd_server()
    yield server
    server.stop()
