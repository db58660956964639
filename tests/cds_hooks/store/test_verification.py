"""A record that was changed, taken away or put in is found, whoever did it; what the service does itself is not."""

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_hooks.store.access_log import note_access
from cds_hooks.store.call_digests import CallDigests, Page
from cds_hooks.store.calls import Bodies, CallRecord, make_id
from cds_hooks.store.database import StoreError, connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.feedback import Report, to_row
from cds_hooks.store.hash_chain import NAME_BYTES
from cds_hooks.store.retention import delete_before, re_encrypt
from cds_hooks.store.tables import ACCESSES, EXCHANGES, FEEDBACK, LINKS
from cds_hooks.store.verification import Head, Verification, read_heads, verify
from cds_hooks.store.writer import Writer
from tests.cds_hooks.store.reading import new_store
from tests.cds_hooks.store.samples import exchange
from tests.databases.servers import PostgreSQL

pytest_plugins = ["tests.databases.fixtures"]

#: Microseconds since 1970.
IN_A_YEAR = (time.time_ns() // 1000) + 365 * 86_400_000_000

KEYS = (os.urandom(32), os.urandom(32))


class Store:
    """A store with what two processes wrote into it: eight calls each, a report, and two accesses."""

    def __init__(self, url: str, key: bytes | None = None) -> None:
        self.cipher = RecordCipher([key] if key else ())
        self.url, self.engine = url, connect(url)
        numbers = itertools.count(1)
        for _ in range(2):
            writer = Writer(connect(url), self.cipher)
            for _ in range(4):
                writer.write(_call(next(numbers)), _call(next(numbers)))
            writer.write({"feedback": [self.report()]})
            writer.close()
        for action in ("show", "export"):
            with self.engine.begin() as connection:
                note_access(connection, "auditor", action, "a dispute", {})

    def report(self) -> dict[str, Any]:
        """Return the row of a report, the same one each time."""
        return to_row(
            Report({"card": "c1", "outcome": "accepted"}, None, None), 1, "north", "order-sign-crd", self.cipher
        )

    def write(self, call: CallRecord) -> None:
        """Write a call as another process does."""
        writer = Writer(connect(self.url), self.cipher)
        writer.write(call)
        writer.close()

    def change(self, statement: Any) -> None:
        """Do something to the tables that the service does not."""
        with self.engine.begin() as connection:
            assert connection.execute(statement).rowcount == 1

    def verify(self, *anchors: Head) -> Verification:
        return verify(self.engine, self.cipher, anchors)

    def kinds(self, *anchors: Head) -> set[str]:
        """Return what kinds of problems there are."""
        return {problem.kind for problem in self.verify(*anchors).problems}

    def any_id(self, table: sa.Table) -> Any:
        with self.engine.connect() as connection:
            ids = connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars().all()
        return ids[len(ids) // 2]


def _call(number: int) -> CallRecord:
    return exchange(number, bodies=Bodies(b'{"hookInstance":"%d"}' % number, b'{"cards":[]}'))


@pytest.fixture(params=["plain", "encrypted"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    made = Store(new_store(tmp_path), KEYS[0] if request.param == "encrypted" else None)
    yield made
    made.engine.dispose()


def test_what_was_written_fits(store: Store) -> None:
    found = store.verify()
    assert found.problems == []
    assert (found.calls, found.reports, found.accesses) == (16, 1, 2)
    assert (found.links, len(found.heads)) == (12, 3)


def test_several_processes_find_what_one_finds(store: Store) -> None:
    store.engine.dispose()
    assert verify(store.engine, store.cipher, processes=2) == store.verify()
    store.change(sa.update(EXCHANGES).where(EXCHANGES.c.id == store.any_id(EXCHANGES)).values(status=500))
    store.engine.dispose()
    found = verify(store.engine, store.cipher, processes=2)
    assert found == store.verify()
    assert {problem.kind for problem in found.problems} == {"changed"}


@pytest.mark.parametrize("happens", ["written", "deleted"])
def test_what_happens_while_several_processes_read_is_no_problem(
    store: Store, happens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They read later than the one that looks at the links: it asks its own transaction before it says anything."""
    store.write(exchange(40, id=make_id(IN_A_YEAR + 1000)))
    store.engine.dispose()
    read = CallDigests.read

    def disturb(digests: CallDigests, connection: sa.Connection) -> Iterator[Page]:
        connection.execute(sa.select(sa.func.count()).select_from(LINKS))  # what it sees is settled
        if happens == "written":
            store.write(exchange(41, id=make_id(IN_A_YEAR)))  # its commit came late: its id is older than the last
        else:
            with connect(store.url).begin() as other:
                other.execute(sa.delete(EXCHANGES).where(EXCHANGES.c.id == other.scalar(sa.select(EXCHANGES.c.id))))
        return read(digests, connection)

    monkeypatch.setattr(CallDigests, "read", disturb)

    assert verify(connect(store.url, read_only=True), store.cipher, processes=2).problems == []


def test_what_was_written_into_postgresql_fits_and_a_change_is_found(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database()
    prepare(url)
    store = Store(url, KEYS[0])
    assert store.verify().problems == []
    store.change(sa.update(EXCHANGES).where(EXCHANGES.c.id == store.any_id(EXCHANGES)).values(status=500))
    assert "changed" in store.kinds()
    store.engine.dispose()


CHANGES: dict[str, Any] = {
    "at": 1,
    "client": "south",
    "service": "other",
    "hook": "order-select",
    "version": "2.2",
    "status": 500,
    "duration": 1,
    "request_id": "another",
    "mentions": b"",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_call_is_named(store: Store, column: str) -> None:
    identity = store.any_id(EXCHANGES)
    store.change(sa.update(EXCHANGES).where(EXCHANGES.c.id == identity).values({column: CHANGES[column]}))
    problems = store.verify().problems
    assert {problem.kind for problem in problems} == {"changed"}
    assert any(problem.about.replace("-", "").endswith(identity.hex()) for problem in problems)


def test_a_link_that_names_one_record_in_the_place_of_another_is_told(store: Store) -> None:
    with store.engine.connect() as connection:
        links = connection.execute(sa.select(LINKS)).mappings().all()
    link = next(one for one in links if len(one["records"]) > NAME_BYTES)
    first = link["records"][:NAME_BYTES]
    of_link = sa.and_(LINKS.c.chain == link["chain"], LINKS.c.number == link["number"])
    store.change(sa.update(LINKS).where(of_link).values(records=first * 2))
    assert "changed" in store.kinds()


@pytest.mark.parametrize("column", ["summary", "bodies"])
def test_a_call_with_the_text_of_another_is_found(store: Store, column: str) -> None:
    with store.engine.connect() as connection:
        first, *_, last = connection.execute(sa.select(EXCHANGES)).mappings().all()
    store.change(sa.update(EXCHANGES).where(EXCHANGES.c.id == first["id"]).values({column: last[column]}))
    assert store.kinds() <= {"changed", "missing"}
    assert store.kinds()


@pytest.mark.parametrize("table", [EXCHANGES, FEEDBACK, ACCESSES], ids=["call", "report", "access"])
def test_a_missing_record_is_found(store: Store, table: sa.Table) -> None:
    store.change(sa.delete(table).where(table.c.id == store.any_id(table)))
    assert store.kinds() == {"missing"}


def test_a_call_that_was_put_in_is_found(store: Store) -> None:
    with store.engine.connect() as connection:
        row = dict(connection.execute(sa.select(EXCHANGES).limit(1)).mappings().one())
    store.change(sa.insert(EXCHANGES).values({**row, "id": make_id(row["at"] + 10_000_000)}))
    assert "added" in store.kinds()


@pytest.mark.parametrize("column", ["previous", "digest", "records", "at"])
def test_a_changed_link_is_found(store: Store, column: str) -> None:
    with store.engine.connect() as connection:
        link = connection.execute(sa.select(LINKS).where(LINKS.c.number == 2).limit(1)).mappings().one()
    other = link["at"] + 1 if column == "at" else bytes(len(link[column]))
    here = sa.and_(LINKS.c.chain == link["chain"], LINKS.c.number == 2)
    store.change(sa.update(LINKS).where(here).values({column: other}))
    assert store.kinds()


@pytest.mark.parametrize("number", [1, 2])
def test_a_link_that_is_missing_is_found(store: Store, number: int) -> None:
    with store.engine.connect() as connection:
        chain = connection.execute(sa.select(LINKS.c.chain).limit(1)).scalar()
    store.change(sa.delete(LINKS).where(LINKS.c.chain == chain, LINKS.c.number == number))
    assert "link" in store.kinds()


def test_an_anchor_shows_that_a_whole_chain_was_made_anew(store: Store) -> None:
    """Whoever may write the database can write a chain that fits; not into an anchor that is kept elsewhere."""
    heads = read_heads(store.engine)
    assert store.kinds(*heads) == set()
    with store.engine.begin() as connection:
        for table in (EXCHANGES, FEEDBACK, ACCESSES, LINKS):
            connection.execute(sa.delete(table))
    assert store.kinds() == set()
    assert store.kinds(*heads) == {"anchor"}


def test_an_anchor_holds_while_its_chain_goes_on(store: Store) -> None:
    heads = read_heads(store.engine)
    with store.engine.begin() as connection:
        note_access(connection, "auditor", "show", None, {})
    assert store.kinds(*heads) == set()


def test_a_change_of_keys_leaves_the_chains_as_they_are(tmp_path: Path) -> None:
    store = Store(new_store(tmp_path), KEYS[0])
    heads = read_heads(store.engine)
    assert sum(re_encrypt(store.engine, RecordCipher(reversed(KEYS)), "operator", None)) == 17
    store.cipher = RecordCipher(KEYS[1:])  # the old key is given up
    assert store.kinds(*heads) == set()
    store.engine.dispose()


def test_what_was_deleted_for_its_age_is_not_missed(store: Store) -> None:
    heads = read_heads(store.engine)
    later = exchange(99)
    assert delete_before(store.engine, later.at + 1000, "retention", "its days are over") == 16
    writer = Writer(connect(store.url), store.cipher)
    writer.write(later)
    writer.close()
    assert store.kinds(*heads) == set()


def test_of_a_link_whose_records_are_gone_in_part_the_rest_is_looked_for(store: Store) -> None:
    """Retention deletes by the time of a call, which may lie between two of one commit."""
    with store.engine.connect() as connection:
        ids = connection.execute(sa.select(EXCHANGES.c.id).order_by(EXCHANGES.c.id)).scalars().all()
    middle = int.from_bytes(ids[7][:6], "big") * 1000
    delete_before(store.engine, middle, "retention", None)
    assert store.kinds() == set()


def test_a_report_that_is_sent_again_counts_once_and_fits(store: Store) -> None:
    writer = Writer(connect(store.url), store.cipher)
    writer.write({"feedback": [store.report()]})
    writer.close()
    found = store.verify()
    assert (found.problems, found.reports) == ([], 1)


def test_after_a_commit_that_failed_another_chain_begins(store: Store) -> None:
    writer = Writer(connect(store.url), store.cipher)
    writer.write(exchange(50))
    with pytest.raises(StoreError):
        writer.write({"feedback": [{**store.report(), "at": None}]})
    writer.write(exchange(51))
    writer.close()
    found = store.verify()
    assert (found.problems, len(found.heads)) == ([], 5)


def test_calls_from_before_there_were_links_are_counted_and_not_complained_of(tmp_path: Path) -> None:
    url = new_store(tmp_path)
    writer = Writer(connect(url), RecordCipher())
    writer.write(exchange(1, at=1_700_000_000_000_000))
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(sa.delete(LINKS))
    writer.close()
    store = Store(url)
    found = store.verify()
    assert (found.problems, found.unlinked) == ([], 1)
    engine.dispose()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_byte_of_a_call_changes_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = Store(new_store(tmp_path_factory.mktemp("store")))
    identity = store.any_id(EXCHANGES)
    with store.engine.connect() as connection:
        row = connection.execute(sa.select(EXCHANGES).where(EXCHANGES.c.id == identity)).mappings().one()
    column = data.draw(st.sampled_from(["summary", "bodies", "mentions"]))
    place = data.draw(st.integers(0, len(row[column]) - 1))
    changed = bytearray(row[column])
    changed[place] ^= data.draw(st.integers(1, 255))
    store.change(sa.update(EXCHANGES).where(EXCHANGES.c.id == identity).values({column: bytes(changed)}))
    assert store.kinds() & {"changed", "missing"}
    store.engine.dispose()
