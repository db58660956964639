"""Who is logged in to the console. Cookies have a secret, the store its digest: a copy of the store logs nobody in."""

import hashlib
import secrets
import time
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import StoreError, kind_of
from cds_hooks.store.tables import LOGINS, NAME

#: A login ends after so many seconds, however much it is used.
_LONGEST: Final = 12 * 3600

#: Its last use is written down this often, in seconds.
_NOTED_EVERY: Final = 30


class Login(NamedTuple):
    """Somebody who is logged in, and as what."""

    operator: str
    role: str


class Logins:
    """The logins of one service; `engine` is one whose statements stand alone, `idle` in seconds.

    StoreError where the database fails."""

    def __init__(self, engine: sa.Engine, idle: int) -> None:
        self._engine = engine
        self._idle = idle

    def begin(self, operator: str, role: str) -> str:
        """Log somebody in, and return the secret by which the browser is known; logins that ended are forgotten."""
        now, secret = int(time.time()), secrets.token_urlsafe(32)
        row = {"digest": _digest(secret), "operator": operator[:NAME], "role": role, "since": now, "seen": now}
        ended = sa.or_(LOGINS.c.seen < now - self._idle, LOGINS.c.since < now - _LONGEST)
        self._run(sa.delete(LOGINS).where(ended))
        self._run(sa.insert(LOGINS).values(row))
        return secret

    def find(self, secret: str) -> Login | None:
        """Return who is logged in by a secret, and note that it was used; None where nobody is any more."""
        now, mine = int(time.time()), LOGINS.c.digest == _digest(secret)
        try:
            with self._engine.connect() as connection:
                row = connection.execute(sa.select(LOGINS).where(mine)).one_or_none()
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None
        if row is None or row.seen < now - self._idle or row.since < now - _LONGEST:
            return None
        if row.seen < now - _NOTED_EVERY:
            self._run(sa.update(LOGINS).where(mine).values(seen=now))
        return Login(row.operator, row.role)

    def end(self, secret: str) -> None:
        """Log out."""
        self._run(sa.delete(LOGINS).where(LOGINS.c.digest == _digest(secret)))

    def _run(self, statement: sa.Executable) -> None:
        try:
            with self._engine.connect() as connection:
                connection.execute(statement)
        except SQLAlchemyError as error:
            raise StoreError(kind_of(error)) from None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
