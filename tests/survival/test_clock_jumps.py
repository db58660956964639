"""The clock of a running service jumps, by libfaketime: nothing fails or hangs, no token is good that should not be.

Only its wall clock jumps, as it does in life: what is waited for and kept is measured by the monotonic clock.
"""

import json
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.auth.servers import KeyServer
from tests.auth.tokens import jwk, jwks, sign

pytest_plugins = ["tests.auth.fixtures"]

BASE = "https://payer.example.com/crd"
SIGN = "/cds-services/order-sign-crd"
HOUR, DAY, YEAR = 3600, 24 * 3600, 365 * 24 * 3600

_LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)

pytestmark = pytest.mark.skipif(_LIBRARY is None, reason="needs libfaketime (Debian package `faketime`)")


class Service:
    """`crd serve` in JWT mode with two workers, its clock as a file says; clients have clocks of their own."""

    def __init__(self, start: Callable[..., Any], folder: Path, keys: KeyServer, body: bytes) -> None:
        self._clock, self._body, self._start = folder / "clock", body, start
        self.keys = keys
        keys.publish(jwks(jwk("P-384")))
        registered = {"issuer": "https://ehr.example.org", "jku": [keys.keys]}
        (folder / "clients.json").write_text(json.dumps({"clients": [{"id": "ehr", "jwt": registered}]}))
        self.jump(0)
        self._variables = {
            "LD_PRELOAD": str(_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "CRD_AUTH": "cds-hooks-jwt",
            "CRD_WORKERS": "2",
            "CRD_CLIENTS": str(folder / "clients.json"),
            "CRD_PUBLIC_BASE_URL": BASE,
            "CRD_DATABASE_URL": f"sqlite:///{folder}/used.sqlite3",
            "CRD_ALLOW_PRIVATE_JWKS": "1",
            "CRD_TIME_ZONE": "Pacific/Auckland",
            "TZ": "America/Los_Angeles",
        }
        self.restart()

    def restart(self) -> None:
        """Stop the service, if it runs, and start one that goes on with its store."""
        if hasattr(self, "running"):
            self.running.stop()
        self.running = self._start([sys.executable, "-m", "cds_hooks.commands.main", "serve"], **self._variables)
        self._refused = 0
        self._wait_for_keys()

    def _wait_for_keys(self) -> None:
        """Call until the workers have the keys, which a machine with much other work may not give them in time."""
        ends, statuses = time.monotonic() + 60, [0]
        while statuses[-8:] != [200] * 8:
            assert time.monotonic() < ends, statuses
            statuses.append(self.status(token(ahead=int(self._clock.read_text()))))

    def jump(self, seconds: int) -> None:
        """Set the clock of the service so many seconds ahead, or back."""
        new = self._clock.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self._clock)

    def call(self, token: str) -> requests.Response:
        began = time.monotonic()
        response = self.running.post(SIGN, self._body, Authorization=f"Bearer {token}")
        assert time.monotonic() - began < 25
        return response

    def status(self, token: str) -> int:
        status = self.call(token).status_code
        self._refused += status == 401
        return status

    def causes(self) -> list[str]:
        """Return why calls were refused so far; a thread writes the log, a moment after the answer."""
        ends = time.monotonic() + 60
        while len(found := self._logged()) < self._refused:
            assert time.monotonic() < ends, found
            time.sleep(0.02)
        return found

    def _logged(self) -> list[str]:
        lines = self.running.log.read_text().splitlines(keepends=True)
        # libfaketime makes sleeps fail, of which threads write a trace: a record may begin behind a part of it.
        calls = (line[line.index("{") :] for line in lines if '"call"' in line and line.endswith("\n"))
        records = [json.loads(call) for call in calls]
        return [record["cause"] for record in records if "cause" in record]


def token(ahead: float = 0, lives: float = 300) -> str:
    """Return a token of a client whose clock is so many seconds ahead of ours."""
    now = time.time() + ahead
    claims = {"iss": "https://ehr.example.org", "aud": BASE + SIGN, "iat": now, "exp": now + lives}
    return sign({**claims, "jti": secrets.token_hex(8)})


@pytest.fixture(scope="module", name="jumping")
def _jumping(
    start_service: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, key_server: KeyServer
) -> Service:
    request = Path(__file__).resolve().parents[2] / "fhir_examples/evicore-cmm-204/m0076-order-sign/request.json"
    return Service(start_service, tmp_path_factory.mktemp("clock"), key_server, request.read_bytes())


@pytest.fixture(autouse=True)
def _right_again(jumping: Service) -> None:
    jumping.jump(0)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR, DAY, -DAY, YEAR, -YEAR, 20 * YEAR, -10 * YEAR])
def test_while_it_is_wrong_only_callers_that_are_as_wrong_get_in(seconds: int, jumping: Service) -> None:
    """7.4 step 7; and once it is right again, those that are right, without a restart."""
    assert jumping.status(token()) == 200
    jumping.jump(seconds)
    assert jumping.status(token()) == 401
    assert jumping.causes()[-1] == ("expired" if seconds > 0 else "issued-in-future")
    assert jumping.status(token(ahead=seconds)) == 200
    assert requests.get(f"{jumping.running.base}/ready", timeout=60).status_code == 200
    jumping.jump(0)
    assert jumping.status(token(ahead=seconds)) == 401
    assert jumping.status(token()) == 200


@pytest.mark.parametrize("seconds", [50, -50])
def test_a_small_jump_is_within_what_clocks_may_differ(seconds: int, jumping: Service) -> None:
    jumping.jump(seconds)
    assert jumping.status(token()) == 200


@pytest.mark.parametrize("seconds", [HOUR, 2 * HOUR, DAY, YEAR])
def test_a_jump_ahead_and_back_does_not_let_a_used_token_in_again(seconds: int, jumping: Service) -> None:
    """7.4 step 9: the service that is ahead forgets none of the tokens that will be valid again."""
    used = [token(lives=3000) for _ in range(3)]
    assert [jumping.status(one) for one in used] == [200] * 3
    jumping.jump(seconds)
    assert [jumping.status(token(ahead=seconds)) for _ in range(3)] == [200] * 3
    jumping.jump(0)
    assert [jumping.status(one) for one in used * 2] == [401] * 6
    assert jumping.causes()[-6:] == ["replayed"] * 6


def test_nor_does_a_restart_while_it_is_wrong(jumping: Service) -> None:
    used = token(lives=3000)
    assert jumping.status(used) == 200
    jumping.jump(YEAR)
    jumping.restart()
    assert [jumping.status(token(ahead=YEAR)) for _ in range(8)] == [200] * 8
    jumping.jump(0)
    assert [jumping.status(used) for _ in range(4)] == [401] * 4


@pytest.mark.parametrize("seconds", [-30 * 60, -HOUR])
def test_a_jump_back_does_not_let_a_used_token_in_again(seconds: int, jumping: Service) -> None:
    """Nor one that has expired since, by the time that was before: its row is kept for an hour longer."""
    before = len(jumping.causes())
    early = token(ahead=-400, lives=520)
    assert jumping.status(early) == 200
    jumping.jump(200)
    assert jumping.status(early) == 401
    jumping.jump(seconds)
    assert jumping.status(early) == 401
    # Each worker writes its log by a thread of its own, so the two lines may come in either order.
    [cause] = set(jumping.causes()[before:]) - {"expired"}
    assert cause in ("replayed", "issued-in-future")


def test_keys_are_kept_by_a_clock_that_does_not_jump(jumping: Service) -> None:
    """7.5: a jump makes no fetch and no key stale, though their server is down."""
    assert [jumping.status(token()) for _ in range(8)] == [200] * 8
    fetched = len(jumping.keys.asked())
    jumping.keys.fail(503)
    try:
        for seconds in (2 * DAY, -2 * DAY, YEAR, 0):
            jumping.jump(seconds)
            assert [jumping.status(token(ahead=seconds)) for _ in range(4)] == [200] * 4
    finally:
        jumping.keys.fail(200)
    assert len(jumping.keys.asked()) == fetched


def test_the_day_of_an_answer_is_that_of_the_clock_in_the_zone_of_the_setting(jumping: Service) -> None:
    """Whatever the system's own zone is; the policy in force is that of the day."""
    zone = ZoneInfo("Pacific/Auckland")
    for seconds in (0, 12 * HOUR, 0, -12 * HOUR, YEAR, 0):
        jumping.jump(seconds)
        before = time.time()
        text = jumping.call(token(ahead=seconds)).text
        around = (datetime.fromtimestamp(at + seconds, UTC).astimezone(zone).date() for at in (before, time.time()))
        assert any(f'"valueDate":"{day.isoformat()}"' in text for day in around)  # midnight may be in between
    before_it = int(datetime(2023, 5, 20, tzinfo=UTC).timestamp() - time.time())
    answered = {}
    for seconds in (0, before_it, 0):
        jumping.jump(seconds)
        text = jumping.call(token(ahead=seconds)).text
        answered.setdefault(seconds, "V1.0.2023, in force from 2023-05-31" in text)
    assert answered == {0: True, before_it: False}


def test_it_goes_on_while_the_clock_jumps_all_the_time(jumping: Service) -> None:
    """Ids are derived, not of the clock; nothing of it reaches a client but the day."""
    jumps = (HOUR, 0, -HOUR, YEAR, 0, -YEAR) * 5
    statuses = []
    for seconds in jumps:
        jumping.jump(seconds)
        statuses.append(jumping.status(token(ahead=seconds)))
    assert statuses == [200] * len(jumps)
    assert jumping.running.process.poll() is None
    assert '"internal-error"' not in jumping.running.log.read_text()
