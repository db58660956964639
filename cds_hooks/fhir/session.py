"""One hook call at its FHIR server: reads, searches with all their pages, and batches, put as the server takes them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cds_hooks.fhir.access import Answer, FhirAccess, Partial, Record
from cds_hooks.fhir.capabilities import Names, TtlCache, read_names, translate
from cds_hooks.fhir.connections import Connections
from cds_hooks.fhir.messages import (
    Call,
    Reply,
    batch_body,
    check_kind,
    next_link,
    read_document,
    read_page,
    read_record,
)
from cds_hooks.fhir.queries import Asked
from cds_hooks.outbound.problems import FetchError, Problem


class Session:
    """Sends the requests of one hook call; `names` are what servers lately said that search parameters are called."""

    def __init__(self, call: Call, connections: Connections, access: FhirAccess, names: TtlCache[Names]) -> None:
        self.call = call
        self._connections = connections
        self._access = access
        self._names = names

    def send_batch(self, asked: Sequence[Asked]) -> Reply:
        """Return the reply to one batch that asks for all at once."""
        return self._connections.send(self.call, "POST", self.call.base.url, batch_body(asked))

    def answer(self, asked: Asked, reply: Reply | None = None) -> Answer:
        """Return the answer to one read or search, whose first reply may have come in a batch."""
        try:
            return self._search(asked, reply) if asked.id is None else self._read(asked, reply)
        except FetchError as error:
            return error.problem

    def answer_after(self, bundle: Mapping[str, Any]) -> Answer:
        """Return the records of the pages that follow one, without those of the page itself."""
        try:
            return self._follow((), next_link(bundle))
        except FetchError as error:
            return error.problem

    def _read(self, asked: Asked, reply: Reply | None) -> Answer:
        reply = reply or self._get(asked.url)
        return (read_record(asked, read_document(reply, self._access.max_nesting, asked), reply.body),)

    def _search(self, asked: Asked, reply: Reply | None) -> Answer:
        reply = reply or self._get(asked.url)
        others = self._other_forms_of(asked)
        while reply.blames_request and (url := next(others, None)):
            reply = self._get(url)
        bundle = self._document(reply)
        return self._follow(read_page(bundle, reply.body), next_link(bundle))

    def _other_forms_of(self, asked: Asked) -> Iterator[str]:
        """Yield what else a search may be put as: without `_include`, then in the server's own names (CRD-60)."""
        plain = asked.without_include
        if plain != asked.url:
            yield plain
        translated = translate(asked, self._names_here())
        if translated != plain:
            yield translated

    def _names_here(self) -> Names:
        """Return the names that this server has for search parameters, as its CapabilityStatement says or said lately.

        One that cannot be had or read deviates in nothing, and is not asked for again at every call either.
        """
        names = self._names.get(self.call.base)
        if names is None:
            names = self._read_names()
            self._names.add(self.call.base, names)
        return names

    def _read_names(self) -> Names:
        try:
            statement = self._document(self._get("metadata"))
            check_kind(statement, "CapabilityStatement")
        except FetchError:
            return {}
        return read_names(statement)

    def _follow(self, records: Sequence[Record], link: str | None) -> Answer:
        """Return the records of a page and of those after it; what was read counts although a later page failed."""
        found = list(records)
        try:
            for page in self._pages(link):
                found += page
        except FetchError as error:
            return Partial(tuple(found), error.problem) if found else error.problem
        return tuple(found)

    def _pages(self, link: str | None) -> Iterator[tuple[Record, ...]]:
        """Yield the records of each page from a link on; every link must stay under the base URL."""
        for _ in range(self._access.most_pages - 1):
            if link is None:
                return
            reply = self._connections.send(self.call, "GET", self.call.base.inside(link))
            bundle = self._document(reply)
            yield read_page(bundle, reply.body)
            link = next_link(bundle)
        if link is not None:
            raise FetchError(Problem.TOO_LARGE)

    def _get(self, relative: str) -> Reply:
        return self._connections.send(self.call, "GET", self.call.base.at(relative))

    def _document(self, reply: Reply) -> Mapping[str, Any]:
        return read_document(reply, self._access.max_nesting)
