"""Counts facts beside the calls: a call leaves a note, and a thread adds the notes up and writes them now and then.

Measured (`python -m benchmarks.insights`): a note costs a call 0.9 µs and adding it up 3 µs of processor time, where
counting within each call's own transaction costs 43 µs in SQLite, and a turn at the same rows in PostgreSQL, for which
the commits of all workers would wait. A process that is killed loses the notes of the last seconds, not the calls:
`crd facts recount` counts those anew.
"""

import threading
import time
from collections import deque
from multiprocessing.util import Finalize
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.store.database import connect, kind_of
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.facts import (
    OF_FEEDBACK,
    REFUSAL,
    Calendar,
    Happened,
    Tally,
    add_facts,
    count_call,
    replace_facts,
)
from cds_hooks.store.feedback_facts import count_feedback
from cds_hooks.telemetry.logs import record

#: Seconds between two writes; where there are more facts than a few, since clients and policies are many, longer: the
#: more calls are added up, the fewer facts there are for each.
_EVERY: Final = 2.0
_FEW: Final = 200
_LONGEST: Final = 30.0

#: Seconds after which cards that came again are looked for anew, on days on which some were overridden; and so many
#: times as long as that took is waited at least.
_LOOK_AGAIN: Final = 60.0
_REST: Final = 20

#: As many different facts wait at the most while the store cannot be written.
_MOST: Final = 100_000


class FactCounter:
    """Counts what happens in one process; one for all its threads.

    A server may fork its workers after this was made: the thread starts with the first note of a process.
    """

    def __init__(self, url: str, cipher: RecordCipher, zone: str, every: float = _EVERY) -> None:
        self._url = url
        self._cipher = cipher
        self._calendar = Calendar(zone)
        self._every = every
        self._notes: deque[Happened] = deque()
        self._refused: deque[tuple[int, str, str]] = deque()
        self._tally = Tally()
        self._writing = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()
        self._engines: tuple[sa.Engine, sa.Engine] | None = None
        self._days: set[str] = set()
        self._has_news = False
        self._looked_at = self._looked_for = self._wrote_at = 0.0

    def count_call(self, call: Happened) -> None:
        """Count a call that is kept."""
        self._notes.append(call)
        if self._thread is None:
            self._start()

    def count_token(self, at: int, cause: str, claimed: str | None) -> None:
        """Count a token that was refused, by whom it says it is of, where that is a registered client."""
        self._refused.append((at, cause, claimed or ""))
        if self._thread is None:
            self._start()

    def count_feedback(self, at: int) -> None:
        """Count the feedback of a day anew, as some more is kept."""
        self._days.add(self._calendar.day_of(at))
        self._has_news = True
        if self._thread is None:
            self._start()

    def write(self) -> bool:
        """Write what was counted; tell whether that could be done. What could not is tried again with the rest."""
        with self._writing:
            self.add_up()
            tally = self._tally
            if not tally:
                return True
            try:
                with self._open()[0].begin() as connection:
                    add_facts(connection, tally)
            except (SQLAlchemyError, OSError) as error:
                record("error", "facts-not-written", reason=kind_of(error), waiting=len(tally))
                if len(tally) > _MOST:
                    self._tally = Tally()
                return False
            self._tally = Tally()
            return True

    def look_again(self) -> None:
        """Count the feedback of the days that had some, and the cards that came again after they were overridden."""
        self._has_news = False
        started = time.monotonic()
        today = self._calendar.day_of(time.time_ns() // 1000)
        for day in sorted(self._days | {today}):
            try:
                self._count_day(day)
            except (SQLAlchemyError, OSError) as error:
                record("error", "facts-not-written", reason=kind_of(error), day=day)
                break
            if day != today:
                self._days.discard(day)
        self._looked_at = time.monotonic()
        self._looked_for = self._looked_at - started

    def close(self) -> None:
        """Write what was counted, and end the thread; the next note starts it again."""
        with self._starting:
            if self._thread is None:
                return
            self._ending.set()
            self._thread.join(10)
            self._thread = None
            self._ending.clear()

    def _count_day(self, day: str) -> None:
        writing, reading = self._open()
        tally = count_feedback(reading, self._cipher, self._calendar, day)
        if tally or day in self._days:
            with writing.begin() as connection:
                replace_facts(connection, day, OF_FEEDBACK, tally)
        if tally:
            self._days.add(day)

    def add_up(self) -> None:
        """Add up the notes; called under `write`, or where no thread writes."""
        notes, refused, calendar = self._notes, self._refused, self._calendar
        while notes:
            note = notes.popleft()
            count_call(self._tally, note, calendar.day_of(note.at))
        while refused:
            at, cause, claimed = refused.popleft()
            self._tally.add((REFUSAL, calendar.day_of(at), "", claimed, "", "", "", cause, ""))

    def _open(self) -> tuple[sa.Engine, sa.Engine]:
        """Return what writes, and what reads without holding up the calls."""
        if self._engines is None:
            self._engines = connect(self._url, durable=False), connect(self._url, each_alone=True)
        return self._engines

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="facts", daemon=True)
                self._thread.start()
                # Before the connection closes; what runs at the end of worker processes too, where `atexit` does not.
                Finalize(None, self.close, exitpriority=1)

    def _work(self) -> None:
        """Write now and then, until the end; what nobody thought of does not end it."""
        while not self._ending.wait(self._every):
            try:
                self._write_where_due()
                self._look_where_due()
            except Exception as error:
                record("error", "facts-not-written", reason=type(error).__name__)
        self.write()
        if self._has_news:
            self.look_again()
        for engine in self._engines or ():
            engine.dispose()
        self._engines = None

    def _write_where_due(self) -> None:
        with self._writing:
            self.add_up()
            facts = len(self._tally)
        now = time.monotonic()
        if facts <= _FEW or now - self._wrote_at >= _LONGEST:
            self._wrote_at = now
            self.write()

    def _look_where_due(self) -> None:
        rested = time.monotonic() - self._looked_at
        is_due = self._has_news or (self._days and rested > _LOOK_AGAIN) or self._looked_at == 0
        if is_due and rested >= _REST * self._looked_for:
            self.look_again()
