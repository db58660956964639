"""Keys are fetched from registered URLs only as often, as long and as far as is good (7.5), from servers that run."""

import contextlib
import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.auth import jwks_cache as jwks
from cds_hooks.auth.jwk import Key, KeySetError, read_key_set
from cds_hooks.auth.jwks_cache import LONGEST, PATIENCE, REST, SHORTEST, STALE, KeyCache
from cds_hooks.auth.jwks_fetch import MOST_BYTES, Fetched, JwksFetcher, JwksFetchError
from cds_hooks.telemetry.logs import flush
from tests.auth.servers import KeyServer
from tests.auth.tokens import jwk, private_key
from tests.auth.tokens import jwks as key_set

pytest_plugins = ["tests.auth.fixtures"]

URL = "https://ehr.example.org/jwks.json"


class Origin:
    """What a fetch brings, and how often it was made; the clock of the cache as well."""

    def __init__(self, *kids: str) -> None:
        self.time = 1000.0
        self.fetches = 0
        self.max_age: float | None = None
        self.publish(*kids)

    def publish(self, *kids: str) -> None:
        self.body: bytes | None = key_set(*(jwk("P-384", kid=kid) for kid in kids))

    def fetch(self, _: str) -> Fetched:
        self.fetches += 1
        if self.body is None:
            raise JwksFetchError("status-503")
        return Fetched(self.body, self.max_age)

    def now(self) -> float:
        return self.time


@pytest.fixture(name="origin")
def _origin() -> Origin:
    return Origin("k1")


@pytest.fixture(name="cache")
def _cache(origin: Origin) -> KeyCache:
    return KeyCache(origin.fetch, origin.now)


@pytest.fixture(scope="module", name="fetcher")
def _fetcher() -> JwksFetcher:
    """A fetcher that may call servers on this machine."""
    return JwksFetcher(private=True)


# --- the cache ------------------------------------------------------------------------------------------------------


def test_a_document_is_fetched_once(cache: KeyCache, origin: Origin) -> None:
    for _ in range(5):
        [key] = cache.find(URL, "k1") or ()
        assert key.fits("ES384")
    assert origin.fetches == 1


@pytest.mark.parametrize(
    ("max_age", "seconds"),
    [(None, SHORTEST), (0.0, SHORTEST), (60.0, SHORTEST), (900.0, 900.0), (10.0**8, LONGEST)],
)
def test_it_is_kept_as_long_as_its_server_says_within_bounds(max_age: float | None, seconds: float) -> None:
    """7.5: 5 minutes to 24 hours."""
    origin = Origin("k1")
    origin.max_age = max_age
    cache = KeyCache(origin.fetch, origin.now)
    cache.find(URL, "k1")

    origin.time += seconds - 1
    cache.find(URL, "k1")
    assert origin.fetches == 1
    origin.time += 2
    cache.find(URL, "k1")
    assert origin.fetches == 2


def test_an_unknown_key_causes_one_fetch_and_then_none_for_a_while(cache: KeyCache, origin: Origin) -> None:
    """Appendix B 57."""
    cache.find(URL, "k1")
    assert cache.find(URL, "other") == ()
    assert origin.fetches == 2
    assert cache.find(URL, "other") == ()
    assert cache.find(URL, "third") == ()
    assert origin.fetches == 2

    origin.time += PATIENCE
    assert cache.find(URL, "other") == ()
    assert origin.fetches == 3


def test_a_rotated_key_is_found_at_once(cache: KeyCache, origin: Origin) -> None:
    """Appendix B 58: also a second after the last fetch; PyJWKClient refuses it for half a minute."""
    cache.find(URL, "k1")
    origin.publish("k1", "k2")
    assert cache.find(URL, "k2")
    origin.publish("k2", "k3")
    assert cache.find(URL, "k3")
    assert cache.find(URL, "k1") == ()


def test_a_key_that_was_taken_back_is_gone_when_the_document_is_fetched_anew(cache: KeyCache, origin: Origin) -> None:
    cache.find(URL, "k1")
    origin.publish()
    origin.time += SHORTEST
    assert cache.find(URL, "k1") == ()


def test_in_an_outage_old_keys_are_good_for_a_day(cache: KeyCache, origin: Origin) -> None:
    cache.find(URL, "k1")
    origin.body = None
    origin.time += STALE - 1
    assert cache.find(URL, "k1")
    origin.time += 2
    assert cache.find(URL, "k1") is None


def test_after_a_failure_there_is_a_rest(cache: KeyCache, origin: Origin) -> None:
    origin.body = None
    assert cache.find(URL, "k1") is None
    assert cache.find(URL, "k1") is None
    assert origin.fetches == 1

    origin.publish("k1")
    origin.time += REST
    assert cache.find(URL, "k1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys": {}}', b'"x"', b"[" * 100_000, b"\xff\xfe"])
def test_a_document_that_is_none_changes_nothing(cache: KeyCache, origin: Origin, body: bytes) -> None:
    cache.find(URL, "k1")
    origin.body = body
    origin.time += SHORTEST
    assert cache.find(URL, "k1")
    assert cache.find(URL, "k2") == ()


def test_many_callers_cause_one_fetch(origin: Origin) -> None:
    begun = threading.Barrier(16)

    def slow(url: str) -> Fetched:
        time.sleep(0.2)
        return origin.fetch(url)

    cache = KeyCache(slow, origin.now)

    def ask(_: int) -> Any:
        begun.wait()
        return cache.find(URL, "k1")

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(16)))
    assert origin.fetches == 1


def test_who_knows_the_key_does_not_wait_for_who_fetches(origin: Origin) -> None:
    """An attacker with unknown ids cannot slow the others down."""
    fetching, done = threading.Event(), threading.Event()

    def hanging(url: str) -> Fetched:
        if origin.fetches:
            fetching.set()
            done.wait(60)
        return origin.fetch(url)

    cache = KeyCache(hanging, origin.now)
    cache.find(URL, "k1")
    with ThreadPoolExecutor(1) as threads:
        other = threads.submit(cache.find, URL, "other")
        assert fetching.wait(60)
        origin.time += SHORTEST
        assert cache.find(URL, "k1")
        assert not other.done()
        done.set()


def test_documents_are_kept_for_a_bounded_number_of_urls(
    cache: KeyCache, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "MOST_URLS", 3)
    for number in range(5):
        cache.find(f"{URL}?{number}", "k1")
    assert origin.fetches == 5
    cache.find(f"{URL}?4", "k1")
    assert origin.fetches == 5
    cache.find(f"{URL}?0", "k1")
    assert origin.fetches == 6


# --- fetching -------------------------------------------------------------------------------------------------------


def test_a_document_comes_with_the_time_it_may_be_kept(fetcher: JwksFetcher, key_server: KeyServer) -> None:
    key_server.publish(key_set(jwk("P-384")))
    assert fetcher.fetch(key_server.keys) == (key_set(jwk("P-384")), None)
    assert fetcher.fetch(f"{key_server.origin}/max-age/900").max_age == 900
    assert fetcher.fetch(f"{key_server.origin}/query?p=policy").body == key_set(jwk("P-384"))
    assert key_server.asked()[-1] == "/query?p=policy"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("huge", "too-large"),
        ("huge-chunks", "too-large"),
        ("packed", "encoded"),
        ("status/404", "status-404"),
        ("status/503", "status-503"),
        ("status/204", "status-204"),
        ("no-http", "unreachable"),
    ],
)
def test_what_is_no_document_is_refused(fetcher: JwksFetcher, key_server: KeyServer, path: str, reason: str) -> None:
    with pytest.raises(JwksFetchError, match=f"^{reason}$"):
        fetcher.fetch(f"{key_server.origin}/{path}")


@pytest.mark.parametrize("path", ["slow/8", "silent", "dripped-status", "dripped-headers", "dripped-body", "continue"])
def test_a_server_that_takes_its_time_is_left_in_time(key_server: KeyServer, path: str) -> None:
    """7.5: one end to all of it, also for a server that sends a byte now and then. Two seconds where it is used."""
    begun = time.monotonic()
    with pytest.raises(JwksFetchError, match=r"^too-late$"):
        _QUICK.fetch(f"{key_server.origin}/{path}")
    assert time.monotonic() - begun < 5  # it would go on for 8


_QUICK = JwksFetcher(private=True, seconds=0.4)


def test_redirects_are_not_followed(fetcher: JwksFetcher, key_server: KeyServer, other_key_server: KeyServer) -> None:
    with pytest.raises(JwksFetchError, match=r"^redirected$"):
        fetcher.fetch(f"{key_server.origin}/redirect/{other_key_server.port}")
    assert other_key_server.asked() == []


@pytest.mark.parametrize("path", ["html", "array", "deep", "many"])
def test_a_wrong_document_is_as_good_as_none(fetcher: JwksFetcher, key_server: KeyServer, path: str) -> None:
    key_server.publish(key_set(jwk("P-384")))
    assert KeyCache(fetcher.fetch).find(f"{key_server.origin}/{path}", "k1") is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1/", "forbidden-address"),
        ("https://localhost/", "forbidden-address"),
        ("https://10.0.0.1/", "forbidden-address"),
        ("https://169.254.169.254/latest", "forbidden-address"),
        ("https://[::1]/", "forbidden-address"),
        ("https://[::ffff:127.0.0.1]/", "forbidden-address"),
        ("http://127.0.0.1/", "forbidden-address"),
        ("http://93.184.216.34/", "forbidden-address"),
        ("http://10.0.0.1/", "forbidden-address"),
        ("file:///etc/passwd", "not-a-url"),
        ("ftp://ehr.example.org/", "not-a-url"),
        ("https://user@ehr.example.org/", "not-a-url"),
        ("https://ehr.example.org/../x", "not-a-url"),
        ("https://ehr.example.org/ x", "not-a-url"),
        ("https://ehr.example.org/?a b", "not-a-url"),
        ("", "not-a-url"),
    ],
)
def test_only_public_addresses_are_called_and_only_over_tls(url: str, reason: str) -> None:
    with pytest.raises(JwksFetchError, match=f"^{reason}$"):
        _PUBLIC.fetch(url)


_PUBLIC = JwksFetcher()


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://192.168.1.1/", "http://93.184.216.34/"])
def test_plain_http_is_for_this_machine_alone(fetcher: JwksFetcher, url: str) -> None:
    with pytest.raises(JwksFetchError, match=r"^forbidden-address$"):
        fetcher.fetch(url)


def test_nobody_there_is_told_at_once(fetcher: JwksFetcher) -> None:
    with pytest.raises(JwksFetchError, match=r"^unreachable$"):
        fetcher.fetch("http://127.0.0.1:1/keys")


@pytest.mark.process
def test_over_tls_the_certificate_must_be_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    server = KeyServer(str(certificate), str(certificate))
    try:
        url = f"https://localhost:{server.port}/keys"
        with pytest.raises(JwksFetchError, match=r"^unreachable$"):
            JwksFetcher(private=True).fetch(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = JwksFetcher(private=True, seconds=1)
        assert trusting.fetch(url).body == b'{"keys": []}'
        with pytest.raises(JwksFetchError, match=r"^unreachable$"):
            trusting.fetch(f"https://127.0.0.1:{server.port}/keys")  # the certificate is for localhost
        with pytest.raises(JwksFetchError, match=r"^too-late$"):
            trusting.fetch(f"https://localhost:{server.port}/dripped-body")
    finally:
        server.stop()


def make_certificate(folder: Path) -> Path:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + secret)
    return path


def test_a_flapping_server_does_not_show(fetcher: JwksFetcher, key_server: KeyServer) -> None:
    """It is up, down, up with another key: known keys are good all the time."""
    clock = Origin()
    cache = KeyCache(fetcher.fetch, clock.now)
    key_server.publish(key_set(jwk("P-384")))
    for round_ in range(6):
        key_server.fail(503 if round_ % 2 else 200)
        assert cache.find(key_server.keys, "k1"), round_
        clock.time += SHORTEST + REST
    key_server.fail(200)
    key_server.publish(key_set(jwk("P-384"), jwk("P-384", kid="k2")))
    assert cache.find(key_server.keys, "k2")


def test_a_failed_fetch_is_logged_by_its_reason(
    fetcher: JwksFetcher, key_server: KeyServer, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    flush()
    capfdbinary.readouterr()  # what other tests have logged
    url = f"{key_server.origin}/status/500"
    KeyCache(fetcher.fetch).find(url, "a-key-id-of-a-token")
    flush()
    [line] = [line for line in capfdbinary.readouterr().err.splitlines() if url.encode() in line]
    logged = json.loads(line)
    assert (logged["event"], logged["reason"]) == ("jwks-not-fetched", "status-500")
    assert b"a-key-id-of-a-token" not in line


# --- which keys are taken -------------------------------------------------------------------------------------------

ALL = {"ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
RSA = {name for name in ALL if name[1] == "S" and name[0] in "RP"}


def only_key(text: bytes, **how: Any) -> Key | None:
    keys = read_key_set(text, **how)
    return keys["k1"][0] if keys else None


@pytest.mark.parametrize(
    ("document", "fitting"),
    [
        (jwk("P-256"), {"ES256"}),
        (jwk("P-384"), {"ES384"}),
        (jwk("P-521"), {"ES512"}),
        (jwk("Ed25519"), {"EdDSA"}),
        (jwk("2048"), RSA),
        (jwk("2048", alg="RS384", use="sig"), {"RS384"}),
        (jwk("2048", alg="RSA-OAEP"), set()),
        (jwk("P-384", alg="ES256"), set()),
        (jwk("P-384", alg="ES384", x5c=["x"], x5u="https://x", ext=True), {"ES384"}),
    ],
)
def test_a_key_fits_the_algorithms_of_its_kind(document: dict[str, Any], fitting: set[str]) -> None:
    """Without `alg` and `use` as well (7.5)."""
    key = only_key(key_set(document))
    assert key is not None
    assert {name for name in ALL if key.fits(name)} == fitting


PRIVATE = {"d": jwk("P-384")["x"]}


@pytest.mark.parametrize(
    "document",
    [
        jwk("P-384", use="enc"),
        jwk("P-384", kid=None),
        jwk("P-384", kid=""),
        jwk("P-384", kid=7),
        jwk("P-384", alg=7),
        jwk("P-384", crv="P-256"),
        jwk("P-384", crv=None),
        jwk("P-384", crv=["P-384"]),
        jwk("P-384", x="AAAA"),
        jwk("P-384", x="!"),
        jwk("P-384", x=7),
        jwk("P-384", x="A" * 64),
        jwk("P-384", kty="RSA"),
        jwk("P-384", kty="oct", k="c2VjcmV0"),
        jwk("P-384", kty=["EC"]),
        jwk("P-384", **PRIVATE),
        jwk("secp256k1"),
        jwk("1024"),
        jwk("2048", e="AQ"),
        jwk("2048", n="A" * 100_000),
        jwk("2048", e=jwk("2048")["n"]),
        {"kid": "k1"},
    ],
)
def test_keys_that_must_not_verify_tokens_are_left_out(document: dict[str, Any]) -> None:
    """For encryption, symmetric, weak, broken, on another curve, or with their private part published."""
    assert only_key(key_set(document)) is None


def test_one_bad_key_does_not_spoil_the_others() -> None:
    text = json.dumps({"keys": [None, 7, {"kty": "EC"}, jwk("1024", kid="weak"), jwk("P-384")]}).encode()
    assert list(read_key_set(text)) == ["k1"]


def test_two_keys_may_have_one_id() -> None:
    """RFC 7517 4.5: of different kinds."""
    keys = read_key_set(key_set(jwk("P-384"), jwk("2048")))
    assert [key.kind[0] for key in keys["k1"]] == ["EC", "RSA"]


def test_the_key_list_of_crd_request_generator_is_read_where_a_registration_says_so() -> None:
    text = json.dumps([{"pem": jwk("2048", kid=None), "id": "k1"}, {"pem": "x", "id": "k2"}]).encode()
    key = only_key(text, style="pem-list")
    assert key is not None
    assert key.public.public_numbers() == private_key("2048").public_key().public_numbers()
    with pytest.raises(KeySetError):
        read_key_set(text)
    with pytest.raises(KeySetError):
        read_key_set(key_set(jwk("2048")), style="pem-list")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=5), deeper, max_size=3),
    max_leaves=8,
)
MEMBERS = ["kty", "crv", "x", "y", "n", "e", "use", "alg", "kid", "d"]


@given(
    st.sampled_from(["P-384", "2048", "Ed25519"]),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3),
)
def test_whatever_a_key_is_made_of_it_is_read_or_left_out(kind: str, changed: dict[str, Any]) -> None:
    read_key_set(json.dumps({"keys": [{**jwk(kind), **changed}]}).encode())


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_document_is_it_is_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(KeySetError):
        read_key_set(text)


def test_the_bounds_are_those_of_the_specification() -> None:
    """7.5."""
    assert (SHORTEST, LONGEST, MOST_BYTES, ssl.HAS_TLSv1_2) == (300, 86400, 262144, True)
