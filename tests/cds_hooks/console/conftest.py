"""The console's pages, in front of a service that is called over real HTTP, on a day that does not change."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from cds_hooks.answering.deployment import Deployment
from cds_hooks.app import create_app
from cds_hooks.console.application import create_pages
from cds_hooks.console.parts import Parts
from cds_hooks.console.service_client import ServiceClient
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.settings import Settings, read_settings
from tests.running_service import TODAY


def noon(zone: Any) -> datetime:
    """Return noon of the day that the examples are answered on."""
    return datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=zone)


@dataclass(frozen=True)
class Console:
    """The pages of a service, and what it was made of."""

    app: Flask
    settings: Settings
    deployment: Deployment
    watch: RuleReloader

    def browser(self) -> FlaskClient:
        """Return a browser with cookies of its own."""
        return self.app.test_client()

    def elsewhere(self, base: str) -> FlaskClient:
        """Return a browser of a console whose service is at another address."""
        return create_pages(Parts(self.deployment, self.watch, ServiceClient(base))).test_client()


@pytest.fixture(scope="package", name="console")
def _console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console and its service, in this process."""
    folder: Path = tmp_path_factory.mktemp("console")
    settings = read_settings(database_url=f"sqlite:///{folder}/crd.sqlite3", rate="none", reload=0)
    app = create_app(settings, noon)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    deployment, watch = app.extensions["crd.deployment"], app.extensions["crd.rules"]
    pages = create_pages(Parts(deployment, watch, ServiceClient(f"http://127.0.0.1:{server.server_port}")))
    yield Console(pages, settings, deployment, watch)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(name="browser")
def _browser(console: Console) -> FlaskClient:
    return console.browser()


def token(browser: FlaskClient, url: str = "/") -> str:
    """Return the token that a page's form carries."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(url).text)
    assert found
    return found[1]


def send(browser: FlaskClient, url: str, **fields: Any) -> str:
    """Send a form as its page does, and return the page that comes."""
    answer = browser.post(url, data={"csrf_token": token(browser), **fields}, content_type="multipart/form-data")
    answer.request.environ["wsgi.input"].close()  # the test client keeps a large form in a file
    assert answer.status_code == 200, answer.text
    return answer.text


def words(page: str) -> str:
    """Return what a page shows, without its markup."""
    from html import unescape

    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def carried(page: str) -> str:
    """Return the try that a page carries in its form."""
    from html import unescape

    found = re.search(r'name="call" value="([^"]*)"', page)
    assert found
    return unescape(found[1])
