"""Two services on two ports, against one PostgreSQL and one Valkey, behave as one (docs/kubernetes.md)."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from cds_hooks.store.database import NEWEST
from tests.auth.tokens import jwk, jwks, sign
from tests.cds_hooks.rules.test_reload import FOLDERS, Callers, Rules, marks, ready, wait_until
from tests.cds_hooks.store.reading import calls
from tests.conftest import ROOT, example
from tests.databases.servers import NO_VALKEY, PostgreSQL, Valkey
from tests.documents.snippets import read
from tests.forked_process import run_crd
from tests.running_service import RunningService
from tests.survival.load import Load
from tests.survival.test_killed import kept_answers, needs_proc, workers_of

pytest_plugins = ["tests.databases.fixtures"]

BASE = "https://payer.example.com/crd"
SIGN = "/cds-services/order-sign-crd"
FEEDBACK = f"{SIGN}/feedback"

#: As many calls may the client make that has a rate of its own.
RATE = 6


class Database(NamedTuple):
    """A database whose tables one role makes, and whose rows another reads and writes."""

    owner: str
    service: str


@pytest.fixture(scope="module", name="database")
def _database(postgresql: PostgreSQL) -> Database:
    """Set up as docs/kubernetes.md says, by the command."""
    made = postgresql.new_database()
    [grants] = [one.text for one in read(ROOT / "docs" / "kubernetes.md") if one.language == "sql"]
    with psycopg.connect(made.replace("+psycopg", ""), autocommit=True) as admin:
        for role in ("crd_owner", "crd_app"):
            admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"ALTER DATABASE {made.rpartition('/')[2]} OWNER TO crd_owner")
        admin.execute(grants)
    found = Database(*(made.replace("//crd@", f"//{role}@") for role in ("crd_owner", "crd_app")))
    assert migrate(found.owner).stdout == f"the store is as of {NEWEST}\n"
    return found


def migrate(url: str) -> subprocess.CompletedProcess[str]:
    return run_crd("store", "migrate", environment={"CRD_DATABASE_URL": url})


@pytest.fixture(scope="module", name="counts")
def _counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    if NO_VALKEY:
        pytest.skip(NO_VALKEY)
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture(scope="module", name="start_pair")
def _start_pair(
    start_service: Callable[..., RunningService], database: Database
) -> Callable[..., tuple[RunningService, RunningService]]:
    """Start two services that share a database, whose tables they cannot change."""

    def start(**variables: str) -> tuple[RunningService, RunningService]:
        shared = {"CRD_DATABASE_URL": database.service, "CRD_MIGRATIONS": "command", "CRD_LOG_LEVEL": "info"}
        first, second = (start_service(**shared, **variables) for _ in range(2))
        return first, second

    return start


@pytest.fixture(scope="module", name="guarded")
def _guarded(
    start_pair: Callable[..., tuple[RunningService, RunningService]],
    counts: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[RunningService, RunningService]:
    """Two that let in two clients, one of them at a low rate."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "keys.json").write_bytes(jwks(jwk("P-384")))
    issuers = {"hospital": "https://ehr.example.org", "seldom": "https://seldom.example.org"}
    clients = [{"id": name, "jwt": {"issuer": url, "jwks-file": "keys.json"}} for name, url in issuers.items()]
    clients[1] |= {"rate": f"{RATE}/hour"}
    (folder / "clients.json").write_text(json.dumps({"clients": clients}))
    return start_pair(
        CRD_AUTH="cds-hooks-jwt",
        CRD_CLIENTS=str(folder / "clients.json"),
        CRD_PUBLIC_BASE_URL=BASE,
        CRD_RATE_STORE=counts.url,
    )


def token(path: str = SIGN, issuer: str = "https://ehr.example.org") -> str:
    now = time.time()
    claims = {"iss": issuer, "aud": BASE + path, "iat": now, "exp": now + 300, "jti": secrets.token_hex(8)}
    return f"Bearer {sign(claims)}"


def test_a_token_that_one_has_taken_is_refused_by_the_other(guarded: tuple[RunningService, RunningService]) -> None:
    """docs/clients.md, step 8: `jti`."""
    first, second = guarded
    once, body = token(), example("m0076-order-sign")

    assert first.post(SIGN, body, Authorization=once).status_code == 200
    assert second.post(SIGN, body, Authorization=once).status_code == 401
    assert second.logs('"cause":"replayed"')


def test_of_both_one_takes_a_token_that_comes_to_both_at_once(guarded: tuple[RunningService, RunningService]) -> None:
    body = json.dumps(example("m0076-order-sign")).encode()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            once = token()
            answers = threads.map(lambda one, once=once: one.post(SIGN, body, Authorization=once), guarded * 4)
            assert sorted(answer.status_code for answer in answers) == [200, *[401] * 7]


def test_feedback_to_one_finds_the_call_that_the_other_answered(
    guarded: tuple[RunningService, RunningService], database: Database
) -> None:
    """HK-148: the card, its call, and the policy it rests on."""
    first, second = guarded
    card = first.post(SIGN, example("m0076-order-sign"), Authorization=token()).json()["cards"][0]["uuid"]
    report = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}

    told = second.post(FEEDBACK, {"feedback": [report]}, Authorization=token(FEEDBACK))

    assert told.status_code == 200
    with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT exchange, policies, client FROM feedback").fetchall()
    [call] = calls(database.service, card=card, most=1)
    assert [(bytes(row[0]), row[1], row[2]) for row in rows] == [
        (call.id, "evicore-cmm-204@2023-05-31", "hospital"),
    ]


def test_calls_to_both_count_together(guarded: tuple[RunningService, RunningService]) -> None:
    body = json.dumps(example("m0076-order-sign")).encode()

    statuses = [
        one.post(SIGN, body, Authorization=token(issuer="https://seldom.example.org")).status_code
        for one in islice(cycle(guarded), 2 * RATE)
    ]

    assert statuses == [200] * RATE + [429] * RATE


def test_a_call_is_found_whichever_has_answered_it(
    guarded: tuple[RunningService, RunningService], database: Database
) -> None:
    """CRD-76: by the assertion id on the order."""
    for one in guarded:
        instance = f"found-{one.base}"
        body = {**example("m0076-order-sign"), "hookInstance": instance}
        answer = one.post(SIGN, body, Authorization=token()).json()
        [assertion] = {
            part["valueString"]
            for action in answer["systemActions"]
            for extension in action["resource"]["extension"]
            for part in extension.get("extension", [])
            if part["url"] == "coverage-assertion-id"
        }
        found = calls(database.service, assertion=assertion, most=5)
        assert instance in {call.summary.hook_instance for call in found if call.summary}


def test_a_policy_change_rolls_through_and_no_call_sees_two(
    start_pair: Callable[..., tuple[RunningService, RunningService]], tmp_path: Path
) -> None:
    """Each takes it up for itself, whole; in the end both have the last."""
    for number in (1, 2):
        Rules(tmp_path / f"release-{number}").mark(number)
    (tmp_path / "current").symlink_to("release-1")
    variables = {f"CRD_{name.upper()}": str(tmp_path / "current" / name) for name in FOLDERS}
    pair = start_pair(CRD_RELOAD="0.2", **variables)
    body = json.dumps(example("m0076-order-sign")).encode()
    callers = [Callers(one, body, threads=2) for one in pair]
    try:
        wait_until(lambda: all(frozenset({"Mark1"}) in one.seen for one in callers))
        (tmp_path / "new").symlink_to("release-2")
        (tmp_path / "new").replace(tmp_path / "current")
        wait_until(lambda: all(one.seen[-5:] == [frozenset({"Mark2"})] * 5 for one in callers))
    finally:
        for one in callers:
            one.stop()
    assert {status for one in callers for status in one.statuses} == {200}
    assert {seen for one in callers for seen in one.seen} == {frozenset({"Mark1"}), frozenset({"Mark2"})}
    assert len({ready(one)["rules"] for one in pair}) == 1
    assert all(marks(one.post(SIGN, body).text) == {"Mark2"} for one in pair)


@needs_proc
def test_one_that_is_killed_loses_nothing_and_the_other_does_not_notice(
    start_pair: Callable[..., tuple[RunningService, RunningService]], database: Database
) -> None:
    """kill -9 of the server and its workers, under load."""
    first, second = start_pair()
    with Load(first.base, callers=3, name="first") as lost, Load(second.base, callers=3, name="second") as kept:
        lost.wait_for(30)
        kept.wait_for(30)
        for pid in (first.process.pid, *workers_of(first)):
            os.kill(pid, signal.SIGKILL)
        first.process.wait()
        kept.wait_for(30)
    assert len(set(lost.answers)) >= 30
    assert set(lost.answers) | set(kept.answers) <= kept_answers(database.service)
    assert set(kept.statuses) == {200}


def test_both_survive_a_restart_of_the_database(
    start_pair: Callable[..., tuple[RunningService, RunningService]], database: Database, postgresql: PostgreSQL
) -> None:
    """While it is away calls get 503; no answer is without its record, and answers come again by themselves."""
    first, second = start_pair()
    with Load(first.base, callers=3, name="third") as one, Load(second.base, callers=3, name="fourth") as other:
        one.wait_for(20)
        other.wait_for(20)
        postgresql.stop()
        postgresql.start()
        one.wait_for(20)
        other.wait_for(20)
    assert set(one.statuses) | set(other.statuses) <= {200, 503}
    assert set(one.answers) | set(other.answers) <= kept_answers(database.service)


def test_the_services_role_cannot_change_the_tables(database: Database) -> None:
    with (
        psycopg.connect(database.service.replace("+psycopg", ""), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("ALTER TABLE exchanges ADD COLUMN mine TEXT")
    assert migrate(database.service).stdout == f"the store is as of {NEWEST}\n"  # there is nothing to do


def test_a_service_that_may_not_make_tables_says_so_clearly(postgresql: PostgreSQL, database: Database) -> None:
    """The Job was given the service's role by mistake."""
    empty = postgresql.new_database().replace("//crd@", "//crd_app@")

    refused = migrate(empty)

    assert database.owner != database.service
    assert refused.returncode == 2
    assert refused.stderr == "crd: CRD_DATABASE_URL: 42501\n"  # insufficient_privilege
