"""Reads a service's store as the commands do, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cds_hooks.store.calls import Bodies
from cds_hooks.store.database import connect, prepare
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.search import Archive, Found, Wanted
from cds_hooks.store.tables import EXCHANGES


@contextmanager
def archive(url: str, *keys: bytes) -> Iterator[Archive]:
    """Open what is kept in a store."""
    opened = Archive(connect(url), connect(url, each_alone=True), RecordCipher(keys))
    yield opened
    opened.close()


def store_of(service: Any) -> str:
    """Return the URL of a running service's store."""
    return f"sqlite:///{Path(service.log).parent}/crd.sqlite3"


def calls(url: str, *keys: bytes, most: int = 100_000, **wanted: Any) -> list[Found]:
    """Return the calls that are kept, the newest first."""
    with archive(url, *keys) as opened:
        return opened.find(Wanted(**wanted), most)


def bodies(url: str, call: Found, *keys: bytes) -> Bodies:
    """Return the bodies of a call."""
    with archive(url, *keys) as opened:
        found = opened.show(call.id, "tests", None)
    assert found is not None
    return found[1]


def new_store(folder: Path) -> str:
    """Make an empty store in a folder, and return its URL."""
    store = f"sqlite:///{folder}/crd.sqlite3"
    prepare(store)
    return store


def kept(store: str) -> set[bytes]:
    """Return the ids of all calls that are kept."""
    engine = connect(store, each_alone=True)
    with engine.connect() as connection:
        found = set(connection.execute(sa.select(EXCHANGES.c.id)).scalars())
    engine.dispose()
    return found
