"""Only trusted clients get in: the whole service, with real tokens over real HTTP."""

import json
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks import create_app
from cds_hooks.telemetry import logs
from tests.auth.tokens import jwk, jwks, sign
from tests.cds_hooks.telemetry.servers import wait_for
from tests.forked_process import run_forked

BASE = "https://payer.example.com/crd"
SIGN = "/cds-services/order-sign-crd"


@pytest.fixture(scope="module", name="guarded")
def _guarded(start_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service that asks for CDS Hooks JWTs, with two registered clients and closed discovery."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    registration = {"issuer": "https://ehr.example.org", "jwks-file": "keys.json"}
    clients = [
        {"id": "hospital", "jwt": registration, "fhir-servers": ["https://ehr.example.org/fhir"]},
        {"id": "strict", "jwt": {**registration, "issuer": "https://strict.example.org", "replay": "observe"}, "services": ["order-select-crd"], "fhir-check": "strict"},
    ]  # fmt: skip
    (folder / "clients.json").write_text(json.dumps({"clients": clients}))
    return start_service(
        CRD_AUTH="cds-hooks-jwt",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_DISCOVERY="closed",
        CRD_DATABASE_URL=f"sqlite:///{folder}/used.sqlite3",
        CRD_ALLOW_PRIVATE_FHIR_SERVERS="1",
    )


def token(path: str = SIGN, issuer: str = "https://ehr.example.org", **changed: Any) -> str:
    now = time.time()
    claims = {"iss": issuer, "aud": BASE + path, "iat": now, "exp": now + 300, "jti": secrets.token_hex(8), **changed}
    return f"Bearer {sign(claims)}"


def test_a_registered_client_gets_its_answer(guarded: Any, example: Any) -> None:
    """HK-176."""
    response = guarded.post(SIGN, example("m0076-order-sign"), Authorization=token())

    assert response.status_code == 200
    assert response.json()["cards"]
    assert guarded.logged(response)["client"] == "hospital"


@pytest.mark.parametrize(
    ("authorization", "cause"),
    [
        ({}, "no-token"),
        ({"Authorization": "null"}, "no-token"),
        ({"Authorization": "Bearer x.y.z"}, "malformed"),
        ({"Authorization": token("/cds-services/order-select-crd")}, "audience"),
        ({"Authorization": token("")}, "audience"),
        ({"Authorization": token(issuer="https://nobody.example.org")}, "unknown-issuer"),
        ({"Authorization": token(exp=1)}, "expired"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anybody_else_gets_a_bare_401(authorization: dict[str, str], cause: str, guarded: Any, example: Any) -> None:
    """docs/clients.md, failures; HK-177: the same for every cause, which only the log has, without the token."""
    response = guarded.post(SIGN, example("m0076-order-sign"), **authorization)

    assert response.status_code == 401
    assert response.content == b""
    assert "Content-Type" not in response.headers
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert guarded.logged(response)["cause"] == cause
    assert "eyJ" not in guarded.log.read_text()  # how every JWT begins


@pytest.mark.parametrize("path", [f"/{SIGN}", f"{SIGN}/", SIGN.replace("/order", "//order")])
def test_a_client_that_doubles_slashes_is_let_in_where_it_is_routed(path: str, guarded: Any, example: Any) -> None:
    """A base URL that ends in a slash, joined to a path that begins with one: the URL and `aud` alike."""
    body = json.dumps(example("m0076-order-sign"))
    for called in (path, SIGN):
        headers = {"Authorization": token(path), "Content-Type": "application/json"}
        assert requests.post(guarded.base + called, body, headers=headers, timeout=60).status_code == 200


def test_a_token_is_good_for_one_call(guarded: Any, example: Any) -> None:
    """docs/clients.md, step 8: `jti`."""
    once = token()

    calls = [guarded.post(SIGN, example("m0076-order-sign"), Authorization=once) for _ in range(2)]

    assert [call.status_code for call in calls] == [200, 401]
    assert guarded.logged(calls[-1])["cause"] == "replayed"


CLIENT = {"id": "hospital", "jwt": {"issuer": "https://ehr.example.org", "jwks-file": "keys.json"}}


def start_two_workers(start_service: Any, folder: Path) -> Any:
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    (folder / "clients.json").write_text(json.dumps({"clients": [CLIENT]}))
    return start_service(
        CRD_AUTH="cds-hooks-jwt",
        CRD_WORKERS="2",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_DATABASE_URL=f"sqlite:///{folder}/used.sqlite3",
    )


def test_a_client_that_is_taken_out_is_out_at_once_and_one_with_a_fault_is_not(
    start_service: Any, tmp_path: Path, example: Any
) -> None:
    """In every worker, within about a second, without a restart; a file with a fault changes nothing."""
    service = start_two_workers(start_service, tmp_path)

    def statuses() -> set[int]:
        calls = (service.post(SIGN, example("m0076-order-sign"), Authorization=token()) for _ in range(6))
        return {call.status_code for call in calls}

    assert statuses() == {200}
    for text, status in (('{"clients": [', 200), ('{"clients": []}', 401), (json.dumps({"clients": [CLIENT]}), 200)):
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(tmp_path / "clients.json")
        time.sleep(1.2)
        assert wait_for(statuses, {status}) == {status}


def test_of_two_workers_one_lets_a_token_in(start_service: Any, tmp_path: Path, example: Any) -> None:
    """docs/clients.md, step 8: whichever it comes to, all at once."""
    service = start_two_workers(start_service, tmp_path)
    once, request = token(), example("m0076-order-sign")
    with ThreadPoolExecutor(12) as threads:
        calls = [threads.submit(service.post, SIGN, request, Authorization=once) for _ in range(24)]
    assert sorted(call.result().status_code for call in calls) == [200, *[401] * 23]


def test_a_client_may_use_its_own_services_only(guarded: Any, example: Any) -> None:
    """docs/clients.md: 403 where a client is not entitled."""
    selecting = "/cds-services/order-select-crd"
    issuer = "https://strict.example.org"

    refused = guarded.post(SIGN, example("m0076-order-sign"), Authorization=token(issuer=issuer))
    answered = guarded.post(selecting, example("m0076-order-select"), Authorization=token(selecting, issuer))

    assert refused.status_code == 403
    assert refused.json()["issue"][0]["code"] == "forbidden"
    assert answered.status_code == 200


def test_a_registration_says_how_its_fhir_is_checked(guarded: Any, example: Any) -> None:
    request = example("m0076-order-select")
    request["context"]["draftOrders"]["entry"][0]["resource"]["authoredOn"] = "soon"
    path = "/cds-services/order-select-crd"

    assert guarded.post(path, request, Authorization=token(path)).status_code == 200
    assert guarded.post(path, request, Authorization=token(path, "https://strict.example.org")).status_code == 422


def test_records_are_read_from_a_clients_own_servers_only(guarded: Any, example: Any) -> None:
    """X-7: an allow-list of FHIR servers per client."""
    request = example("order-dispatch-2.1")
    del request["prefetch"]["serviceRequests"]
    request |= {"fhirServer": "http://127.0.0.1:9/fhir", "fhirAuthorization": {"access_token": "t"}}

    response = guarded.post(
        "/cds-services/order-dispatch-crd", request, Authorization=token("/cds-services/order-dispatch-crd")
    )

    assert response.status_code == 412
    assert "could not be reached" not in response.text


def test_discovery_is_closed_where_the_setting_says_so(guarded: Any) -> None:
    """D-6: then it wants a token for its own URL."""
    url = f"{guarded.base}/cds-services"

    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, headers={"Authorization": token("/cds-services")}, timeout=60).status_code == 200


def test_the_openapi_document_is_as_closed_as_discovery(guarded: Any) -> None:
    """D-6: it tells what discovery tells, and wants the same token."""
    url = f"{guarded.base}/openapi.json"

    assert requests.get(url, timeout=60).status_code == 401
    assert requests.get(url, headers={"Authorization": token("/cds-services")}, timeout=60).status_code == 200


def test_an_unknown_service_tells_nobody_what_there_is(guarded: Any) -> None:
    response = guarded.post("/cds-services/nothing", {})

    assert response.status_code == 401
    assert "order-sign" not in response.text


def test_preflight_and_probes_need_no_token(guarded: Any) -> None:
    assert requests.options(guarded.base + SIGN, timeout=60).status_code == 204
    assert requests.get(f"{guarded.base}/health", timeout=60).status_code == 200


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/usr/bin",
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "CRD_PORT": "1",
        **variables,
    }
    return run_forked(_create, environment=environment)


def _create() -> None:
    create_app()
    logs.flush()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"CRD_HOST": "0.0.0.0"}, "anybody who reaches it could call"),  # noqa: S104 - refused, which is the point
        ({"CRD_AUTH": "cds-hooks-jwt"}, "needs CRD_PUBLIC_BASE_URL"),
        ({"CRD_AUTH": "cds-hooks-jwt", "CRD_PUBLIC_BASE_URL": BASE}, "needs CRD_CLIENTS"),
        ({"CRD_AUTH": "trust-me"}, "must list some of cds-hooks-jwt, oauth2, none"),
        ({"CRD_AUTH": "none,cds-hooks-jwt"}, "none at the end"),
        ({"CRD_CLIENTS": "/no/such/file"}, "no such file"),
    ],
)
def test_settings_that_would_let_in_the_wrong_callers_stop_the_start(variables: dict[str, str], says: str) -> None:
    ended = start(**variables)

    assert ended.returncode != 0
    assert says in ended.stderr


def test_an_open_service_says_so_at_every_start(service: Any) -> None:
    log = service.log.read_text()

    assert '"clients-not-authenticated"' in log
    assert "Configuration allows" not in log  # granian's advice on threads, which are many on purpose


def test_an_open_service_elsewhere_is_a_setting_that_says_what_it_means() -> None:
    ended = start(CRD_HOST="0.0.0.0", CRD_ALLOW_UNAUTHENTICATED="1")  # noqa: S104 - what is tested

    assert ended.returncode == 0
    assert '"clients-not-authenticated"' in ended.stderr + ended.stdout
