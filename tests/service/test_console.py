"""The console of a running service: where it is shown, where not, and with several workers."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.cds_hooks.console.operating import PASSWORD, operators_of_tests
from tests.cds_hooks.store.reading import store_of
from tests.conftest import example
from tests.free_ports import free_port
from tests.running_service import RunningService

Start = Callable[..., RunningService]


def fill_in(base: str) -> requests.Response:
    """Send the form of the first page over new connections, as a browser that came back does."""
    form = requests.get(f"{base}/", timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token
    data = {"csrf_token": token[1], "code": "HCPCS M0076"}
    return requests.post(f"{base}/", data=data, cookies=form.cookies, timeout=60)


def test_off_leaves_no_page_and_no_route(start_service: Start) -> None:
    service = start_service(CRD_CONSOLE="off")

    for path in ("/", "/console/why", "/console/policies", "/console/static/console.css"):
        answer = requests.get(f"{service.base}{path}", timeout=60)
        assert answer.status_code == 404
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert '"event":"console-off","reason":"CRD_CONSOLE is off"' in service.log.read_text()


def test_every_worker_takes_the_forms_of_the_others(start_service: Start) -> None:
    """Also with one thread for calls: a page that waits for an answer holds none of them."""
    command = [sys.executable, "-m", "cds_hooks", "serve", "--workers", "2"]
    service = start_service(command, CRD_THREADS="1")

    pages = [fill_in(service.base) for _ in range(8)]

    assert [page.status_code for page in pages] == [200] * 8
    assert all("is not covered: considered investigational" in page.text for page in pages)


def test_a_service_that_asks_for_tokens_refuses_the_page_too_and_the_page_says_so(
    start_service: Start, tmp_path: Path
) -> None:
    jwks = {"issuer": "https://ehr.example.org", "jku": ["https://ehr.example.org/jwks"], "algorithms": ["ES384"]}
    clients = tmp_path / "clients.json"
    clients.write_text(json.dumps({"clients": [{"id": "example", "jwt": jwks}]}))
    base = {"CRD_AUTH": "cds-hooks-jwt", "CRD_PUBLIC_BASE_URL": "http://127.0.0.1:8000"}
    service = start_service(CRD_CLIENTS=str(clients), **base)

    page = fill_in(service.base)

    assert page.status_code == 200
    assert "The service asks who is calling" in page.text


def test_whoever_logs_in_is_known_to_every_worker_and_what_they_did_is_counted(
    start_service: Start, tmp_path: Path
) -> None:
    """Also the last moment before a service is stopped."""
    file = tmp_path / "operators.json"
    file.write_text(operators_of_tests())
    command = [sys.executable, "-m", "cds_hooks", "serve", "--workers", "2"]
    service = start_service(command, CRD_CONSOLE="login", CRD_OPERATORS=str(file))
    closed = requests.get(f"{service.base}/", timeout=60, allow_redirects=False)
    form = requests.get(f"{service.base}/console/login", timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    assert token
    data = {"csrf_token": token[1], "name": "rita", "password": PASSWORD}
    entered = requests.post(
        f"{service.base}/console/login", data=data, cookies=form.cookies, timeout=60, allow_redirects=False
    )

    pages = [
        requests.get(f"{service.base}{path}", cookies=entered.cookies, timeout=60).status_code
        for path in ("/", "/console/insights") * 4
    ]
    assert (closed.status_code, entered.status_code, pages) == (302, 303, [200] * 8)

    assert {
        service.post("/cds-services/order-sign-crd", example("m0076-order-sign")).status_code for _ in range(6)
    } == {200}
    assert service.stop() == 0
    with sqlite3.connect(store_of(service).removeprefix("sqlite:///")) as store:
        [[counted]] = store.execute("SELECT sum(count) FROM facts WHERE kind = 'call' AND what = 'answered'")
    store.close()
    assert counted == 6


@contextmanager
def served(folder: Path, *options: str, **variables: str) -> Iterator[tuple[str, Path]]:
    """Run `crd serve` with options, as a person does; yield its address on this machine, and its log."""
    port, log = free_port(), folder / "log"
    named = {name: value for name, value in os.environ.items() if not name.startswith("CRD_")}
    command = [sys.executable, "-m", "cds_hooks", "serve", "--port", str(port), "--workers", "1", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env={**named, **variables}, stderr=output, stdout=output)
    try:
        wait_for(f"http://127.0.0.1:{port}/ready")
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(60)


def wait_for(url: str) -> None:
    """Wait until a service answers there."""
    ends = time.monotonic() + 60
    while True:
        try:
            return requests.get(url, timeout=60).raise_for_status()
        except requests.RequestException:
            assert time.monotonic() < ends
            time.sleep(0.1)


def test_a_port_that_is_an_option_is_the_one_that_pages_call(tmp_path: Path) -> None:
    with served(tmp_path) as (base, _):
        page = fill_in(base)

    assert "is not covered: considered investigational" in page.text
    assert f"{base}/cds-services/" in page.text


def test_a_host_that_is_an_option_is_the_one_that_counts_for_the_console(tmp_path: Path) -> None:
    with served(tmp_path, "--host", "0.0.0.0", CRD_ALLOW_UNAUTHENTICATED="1") as (base, log):  # noqa: S104
        answer = requests.get(f"{base}/", timeout=60)

    assert answer.status_code == 404
    assert '"event":"console-off","reason":"CRD_HOST is not a loopback address' in log.read_text()
