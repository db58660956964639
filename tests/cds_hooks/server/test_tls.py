"""TLS that the service terminates itself: real handshakes, and faults that are said before anything starts."""

import json
import re
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cds_hooks.errors import StartError
from cds_hooks.server.tls import tls_options
from cds_hooks.settings import read_settings
from tests.conftest import ROOT
from tests.running_service import RunningService

PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL


class Authority:
    """A certificate authority of the tests; `issue` writes a certificate with its key."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._certify(self._name, self._key, is_ca=True))

    def _certify(self, name: x509.Name, key: Any, is_ca: bool) -> bytes:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(self._name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        made = made.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        made = made if is_ca else made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, form: Any = PKCS8, password: bytes | None = None) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, written = self.folder / f"{name}.pem", self.folder / f"{name}.key.pem"
        certificate.write_bytes(
            self._certify(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, is_ca=False)
        )
        hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        written.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, hidden))
        return certificate, written


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


class TlsService(RunningService):
    """A service that speaks TLS; its readiness is asked without looking at the certificate."""

    scheme = "https"

    def _answers(self) -> bool:
        return '"Started worker-1' in self.log.read_text()


@pytest.fixture(scope="module", name="served")
def _served(authority: Authority) -> Any:
    certificate, key = authority.issue("server")
    service = TlsService(authority.folder / "log", CRD_TLS_CERTIFICATE=str(certificate), CRD_TLS_KEY=str(key))
    yield service
    service.stop()


@pytest.fixture(scope="module", name="mutual")
def _mutual(authority: Authority) -> Any:
    certificate, key = authority.issue("mutual-server")
    service = TlsService(
        authority.folder / "mutual-log",
        CRD_TLS_CERTIFICATE=str(certificate),
        CRD_TLS_KEY=str(key),
        CRD_TLS_CLIENT_CA=str(authority.path),
    )
    yield service
    service.stop()


def shake_hands(service: Any, authority: Authority, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=str(authority.path))
    context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself refuses what is old, before the service can
    context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", int(service.base.rpartition(":")[2])), timeout=60)
    with plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        return connection.version()


def test_tls_1_2_and_1_3_are_spoken(served: Any, authority: Authority) -> None:
    """CRD-89: TLS 1.2 or higher; HK-2, HK-168, sec-2."""
    assert shake_hands(served, authority, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert shake_hands(served, authority, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # what is tested is that it is refused
def test_tls_1_1_is_not(served: Any, authority: Authority) -> None:
    """CRD-89; sec-2."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake_hands(served, authority, ssl.TLSVersion.TLSv1_1)


def test_calls_are_answered_over_tls_and_browsers_told_to_stay_there(
    served: Any, authority: Authority, example: Any
) -> None:
    """HK-2; HK-168: all exchange is over TLS."""
    response = requests.post(
        f"{served.base}/cds-services/order-sign-crd",
        json=example("m0076-order-sign"),
        verify=str(authority.path),
        timeout=60,
    )

    assert response.status_code == 200
    assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_plain_http_is_not_answered_where_tls_is_served(served: Any) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{served.base.replace('https', 'http')}/health", timeout=60)


def test_under_mutual_tls_only_clients_with_a_certificate_are_let_in(mutual: Any, authority: Authority) -> None:
    def ask(certificate: tuple[Path, Path] | None) -> int:
        cert = tuple(map(str, certificate)) if certificate else None
        return requests.get(f"{mutual.base}/health", verify=str(authority.path), cert=cert, timeout=60).status_code

    assert ask(authority.issue("client")) == 200
    stranger = Authority(authority.folder, "another-authority").issue("stranger")
    for certificate in (None, stranger):
        with pytest.raises(requests.ConnectionError):
            ask(certificate)


@pytest.mark.parametrize(
    ("form", "password", "says"),
    [(TRADITIONAL, None, "openssl pkcs8 -topk8"), (PKCS8, b"hush", "unencrypted")],
    ids=["SEC1", "encrypted"],
)
def test_a_key_in_another_form_is_refused_with_what_to_do(
    form: Any, password: bytes | None, says: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = authority.issue("odd", form, password)
    monkeypatch.setenv("CRD_TLS_CERTIFICATE", str(certificate))
    monkeypatch.setenv("CRD_TLS_KEY", str(key))

    with pytest.raises(StartError, match=re.escape(says)):
        tls_options(read_settings())


def test_files_that_do_not_belong_together_are_refused(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = authority.issue("one")[0], authority.issue("two")[1]
    monkeypatch.setenv("CRD_TLS_CERTIFICATE", str(certificate))
    with pytest.raises(StartError, match="needs both"):
        tls_options(read_settings())

    monkeypatch.setenv("CRD_TLS_KEY", str(key))
    with pytest.raises(StartError, match="not usable with CRD_TLS_KEY"):
        tls_options(read_settings())

    monkeypatch.setenv("CRD_TLS_CERTIFICATE", str(authority.issue("two")[0]))
    monkeypatch.setenv("CRD_TLS_KEY", str(authority.folder / "two.key.pem"))
    monkeypatch.setenv("CRD_TLS_CLIENT_CA", str(key))
    with pytest.raises(StartError, match="CRD_TLS_CLIENT_CA"):
        tls_options(read_settings())


@pytest.mark.parametrize("kind", ["plain", "tls", "mutual"])
def test_the_health_check_of_the_image_works_however_it_is_reached(
    kind: str, service: Any, served: Any, mutual: Any
) -> None:
    """The command is the Dockerfile's own; a port that nobody listens on is not healthy."""
    found = re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])", (ROOT / "Dockerfile").read_text())
    assert found
    command = [sys.executable, *json.loads(found[1])[1:]]
    running = {"plain": service, "tls": served, "mutual": mutual}[kind]
    variables = {"CRD_PORT": running.base.rpartition(":")[2]}
    variables |= {"CRD_TLS_CERTIFICATE": "x"} if kind != "plain" else {}
    variables |= {"CRD_TLS_CLIENT_CA": "x"} if kind == "mutual" else {}

    assert subprocess.run(command, env=variables, check=False, timeout=60).returncode == 0
    lost = subprocess.run(command, env={**variables, "CRD_PORT": "1"}, check=False, timeout=60, capture_output=True)
    assert lost.returncode != 0
