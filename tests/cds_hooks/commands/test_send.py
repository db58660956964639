"""`crd send` where there is nothing to show; what it shows of a running service is in tests/demo_ehr."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from cds_hooks.client.sending import connect
from cds_hooks.commands.main import main
from cds_hooks.errors import StartError
from tests.conftest import ROOT

CALL = ROOT / "fhir_examples" / "evicore-cmm-204" / "m0076-order-sign" / "request.json"


def send(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["send", *map(str, arguments)])


@pytest.mark.parametrize(
    ("url", "base", "service_id"),
    [
        ("https://payer.example.com/crd", "https://payer.example.com/crd", None),
        ("https://payer.example.com/crd/", "https://payer.example.com/crd", None),
        ("http://127.0.0.1:8000/cds-services", "http://127.0.0.1:8000", None),
        ("http://127.0.0.1:8000/cds-services/", "http://127.0.0.1:8000", None),
        ("http://127.0.0.1:8000/cds-services/order-sign-crd", "http://127.0.0.1:8000", "order-sign-crd"),
    ],
)
def test_a_url_may_be_the_base_the_discovery_or_one_service(url: str, base: str, service_id: str | None) -> None:
    connection = connect(url, None, 1.0)

    assert (connection.base, connection.service_id) == (base, service_id)


@pytest.mark.parametrize("url", ["payer.example.com", "ftp://payer.example.com", "https://x/cds-servicesorder"])
def test_what_is_no_url_of_a_service_is_told(url: str) -> None:
    with pytest.raises(StartError, match="no URL of a service"):
        connect(url, None, 1.0)


def test_nobody_there_is_one_clear_line() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

        done = send(CALL, "--to", url)

    assert done.exit_code == 2
    assert done.stderr == f"crd: {url}/cds-services: nothing answers there\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON: line 1"),
        ("[]", "not a hook call"),
        (json.dumps({"context": {}}), "not a hook call"),
    ],
)
def test_a_file_that_is_no_call_is_not_sent(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(content)

    done = send(path, "--to", "http://127.0.0.1:9")

    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_is_sent_byte_for_byte_but_for_what_an_option_puts_in(tmp_path: Path) -> None:
    """Who tries how a number is read must know that it was sent so."""
    text = '{ "hook":"order-sign",\n "hookInstance": "h", "context" : {"value": 1.10, "most": 12345678901234567890.10},\n "extension": {"x": 2.50} }'
    path = tmp_path / "call.json"
    path.write_text(text)
    with listening() as (url, bodies):
        assert send(path, "--to", f"{url}/cds-services/order-sign-crd", "--json").exit_code == 0
        assert send(path, "--to", f"{url}/cds-services/order-sign-crd", "--json", "--version", "2.2").exit_code == 0
    assert bodies[0] == text.encode()
    assert b'"context":{"value": 1.10, "most": 12345678901234567890.10}' in bodies[1]
    assert b'"extension":{"x":2.50,"davinci-crd.requestedVersion":"2.2"}' in bodies[1]


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """Answer calls with no cards, and keep what came."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"cards": []}')

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_key_needs_a_name_to_sign_with() -> None:
    done = send(CALL, "--to", "http://127.0.0.1:9", "--sign", CALL)

    assert done.exit_code == 2
    assert "--sign needs --issuer" in done.stderr
