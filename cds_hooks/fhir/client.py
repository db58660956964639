"""The one outgoing door: reads and searches at the FHIR server that a hook call names, with the token it brought.

Whoever calls a hook chooses `fhirServer`, so it is taken for an attacker's choice (X-7): only allowed servers and
addresses, nothing outside the base URL, no redirects, one end to the time and one to the size. Nothing here logs and
no exception leaves, because patient ids are in the URLs (X-4).
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from cds_hooks.fhir.access import Answer, FhirAccess, FhirServer, Record
from cds_hooks.fhir.capabilities import Names, TtlCache, read_names, translate
from cds_hooks.fhir.connections import Connections
from cds_hooks.fhir.messages import (
    Call,
    Reply,
    batch_body,
    check_kind,
    next_link,
    problem_of,
    read_batch,
    read_document,
    read_page,
    read_record,
    request_headers,
)
from cds_hooks.fhir.queries import Asked, read_asked
from cds_hooks.outbound.places import Place, read_allowed_place, read_place
from cds_hooks.outbound.problems import FetchError, Problem
from cds_hooks.telemetry.metrics import ThreadGauge, read_fhir
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
        self.waiting = ThreadGauge()
        self._workers = ThreadPoolExecutor(access.connections, thread_name_prefix="fhir")
        self._no_batch: TtlCache[bool] = TtlCache()
        self._names: TtlCache[Names] = TtlCache()

    def fetch(self, server: FhirServer, urls: Sequence[str], deadline: float) -> dict[str, Answer]:
        """Return the answer to each relative read (`Patient/1`) or search (`Coverage?patient=1`), by its URL.

        `deadline` is of time.monotonic(). Several URLs go as one batch, or as single reads at once where the server
        does no batch (CRD-62). Nothing is tried twice but searches that the server did not take as they were put.
        """
        with self.waiting, span("read from FHIR", **{"crd.fhir_reads": len(urls)}):
            answers = self._fetch(server, urls, deadline)
        for answer in answers.values():
            read_fhir(answer.name if isinstance(answer, Problem) else "READ")
        return answers

    def _fetch(self, server: FhirServer, urls: Sequence[str], deadline: float) -> dict[str, Answer]:
        asked = {url: read_asked(url) for url in urls}
        known = [one for one in asked.values() if one]
        try:
            call = self._call(server, deadline)
            replies = self._batch(call, known)
        except FetchError as error:
            return dict.fromkeys(asked, error.problem)
        answers = self._answers(call, known, replies)
        return {url: answers.get(url, Problem.NOT_FHIR) for url in asked}

    def more(self, server: FhirServer, bundle: Mapping[str, Any], deadline: float) -> Answer:
        """Return the records of the pages that follow a prefetched searchset, without those of the page itself."""
        try:
            with self.waiting, span("read from FHIR"):
                return tuple(self._next_pages(self._call(server, deadline), bundle)) if next_link(bundle) else ()
        except FetchError as error:
            return error.problem

    def close(self) -> None:
        """Close all idle connections, and start no further reads."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self.connections.close()

    def _call(self, server: FhirServer, deadline: float) -> Call:
        """Return what may be done for this hook call; FORBIDDEN where that is nothing (X-7, X-8)."""
        base = read_place(server.base)
        if base is None or not self._may_call(base):
            raise FetchError(Problem.FORBIDDEN)
        return Call(base, request_headers(server.token, self._access.without_token), deadline)

    def _may_call(self, base: Place) -> bool:
        is_secure = base.origin.startswith("https:")
        is_listed = not self._allowed or any(allowed.holds(base) for allowed in self._allowed)
        return is_listed and (is_secure or self._access.private)

    def _batch(self, call: Call, asked: Sequence[Asked]) -> list[Reply] | None:
        """Return the replies to one batch in the order asked; None where single reads are the way.

        A 500 may be one entry's fault, and a batch too large no entry's: single reads are tried, and the next call
        tries a batch again. A server that is down or busy (429, 502 to 504) is not asked for more.
        """
        if len(asked) < 2 or self._no_batch.get(call.base):
            return None
        try:
            reply = self.connections.send(call, "POST", call.base.url, batch_body(asked))
        except FetchError as error:
            if error.problem is Problem.TOO_LARGE:
                return None
            raise
        if reply.ends_the_call:
            raise FetchError(problem_of(reply.status))
        replies = read_batch(reply, len(asked), self._access.max_nesting)
        if replies is None and reply.status != 500:
            self._no_batch.add(call.base, True)
        return replies

    def _answers(self, call: Call, asked: Sequence[Asked], replies: list[Reply] | None) -> dict[str, Answer]:
        if replies is not None:
            return {one.url: self._answer(call, one, reply) for one, reply in zip(asked, replies, strict=True)}
        if len(asked) < 2:
            return {one.url: self._answer(call, one) for one in asked}
        jobs = {one.url: self._workers.submit(copy_context().run, self._answer, call, one) for one in asked}
        waiting = wait(jobs.values(), timeout=max(0.0, call.seconds_left)).not_done
        for job in waiting:
            job.cancel()
        return {url: Problem.TOO_LATE if job in waiting else job.result() for url, job in jobs.items()}

    def _answer(self, call: Call, asked: Asked, first: Reply | None = None) -> Answer:
        """Return the answer to one read or search, whose first reply may have come in a batch."""
        try:
            reply = first or self._get(call, call.base.at(asked.url))
            others = self._other_urls(call, asked)
            while reply.blames_request and (url := next(others, None)):
                reply = self._get(call, call.base.at(url))
            document = self._document(reply, asked)
            if asked.id is not None:
                return (read_record(asked, document, reply.body),)
            return (*read_page(document, reply.body), *self._next_pages(call, document))
        except FetchError as error:
            return error.problem

    def _other_urls(self, call: Call, asked: Asked) -> Iterator[str]:
        """Yield what else a search may be asked as: without `_include`, then in the server's own names (CRD-60)."""
        if asked.id is not None:
            return
        plain = asked.without_include
        if plain != asked.url:
            yield plain
        translated = translate(asked, self._names_at(call))
        if translated != plain:
            yield translated

    def _names_at(self, call: Call) -> Names:
        """Return the names that this server has for search parameters, as its CapabilityStatement says or said lately.

        One that cannot be had or read deviates in nothing, and is not asked for again at every call either.
        """
        names = self._names.get(call.base)
        if names is None:
            names = self._read_names(call)
            self._names.add(call.base, names)
        return names

    def _read_names(self, call: Call) -> Names:
        try:
            statement = self._document(self._get(call, call.base.at("metadata")))
            check_kind(statement, "CapabilityStatement")
        except FetchError:
            return {}
        return read_names(statement)

    def _next_pages(self, call: Call, bundle: Mapping[str, Any]) -> Iterator[Record]:
        """Yield the records of the pages after this one; every link must stay under the base URL."""
        for _ in range(self._access.most_pages - 1):
            link = next_link(bundle)
            if link is None:
                return
            reply = self._get(call, call.base.inside(link))
            bundle = self._document(reply)
            yield from read_page(bundle, reply.body)
        if next_link(bundle) is not None:
            raise FetchError(Problem.TOO_LARGE)

    def _get(self, call: Call, url: str) -> Reply:
        return self.connections.send(call, "GET", url)

    def _document(self, reply: Reply, asked: Asked | None = None) -> Mapping[str, Any]:
        return read_document(reply, self._access.max_nesting, asked)
