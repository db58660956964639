"""`crd audit` answers a dispute: what was asked, what was answered, under which policy, and who has looked since."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from fhir.resources.R4B.auditevent import AuditEvent

from cds_hooks.commands.audit import audit
from cds_hooks.commands.main import main
from cds_hooks.store.calls import HOOK, Bodies, DecisionSummary, PolicySummary, Summary, digest_of
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher, make_key, read_keys
from cds_hooks.store.feedback import Report, find_card, to_row
from cds_hooks.store.retention import Retention
from cds_hooks.store.tables import EXCHANGES, MENTIONS
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.samples import POLICY, exchange, ids
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

DAY = 86_400_000_000


@pytest.fixture(name="url")
def _url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = f"sqlite:///{tmp_path}/crd.sqlite3"
    monkeypatch.setenv("CRD_DATABASE_URL", url)
    prepare(url)
    return url


def keep(url: str, *kept: Any, keys: tuple[bytes, ...] = ()) -> None:
    writer = Writer(connect(url), RecordCipher(keys))
    writer.write(*kept)
    writer.close()


def run(*arguments: str, status: int = 0) -> Result:
    ended = CliRunner().invoke(main, ["audit", *arguments])
    assert ended.exit_code == status, ended.output
    return ended


def found(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*arguments).stdout.splitlines()]


def test_a_call_from_before_its_hook_instance_had_an_index_is_found_with_its_client(url: str) -> None:
    keep(url, exchange(1))
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.delete(MENTIONS).where(MENTIONS.c.digest == digest_of(HOOK, "hook-1")))
    engine.dispose()
    run("find", "--hook-instance", "hook-1", status=1)
    assert len(found("find", "--hook-instance", "hook-1", "--client", "north", "--json")) == 1


def test_a_call_is_found_by_assertion_card_order_client_and_time(url: str) -> None:
    """CRD-76: the reconciliation keys."""
    now = time.time_ns() // 1000
    keep(url, exchange(1, at=now - 2 * DAY), exchange(2, at=now, client="south"))
    assertion, card = ids(1)
    for terms in (
        ["--assertion-id", assertion],
        ["--card", card],
        ["--order", "ServiceRequest/order-1"],
        ["--client", "north"],
        ["--client", "north", "--since", "2000-01-01"],
        ["--hook-instance", "hook-1"],
        ["--hook-instance", "hook-1", "--client", "north"],
        ["--until", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now / 1e6 - 86400)), "--client", "north"],
    ):
        [call] = found("find", *terms, "--json")
        assert call["client"] == "north"
        assert call["decisions"][0]["policies"][0]["version"] == POLICY
    [call] = found("find", "--since", time.strftime("%Y-%m-%d", time.gmtime(now / 1e6 - 86400)), "--json")
    assert call["client"] == "south"
    run("find", "--card", ids(3)[1], status=1)
    run("find", "--card", card, "--client", "south", status=1)


def test_a_line_says_what_was_decided_under_which_policy(url: str) -> None:
    keep(url, exchange(1), exchange(2, status=400, summary=Summary("h", error="InvalidRequestError")))
    lines = run("find", "--client", "north").stdout.splitlines()
    assert any(line.endswith(f"200  ServiceRequest/order-1 not-covered ({POLICY})") for line in lines)
    assert any(line.endswith("400  InvalidRequestError") for line in lines)


def test_a_line_says_which_policy_would_answer_if_the_coverage_were_certain(url: str) -> None:
    told = DecisionSummary("ServiceRequest/1", "conditional", "a coverage", "plan", "2026-11-23", supposed=True)
    told = msgspec.structs.replace(told, policies=(PolicySummary(POLICY, "definitive", "code M0076"),))
    keep(url, exchange(1, summary=Summary("h", (told,))))
    [line] = run("find", "--client", "north").stdout.splitlines()
    assert line.endswith(f"ServiceRequest/1 conditional (if covered: {POLICY})")
    [event] = [json.loads(line) for line in run("export").stdout.splitlines()]
    AuditEvent.model_validate(event)
    said = [detail for entity in event["entity"] for detail in entity.get("detail", ())]
    assert {"type": "policy-if-covered", "valueString": POLICY} in said


def test_who_looks_for_an_order_without_its_type_is_told_how_orders_are_named(url: str) -> None:
    keep(url, exchange(1))
    ended = run("find", "--order", "order-1", status=1)
    assert ended.stderr == "nothing found: an order is named with its type, such as ServiceRequest/order-1\n"
    assert run("find", "--order", "ServiceRequest/order-2", status=1).stderr == "nothing found\n"


def test_two_calls_that_begin_alike_by_chance_are_told_apart(url: str) -> None:
    """Ids share 48 bits within a call; the summary tells which call it is."""
    one, other = exchange(1), exchange(1)
    changed = other.summary.cards[0].__class__("00000001-0000-5000-8000-00000000ffff")
    keep(url, one, exchange(1, summary=Summary("h", (), (changed,))))
    assert len(found("find", "--card", ids(1)[1], "--json")) == 1


def test_a_call_is_shown_whole_and_the_reading_is_on_record(url: str) -> None:
    """CRD-79, CRD-80: access is controlled, and logged."""
    call = exchange(1, bodies=Bodies(b'{"hook":"order-sign"}', b'{"cards":[]}', (b'{"resourceType":"Coverage"}',)))
    keep(url, call)
    entry = {"card": ids(1)[1], "outcome": "overridden", "overrideReason": {"userComment": "said Ida"}}
    sent = find_card(connect(url, each_alone=True), RecordCipher(), ids(1)[1], "north")
    keep(url, {"feedback": [to_row(Report(entry, None, sent), call.at, "north", "order-sign-crd", RecordCipher())]})
    identity = found("find", "--card", ids(1)[1], "--json")[0]["id"]
    [shown] = found("show", identity, "--json", "--reason", "dispute 4711")
    assert (shown["request"], shown["response"]) == ('{"hook":"order-sign"}', '{"cards":[]}')
    assert shown["read"] == ['{"resourceType":"Coverage"}']
    assert shown["feedback"][0]["overrideReason"]["userComment"] == "said Ida"
    text = run("show", identity).stdout
    assert "--- request\n{\n" in text
    assert "said Ida" in text
    later, first = found("accesses", "--call", identity)
    assert (first["action"], first["reason"], first["exchange"]) == ("show", "dispute 4711", identity)
    assert (later["action"], later["reason"]) == ("show", None)
    assert first["actor"]


def test_bodies_are_shown_as_they_were_sent_and_come_byte_for_byte_alone(url: str) -> None:
    request = b'{"hook":"order-sign", "value":1.10,"exponent":1E-7,"large":12345678901234567890.0}'
    keep(url, exchange(1, bodies=Bodies(request, b'{"cards":[],"value":2.50}')))
    identity = found("find", "--client", "north", "--json")[0]["id"]
    text = run("show", identity).stdout
    assert '  "value": 1.10,\n  "exponent": 1E-7,\n  "large": 12345678901234567890.0\n' in text
    assert '  "value": 2.50\n' in text
    assert f"crd audit show {identity} --body request > call.json && crd explain call.json --on 2026-11-23" in text
    assert run("show", identity, "--body", "request").stdout_bytes == request
    assert run("show", identity, "--body", "response").stdout == '{"cards":[],"value":2.50}'
    assert [access["action"] for access in found("accesses", "--call", identity)] == ["show"] * 3
    run("show", identity, "--body", "request", "--json", status=2)


def test_a_request_that_was_not_json_cannot_be_written(url: str) -> None:
    keep(url, exchange(1, bodies=Bodies(None, b"{}")))
    identity = found("find", "--client", "north", "--json")[0]["id"]
    assert "not kept" in str(CliRunner().invoke(main, ["audit", "show", identity, "--body", "request"]).output)


def test_finding_reads_no_body_and_is_not_on_record(url: str) -> None:
    keep(url, exchange(1))
    found("find", "--client", "north", "--json")
    assert found("accesses") == []


def test_calls_are_exported_as_audit_events(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """FHIR R4 AuditEvent, one a line, without bodies."""
    monkeypatch.setenv("CRD_PUBLIC_BASE_URL", "https://crd.payer.example")
    keep(url, exchange(1), exchange(2, status=500, summary=Summary(None, error="ZeroDivisionError"), version=None))
    events = found("export", "--since", "2000-01-01")
    assert len(events) == 2
    for event in events:
        AuditEvent.model_validate(event)
        assert "cards" not in json.dumps(event)
    assert [event["outcome"] for event in events] == ["0", "8"]
    details = {(one["type"], one["valueString"]) for entity in events[0]["entity"] for one in entity.get("detail", [])}
    assert {("policy", POLICY), ("covered", "not-covered"), ("hookInstance", "hook-1")} <= details
    assert [access["action"] for access in found("accesses")] == ["export"]


def test_the_raw_exchange_is_exported(url: str) -> None:
    keep(url, exchange(1), exchange(2, client="south"))
    [call] = found("export", "--format", "raw", "--client", "south", "--reason", "audit of 2026")
    assert (call["client"], call["request"]) == ("south", '{"hook":"order-sign"}')
    [access] = found("accesses")
    assert access["detail"] == {"form": "raw", "client": "south"}
    assert access["reason"] == "audit of 2026"


def test_what_is_too_old_is_deleted_and_that_is_on_record(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() // 1000
    keep(url, *(exchange(number, at=now - 40 * DAY) for number in range(450)), exchange(999, at=now))
    run("delete", "--yes", status=2)
    monkeypatch.setenv("CRD_AUDIT_DAYS", "30")
    assert run("delete", "--yes").stdout == "450 calls deleted\n"
    assert len(found("find", "--client", "north", "--json")) == 1
    run("find", "--card", ids(5)[1], status=1)
    with connect(url).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mentions").scalar() == 3
        connection.rollback()
    accesses = found("accesses")
    assert sum(access["detail"]["calls"] for access in accesses) == 450
    assert {access["action"] for access in accesses} == {"delete"}


def test_the_service_deletes_by_itself_what_is_too_old(url: str) -> None:
    """Retention by setting, on record as such."""
    now = time.time_ns() // 1000
    keep(url, exchange(1, at=now - 40 * DAY), exchange(2, at=now))
    Retention(url, 30, first=0, every=3600).start()
    ends = time.monotonic() + 60
    while len(found("find", "--client", "north", "--json")) > 1:
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert found("accesses")[0]["actor"] == "retention"


def test_after_a_change_of_keys_all_is_encrypted_anew_and_the_old_key_can_go(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make_key(), make_key()
    assert old != new
    (tmp_path / "old").write_text(old)
    (tmp_path / "both").write_text(f"{new}\n{old}\n")
    (tmp_path / "new").write_text(new)
    before = read_keys(tmp_path / "old")
    report = Report({"card": "c", "outcome": "overridden"}, None, None)
    keep(url, *(exchange(number) for number in range(250)), keys=before)
    keep(url, {"feedback": [to_row(report, 1, "north", "s", RecordCipher(before))]}, keys=before)
    keep(url, exchange(251))  # from before there was any key

    monkeypatch.setenv("CRD_AUDIT_KEYS", str(tmp_path / "new"))
    [unreadable] = {call.get("problem") for call in found("find", "--client", "north", "--json") if "problem" in call}
    assert unreadable == "the record was encrypted with a key that is not in CRD_AUDIT_KEYS"
    monkeypatch.setenv("CRD_AUDIT_KEYS", str(tmp_path / "both"))
    assert run("encrypt").stdout == "252 records re-encrypted\n"
    assert run("encrypt").stdout == "0 records re-encrypted\n"
    monkeypatch.setenv("CRD_AUDIT_KEYS", str(tmp_path / "new"))
    assert len(found("export", "--format", "raw")) == 251
    assert found("accesses")[-1]["action"] == "encrypt"


def test_a_key_is_made(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(run("new-key").stdout)
    assert len(read_keys(tmp_path / "keys")) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["find"], "say what to look for"),
        (["find", "--since", "yesterday"], "no day or time such as 2026-11-23"),
        (["show", "not-an-id"], "not a valid UUID"),
    ],
)
def test_typos_are_told(url: str, arguments: list[str], says: str) -> None:  # noqa: ARG001 (an empty store)
    assert says in run(*arguments, status=2).output


def test_a_call_that_is_not_there_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    ended = CliRunner().invoke(main, ["audit", "show", "00000000-0000-7000-8000-000000000000"])
    assert ended.exit_code == 2
    assert "there is no call" in ended.output


COMMANDS = (
    ["find", "--client", "north"],
    ["show", "00000000-0000-7000-8000-000000000000"],
    ["export"],
    ["accesses"],
    ["delete", "--before", "2020-01-01", "--yes"],
    ["encrypt"],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: str(arguments[0]))
def test_in_the_wrong_folder_nothing_is_made_and_no_answer_is_given(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing found would be a wrong answer in a dispute."""
    monkeypatch.chdir(tmp_path)
    ended = run(*arguments, status=2)
    assert "CRD_DATABASE_URL" in ended.output
    assert f"{tmp_path}/crd.sqlite3" in ended.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: str(arguments[0]))
def test_a_database_of_something_else_is_left_as_it_is(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "crd.sqlite3"
    other.touch()
    monkeypatch.setenv("CRD_DATABASE_URL", f"sqlite:///{other}")
    assert "CRD_DATABASE_URL" in run(*arguments, status=2).output
    assert other.read_bytes() == b""


def test_a_postgresql_database_without_a_store_is_told_without_its_password(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = postgresql.new_database()
    monkeypatch.setenv("CRD_DATABASE_URL", store.replace("crd@", "crd:hidden-word@"))
    for arguments in COMMANDS:
        ended = run(*arguments, status=2)
        assert "CRD_DATABASE_URL" in ended.output
        assert "hidden-word" not in ended.output
    engine = connect(store, each_alone=True)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_what_only_reads_may_not_write(url: str, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    """`find` and `accesses` open the store read-only."""
    other = postgresql.new_database()
    prepare(other)
    for store in (url, other):
        keep(store, exchange(1))
        engine = connect(store, each_alone=True, read_only=True)
        with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
            connection.execute(sa.delete(EXCHANGES))
        engine.dispose()
        monkeypatch.setenv("CRD_DATABASE_URL", store)
        assert len(found("find", "--client", "north", "--json")) == 1
        found("accesses")
    monkeypatch.setenv("CRD_DATABASE_URL", url)
    Path(url.removeprefix("sqlite:///")).chmod(0o400)
    assert len(found("find", "--client", "north", "--json")) == 1


def test_every_command_has_help() -> None:
    for name, command in audit.commands.items():
        assert command.help, name


def test_a_new_key_is_its_owners_and_never_replaces_another(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    run("new-key", "--out", str(keys))
    first = keys.read_text()

    again = CliRunner().invoke(main, ["audit", "new-key", "--out", str(keys)])

    assert len(read_keys(keys)) == 1
    assert keys.stat().st_mode & 0o777 == 0o400
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert keys.read_text() == first
