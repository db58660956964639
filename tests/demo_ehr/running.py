"""A demo EHR that listens, for tests."""

import threading
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from examples.demo_ehr.chart import Desk
from tests.running_service import RunningService


class RunningEhr(NamedTuple):
    """The EHR that listens at `base`, the service it asks, and the key that `crd send` signs with."""

    base: str
    app: Flask
    service: RunningService
    key: Path

    @property
    def desk(self) -> Desk:
        """What all charts share."""
        desk: Desk = self.app.jinja_env.globals["desk"]  # type: ignore[assignment]
        return desk

    def client(self) -> FlaskClient:
        """Return a browser of its own, without script."""
        return self.app.test_client()


class Listener:
    """A server on a free port; what answers there is put in its place later, as both sides must know its URL."""

    def __init__(self) -> None:
        self._server = make_server("127.0.0.1", 0, Flask("nothing"), threaded=True)
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self, app: Any) -> None:
        self._server.app = app
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
