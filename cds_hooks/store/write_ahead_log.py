"""Brings what SQLite has written to the disk, outside of its lock.

With `synchronous=FULL` SQLite flushes its write-ahead log at the end of each commit, and all other processes wait for
the lock meanwhile. Here a commit only writes (`synchronous=NORMAL`), and who needs it on disk flushes the log
afterwards: the same call of the system, on the same file, after the same bytes. What a commit wrote may be moved into
the database before that, which SQLite flushes first (https://www.sqlite.org/wal.html, Performance Considerations).
"""

import os
import sqlite3
from typing import Final, Self

_FULL: Final = 2

#: Flushes what was written to a file: its size too, its times not. macOS has `fsync` alone.
flush: Final = getattr(os, "fdatasync", os.fsync)


class LogFlush:
    """Flushes the log of one SQLite connection; it takes SQLite's place, which no longer does so."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._file: int | None = None

    @classmethod
    def take_over(cls, connection: sqlite3.Connection) -> Self | None:
        """Make commits of a connection write only, and return what flushes them; None where they did so already."""
        [_, _, path] = connection.execute("PRAGMA database_list").fetchone()
        if not path or connection.execute("PRAGMA synchronous").fetchone() != (_FULL,):
            return None
        connection.execute("PRAGMA synchronous=NORMAL")
        return cls(f"{path}-wal")

    def __call__(self) -> None:
        """Return when all that was committed is on disk; OSError where that is not certain.

        The log is there after the first commit, and stays while its connection is open. SQLite keeps no locks on it,
        so that it may be closed at any time.
        """
        if self._file is None:
            self._file = os.open(self._log, os.O_RDWR)
        flush(self._file)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


def renew(connection: sqlite3.Connection) -> None:
    """Move all of the log into the database and begin it anew; OSError where it cannot be done now.

    After a flush that failed, what the log holds may never reach the disk, and what is committed behind it would be
    lost with it. The database is flushed for itself.
    """
    [is_busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if is_busy:
        raise BlockingIOError
