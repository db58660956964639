"""Who calls is told from a token, in the order of docs/clients.md; whatever is wrong, callers see one and the same."""

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import string
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_hooks.auth.authenticator import Authenticator
from cds_hooks.auth.caller import ANYONE, Caller, Mode, read_modes
from cds_hooks.auth.jwk import ALGORITHMS, read_key_set
from cds_hooks.auth.jwks_cache import KeyCache
from cds_hooks.auth.jwks_fetch import JwksFetcher
from cds_hooks.auth.jwt_reader import MOST_CHARACTERS, read_token
from cds_hooks.auth.registrations import AuthorizationServer, Client, Clients, JwtTerms, Trust
from cds_hooks.auth.replay_guard import ReplayGuard, ReplayStoreError
from cds_hooks.errors import HTTP_STATUS, AuthenticationError, Cause, NotEntitledError, NotRecordedError, StartError
from cds_hooks.telemetry.logs import flush
from tests.auth.servers import KeyServer
from tests.auth.tokens import BASE, ISSUER, NOW, SERVICE, claims, encoded, jwk, jwks, private_key, secrets_of, sign

pytest_plugins = ["tests.auth.fixtures"]

DISCOVERY = f"{BASE}/cds-services"
FEEDBACK = f"{SERVICE}/feedback"
KEYS = read_key_set(jwks(jwk("P-384"), jwk("2048", kid="rsa")))
TRUST = Trust(ISSUER, keys=KEYS)


class Used:
    """A replay guard in memory."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def first_use(self, issuer: str, jti: str, _: float) -> bool:
        is_first = (issuer, jti) not in self.seen
        self.seen.add((issuer, jti))
        return is_first


class NoFetch:
    """Keys that nobody publishes, and who asked for them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, url: str, _: str, __: str) -> None:
        self.asked.append(url)


def terms(trust: Trust = TRUST, **how: Any) -> JwtTerms:
    return JwtTerms(trust, **how)


def authenticator(
    *clients: Client, modes: tuple[Mode, ...] = ("cds-hooks-jwt",), servers: Any = (), now: float = NOW, **parts: Any
) -> Authenticator:
    """Return one with these clients, or with one whose keys are in its registration."""
    known = Clients(clients or [Client("ehr", terms())], servers)
    parts = {"keys": NoFetch(), "replays": Used(), **parts}
    return Authenticator(modes, lambda: known, parts["keys"], parts["replays"], lambda: now)


def call(one: Authenticator, token: str, *urls: str, **how: Any) -> Caller:
    return one.authenticate(f"Bearer {token}", urls or [SERVICE], **how)


def cause_of(one: Authenticator, token: str, *urls: str) -> Cause:
    """Return why a token is refused."""
    with pytest.raises(AuthenticationError) as caught:
        call(one, token, *urls)
    return caught.value.cause


# --- good tokens ----------------------------------------------------------------------------------------------------


def test_a_good_token_tells_who_calls() -> None:
    caller = call(authenticator(), sign(claims(tenant="north")))
    assert (caller.client, caller.mode, caller.tenant, caller.replayed) == ("ehr", "cds-hooks-jwt", "north", False)
    assert caller.registration is not None
    assert caller.registration.id == "ehr"


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("ES256", "P-256"),
        ("ES384", "P-384"),
        ("ES512", "P-521"),
        ("EdDSA", "Ed25519"),
        *[(name, "2048") for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")],
    ],
)
def test_each_algorithm_works_where_it_is_registered_and_only_there(algorithm: str, kind: str) -> None:
    """HK-205; an RSA key without `alg` too, which PyJWT alone takes for RS256."""
    trust = replace(TRUST, keys=read_key_set(jwks(jwk(kind))), algorithms=frozenset({algorithm}))
    token = sign(claims(), algorithm, kind)
    assert call(authenticator(Client("ehr", terms(trust))), token).client == "ehr"
    others = frozenset(ALGORITHMS) - {algorithm}
    assert cause_of(authenticator(Client("ehr", terms(replace(trust, algorithms=others)))), token) is Cause.ALGORITHM


def test_65_the_test_vector_of_the_specification_verifies() -> None:
    """CDS Hooks 2.0, Trusting CDS Clients, its example, with the clock between `iat` and `exp`; and an hour after it, it does not."""
    key = {
        "kty": "EC",
        "use": "sig",
        "crv": "P-384",
        "kid": "example-kid",
        "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
        "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
        "alg": "ES384",
    }
    token = "".join(
        (
            "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxl",
            "LmNvbS9qd2tfdXJpIn0.eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1w",
            "bGUub3JnL2Nkcy1zZXJ2aWNlcy9zb21lLXNlcnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUy",
            "MmIwMjEtZTFiNy00NjExLWJhNWItOGVlYzZhMzNhYzFlIiwidGVuYW50IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMw",
            "MmEyIn0.d1WfLjGRKlcWB94l9do4cM8REXeYJLL6SGUBO8VHZhfM8mwKYP70EMxJ67War4TQblEpaQrp11wx5p7oPFm2ETYgCicS84vX",
            "WEIYTdjooZdooCSDf2L8-i4awdoUwiEb",
        )
    )
    trust = Trust("https://fhir-ehr.example.com/", keys=read_key_set(jwks(key)), longest=10**9)
    tenants = frozenset({"2ddd6c3a-8e9a-44c6-a305-52111ad302a2"})
    client = Client("example", terms(trust, tenants=tenants))
    url = "https://cds.example.org/cds-services/some-service"

    assert call(authenticator(client, now=1_400_000_000), token, url).tenant in tenants
    assert cause_of(authenticator(client, now=1_422_568_860 + 3600), token, url) is Cause.EXPIRED


@pytest.mark.parametrize("kid", ["d3bmo5HzW61TUgikHZH+A8Tx4UOXz2iOs4KvVU4eLY0=", "a/b+c==", "key 1", "ключ", "../../x"])
def test_key_ids_are_compared_letter_by_letter(kid: str) -> None:
    """Epic's have `+`, `/` and `=` (clients.md)."""
    trust = replace(TRUST, keys=read_key_set(jwks(jwk("P-384", kid=kid))))
    assert call(authenticator(Client("epic", terms(trust))), sign(kid=kid)).client == "epic"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    """docs/clients.md, step 1."""
    assert authenticator().authenticate(f" {scheme}   {sign()} ", [SERVICE]).client == "ehr"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/jwt"])
def test_the_type_is_read_in_any_case(typ: str) -> None:
    """7.3; RFC 7515 4.1.9 lets media types be written so."""
    assert call(authenticator(), sign(typ=typ)).client == "ehr"


@pytest.mark.parametrize("typ", [None, "at+jwt", "JOSE", "JWE", "xJWT", " JWT"])
def test_a_token_of_another_type_is_refused(typ: str | None) -> None:
    """docs/clients.md, step 1: an access token is no CDS Hooks JWT."""
    assert cause_of(authenticator(), sign(typ=typ)) is Cause.TYPE


def test_keys_that_a_token_brings_are_ignored() -> None:
    """docs/clients.md, step 1: `jwk`, `x5u`, `x5c`."""
    brought = {"jwk": jwk("P-384#attacker"), "x5u": "https://attacker.example/c", "x5c": ["x"], "x5t": "y"}
    keys = NoFetch()
    one = authenticator(keys=keys)
    assert call(one, sign(**brought)).client == "ehr"
    assert cause_of(one, sign(claims(jti="j2"), kind="P-384#attacker", **brought)) is Cause.SIGNATURE
    assert keys.asked == []


# --- Appendix B, 50 to 61 -------------------------------------------------------------------------------------------

NO_TOKEN = [None, "", " ", "null", "Bearer", "Bearer ", "Bearer null", "bearer NULL", "Bearer undefined", "Basic eDp5"]


@pytest.mark.parametrize("header", NO_TOKEN)
def test_50_without_a_token_nobody_is_known(header: str | None) -> None:
    """HK-176, 9.1 mistake 16: a missing token is never let through."""
    with pytest.raises(AuthenticationError) as caught:
        authenticator().authenticate(header, [SERVICE])
    assert caught.value.cause is Cause.NO_TOKEN


GARBLED = [
    "x",
    "a.b",
    "a.b.c",
    "....",
    "a.b.c.d.e",
    "é.é.é",
    "A" * (MOST_CHARACTERS + 1),
    f"{sign()} {sign()}",
    f"{sign()},",
    f"{sign()}=",
    sign().replace(".", "..", 1),
    encoded(b"{}", b"{}", b"x"),
    encoded(b"[]", b"[]", b"x"),
    encoded(b"{", b"{}", b"x"),
    encoded(b'{"alg":' + b"[" * 5000, b"{}", b"x"),
    encoded(b'{"alg":"ES384","alg":"ES384","kid":"k1","typ":"JWT"}', b"{}", b"x"),
    encoded(b'{"alg":"ES384","kid":"k1","typ":"JWT","x":NaN}', b"{}", b"x"),
    encoded(b'{"alg":"ES384","kid":"k1","typ":"JWT","x":' + b"9" * 5000 + b"}", b"{}", b"x"),
]


@pytest.mark.parametrize("token", GARBLED)
def test_50_a_garbled_token_is_refused(token: str) -> None:
    assert cause_of(authenticator(), token) in (Cause.MALFORMED, Cause.ALGORITHM)


def test_a_token_that_is_too_long_is_refused_however_well_it_is_signed() -> None:
    assert call(authenticator(), sign(claims(x="x" * 10_000))).client == "ehr"
    assert cause_of(authenticator(), sign(claims(x="x" * MOST_CHARACTERS))) is Cause.MALFORMED


def forged(algorithm: str, secret: bytes, **header: Any) -> str:
    """Return a token signed with HMAC, as who has only public things would."""
    head = json.dumps({"alg": algorithm, "kid": "k1", "typ": "JWT", **header}).encode()
    signing = encoded(head, json.dumps(claims()).encode())
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(algorithm, hashlib.sha384)
    return f"{signing}.{encoded(hmac.digest(secret, signing.encode(), digest))}"


def public_forms(kind: str) -> Iterator[bytes]:
    """Yield what an HMAC secret could be made of a public key."""
    key = private_key(kind).public_key()
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo,):
        yield key.public_bytes(serialization.Encoding.PEM, form)
        yield key.public_bytes(serialization.Encoding.DER, form)
    yield json.dumps(jwk(kind)).encode()
    yield jwks(jwk(kind))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "ES384 ", "es384", "HS256", "RSA-OAEP", None, 7, ["ES384"]]
)
def test_51_no_algorithm_but_asymmetric_ones_exist(algorithm: Any) -> None:
    """HK-201, HK-203: unsigned, or with the signature of a good token."""
    head = json.dumps({"alg": algorithm, "kid": "k1", "typ": "JWT"}).encode()
    body = json.dumps(claims()).encode()
    good = base64.urlsafe_b64decode(sign().split(".")[2] + "==")
    assert cause_of(authenticator(), encoded(head, body, good)) is Cause.ALGORITHM
    assert cause_of(authenticator(), encoded(head, body, b"")) in (Cause.MALFORMED, Cause.ALGORITHM)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "ES384", "RS384"])
@pytest.mark.parametrize("kind", ["P-384", "2048"])
def test_51_a_public_key_is_no_secret(algorithm: str, kind: str) -> None:
    """HK-203."""
    kid = "k1" if kind == "P-384" else "rsa"
    for secret in public_forms(kind):
        assert cause_of(authenticator(), forged(algorithm, secret, kid=kid)) in (
            Cause.ALGORITHM,
            Cause.UNFIT_KEY,
            Cause.SIGNATURE,
        )


AUDIENCES = [
    "https://payer.example.com/crd",
    "https://payer.example.com",
    DISCOVERY,
    FEEDBACK,
    f"{BASE}/cds-services/order-select-crd",
    f"{SERVICE}x",
    SERVICE[:-1],
    SERVICE.upper(),
    SERVICE.replace("https", "http"),
    SERVICE.replace("https", "HTTPS"),
    SERVICE.replace(".com", ".com:8443"),
    SERVICE.replace(".com", ".com:80"),
    SERVICE.replace("https://", "https://x@"),
    f"{SERVICE}/x//",
    f"{SERVICE}?x",
    f"{SERVICE}#x",
    f" {SERVICE}",
    "order-sign-crd",
    "*",
    [],
    ["https://other.example"],
]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_52_a_token_for_another_endpoint_is_refused(audience: Any) -> None:
    """docs/clients.md, step 5: also the base URL, and another service's."""
    assert cause_of(authenticator(), sign(claims(aud=audience))) is Cause.AUDIENCE


@pytest.mark.parametrize("audience", [7, {"x": SERVICE}, [SERVICE, 7], [[SERVICE]], True])
def test_52_an_audience_must_be_text(audience: Any) -> None:
    assert cause_of(authenticator(), sign(claims(aud=audience))) is Cause.MALFORMED


@pytest.mark.parametrize(
    "audience",
    [
        SERVICE,
        [SERVICE],
        ["https://other.example", SERVICE],
        f"{SERVICE}/",
        f"{SERVICE}//",
        SERVICE.replace("/cds-services", "//cds-services"),
        SERVICE.replace("/cds-services/", "/cds-services///"),
        SERVICE.replace(".com", ".com:443"),
        SERVICE.replace("payer.example.com", "PAYER.Example.Com"),
    ],
)
def test_53_an_audience_with_us_in_it_is_good(audience: Any) -> None:
    """CDS Hooks 2.0, aud: a string or an array; only the port, the host's case and slashes that routing does not count may differ."""
    assert call(authenticator(), sign(claims(aud=audience))).client == "ehr"


@pytest.mark.parametrize("url", [DISCOVERY, SERVICE, FEEDBACK])
def test_each_endpoint_has_an_audience_of_its_own(url: str) -> None:
    for aud in (DISCOVERY, SERVICE, FEEDBACK):
        token = sign(claims(aud=aud))
        if aud == url:
            assert call(authenticator(), token, url).client == "ehr"
        else:
            assert cause_of(authenticator(), token, url) is Cause.AUDIENCE


def test_an_odd_audience_is_good_for_the_client_that_registered_it() -> None:
    """docs/clients.md, step 5: meld sends `sand_man`."""
    odd = Client("odd", terms(replace(TRUST, audiences=("sand_man", "https://payer.example.com/"))))
    for audience in ("sand_man", "https://payer.example.com"):
        token = sign(claims(aud=audience, jti=audience))
        assert call(authenticator(odd), token).client == "odd"
        assert cause_of(authenticator(), token) is Cause.AUDIENCE


def test_54_an_expired_token_is_refused() -> None:
    """docs/clients.md, step 6: with the clocks a minute apart at most."""
    assert call(authenticator(now=NOW + 359.9), sign()).client == "ehr"
    assert cause_of(authenticator(now=NOW + 360), sign()) is Cause.EXPIRED
    strict = Client("ehr", terms(replace(TRUST, clock_skew=0)))
    assert cause_of(authenticator(strict, now=NOW + 300), sign()) is Cause.EXPIRED
    assert call(authenticator(strict, now=NOW + 299), sign()).client == "ehr"


def test_a_token_from_the_future_is_refused() -> None:
    assert call(authenticator(now=NOW - 60), sign()).client == "ehr"
    assert cause_of(authenticator(now=NOW - 61), sign()) is Cause.ISSUED_IN_FUTURE
    assert cause_of(authenticator(), sign(claims(nbf=NOW + 61))) is Cause.NOT_YET_VALID
    assert call(authenticator(), sign(claims(nbf=NOW - 300))).client == "ehr"


def test_a_token_lives_no_longer_than_agreed() -> None:
    """7.3: the standard has no limit, PyJWT neither; br-provider and crd-request-generator differ widely."""
    assert call(authenticator(), sign(claims(exp=NOW + 3600))).client == "ehr"
    assert cause_of(authenticator(), sign(claims(exp=NOW + 3601))) is Cause.LIFETIME
    day = Client("generator", terms(replace(TRUST, longest=86400)))
    assert call(authenticator(day), sign(claims(exp=NOW + 86400))).client == "generator"


def test_dates_may_have_fractions() -> None:
    """7.3: a NumericDate need not be an integer."""
    assert call(authenticator(), sign(claims(iat=NOW - 0.5, exp=NOW + 299.75, nbf=NOW - 1e2))).client == "ehr"


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", [str(NOW), True, [], {}, -1, 10**13, 10**400, 1e300])
def test_a_date_must_be_a_number_of_our_time(name: str, value: Any) -> None:
    assert cause_of(authenticator(), sign(claims(**{name: value}))) is Cause.MALFORMED


def test_an_infinite_date_is_none() -> None:
    text = json.dumps(claims()).replace(f'"exp": {NOW + 300}', '"exp": 1e999').encode()
    assert cause_of(authenticator(), sign(text)) is Cause.MALFORMED


def test_55_an_unknown_issuer_is_refused_and_nothing_is_fetched() -> None:
    """HK-195, docs/clients.md, step 2."""
    keys = NoFetch()
    for issuer in ("https://attacker.example", ISSUER + "/", ISSUER.upper(), " " + ISSUER):
        token = sign(claims(iss=issuer), jku="https://attacker.example/jwks")
        assert cause_of(authenticator(keys=keys), token) is Cause.UNKNOWN_ISSUER
    assert keys.asked == []


@pytest.fixture(scope="module", name="fetcher")
def _fetcher() -> JwksFetcher:
    return JwksFetcher(private=True)


def fetching(server: KeyServer, fetcher: JwksFetcher, **parts: Any) -> Authenticator:
    """Return one whose client publishes keys at a server that runs."""
    client = Client("ehr", terms(Trust(ISSUER, urls=(server.keys,))))
    return authenticator(client, keys=KeyCache(fetcher.fetch), **parts)


def test_56_a_jku_that_is_not_registered_is_never_fetched(
    key_server: KeyServer, other_key_server: KeyServer, fetcher: JwksFetcher
) -> None:
    """HK-195, 9.1 mistake 15: it is the attacker's, with the attacker's key in it."""
    key_server.publish(jwks(jwk("P-384")))
    other_key_server.publish(jwks(jwk("P-384#attacker")))
    one = fetching(key_server, fetcher)
    before = key_server.asked()
    for jku in (other_key_server.keys, key_server.keys + "/", key_server.keys + "?x", key_server.keys.upper(), "", "x"):
        assert cause_of(one, sign(kind="P-384#attacker", jku=jku)) is Cause.JKU_NOT_REGISTERED
    assert cause_of(one, sign(claims(iss="https://other.example"), jku=key_server.keys)) is Cause.UNKNOWN_ISSUER
    assert (key_server.asked(), other_key_server.asked()) == (before, [])
    assert call(one, sign(jku=key_server.keys)).client == "ehr"


def test_57_an_unknown_key_causes_one_fetch_and_at_once_no_other(key_server: KeyServer, fetcher: JwksFetcher) -> None:
    key_server.publish(jwks(jwk("P-384")))
    one = fetching(key_server, fetcher)
    call(one, sign(jku=key_server.keys))
    before = len(key_server.asked())
    for fetches in (1, 1, 1):
        assert cause_of(one, sign(claims(jti="j2"), jku=key_server.keys, kid="unknown")) is Cause.UNKNOWN_KEY
        assert len(key_server.asked()) == before + fetches


def test_58_keys_can_be_rotated(key_server: KeyServer, fetcher: JwksFetcher) -> None:
    key_server.publish(jwks(jwk("P-384")))
    one = fetching(key_server, fetcher)
    call(one, sign(claims(jti="old"), jku=key_server.keys))
    key_server.publish(jwks(jwk("2048", kid="new")))
    assert call(one, sign(claims(jti="new"), "RS384", "2048", jku=key_server.keys, kid="new")).client == "ehr"
    assert cause_of(one, sign(claims(jti="old2"), jku=key_server.keys)) is Cause.UNKNOWN_KEY


@pytest.fixture(name="guard")
def _guard(tmp_path: Path) -> Iterator[ReplayGuard]:
    guard = ReplayGuard(f"sqlite:///{tmp_path}/replay.db", now=lambda: NOW)
    yield guard
    guard.close()


def test_59_a_token_is_good_once(guard: ReplayGuard) -> None:
    """docs/clients.md, step 8."""
    one = authenticator(replays=guard)
    assert not call(one, sign()).replayed
    assert cause_of(one, sign()) is Cause.REPLAYED
    assert cause_of(one, sign(claims(exp=NOW + 200))) is Cause.REPLAYED
    assert call(one, sign(claims(jti="j2"))).client == "ehr"


def test_59_where_replays_are_observed_they_pass_and_are_told(guard: ReplayGuard) -> None:
    """Inferno calls with one token many times."""
    one = authenticator(Client("inferno", terms(replay="observe")), replays=guard)
    assert [call(one, sign()).replayed for _ in range(3)] == [False, True, True]


def test_a_token_is_remembered_for_as_long_as_it_could_be_used(tmp_path: Path) -> None:
    """docs/clients.md, step 8: until `exp` and the clock skew."""
    late = NOW + 359
    for now, cause in ((NOW, None), (late, Cause.REPLAYED), (NOW + 360, Cause.EXPIRED)):
        guard = ReplayGuard(f"sqlite:///{tmp_path}/replay.db", now=lambda now=now: now)
        one = authenticator(replays=guard, now=now)
        assert (cause_of(one, sign()) if cause else call(one, sign()) and None) is cause
        guard.close()


def test_a_token_that_is_refused_is_not_used_up(guard: ReplayGuard) -> None:
    """docs/clients.md, step 8: only after all other checks, or an attacker could use up what he cannot sign."""
    tenant = Client("ehr", terms(tenants=frozenset({"north"})))
    for wrong in (authenticator(replays=guard, now=NOW + 900), authenticator(tenant, replays=guard)):
        cause_of(wrong, sign())
    cause_of(authenticator(replays=guard), sign(kind="P-384#attacker"))
    cause_of(authenticator(replays=guard), sign(), DISCOVERY)
    assert call(authenticator(replays=guard), sign()).client == "ehr"


class Broken:
    """A replay guard whose disk is full."""

    def first_use(self, *_: Any) -> bool:
        raise ReplayStoreError("OperationalError")


def test_without_its_store_replays_cannot_be_told_and_nothing_passes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """It is no fault of the caller's: 503, and nothing of the token anywhere."""
    token = sign()
    with pytest.raises(NotRecordedError) as caught:
        call(authenticator(replays=Broken()), token)
    assert HTTP_STATUS[type(caught.value)] == 503
    flush()
    shown = str(caught.value).encode() + capfdbinary.readouterr().err
    assert b"used-token-not-recorded" in shown
    assert not [secret for secret in secrets_of([token]) if len(secret) > 20 and secret.encode() in shown]
    observed = Client("inferno", terms(replay="observe"))
    assert call(authenticator(observed, replays=Broken()), sign()).client == "inferno"


def failures() -> Iterator[tuple[Authenticator, str | None]]:
    """Yield a call for every cause, as far as it can be told by a token."""
    attacker = "P-384#attacker"
    used = authenticator()
    call(used, sign())
    yield authenticator(), None
    yield authenticator(), "Bearer x.y.z"
    yield authenticator(), f"Bearer {sign(typ='at+jwt')}"
    yield authenticator(), f"Bearer {forged('HS256', b'secret')}"
    yield authenticator(), f"Bearer {sign(claims(iss='https://attacker.example'))}"
    yield (
        authenticator(Client("ehr", terms(Trust(ISSUER, urls=("https://ehr.example.org/jwks",))))),
        f"Bearer {sign(jku='https://x.example')}",
    )
    yield authenticator(Client("ehr", terms(Trust(ISSUER, urls=("https://ehr.example.org/jwks",))))), f"Bearer {sign()}"
    yield authenticator(), f"Bearer {sign(kid='unknown')}"
    yield authenticator(), f"Bearer {sign(kid='rsa')}"
    yield authenticator(), f"Bearer {sign(kind=attacker)}"
    yield authenticator(), f"Bearer {sign(claims(jti=None))}"
    yield authenticator(), f"Bearer {sign(claims(aud='https://x.example'))}"
    yield authenticator(now=NOW + 9999), f"Bearer {sign()}"
    yield authenticator(now=NOW - 9999), f"Bearer {sign()}"
    yield authenticator(), f"Bearer {sign(claims(nbf=NOW + 9999))}"
    yield authenticator(), f"Bearer {sign(claims(exp=NOW + 99999))}"
    yield authenticator(Client("ehr", terms(tenants=frozenset({"north"})))), f"Bearer {sign(claims(tenant='south'))}"
    yield authenticator(Client("ehr", terms(subjects=frozenset({"app"})))), f"Bearer {sign(claims(sub='other'))}"
    yield used, f"Bearer {sign()}"
    yield oauth(), f"Bearer {access(scope='openid')}"
    yield oauth(), f"Bearer {access(client_id='other')}"


def test_60_all_refusals_look_the_same() -> None:
    """docs/clients.md, failures: there is a cause for the log, and nothing else that differs; each cause is tried here."""
    causes = set()
    for one, header in failures():
        with pytest.raises(AuthenticationError) as caught:
            one.authenticate(header, [SERVICE])
        error = caught.value
        causes.add(error.cause)
        assert (str(error), error.args, error.issues) == ("", ("",), ())
    assert causes == set(Cause)


def test_61_nothing_of_a_token_is_in_logs_or_errors(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """docs/clients.md, failures: neither in an error, nor in those it came of, nor in what they print."""
    for one, header in failures():
        secrets = [*secrets_of([header or ""]), "jti-of-the-token", "https://x.example", "attacker.example"]
        with pytest.raises(AuthenticationError) as caught:
            one.authenticate(header, [SERVICE])
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        behind: BaseException | None = caught.value
        while behind is not None:
            shown += f"{behind!r} {behind.args} {vars(behind)}"
            behind = behind.__context__ or behind.__cause__
        assert not [secret for secret in secrets if f'"{secret}"' in shown or (len(secret) > 20 and secret in shown)]
    flush()
    assert capfdbinary.readouterr() == (b"", b"")


def test_61_a_token_does_not_show_itself() -> None:
    token = sign(claims(jti="jti-of-the-token", sub="Jane Doe"), kid="k1", jku="https://x.example/keys")
    shown = repr(read_token(token))
    assert not [s for s in (*secrets_of([token]), "jti-of-the-token", "Jane", "x.example", "k1") if s in shown]


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_signature_by_another_key_is_refused() -> None:
    """docs/clients.md, step 4: key confusion by `kid`, by kind, by curve, and by a changed payload."""
    one = authenticator()
    assert cause_of(one, sign(kind="P-384#attacker")) is Cause.SIGNATURE
    assert cause_of(one, sign(claims(), "RS384", "2048")) is Cause.UNFIT_KEY
    assert cause_of(one, sign(kid="rsa")) is Cause.UNFIT_KEY
    head, _, signature = sign().split(".")
    assert cause_of(one, f"{head}.{encoded(json.dumps(claims(jti='j9')).encode())}.{signature}") is Cause.SIGNATURE
    assert cause_of(one, sign()[:-4]) is Cause.SIGNATURE


def test_a_key_on_another_curve_is_refused() -> None:
    """A P-256 key says that it is for ES384, or says nothing."""
    for key in (jwk("P-256"), jwk("P-256", alg="ES384")):
        trust = replace(TRUST, keys=read_key_set(jwks(key)))
        token = sign(claims(), "ES256", "P-256")
        head = encoded(json.dumps({"alg": "ES384", "kid": "k1", "typ": "JWT"}).encode())
        assert (
            cause_of(authenticator(Client("ehr", terms(trust))), f"{head}.{token.partition('.')[2]}") is Cause.UNFIT_KEY
        )


def test_of_two_keys_with_one_id_the_one_that_fits_is_taken() -> None:
    trust = replace(TRUST, keys=read_key_set(jwks(jwk("2048"), jwk("P-384#old"), jwk("P-384"))))
    one = authenticator(Client("ehr", terms(trust)))
    assert call(one, sign()).client == "ehr"
    assert call(one, sign(claims(jti="j2"), "RS384", "2048")).client == "ehr"
    assert cause_of(one, sign(kind="P-384#attacker")) is Cause.SIGNATURE


def test_a_key_of_another_client_is_of_no_use() -> None:
    """9.1 mistake 15: keys are bound to the issuer."""
    other = Client(
        "other", terms(Trust("https://other.example", keys=read_key_set(jwks(jwk("P-384#other", kid="k2")))))
    )
    one = authenticator(Client("ehr", terms()), other)
    assert cause_of(one, sign(kind="P-384#other", kid="k2")) is Cause.UNKNOWN_KEY
    assert cause_of(one, sign(kind="P-384#other")) is Cause.SIGNATURE
    assert call(one, sign(claims(iss="https://other.example"), kind="P-384#other", kid="k2")).client == "other"


def test_registered_keys_do_without_the_jku_of_a_token() -> None:
    """HK-199. The sandbox's cannot be reached (clients.md): it names one, and a static file has the keys."""
    keys = NoFetch()
    assert call(authenticator(keys=keys), sign(jku="https://sandbox.cds-hooks.org/jwks.json")).client == "ehr"
    assert keys.asked == []


def test_a_token_without_jku_is_verified_with_the_registered_one(key_server: KeyServer, fetcher: JwksFetcher) -> None:
    """HK-199. br-provider sends none (clients.md)."""
    key_server.publish(jwks(jwk("P-384")))
    assert call(fetching(key_server, fetcher), sign()).client == "ehr"


def test_keys_that_cannot_be_fetched_refuse(key_server: KeyServer, fetcher: JwksFetcher) -> None:
    key_server.fail(503)
    try:
        assert cause_of(fetching(key_server, fetcher), sign()) is Cause.JWKS_UNREACHABLE
    finally:
        key_server.fail(200)


@pytest.mark.parametrize(
    "header",
    [{"crit": ["x"], "x": 1}, {"crit": []}, {"b64": False}, {"kid": None}, {"kid": ""}, {"kid": "k" * 600}, {"jku": 7}],
)
def test_a_header_that_is_none_is_refused(header: dict[str, Any]) -> None:
    """7.3; RFC 7515 4.1.11: what must be understood and is not."""
    head = {"alg": "ES384", "kid": "k1", "typ": "JWT", **header}
    text = json.dumps({name: value for name, value in head.items() if value is not None}).encode()
    assert cause_of(authenticator(), encoded(text, json.dumps(claims()).encode(), b"x" * 96)) is Cause.MALFORMED


# --- claims ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "jti"])
def test_a_claim_that_must_be_there_is_missed(name: str) -> None:
    """7.3."""
    assert cause_of(authenticator(), sign(claims(**{name: None}))) is Cause.MISSING_CLAIM
    assert cause_of(authenticator(), sign(json.dumps({**claims(), name: None}).encode())) is Cause.MISSING_CLAIM


@pytest.mark.parametrize("name", ["iss", "jti"])
@pytest.mark.parametrize("value", ["", 7, [], {}, True])
def test_an_issuer_and_an_id_are_text(name: str, value: Any) -> None:
    assert cause_of(authenticator(), sign(claims(**{name: value}))) is Cause.MALFORMED


def test_a_claim_that_is_there_twice_is_refused() -> None:
    text = json.dumps(claims()).replace("{", '{"aud": "https://x.example", ', 1).encode()
    assert cause_of(authenticator(), sign(text)) is Cause.MALFORMED


def test_further_claims_are_ignored() -> None:
    """7.3."""
    assert call(authenticator(), sign(claims(sub="x", nbf=NOW, azp=7, x={"y": []}))).client == "ehr"


def test_a_tenant_must_be_one_of_those_registered() -> None:
    """docs/clients.md, step 7."""
    one = authenticator(Client("ehr", terms(tenants=frozenset({"north", "south"}))))
    assert call(one, sign(claims(tenant="north"))).tenant == "north"
    for tenant in (None, "east", "", 7, ["north"]):
        assert cause_of(one, sign(claims(tenant=tenant))) is Cause.TENANT


def test_clients_with_one_issuer_are_told_by_tenant() -> None:
    """Oracle Health has one issuer for all."""
    north, south = (Client(name, terms(tenants=frozenset({name}))) for name in ("north", "south"))
    one = authenticator(north, south)
    assert call(one, sign(claims(tenant="south"))).client == "south"
    assert cause_of(one, sign(claims(tenant="east"))) is Cause.TENANT


@pytest.mark.parametrize("tenant", ["x" * 300, "new\nline", 7])
def test_a_tenant_that_is_not_registered_is_only_taken_over_where_it_is_plain(tenant: Any) -> None:
    assert call(authenticator(), sign(claims(tenant=tenant))).tenant is None


@pytest.mark.parametrize("nested", ["\ud800", functools.reduce(lambda inner, _: [inner], range(40), 0)])
def test_claims_that_not_every_reader_reads_alike_are_no_claims(nested: Any) -> None:
    """RFC 8259, 8.2 and 9: half a surrogate pair, nesting deeper than claims are."""
    assert cause_of(authenticator(), sign(claims(other=nested))) is Cause.MALFORMED


def test_a_subject_must_be_one_of_those_registered() -> None:
    """Epic's client id (clients.md)."""
    one = authenticator(Client("epic", terms(subjects=frozenset({"app"}))))
    assert call(one, sign(claims(sub="app"))).client == "epic"
    for subject in (None, "other", 7):
        assert cause_of(one, sign(claims(sub=subject))) is Cause.SUBJECT


# --- services, modes ------------------------------------------------------------------------------------------------


def test_a_known_client_may_only_use_the_services_it_is_registered_for() -> None:
    """3.3: 403, not 401."""
    one = authenticator(Client("ehr", terms(replay="observe"), services=frozenset({"order-sign-crd"})))
    assert call(one, sign(), service_id="order-sign-crd").client == "ehr"
    assert call(one, sign()).client == "ehr"
    with pytest.raises(NotEntitledError) as caught:
        call(one, sign(), service_id="order-select-crd")
    assert caught.value.client == "ehr"
    with pytest.raises(AuthenticationError):
        call(one, sign(kind="P-384#attacker"), service_id="order-select-crd")


def test_none_lets_everybody_in_whatever_they_send() -> None:
    """HK-177: only where nothing sensitive can be learned; the start refuses it on other addresses."""
    one = authenticator(modes=("none",))
    for header in (*NO_TOKEN, *[f"Bearer {token}" for token in GARBLED], f"Bearer {sign()}"):
        assert one.authenticate(header, [SERVICE], "x") is ANYONE


def test_without_keys_and_store_nothing_is_proven() -> None:
    assert Authenticator(("none",)).authenticate("Bearer x", []) is ANYONE
    known = Clients([Client("ehr", terms(Trust(ISSUER, urls=("https://ehr.example.org/jwks",))))])
    assert cause_of(Authenticator(("cds-hooks-jwt",), lambda: known, now=lambda: NOW), sign()) is Cause.JWKS_UNREACHABLE
    known = Clients([Client("ehr", terms())])
    with pytest.raises(NotRecordedError):
        Authenticator(("cds-hooks-jwt",), lambda: known, now=lambda: NOW).authenticate(f"Bearer {sign()}", [SERVICE])


def test_none_after_another_mode_lets_in_calls_without_a_token_alone() -> None:
    """9.1 mistake 16: a token that is wrong is never let through."""
    one = authenticator(modes=("cds-hooks-jwt", "none"))
    assert call(one, sign()).client == "ehr"
    for header in NO_TOKEN:
        assert one.authenticate(header, [SERVICE]) is ANYONE
    assert cause_of(one, sign(kind="P-384#attacker")) is Cause.SIGNATURE
    assert cause_of(one, "x") is Cause.MALFORMED


@pytest.mark.parametrize(
    ("text", "modes"),
    [
        ("cds-hooks-jwt", ("cds-hooks-jwt",)),
        ("oauth2, cds-hooks-jwt ,none", ("oauth2", "cds-hooks-jwt", "none")),
        ("none", ("none",)),
    ],
)
def test_modes_are_read_in_order(text: str, modes: tuple[str, ...]) -> None:
    assert read_modes(text) == modes


@pytest.mark.parametrize("text", ["", ",", "jwt", "none,cds-hooks-jwt", "oauth2,oauth2", "None"])
def test_modes_that_are_none_stop_the_start(text: str) -> None:
    with pytest.raises(StartError, match="CRD_AUTH"):
        read_modes(text)


# --- OAuth 2.0 ------------------------------------------------------------------------------------------------------

IDP = "https://login.payer.example.com"
API = "https://payer.example.com/api"


def access(**changed: Any) -> str:
    header = {name: changed.pop(name) for name in ("typ", "kid", "jku", "kind") if name in changed}
    body = {"iss": IDP, "aud": API, "client_id": "ehr-at-idp", "scope": "crd.call openid", "exp": NOW + 300}
    found = {**body, "iat": NOW, **changed}
    return sign({k: v for k, v in found.items() if v is not None}, **{"typ": "at+jwt", **header})


def oauth(*modes: Mode, claim: str = "client_id", trust: Trust | None = None) -> Authenticator:
    trust = trust or Trust(IDP, keys=KEYS, audiences=(API,))
    server = AuthorizationServer(trust, frozenset({"crd.call"}), claim)
    clients = [Client("ehr", oauth2=(IDP, "ehr-at-idp")), Client("jwt-only", terms())]
    return authenticator(*clients, modes=modes or ("oauth2",), servers=[server])


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "JWT", None])
def test_an_access_token_tells_who_calls_again_and_again(typ: str | None) -> None:
    """RFC 9068; most servers write `JWT` or nothing. Access tokens are used more than once."""
    one = oauth()
    for _ in range(3):
        caller = call(one, access(typ=typ, jti="same"))
        assert (caller.client, caller.mode) == ("ehr", "oauth2")


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"aud": SERVICE}, Cause.AUDIENCE),
        ({"aud": None}, Cause.MISSING_CLAIM),
        ({"iss": ISSUER}, Cause.UNKNOWN_ISSUER),
        ({"scope": None}, Cause.SCOPE),
        ({"scope": "crd.callx"}, Cause.SCOPE),
        ({"scope": {"crd.call": 1}}, Cause.SCOPE),
        ({"client_id": None}, Cause.MISSING_CLAIM),
        ({"client_id": None, "azp": "ehr-at-idp", "sub": "ehr-at-idp"}, Cause.MISSING_CLAIM),
        ({"client_id": "jwt-only"}, Cause.UNKNOWN_CLIENT),
        ({"client_id": ["ehr-at-idp"]}, Cause.MALFORMED),
        ({"exp": NOW - 61}, Cause.EXPIRED),
        ({"exp": NOW + 9999}, Cause.LIFETIME),
        ({"kind": "P-384#attacker"}, Cause.SIGNATURE),
        ({"typ": "JOSE"}, Cause.TYPE),
    ],
)
def test_an_access_token_that_is_wrong_is_refused(changed: dict[str, Any], cause: Cause) -> None:
    assert cause_of(oauth(), access(**changed)) is cause


@pytest.mark.parametrize(
    "scopes", [{"scope": "a crd.call"}, {"scope": None, "scp": "crd.call"}, {"scope": None, "scp": ["a", "crd.call"]}]
)
def test_scopes_come_as_text_or_list(scopes: dict[str, Any]) -> None:
    assert call(oauth(), access(**scopes)).client == "ehr"


@pytest.mark.parametrize("claim", ["azp", "appid", "cid", "sub"])
def test_the_claim_that_names_the_client_is_configured(claim: str) -> None:
    assert call(oauth(claim=claim), access(**{claim: "ehr-at-idp", "client_id": "x"})).client == "ehr"


def test_where_an_authorization_server_has_its_keys_is_registered(key_server: KeyServer, fetcher: JwksFetcher) -> None:
    """Its tokens' `jku` is never followed."""
    key_server.publish(jwks(jwk("P-384")))
    known = Clients(
        [Client("ehr", oauth2=(IDP, "ehr-at-idp"))],
        [AuthorizationServer(Trust(IDP, urls=(key_server.keys,), audiences=(API,)))],
    )
    one = Authenticator(("oauth2",), lambda: known, KeyCache(fetcher.fetch), Used(), lambda: NOW)
    assert call(one, access(jku="https://attacker.example/jwks")).client == "ehr"


def test_modes_are_tried_in_order_and_the_one_that_knows_the_issuer_tells_the_cause() -> None:
    for modes in (("cds-hooks-jwt", "oauth2"), ("oauth2", "cds-hooks-jwt")):
        one = oauth(*modes)
        assert call(one, access()).mode == "oauth2"
        assert call(one, sign()).mode == "cds-hooks-jwt"
        assert cause_of(one, access(aud="x")) is Cause.AUDIENCE
        assert cause_of(one, sign(claims(aud="x"))) is Cause.AUDIENCE
    with pytest.raises(AuthenticationError) as caught:
        call(oauth("cds-hooks-jwt", "oauth2"), access(aud="x"))
    assert caught.value.claimed == IDP


# --- whatever comes -------------------------------------------------------------------------------------------------

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=5), deeper, max_size=3),
    max_leaves=6,
)
SEGMENT = st.text(string.ascii_letters + string.digits + "-_=.+/ ", max_size=60)
HEADERS = st.one_of(
    st.none(),
    st.text(max_size=100),
    st.builds("Bearer {}".format, st.text(max_size=100)),
    st.builds("Bearer {}.{}.{}".format, SEGMENT, SEGMENT, SEGMENT),
)
MEMBERS = ["alg", "kid", "typ", "jku", "crit", "b64", "x5c", "jwk", "zip", "enc"]
CLAIMS = ["iss", "aud", "exp", "iat", "nbf", "jti", "tenant", "sub", "scope", "client_id"]
ONES = [authenticator(), oauth(), oauth("oauth2", "cds-hooks-jwt")]
QUICKLY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.sampled_from(ONES), HEADERS)
@QUICKLY
def test_whatever_a_header_is_it_is_refused_in_the_same_way(one: Authenticator, header: str | None) -> None:
    with pytest.raises(AuthenticationError):
        one.authenticate(header, [SERVICE])


@given(st.sampled_from(ONES), st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4), st.binary(max_size=120))
@QUICKLY
def test_whatever_a_token_says_in_its_header_it_is_refused_in_the_same_way(
    one: Authenticator, changed: dict[str, Any], signature: bytes
) -> None:
    head = json.dumps({"alg": "ES384", "kid": "k1", "typ": "JWT", **changed}).encode()
    with pytest.raises(AuthenticationError):
        call(one, encoded(head, json.dumps(claims()).encode(), signature))


@given(st.sampled_from(ONES), st.dictionaries(st.sampled_from(CLAIMS), JSON, max_size=3) | JSON)
@QUICKLY
def test_whatever_a_client_signs_it_is_known_or_refused(one: Authenticator, changed: Any) -> None:
    """The signature is good here: what follows it must stand anything too."""
    body = {**claims(), **changed} if isinstance(changed, dict) else changed
    with contextlib.suppress(AuthenticationError):
        call(one, sign(json.dumps(body).encode()))


@given(st.data())
@QUICKLY
def test_a_token_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    """Nor is the same token good in two spellings."""
    token = sign(claims(jti="once"))
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_.=").filter(lambda c: c != token[at]))
    with pytest.raises(AuthenticationError):
        call(authenticator(), token[:at] + letter + token[at + 1 :])
