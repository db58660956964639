"""What is loaded: how many rows, of which plans, when and under which key; and the rows of one id."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.members.database_directory import about
from cds_hooks.members.digests import digests_of
from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.tables import DIRECTORIES, DIRECTORY_KEYS, DIRECTORY_ROWS


class Loaded(NamedTuple):
    """A directory as it is now; `opens`: its key is among those given."""

    generation: int
    about: dict[str, Any]
    opens: bool


def describe_loaded(engine: sa.Engine, name: str, keys: Sequence[bytes]) -> Loaded | None:
    """Return what is loaded of a directory; None where nothing is. StoreError where the database fails."""
    query = sa.select(DIRECTORIES).where(DIRECTORIES.c.name == name, DIRECTORIES.c.is_current)
    try:
        with engine.connect() as connection:
            row = connection.execute(query).one_or_none()
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    if row is None:
        return None
    return Loaded(row.generation, orjson.loads(row.about), row.cipher_key in [one.name for one in digests_of(keys)])


def has_older_key(engine: sa.Engine, name: str, current: bytes | None) -> bool:
    """Tell whether what is loaded of a directory was sealed with another key than the current one."""
    query = sa.select(DIRECTORIES.c.cipher_key).where(DIRECTORIES.c.name == name, DIRECTORIES.c.is_current)
    try:
        with engine.connect() as connection:
            row = connection.execute(query).one_or_none()
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    return row is not None and row.cipher_key != current


def read_rows(engine: sa.Engine, name: str, value: str, keys: Sequence[bytes]) -> list[bytes]:
    """Return the texts of the rows that have an id; StoreError or SealError where they cannot be had."""
    digests = [one.of_id(value) for one in digests_of(keys)]
    query = (
        sa.select(DIRECTORY_ROWS)
        .join(DIRECTORIES, DIRECTORIES.c.generation == DIRECTORY_ROWS.c.generation)
        .join(
            DIRECTORY_KEYS,
            (DIRECTORY_KEYS.c.generation == DIRECTORY_ROWS.c.generation)
            & (DIRECTORY_KEYS.c.number == DIRECTORY_ROWS.c.number),
        )
        .where(DIRECTORIES.c.name == name, DIRECTORIES.c.is_current, DIRECTORY_KEYS.c.digest.in_(digests))
        .order_by(DIRECTORY_ROWS.c.number)
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
    cipher = RecordCipher(keys)
    return [cipher.open(bytes(row.sealed), about(row.generation, row.number)) for row in rows]
