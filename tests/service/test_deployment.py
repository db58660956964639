"""The documented deployment behind nginx: the file of docs/deployment.md, in front of the real service."""

import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks.settings import Settings
from tests.cds_hooks.server.test_tls import Authority
from tests.conftest import ROOT
from tests.free_ports import free_port

DOCUMENT = (ROOT / "docs" / "deployment.md").read_text()
SIGN = "/cds-services/order-sign-crd"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")


def documented() -> str:
    found = re.search(r"<!-- nginx: .*? -->\n```nginx\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


class Proxy:
    """nginx with the documented file: only ports, certificate and folders are changed."""

    def __init__(self, folder: Path, upstream: str, authority: Authority) -> None:
        port = free_port()
        certificate, key = authority.issue("proxy")
        site = documented()
        for old, new in {
            "listen 443": f"listen 127.0.0.1:{port}",
            "server 127.0.0.1:8000": f"server {upstream}",
            "/etc/ssl/crd/fullchain.pem": str(certificate),
            "/etc/ssl/crd/key.pem": str(key),
            "crd.payer.example": "localhost",
            "client_body_timeout 10s": "client_body_timeout 2s",
        }.items():
            assert old in site
            site = site.replace(old, new)
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        (folder / "nginx.conf").write_text(f"{main} events {{}} http {{ access_log off; {temporary}\n{site} }}")
        self.ca = str(authority.path)
        self.port, self.base = port, f"https://localhost:{port}"
        self.process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")])
        self._wait(folder)

    def _wait(self, folder: Path) -> None:
        for _ in range(200):
            assert self.process.poll() is None, (folder / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=60).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("nginx does not listen")

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, self.base + path, verify=self.ca, timeout=60, **more)


@pytest.fixture(scope="module", name="behind")
def _behind(start_service: Any) -> Any:
    """The service as it is documented to run behind nginx, with a low rate."""
    return start_service(
        CRD_PUBLIC_BASE_URL="https://crd.payer.example", CRD_TRUSTED_PROXIES="127.0.0.1", CRD_RATE="12/minute"
    )


@pytest.fixture(scope="module", name="nginx")
def _nginx(behind: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    if NGINX is None:
        pytest.skip("needs nginx (apt-get install nginx)")
    authority = Authority(tmp_path_factory.mktemp("authority"), "authority")
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), behind.base.removeprefix("http://"), authority)
    yield proxy
    proxy.process.terminate()
    proxy.process.wait(timeout=60)


def test_calls_are_answered_behind_the_documented_nginx(nginx: Any, example: Any) -> None:
    """CRD-89, HK-2: over TLS; with an id that is in nginx' log as well as in ours."""
    response = nginx.ask("POST", SIGN, json=example("m0076-order-sign"))

    assert response.status_code == 200
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert response.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/metrics", "/health", "/ready", "/"])
def test_nothing_but_the_services_is_exposed(path: str, nginx: Any) -> None:
    response = nginx.ask("GET", path)

    assert response.status_code == 404
    assert "X-Request-ID" not in response.headers  # nginx' own


def test_a_client_cannot_choose_its_address(nginx: Any) -> None:
    """All of these are one caller, whatever it says; its rate is 12 a minute."""
    answers = [
        nginx.ask("GET", "/cds-services", headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(14)
    ]

    assert 429 in answers


def test_a_body_over_the_limit_does_not_reach_the_service(nginx: Any, behind: Any) -> None:
    before = behind.log.read_text().count('"status":413')

    assert nginx.ask("POST", SIGN, data=b" " * (2 * 1024 * 1024 + 1)).status_code == 413
    assert behind.log.read_text().count('"status":413') == before


def test_a_stalled_upload_does_not_reach_the_service(nginx: Any, behind: Any) -> None:
    calls = behind.log.read_text().count('"method":"POST"')
    context = ssl.create_default_context(cafile=nginx.ca)
    plain = socket.create_connection(("127.0.0.1", nginx.port), timeout=60)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(f"POST {SIGN} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{{".encode())
        assert connection.recv(100)[:12] in (b"HTTP/1.1 408", b"")
    assert behind.log.read_text().count('"method":"POST"') == calls


def test_a_token_of_16_kib_passes(nginx: Any) -> None:
    response = nginx.ask("GET", "/cds-services", headers={"Authorization": "Bearer " + "x" * 16384})

    assert response.status_code in (200, 429)


def test_the_documents_defaults_are_those_of_the_settings() -> None:
    rows = re.findall(r"^\| [^|]+ \| `CRD_(\w+)`[^|]* \| ([\w/]+)", DOCUMENT, re.MULTILINE)
    sizes = {"2": str(2 * 1024 * 1024)}

    assert len(rows) >= 8
    for name, shown in rows:
        default = str(Settings.model_fields[name.lower()].default).removesuffix(".0")
        assert sizes.get(shown, shown) == default, name


def test_every_setting_that_the_document_names_exists() -> None:
    for name in re.findall(r"\bCRD_([A-Z_]+)", DOCUMENT):
        assert name.lower() in Settings.model_fields, name
