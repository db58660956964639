"""How often a caller may call: by client, by address, in memory and in a real Valkey that comes and goes."""

import json
import re
import secrets
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from limits import parse

from cds_hooks.auth.rate_limits import MemoryCounter, Rates, SharedCounter, open_rates
from cds_hooks.auth.registrations import RegistrationError, read_clients
from cds_hooks.errors import StartError, ThrottledError
from cds_hooks.settings import read_settings
from cds_hooks.telemetry.logs import flush
from tests.auth.tokens import jwk, jwks, register_one, sign

pytest_plugins = ["tests.databases.fixtures"]

BASE = "https://payer.example.com/crd"
SIGN = "/cds-services/order-sign-crd"


def statuses(call: Any, times: int) -> list[int]:
    return [call().status_code for _ in range(times)]


def test_more_calls_than_the_rate_get_429_and_when_to_call_again(start_service: Any, example: Any) -> None:
    """RFC 6585: 429 with Retry-After, whole seconds and at least 1; the probes are never refused."""
    service = start_service(CRD_RATE="3/minute")
    request = example("m0076-order-sign")

    assert statuses(lambda: service.post(SIGN, request), 3) == [200, 200, 200]
    refused = service.post(SIGN, request)

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.json()["issue"][0]["code"] == "throttled"
    assert requests.get(f"{service.base}/cds-services", timeout=60).status_code == 429
    assert statuses(lambda: requests.get(f"{service.base}/health", timeout=60), 5) == [200] * 5


def test_a_window_ends(start_service: Any) -> None:
    service = start_service(CRD_RATE="1/second")

    def discover() -> requests.Response:
        return requests.get(f"{service.base}/cds-services", timeout=60)

    while (refused := discover()).status_code == 200:
        pass
    time.sleep(int(refused.headers["Retry-After"]) + 0.1)
    assert discover().status_code == 200


@pytest.fixture(scope="module", name="guarded")
def _guarded(start_service: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    clients = [
        {"id": name, "jwt": {"issuer": f"https://{name}.example.org", "jwks-file": "keys.json"}, **more}
        for name, more in (("small", {}), ("large", {"rate": "7 per minute"}))
    ]
    (folder / "clients.json").write_text(json.dumps({"clients": clients}))
    return start_service(
        CRD_AUTH="cds-hooks-jwt",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_DATABASE_URL=f"sqlite:///{folder}/used.sqlite3",
        CRD_RATE="4/minute",
        CRD_TRUSTED_PROXIES="127.0.0.1",
    )


def token(issuer: str) -> str:
    now = time.time()
    claims = {"iss": f"https://{issuer}.example.org", "aud": BASE + SIGN, "iat": now, "exp": now + 300}
    return f"Bearer {sign(claims | {'jti': secrets.token_hex(8)})}"


def test_each_client_has_its_own_rate_whatever_its_address(guarded: Any, example: Any) -> None:
    """`rate` of a registration wins over CRD_RATE."""
    request = example("m0076-order-sign")

    small = statuses(
        lambda: guarded.post(SIGN, request, Authorization=token("small"), X_Forwarded_For="198.51.100.1"), 6
    )
    large = statuses(
        lambda: guarded.post(SIGN, request, Authorization=token("large"), X_Forwarded_For="198.51.100.1"), 9
    )

    assert small == [200] * 4 + [429] * 2
    assert large == [200] * 7 + [429] * 2


def test_who_only_fails_is_refused_before_any_signature_is_looked_at(guarded: Any, example: Any) -> None:
    """Guessing is slowed, for one address; another one is not concerned."""
    request = example("m0076-order-sign")

    def guess(address: str) -> requests.Response:
        return guarded.post(SIGN, request, Authorization="Bearer x.y.z", X_Forwarded_For=address)

    assert statuses(lambda: guess("203.0.113.7"), 6) == [401] * 4 + [429] * 2
    another = guess("203.0.113.8")
    assert another.status_code == 401
    assert guarded.logged(another)["cause"] == "malformed"
    last = [json.loads(line) for line in guarded.log.read_text().splitlines() if '"event":"call"' in line]
    assert [call.get("cause") for call in last[-3:]] == [None, None, "malformed"]


def test_a_token_that_met_a_429_is_still_good_for_one_call(start_service: Any, tmp_path: Path, example: Any) -> None:
    """docs/clients.md, step 8: it is marked as used when it is let in, so the retry that Retry-After asks for may bring it again."""
    service = start_service(
        **register_one(tmp_path, "small", "https://small.example.org"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_DATABASE_URL=f"sqlite:///{tmp_path}/used.sqlite3",
        CRD_RATE="1 per 2 second",
    )
    request, again = example("m0076-order-sign"), token("small")

    while (refused := service.post(SIGN, request, Authorization=again)).status_code == 200:
        again = token("small")
    assert refused.status_code == 429
    time.sleep(int(refused.headers["Retry-After"]) + 0.1)

    assert service.post(SIGN, request, Authorization=again).status_code == 200
    time.sleep(2.1)
    assert service.post(SIGN, request, Authorization=again).status_code == 401


@pytest.mark.parametrize("rate", ["0/second", "fast", "10", "-1/second", "10/fortnight"])
def test_a_rate_that_is_none_is_refused_at_start(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_RATE", rate)

    with pytest.raises(StartError, match="CRD_RATE"):
        read_settings()


def test_a_rate_of_a_registration_must_be_one() -> None:
    with pytest.raises(RegistrationError, match=re.escape("$.clients[0].rate")):
        read_clients({"clients": [{"id": "a", "rate": "10/fortnight"}]}, lambda _: {})


def test_the_password_of_a_store_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRD_RATE_STORE", "mysql://crd:hush@db/0")

    with pytest.raises(StartError) as fault:
        read_settings()
    assert "hush" not in str(fault.value)


def call_without_end(rates: Rates) -> None:
    while True:
        rates.count_peer("192.0.2.1")


def test_calls_are_limited_unless_the_setting_says_otherwise() -> None:
    rates = open_rates(read_settings().rate, read_settings().rate_store)
    with pytest.raises(ThrottledError):
        call_without_end(rates)

    unlimited = open_rates("none", "memory")
    for _ in range(1000):
        unlimited.count_peer("192.0.2.1")
        unlimited.refuse_failing("192.0.2.1")


def test_a_wait_of_less_than_a_second_is_said_as_one() -> None:
    clock = [0.0]
    counter = MemoryCounter(lambda: clock[0])
    rates = Rates(parse("1/second"), counter)
    rates.count_peer("a")
    clock[0] = 0.99

    with pytest.raises(ThrottledError) as refused:
        rates.count_peer("a")
    assert refused.value.retry_after == 1


def test_memory_is_bounded_however_many_addresses_call() -> None:
    """Those whose calls count no more are forgotten first, then who has not called for longest."""
    clock = [0.0]
    counter, rate = MemoryCounter(lambda: clock[0]), parse("1/hour")
    for number in range(120_000):
        counter.hit(rate, str(number))
    assert len(counter._calls) == 50_000
    assert counter.wait(rate, "119999") > 0

    clock[0] = 3600
    for number in range(25_001):
        counter.hit(rate, f"later-{number}")
    assert len(counter._calls) == 25_001


def test_a_caller_whose_rate_changes_is_counted_by_the_new_one_from_then_on() -> None:
    clock = [0.0]
    counter = MemoryCounter(lambda: clock[0])
    few, more = parse("1/hour"), parse("3/hour")
    assert counter.hit(few, "client:a") == 0
    assert counter.hit(few, "client:a") > 0
    assert [counter.hit(more, "client:a") for _ in range(4)] == [0, 0, 0, 3600]
    assert len(counter._calls) == 1


def test_no_stretch_of_time_has_more_calls_than_the_rate() -> None:
    """Twice the rate passed around the edge of a window when windows stood still."""
    clock = [0.0]
    counter, rate = MemoryCounter(lambda: clock[0]), parse("10/second")

    def passing(times: int, at: float) -> int:
        clock[0] = at
        return [counter.hit(rate, "a") for _ in range(times)].count(0)

    assert passing(1, 0.0) == 1
    assert passing(20, 0.9) == 9
    assert passing(20, 1.01) == 1  # the one of the beginning counts no more
    assert passing(20, 1.89) == 0
    assert passing(20, 1.91) == 9


def test_no_stretch_of_time_has_more_calls_than_the_rate_in_valkey_either(
    valkey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Valkey is given the time of each call, and forgets a key once nothing was asked of it for that long."""
    counter, rate, clock = SharedCounter(valkey.url), parse("10 per 60 second"), [time.time()]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    assert counter.hit(rate, "a") == 0
    clock[0] += 54
    assert [counter.hit(rate, "a") for _ in range(20)].count(0) == 9
    clock[0] += 9
    waits = [counter.hit(rate, "a") for _ in range(20)]
    assert waits.count(0) == 1
    assert waits[-1] == pytest.approx(51, abs=0.01)


def test_workers_and_replicas_count_together_in_valkey(valkey: Any, start_service: Any) -> None:
    """Without it, two workers would let twice as many through."""
    service = start_service(CRD_RATE="20/minute", CRD_RATE_STORE=valkey.url, CRD_WORKERS="2")

    def discover(_: int) -> int:
        return requests.get(f"{service.base}/cds-services", timeout=60).status_code

    with ThreadPoolExecutor(2) as callers:
        answers = list(callers.map(discover, range(40)))
    assert answers.count(200) == 20
    assert answers.count(429) == 20


def test_without_valkey_calls_are_counted_in_memory_and_taken_up_again(
    valkey: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is said once, and only one call in a while waits to see whether it is back."""
    clock = [0.0]
    counter = SharedCounter(valkey.url, lambda: clock[0])
    rate = parse("3/minute")
    assert [counter.hit(rate, "a") > 0 for _ in range(4)] == [False, False, False, True]
    valkey.stop(signal.SIGKILL)

    started = time.perf_counter()
    assert [counter.hit(rate, "a") > 0 for _ in range(4)] == [False, False, False, True]
    assert time.perf_counter() - started < 5
    clock[0] += 6
    counter.hit(rate, "a")
    valkey.start()
    clock[0] += 1
    assert counter.hit(rate, "a") > 0  # not asked yet: in memory
    clock[0] += 5
    assert counter.hit(rate, "a") == 0  # a new store, which knows of nobody

    flush()
    events = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert events == ["rate-store-lost", "rate-store-back"]


def test_a_valkey_that_does_not_answer_holds_up_one_call_for_a_moment(valkey: Any) -> None:
    counter = SharedCounter(valkey.url)
    rate = parse("100/minute")
    counter.hit(rate, "a")
    valkey._process.send_signal(signal.SIGSTOP)
    try:
        started = time.perf_counter()
        for _ in range(50):
            assert counter.hit(rate, "a") == 0
        assert time.perf_counter() - started < 5  # each of them would wait for a fifth of a second or more
    finally:
        valkey._process.send_signal(signal.SIGCONT)


def test_a_valkey_that_takes_no_writes_is_as_good_as_none(valkey: Any, capfd: pytest.CaptureFixture[str]) -> None:
    counter = SharedCounter(valkey.url)
    counter._store.storage.replicaof("127.0.0.1", 1)

    assert counter.hit(parse("1/minute"), "a") == 0
    assert counter.hit(parse("1/minute"), "a") > 0
    flush()
    assert "rate-store-lost" in capfd.readouterr().err


def test_a_service_starts_without_its_valkey(start_service: Any, valkey: Any) -> None:
    valkey.stop(signal.SIGKILL)
    service = start_service(CRD_RATE="5/minute", CRD_RATE_STORE=valkey.url)

    answers = statuses(lambda: requests.get(f"{service.base}/cds-services", timeout=60), 6)

    assert answers == [200] * 5 + [429]
    assert valkey.url not in Path(service.log).read_text()
