"""Reads and searches at the FHIR server that a hook call names, with the token it brought.

Whoever calls a hook chooses `fhirServer`, so it is taken for an attacker's choice (docs/threats.md): only allowed
servers and addresses, nothing outside the base URL, no redirects, one end to the time and one to the size, and never
more than a part of the threads. Nothing here logs and no exception leaves, because patient ids are in the URLs
(docs/privacy.md).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from cds_hooks.fhir.access import MOST_SIDE_BY_SIDE, Answer, FhirAccess, FhirServer, Partial
from cds_hooks.fhir.capabilities import Names, TtlCache
from cds_hooks.fhir.connections import Connections
from cds_hooks.fhir.messages import Call, next_link, problem_of, read_batch, request_headers
from cds_hooks.fhir.queries import Asked, read_asked
from cds_hooks.fhir.session import Session
from cds_hooks.outbound.places import Place, read_allowed_place, read_place
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.outbound.thread_shares import ThreadShares
from cds_hooks.telemetry.metrics import read_fhir
from cds_hooks.telemetry.traces import span


class FhirClient:
    """Reads from FHIR servers; one for all threads of a process.

    It keeps connections and what servers can do, but no record.
    """

    def __init__(self, access: FhirAccess) -> None:
        self._access = access
        self._allowed = tuple(read_allowed_place(server) for server in access.servers)
        self.connections = Connections(access)
        #: The threads of calls that wait for a FHIR server.
        self.waiting = ThreadShares(access.threads)
        self._no_batch: TtlCache[bool] = TtlCache()
        self._names: TtlCache[Names] = TtlCache()

    def fetch(self, server: FhirServer, urls: Sequence[str], deadline: float) -> dict[str, Answer]:
        """Return the answer to each relative read (`Coverage/1`) or search (`Coverage?patient=1`), by its URL.

        `deadline` is of time.monotonic(). Several URLs go as one batch, or as single reads at once where the server
        does no batch (CRD-62). Nothing is tried twice but searches that the server did not take as they were put.
        """
        with span("read from FHIR", **{"crd.fhir_reads": len(urls)}):
            answers = self._fetch(server, urls, deadline)
        for answer in answers.values():
            read_fhir(_outcome(answer))
        return answers

    def _fetch(self, server: FhirServer, urls: Sequence[str], deadline: float) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        asked: list[Asked] = []
        for url in urls:
            try:
                asked.append(read_asked(url))
            except FetchError as error:
                answers[url] = error.problem
        if asked:
            try:
                answers |= self._ask(server, asked, deadline)
            except FetchError as error:
                answers |= dict.fromkeys((one.url for one in asked), error.problem)
        return {url: answers[url] for url in urls}

    def more(self, server: FhirServer, bundle: Mapping[str, Any], deadline: float) -> Answer:
        """Return the records of the pages that follow a prefetched searchset, without those of the page itself."""
        try:
            if next_link(bundle) is None:
                return ()
            session = self._open(server, deadline)
            with span("read from FHIR"), self.waiting.hold(session.call.base):
                return session.answer_after(bundle)
        except FetchError as error:
            return error.problem

    def close(self) -> None:
        """Close all idle connections."""
        self.connections.close()

    def _open(self, server: FhirServer, deadline: float) -> Session:
        """Begin the reads of one hook call; FORBIDDEN, NO_BEARER or BAD_BEARER where it may make none."""
        base = read_place(server.base)
        if base is None or not self._may_call(base):
            raise FetchError(Problem.FORBIDDEN)
        call = Call(base, request_headers(server.token, self._access.without_token or server.without_token), deadline)
        return Session(call, self.connections, self._access, self._names)

    def _may_call(self, base: Place) -> bool:
        is_secure = base.origin.startswith("https:")
        is_listed = not self._allowed or any(allowed.holds(base) for allowed in self._allowed)
        return is_listed and (is_secure or self._access.private)

    def _ask(self, server: FhirServer, asked: Sequence[Asked], deadline: float) -> dict[str, Answer]:
        """Ask in the first of these ways that the server takes: one batch, single reads side by side."""
        session = self._open(server, deadline)
        with self.waiting.hold(session.call.base):
            answers = self._ask_in_batch(session, asked)
            return _ask_side_by_side(session, asked) if answers is None else answers

    def _ask_in_batch(self, session: Session, asked: Sequence[Asked]) -> dict[str, Answer] | None:
        """Return the answers to one batch; None where single reads are the way.

        A 500 may be one entry's fault, and a batch too large no entry's: single reads are tried, and the next call
        tries a batch again. A server that is down or busy (429, 502 to 504) is not asked for more.
        """
        base = session.call.base
        if len(asked) < 2 or self._no_batch.get(base):
            return None
        try:
            reply = session.send_batch(asked)
        except FetchError as error:
            if error.problem is Problem.TOO_LARGE:
                return None
            raise
        if reply.ends_the_call:
            raise FetchError(problem_of(reply.status))
        entries = read_batch(reply, len(asked), self._access.max_nesting)
        if entries is None:
            if reply.status != 500:
                self._no_batch.add(base, True)
            return None
        return {one.url: session.answer(one, entry) for one, entry in zip(asked, entries, strict=True)}


def _ask_side_by_side(session: Session, asked: Sequence[Asked]) -> dict[str, Answer]:
    """Return the answers to single reads, made by threads of this call alone: they hold up nobody else's."""
    if len(asked) < 2:
        return {one.url: session.answer(one) for one in asked}
    threads = ThreadPoolExecutor(min(len(asked), MOST_SIDE_BY_SIDE), thread_name_prefix="fhir")
    try:
        jobs = {one.url: threads.submit(copy_context().run, session.answer, one) for one in asked}
        late = wait(jobs.values(), timeout=max(0.0, session.call.seconds_left)).not_done
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # what is under way ends at the same deadline
    return {url: Problem.TOO_LATE if job in late else job.result() for url, job in jobs.items()}


def _outcome(answer: Answer) -> str:
    """Return what came of one URL, as metrics name it."""
    if isinstance(answer, Partial):
        return answer.problem.name
    return answer.name if isinstance(answer, Problem) else "READ"
