"""The rules of the moment: a running service takes up changed policies, payers and words, all of them or none."""

import contextlib
import gc
import os
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cds_hooks.file_watch import State
from cds_hooks.rules.loading import ALWAYS_CHANGING, Rules, RulesError, load_rules, look_at
from cds_hooks.settings import Settings
from cds_hooks.telemetry import metrics
from cds_hooks.telemetry.logs import record, where

#: Files that have changed are read once they have stayed as they are for so many seconds.
_STILL: Final = 0.2

#: After so many looks in a row at files that never stay as they are, the log says so.
_RESTLESS: Final = 10

#: Files that could not be taken up are read again after so many seconds, changed or not: a disk can be at fault.
_RETRY: Final = 60.0

#: Looking takes at most this share of a worker's processor time, however many files there are, and of its time, however
#: slow their disk.
_SHARE: Final = 0.01
_SHARE_OF_TIME: Final = 0.05

#: Rules that were replaced are kept for so many seconds: the call that is longest under way ends within them. The last
#: one to let go of 10,000 policies waits for their memory to be freed, and that is to be the watching thread.
_LINGER: Final = 15.0

#: As many letters of what is wrong are logged.
_LONGEST: Final = 2000

#: While rules are read, calls get a turn after so many seconds instead of Python's 5 ms.
_TURN: Final = 0.0005


class RuleReloader:
    """The rules that calls rest on at this moment; one for all threads of a process, its own thread looks at the files.

    A call takes `current()` once and has one set of rules from beginning to end. The thread starts with the first
    call, in whichever process that comes to: none survives a fork.
    """

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self.settings = settings
        #: Why the files as they are now were not taken up; None where they were.
        self.fault: str | None = None
        #: For how many seconds there is to be no look after the last one.
        self.pause = settings.reload
        #: What the thread waits on between looks; it is never set.
        self.rest = threading.Event()
        self._rules = rules
        self._seen = rules.files
        metrics.rules_loaded(len(rules.index.policies), len(rules.payers.payers))
        self._replaced: list[tuple[float, Rules]] = []
        self._changes = 0
        self._retry_at = 0.0
        self._process = 0
        self._starting = threading.Lock()

    def current(self) -> Rules:
        """Return the rules of this moment."""
        if self._process != os.getpid():
            self.start()
        return self._rules

    def start(self) -> None:
        """Look at the files from now on, in a thread that ends with the process, or with this watch."""
        with self._starting:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
            if self.settings.reload:
                threading.Thread(target=_watch, args=(weakref.ref(self),), name="rules", daemon=True).start()

    def look(self) -> None:
        """Take up what has changed since the last look; what is invalid changes nothing, and the log says why."""
        self._free_replaced()
        files = self._look_at()
        if files == self._seen and not (self.fault and time.monotonic() >= self._retry_at):
            return
        self.rest.wait(_STILL)
        if self._look_at() == files:
            self._changes = 0
            self._read(files)
            return
        self._changes += 1
        if self._changes == _RESTLESS:
            self._keep(ALWAYS_CHANGING, {})

    def _look_at(self) -> dict[str, State]:
        begun, spent = time.monotonic(), time.thread_time()
        files = look_at(*_folders(self.settings))
        spent, taken = time.thread_time() - spent, time.monotonic() - begun
        self.pause = max(self.settings.reload, spent / _SHARE, taken / _SHARE_OF_TIME)
        return files

    def _read(self, files: Mapping[str, State]) -> None:
        turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            self._take(read_rules(self.settings))
        except RulesError as error:
            self._keep(str(error)[:_LONGEST], error.files)
        except Exception as error:  # a fault of ours, or of the machine, must not end the watch
            self._keep(f"{type(error).__name__} at {where(error)}", files)
        finally:
            sys.setswitchinterval(turn)

    def _keep(self, fault: str, files: Mapping[str, State]) -> None:
        """Go on with the rules there are, and say why: once for each state of the files, and each reason."""
        is_known = fault == self.fault and files == self._seen
        self.fault, self._seen = fault, files
        self._retry_at = time.monotonic() + _RETRY
        if not is_known:
            record("error", "rules-not-changed", reason=fault, rules=self._rules.digest)

    def _take(self, rules: Rules) -> None:
        """Let calls that begin now have these rules; files that only look changed bring none."""
        old, was_faulty = self._rules, self.fault is not None
        self.fault, self._seen = None, rules.files
        if rules.digest == old.digest:
            if was_faulty:
                record("info", "rules-restored", rules=rules.digest)
            return
        self._rules = rules
        self._replaced.append((time.monotonic() + _LINGER, old))
        policies, payers = len(rules.index.policies), len(rules.payers.payers)
        metrics.rules_loaded(policies, payers)
        record("info", "rules-changed", rules=rules.digest, policies=policies, payers=payers)
        if gc.get_freeze_count():
            gc.freeze()  # as at start: the garbage collector need not look at them again and again

    def _free_replaced(self) -> None:
        """Free rules that no call has any more, policy by policy: freeing 10,000 at once would hold up all calls."""
        while self._replaced and self._replaced[0][0] <= time.monotonic():
            policies = list(self._replaced.pop(0)[1].index.policies.values())
            while policies:
                policies.pop()


def read_rules(settings: Settings) -> Rules:
    """Return the policies, payers and words that the settings name; RulesError where any of them is wrong."""
    return load_rules(*_folders(settings))


def are_current(rules: Rules, settings: Settings) -> bool:
    """Tell whether the files that the settings name are those that the rules were read from, unchanged."""
    return look_at(*_folders(settings)) == rules.files


def _folders(settings: Settings) -> tuple[Path, Path, Path]:
    return settings.vocabulary, settings.policies, settings.payers


def _watch(watched: "weakref.ref[RuleReloader]") -> None:
    """Look again and again, for as long as there is a watch."""
    while (watch := watched()) is not None:
        with contextlib.suppress(OSError, MemoryError):  # of a log that cannot be written, say; the next look may do
            watch.look()
        pause, rest = watch.pause, watch.rest
        del watch
        rest.wait(pause)
