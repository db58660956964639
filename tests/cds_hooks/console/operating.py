"""A console whose operators log in, with facts and calls of known numbers behind it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_hooks.app import create_app
from cds_hooks.auth.operators import OPERATOR, READER, OperatorFile
from cds_hooks.console.application import create_pages
from cds_hooks.console.mount import check_console
from cds_hooks.console.parts import Parts
from cds_hooks.console.service_client import ServiceClient
from cds_hooks.settings import Settings, read_settings
from tests.cds_hooks.console.conftest import noon

PASSWORD = "correct horse battery staple"  # noqa: S105 - of nobody
INSIGHTS = "/console/insights"


class Operating:
    """A service and its console; `alice` is an operator, `rita` a reader."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        (folder / "operators.json").write_text(operators_of_tests())
        self.file = OperatorFile(folder / "operators.json")
        given = {"rate": "none", "reload": 0, "operators": folder / "operators.json", **settings}
        self.settings: Settings = read_settings(database_url=f"sqlite:///{folder}/crd.sqlite3", **given)
        check_console(self.settings)
        self.service: Flask = create_app(self.settings, noon)
        deployment, watch = self.service.extensions["crd.deployment"], self.service.extensions["crd.rules"]
        self.parts = Parts(deployment, watch, ServiceClient("http://127.0.0.1:9"))
        self.app: Flask = create_pages(self.parts)

    def browser(self, name: str | None = None) -> FlaskClient:
        """Return a browser; with a name, of somebody who is logged in."""
        browser = self.app.test_client()
        if name:
            assert log_in(browser, name).status_code == 303
        return browser

    def close(self) -> None:
        self.service.extensions["crd.recorder"].close()
        self.parts.records.close()


@cache
def operators_of_tests() -> str:
    """Return the file of operators; its hashes take their time, so they are made once."""
    with TemporaryDirectory() as folder:
        file = OperatorFile(Path(folder) / "operators.json")
        file.set("alice", OPERATOR, PASSWORD)
        file.set("rita", READER, PASSWORD)
        return (Path(folder) / "operators.json").read_text()


@contextmanager
def operating(folder: Path, **settings: Any) -> Iterator[Operating]:
    """Yield a console; its connections are closed at the end."""
    made = Operating(folder, **settings)
    yield made
    made.close()


def form_token(page: str) -> str:
    """Return the token of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def log_in(browser: FlaskClient, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
    """Send the form of the login as its page does."""
    token = form_token(browser.get("/console/login").text)
    return browser.post("/console/login", data={"csrf_token": token, "name": name, "password": password, **fields})


def post(browser: FlaskClient, url: str, page: str = INSIGHTS, **fields: str) -> TestResponse:
    """Send a form of a page."""
    token = form_token(browser.get(page).text)
    return browser.post(url, data={"csrf_token": token, **fields})


def words(page: str) -> str:
    """Return what a page shows, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
