"""The members in the database: found by one read, the old or the new ones, and by nobody without the key."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cards import CodeSystems, LookUp, MemberHint, identifier
from cds_hooks.members.database_directory import AUTHORIZATIONS, MEMBERS, DatabaseDirectory
from cds_hooks.members.digests import digests_of
from cds_hooks.members.loaded import describe_loaded
from cds_hooks.members.loading import DirectoryLoad
from cds_hooks.members.rows import AuthorizationRow, MemberRow, Row
from cds_hooks.rules.loading import Rules
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import TABLES
from cds_hooks.telemetry.logs import flush
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

SYSTEM = "http://payer.example/member"
KEY, OTHER_KEY = os.urandom(32), os.urandom(32)
NEVER = float("inf")


def member(value: str, born: str | None = None, **more: Any) -> MemberRow:
    return MemberRow(SYSTEM, value, born=born, **{"plan": "plan", **more})


def load(url: str, rows: list[Row], name: str = MEMBERS, keys: tuple[bytes, ...] = (KEY,), unread: int = 0) -> None:
    prepare(url)
    engine = connect(url, durable=False)
    with DirectoryLoad(engine, name, RecordCipher(keys), digests_of(keys)[0]) as directory:
        directory.write(rows)
        directory.become_current({"unread": unread})
    engine.dispose()


def hint(subscriber: str | None, born: str | None = None) -> MemberHint:
    return MemberHint("plan", frozenset(), subscriber, born, None)


@pytest.fixture(name="url")
def _url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/crd.sqlite3"


@pytest.fixture(name="open_directory")
def _open_directory() -> Iterator[Callable[..., DatabaseDirectory]]:
    opened = []

    def open_directory(url: str, keys: tuple[bytes, ...] = (KEY,)) -> DatabaseDirectory:
        opened.append(DatabaseDirectory(url, keys))
        return opened[-1]

    yield open_directory
    for directory in opened:
        directory.close()


Open = Callable[..., DatabaseDirectory]


def look_up(directory: DatabaseDirectory, value: str, born: str | None = None) -> LookUp:
    return directory.find_member(hint(value, born), NEVER).look_up


def test_a_member_is_found_by_any_of_its_ids(url: str, open_directory: Open) -> None:
    load(url, [member("A1", others=(("http://old.example", "9"),)), member("B2")])
    directory = open_directory(url)

    assert look_up(directory, "A1") is LookUp.FOUND
    assert look_up(directory, "9") is LookUp.FOUND
    assert look_up(directory, "C3") is LookUp.NONE


def test_a_birth_date_is_compared_and_never_kept(url: str, open_directory: Open) -> None:
    load(url, [member("A1", "1971-04-02")])
    directory = open_directory(url)

    assert look_up(directory, "A1", "1971-04-02") is LookUp.FOUND
    assert look_up(directory, "A1", "1971-04-03") is LookUp.NONE
    found = directory.find_member(hint("A1"), NEVER).member
    assert found
    assert "1971" not in repr(found)


def test_all_coverages_of_a_member_are_found(url: str, open_directory: Open) -> None:
    load(url, [member("A1", start="2026-01-01"), member("A1", plan="second", end="2025-12-31")])

    found = open_directory(url).find_member(hint("A1"), NEVER).member

    assert found
    assert found.plans == {"plan", "second"}


def test_of_a_member_whose_line_was_wrong_nobody_can_tell(
    url: str, open_directory: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not `no-member-found`: the member may well be there."""
    load(url, [member("A1"), MemberRow(SYSTEM, "B2", is_wrong=True)])

    assert look_up(open_directory(url), "B2") is LookUp.FAILED
    flush()
    assert "a line about the member was set aside when members were loaded" in capfd.readouterr().err


def test_after_a_line_of_nobody_knows_whom_nobody_is_said_to_be_no_member(url: str, open_directory: Open) -> None:
    """resp-44 is for members that are not there, and whoever is not found may have stood in that line."""
    load(url, [member("A1")], unread=1)
    directory = open_directory(url)

    assert (look_up(directory, "A1"), look_up(directory, "B2")) == (LookUp.FOUND, LookUp.FAILED)
    load(url, [member("A1")])
    assert look_up(directory, "B2") is LookUp.NONE


def test_where_nothing_was_loaded_nobody_can_tell(url: str, open_directory: Open) -> None:
    prepare(url)

    assert look_up(open_directory(url), "A1") is LookUp.FAILED


def test_where_the_database_fails_nobody_can_tell(tmp_path: Path, open_directory: Open) -> None:
    assert look_up(open_directory(f"sqlite:///{tmp_path}/none.sqlite3"), "A1") is LookUp.FAILED


def test_an_id_that_too_many_share_is_nobodys(url: str, open_directory: Open) -> None:
    load(url, [member(f"A{number}", others=(("", "F"),)) for number in range(300)])

    assert look_up(open_directory(url), "F") is LookUp.FAILED


def test_loading_again_replaces_everything(url: str, open_directory: Open) -> None:
    load(url, [member("A1")])
    directory = open_directory(url)
    load(url, [member("B2")])

    assert look_up(directory, "A1") is LookUp.NONE
    assert look_up(directory, "B2") is LookUp.FOUND
    assert count(url) == {"directories": 1, "directory_rows": 1, "directory_keys": 1}


def count(url: str) -> dict[str, int]:
    engine = connect(url)
    with engine.connect() as connection:
        tables = [(name, table) for name, table in TABLES.tables.items() if name.startswith("director")]
        found = {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in tables
        }
    engine.dispose()
    return found


def test_a_load_that_breaks_off_changes_nothing_and_leaves_nothing(url: str, open_directory: Open) -> None:
    load(url, [member("A1")])
    before = count(url)
    engine = connect(url)

    def break_off() -> None:
        with DirectoryLoad(engine, MEMBERS, RecordCipher((KEY,)), digests_of((KEY,))[0]) as directory:
            directory.write([member("B2")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    engine.dispose()

    assert look_up(open_directory(url), "A1") is LookUp.FOUND
    assert count(url) == before


def test_of_two_loads_at_once_the_first_to_end_counts_and_the_other_says_so(url: str, open_directory: Open) -> None:
    prepare(url)
    engine = connect(url)
    cipher, digests = RecordCipher((KEY,)), digests_of((KEY,))[0]

    def load_slowly() -> None:
        with DirectoryLoad(engine, MEMBERS, cipher, digests) as slow:
            slow.write([member("SLOW")])
            load(url, [member("QUICK")])
            slow.become_current({})

    with pytest.raises(StoreError, match="another load"):
        load_slowly()
    engine.dispose()

    assert look_up(open_directory(url), "QUICK") is LookUp.FOUND
    assert count(url) == {"directories": 1, "directory_rows": 1, "directory_keys": 1}


def test_readers_see_the_old_members_or_the_new_ones_and_never_a_mix(url: str, open_directory: Open) -> None:
    read_while_loading(url, open_directory)


def test_readers_of_postgresql_never_see_a_mix(postgresql: PostgreSQL, open_directory: Open) -> None:
    read_while_loading(postgresql.new_database(), open_directory)


def read_while_loading(store: str, open_directory: Open) -> None:
    """Each load has the same two ids and a plan of its own: who asks for both finds one plan."""
    load(store, _generation(0))
    directory = open_directory(store)
    seen: list[tuple[frozenset[str], ...]] = []
    is_over = threading.Event()

    def read() -> None:
        both = MemberHint("plan", frozenset({identifier(SYSTEM, "A1"), identifier("x", "B2")}), "B2", None, None)
        while not is_over.is_set():
            found = directory.find_member(both, NEVER)
            assert found.look_up is LookUp.FOUND
            assert found.member
            seen.append(tuple(period.plan for period in found.member.periods))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 8):
        load(store, _generation(number))
    is_over.set()
    reader.join()

    assert len(seen) > 7
    assert all(len(plans) == 3 and len(set(plans)) == 1 for plans in seen)


def _generation(number: int) -> list[Row]:
    return [
        member("A1", plan=f"plan-{number}", line=str(line), others=(("x", "B2"),), start=f"2026-01-0{line + 1}")
        for line in range(3)
    ]


def test_members_are_kept_in_postgresql_too(postgresql: PostgreSQL, open_directory: Open) -> None:
    store = postgresql.new_database()
    load(store, [member(f"A{number}") for number in range(12_000)])
    load(store, [member(f"B{number}") for number in range(12_000)])
    directory = open_directory(store)

    assert look_up(directory, "A1") is LookUp.NONE
    assert look_up(directory, "B11999") is LookUp.FOUND
    assert count(store) == {"directories": 1, "directory_rows": 12_000, "directory_keys": 12_000}


def test_with_a_key_no_id_can_be_read_or_tried(url: str, tmp_path: Path) -> None:
    load(url, [member("SECRET-ID", "1971-04-02", others=(("http://old.example", "OLD-ID"),))])
    load(url, [AuthorizationRow("SECRET-PA", SYSTEM, "SECRET-ID", ("HCPCS|E0784",))], AUTHORIZATIONS)

    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    for secret in (b"SECRET-ID", b"OLD-ID", b"SECRET-PA", b"1971-04-02", b"E0784", b"payer.example"):
        assert secret not in written
    unkeyed = digests_of(())[0]
    with sqlite3.connect(tmp_path / "crd.sqlite3") as connection:
        digests = {bytes(row[0]) for row in connection.execute("SELECT digest FROM directory_keys")}
    assert unkeyed.of_id("SECRET-ID") not in digests


def test_after_a_change_of_keys_members_are_found_while_their_key_is_there(url: str, open_directory: Open) -> None:
    load(url, [member("A1", "1971-04-02")])

    assert look_up(open_directory(url, (OTHER_KEY, KEY)), "A1", "1971-04-02") is LookUp.FOUND
    assert look_up(open_directory(url, (OTHER_KEY,)), "A1") is LookUp.FAILED
    engine = connect(url)
    assert [describe_loaded(engine, MEMBERS, keys).opens for keys in ((OTHER_KEY, KEY), (OTHER_KEY,))] == [True, False]  # type: ignore[union-attr]
    engine.dispose()


def test_a_row_cannot_be_put_in_place_of_another(url: str, tmp_path: Path, open_directory: Open) -> None:
    load(url, [member("A1"), member("B2", plan="second")])
    with sqlite3.connect(tmp_path / "crd.sqlite3") as connection:
        (mine,) = connection.execute("SELECT sealed FROM directory_rows WHERE number = 0").fetchone()
        connection.execute("UPDATE directory_rows SET sealed = ? WHERE number = 1", (mine,))

    assert look_up(open_directory(url), "B2") is LookUp.FAILED


def test_authorizations_are_found_for_their_member_alone(url: str, open_directory: Open, rules: Rules) -> None:
    systems = rules.vocabulary.code_systems
    load(url, [member("A1", others=((SYSTEM, "A1-OLD"),)), member("B2")])
    given = [AuthorizationRow("PA-1", SYSTEM, "A1-OLD", ("HCPCS|E0784",)), AuthorizationRow("PA-2", SYSTEM, "B2")]
    given.append(AuthorizationRow("PA-3", "http://another.example", "A1", ("HCPCS|E0784",)))
    load(url, list(given), AUTHORIZATIONS)
    directory = open_directory(url)

    assert numbers(directory, "A1", systems) == ["PA-1"]
    assert numbers(directory, "B2", systems) == ["PA-2"]


def numbers(directory: DatabaseDirectory, value: str, systems: CodeSystems) -> list[str] | None:
    found = directory.find_member(hint(value), NEVER).member
    assert found
    held = directory.find_authorizations(found, systems, NEVER)
    return None if held is None else [one.number for one in held]


def test_without_authorizations_none_is_on_file_and_of_a_wrong_line_nobody_can_tell(
    url: str, open_directory: Open, rules: Rules
) -> None:
    systems = rules.vocabulary.code_systems
    load(url, [member("A1"), member("B2")])
    directory = open_directory(url)
    assert numbers(directory, "A1", systems) == []

    load(url, [AuthorizationRow("", SYSTEM, "A1", is_wrong=True)], AUTHORIZATIONS)

    assert numbers(directory, "A1", systems) is None
    assert numbers(directory, "B2", systems) == []


def test_a_look_up_is_one_read_by_an_index(url: str, tmp_path: Path) -> None:
    """No row of another member is touched, however many there are."""
    load(url, [member(f"A{number}") for number in range(50)])
    from cds_hooks.members.database_directory import _FIND

    with sqlite3.connect(tmp_path / "crd.sqlite3") as connection:
        plan = connection.execute("EXPLAIN QUERY PLAN " + _FIND.format("?, ?"), (b"1", b"2", MEMBERS)).fetchall()

    steps = [row[3] for row in plan]
    assert any("SEARCH k USING PRIMARY KEY (generation=? AND digest=?)" in step for step in steps)
    assert any("SEARCH r USING PRIMARY KEY (generation=? AND number=?)" in step for step in steps)
    assert not any(step.startswith(("SCAN k", "SCAN r")) for step in steps)
