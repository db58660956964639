"""Callers that go on calling whatever happens to the service, and remember every answer they got."""

import json
import threading
import time
import uuid
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import requests

from tests.conftest import example

SIGN = "/cds-services/order-sign-crd"


class Load:
    """Calls order-sign from several threads while a `with` is open."""

    def __init__(self, base: str, callers: int = 6, name: str = "") -> None:
        self.base = base
        self._name = name  # of two loads at once each has ids of its own
        #: The hookInstance of each call that was answered; a card keeps its id from call to call.
        self.answers: list[str] = []
        self.statuses: list[int] = []
        #: When each answer came, by the monotonic clock, and whether it was one.
        self.times: list[tuple[float, bool]] = []
        self.slowest = 0.0
        self._body = example("m0076-order-sign")
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    @property
    def answered(self) -> int:
        """How many calls were answered so far."""
        return len(self.answers)

    def wait_for(self, answers: int, seconds: float = 120) -> None:
        """Wait until so many more calls were answered."""
        wanted, ends = self.answered + answers, time.monotonic() + seconds
        while self.answered < wanted:
            assert time.monotonic() < ends, f"{self.answered} of {wanted} answers; {self.statuses[-5:]}"
            time.sleep(0.02)

    def longest_gap(self) -> float:
        """Return the longest time without an answer, in seconds."""
        good = sorted(moment for moment, is_answer in self.times if is_answer)
        return max(later - earlier for earlier, later in pairwise(good))

    def _call(self, number: int) -> None:
        session = requests.Session()
        count = 0
        while not self._ends.is_set():
            count += 1
            instance = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._name} {number} {count}"))
            body = json.dumps({**self._body, "hookInstance": instance})
            started = time.monotonic()
            try:
                response = session.post(self.base + SIGN, data=body, headers=_JSON, timeout=60)
            except requests.RequestException:
                self.times.append((time.monotonic(), False))
                time.sleep(0.02)
                continue
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.statuses.append(response.status_code)
            self.times.append((time.monotonic(), response.ok))
            if response.ok:
                assert response.json()["cards"]
                self.answers.append(instance)


_JSON: Any = {"Content-Type": "application/json"}
