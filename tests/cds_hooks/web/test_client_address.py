"""Whose call it is, where proxies stand in front: only what a configured proxy says of it counts."""

import secrets
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks.errors import StartError
from cds_hooks.settings import read_networks, read_settings
from cds_hooks.web.client_address import peer_finder
from tests.auth.tokens import register_one, sign

SIGN = "/cds-services/order-sign-crd"
BASE = "https://payer.example.com/crd"


@pytest.mark.parametrize(
    ("proxies", "address", "forwarded", "peer"),
    [
        ("", "192.0.2.1", None, "192.0.2.1"),
        ("", "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.2", "203.0.113.9", "192.0.2.2"),
        ("192.0.2.1", "192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "192.0.2.1", "198.51.100.66, 203.0.113.9", "203.0.113.9"),
        ("192.0.2.0/24, 10.0.0.0/8", "192.0.2.1", "198.51.100.66,203.0.113.9 , 10.1.1.1", "203.0.113.9"),
        ("192.0.2.0/24", "192.0.2.1", "192.0.2.7, 192.0.2.8", "192.0.2.7"),
        ("192.0.2.1", "192.0.2.1", "203.0.113.9:4711", "203.0.113.9"),
        ("192.0.2.1", "192.0.2.1", "unknown", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1", "203.0.113.9, ", "192.0.2.1"),
        ("2001:db8:1::1", "2001:db8:1::1", "[2001:db8:2::7]:4711", "2001:db8:2::/64"),
        ("2001:db8:1::/48", "2001:db8:1::1", "2001:db8:2::8", "2001:db8:2::/64"),
        ("192.0.2.1", "::ffff:192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "", "203.0.113.9", "None"),
    ],
)
def test_the_peer_is_the_right_most_address_that_is_no_trusted_proxy(
    proxies: str, address: str, forwarded: str | None, peer: str
) -> None:
    """What stands left of it the client may have written. Of IPv6 a client has a whole /64."""
    assert peer_finder(read_networks(proxies))(address, forwarded) == peer


@pytest.mark.parametrize("proxies", ["localhost", "10.0.0.0/40", "10.0.0.1/8", "*"])
def test_what_is_no_network_is_refused_at_start(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_TRUSTED_PROXIES", proxies)

    with pytest.raises(StartError, match="CRD_TRUSTED_PROXIES"):
        read_settings()


def discover(service: Any, forwarded: str) -> int:
    return requests.get(f"{service.base}/cds-services", headers={"X-Forwarded-For": forwarded}, timeout=60).status_code


def test_forwarded_addresses_count_from_a_trusted_proxy_only(start_service: Any) -> None:
    """Else anybody could call without limit, as somebody new each time."""
    proxied = start_service(CRD_RATE="2/minute", CRD_TRUSTED_PROXIES="127.0.0.0/8")
    direct = start_service(CRD_RATE="2/minute")

    assert [discover(proxied, f"203.0.113.{number}") for number in range(4)] == [200] * 4
    assert [discover(proxied, f"198.51.100.{number}, 203.0.113.9") for number in range(4)] == [200, 200, 429, 429]
    assert [discover(direct, f"203.0.113.{number}") for number in range(4)] == [200, 200, 429, 429]


def test_several_forwarded_headers_do_not_hide_the_proxys(start_service: Any) -> None:
    """A client's own header stands before the proxy's, and never wins."""
    service = start_service(CRD_RATE="2/minute", CRD_TRUSTED_PROXIES="127.0.0.1")
    answers = []
    for number in range(4):
        head = f"GET /cds-services HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.{number}\r\n"
        head += "X-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(service.base.rpartition(":")[2])), timeout=60) as connection:
            connection.sendall(head.encode())
            answers.append(connection.recv(12))

    assert answers == [b"HTTP/1.1 200"] * 2 + [b"HTTP/1.1 429"] * 2


def test_no_header_changes_what_a_token_must_be_made_for(start_service: Any, tmp_path: Path, example: Any) -> None:
    """`aud` is of CRD_PUBLIC_BASE_URL: Host and X-Forwarded-Host are the sender's to choose, even behind a proxy."""
    service = start_service(
        **register_one(tmp_path, "hospital", "https://ehr.example.org"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_DATABASE_URL=f"sqlite:///{tmp_path}/used.sqlite3",
        CRD_TRUSTED_PROXIES="127.0.0.1",
    )

    def call(base: str) -> int:
        now = time.time()
        claims = {"iss": "https://ehr.example.org", "aud": base + SIGN, "iat": now, "exp": now + 300}
        headers = {
            "Authorization": f"Bearer {sign(claims | {'jti': secrets.token_hex(8)})}",
            "Host": "evil.example.org",
            "X_Forwarded_Host": "evil.example.org",
            "X_Forwarded_Proto": "https",
        }
        return service.post(SIGN, example("m0076-order-sign"), **headers).status_code

    assert call("https://evil.example.org") == 401
    assert call(BASE) == 200
