"""Cards that were overridden with a reason, where that is heeded: a keyed digest of each, and when."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.tables import OVERRIDES


def to_override(about: str, at: int) -> dict[str, Any]:
    """Return the row of an override; `about` is the digest in hexadecimal, `at` in microseconds since 1970."""
    return {"digest": bytes.fromhex(about), "at": at}


def find_overrides(engine: sa.Engine, digests: Sequence[bytes], since: int) -> dict[bytes, int]:
    """Return when cards were last overridden, of those that were since a time; StoreError where that is not known."""
    columns = OVERRIDES.c
    query = (
        sa.select(columns.digest, sa.func.max(columns.at))
        .where(columns.digest.in_(digests), columns.at >= since)
        .group_by(columns.digest)
    )
    try:
        with engine.connect() as connection:
            return {bytes(digest): at for digest, at in connection.execute(query)}
    except SQLAlchemyError as error:
        raise StoreError(kind_of(error)) from None
