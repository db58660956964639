"""The resources of one call: what the client sent along, and what was read from its FHIR server.

Each is asked for once, all reads of a call share one time budget, and what cannot be had is remembered with why.
"""

import hashlib
import time
from collections.abc import Callable, Container, Iterable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from cards import (
    CodeSystems,
    Coverage,
    Entry,
    ReferenceIndex,
    is_of_record,
    literal_reference,
    read_coverage,
    read_reference,
    record_key,
    same_reference,
)
from cds_hooks.fhir.access import Answer, FhirServer, Partial, Record
from cds_hooks.fhir.client import FhirClient
from cds_hooks.fhir.queries import relative_reference
from cds_hooks.hooks.held_resources import Draft
from cds_hooks.hooks.prefetch import Prefetched, outcomes, read_prefetch
from cds_hooks.hooks.request import HookRequest
from cds_hooks.outbound.problems import Problem

Json = Mapping[str, Any]

#: As many records are read for one call; a call of a thousand references is not a thousand reads.
MOST_READS: Final = 100

#: What may stand in a subject's place and is no patient (FHIR R4, ServiceRequest.subject).
_NO_PATIENTS: Final = ("Group/", "Device/", "Location/")


class ResourcePool:
    """The resources of one call. Without a `client`, or where the call names no server, nothing is fetched."""

    def __init__(
        self,
        call: HookRequest,
        templates: Mapping[str, str],
        code_systems: CodeSystems,
        client: FhirClient | None = None,
        budget: float = 0.0,
        *,
        without_token: bool = False,
    ) -> None:
        self._call = call
        self._code_systems = code_systems
        self._client = client if call.fhir_base else None
        self._server = FhirServer(call.fhir_base or "", call.fhir_token, without_token)
        self._deadline = time.monotonic() + budget
        self._prefetch = read_prefetch(call.prefetch, templates)
        self._index = ReferenceIndex(call.fhir_base)
        self._patient = f"Patient/{call.patient_id}"
        #: Where a resource came from, by its identity in memory: its own bytes are told apart only there.
        self._origins: dict[int, Prefetched | Draft | Record] = {}
        self._coverages: dict[int, Coverage] = {}
        #: The Coverages of the patient with their FHIRPaths, and how many came that are another patient's.
        self.coverage_entries: list[tuple[Entry, str]] = []
        self.foreign_coverages = 0
        self._coverages_by_key: dict[str, list[Entry]] = {}
        #: What was asked for, by `Type/id` or as a search: None where it was answered, else why it brought nothing.
        self._asked: dict[str, Problem | None] = {}
        self.reads = 0
        self._fetched: dict[str, Record] = {}
        for item in self._prefetch.resources:
            self.keep(item.resource, item.full_url, item)

    def keep(self, resource: Json, full_url: Any, origin: Prefetched | Draft | Record) -> Entry:
        """Sort a resource in; a Coverage counts only where it is the patient's, and once."""
        entry = self._index.add(resource, full_url)
        if entry.resource.get("id") != resource.get("id"):  # two resources under one fullUrl are two all the same
            entry = self._index.add(resource)
        if entry.resource is not resource:  # it came before
            return entry
        self._origins[id(resource)] = origin
        kind = resource.get("resourceType")
        if kind == "Coverage":
            self._keep_coverage(entry, "Coverage" if isinstance(origin, Record) else origin.path)
        elif kind == "Organization":
            self._coverages.clear()  # it may be the payer of one
        return entry

    @property
    def may_fetch(self) -> bool:
        """Tell whether anything can be read from the client's FHIR server for this call."""
        return self._client is not None

    @property
    def why_no_access(self) -> str:
        """Why nothing is read for this call, in words."""
        if not self._call.fhir_base:
            return "the call names no FHIR server (fhirServer)"
        if not self._call.fhir_token:
            return "the call brings no access token for its FHIR server (fhirAuthorization.access_token)"
        return "this client's FHIR server is none that may be read from"

    def prefetched(self, announced: Mapping[str, str]) -> dict[str, str]:
        """Return what came along for each announced prefetch key: codes, for metrics."""
        return outcomes(self._call.prefetch, self._prefetch, announced)

    def _keep_coverage(self, entry: Entry, path: str) -> None:
        # One that does not name its beneficiary was searched by patient.
        if self.is_another_patient(_beneficiary_of(entry.resource)):
            self.foreign_coverages += 1
        elif is_of_record(entry.resource):
            alike = self._coverages_by_key.setdefault(entry.key, [])
            if not any(_is_same(entry, other) for other in alike):
                alike.append(entry)
                self.coverage_entries.append((entry, path))

    @property
    def coverage_resources(self) -> list[tuple[Json, str]]:
        """The Coverages of the patient with their FHIRPaths."""
        return [(entry.resource, path) for entry, path in self.coverage_entries]

    @property
    def coverages(self) -> tuple[Coverage, ...]:
        """The patient's coverages, as far as they are had."""
        return tuple([self._read_coverage(entry) for entry, _ in self.coverage_entries])

    def named_coverage(self, entry: Entry) -> Coverage | None:
        """Return the Coverage that an order names, if it is one of the patient's."""
        another = self.is_another_patient(_beneficiary_of(entry.resource))
        return None if another or not is_of_record(entry.resource) else self._read_coverage(entry)

    def _read_coverage(self, entry: Entry) -> Coverage:
        key = id(entry.resource)
        if key not in self._coverages:
            self._coverages[key] = read_coverage(entry.resource, self._code_systems, self.resolver(entry))
        return self._coverages[key]

    def resolve(self, reference: str, within: Entry | None = None) -> Entry | None:
        """Return what a literal reference in some resource names, where it came."""
        return self._index.resolve(reference, within)

    def resolver(self, within: Entry) -> Callable[[str], Json | None]:
        """Return what resolves the references in a resource."""

        def resolve(reference: str) -> Json | None:
            entry = self._index.resolve(reference, within)
            return entry.resource if entry else None

        return resolve

    def is_another_patient(self, reference: str | None) -> bool:
        """Tell whether a reference names a patient, and not the one of the call: one at another server is another.

        So is what is no patient at all.
        """
        if reference is None or reference == self._patient:  # as nearly all do
            return False
        key = read_reference(reference).key
        if key is None or not key.startswith("Patient/"):
            return key is not None and key.startswith(_NO_PATIENTS)
        return not same_reference(reference, self._patient, self._call.fhir_base)

    @property
    def coverage_search(self) -> str | None:
        """The search for the patient's Coverages, where one is still to be made."""
        kind = "Coverage"
        if self.coverage_entries or kind in self._prefetch.empty or kind in self._prefetch.failed:
            return None
        return self._coverage_search

    @cached_property
    def _coverage_search(self) -> str:
        patient = quote(self._call.patient_id, safe="")
        return f"Coverage?patient={patient}&status=active&_include=Coverage:payor"

    @property
    def coverage_problem(self) -> Problem | None:
        """Why a Coverage that may exist could not be had: the client or the FHIR server failed."""
        if "Coverage" in self._prefetch.failed and not self.coverage_entries:
            return Problem.NOT_SENT
        if not self._asked:
            return None
        pages = [f"{key} pages" for key, kind, _ in self._prefetch.unfinished if kind == "Coverage"]
        found = (self._asked.get(what) for what in (self._coverage_search, *pages))
        return next((problem for problem in found if problem and problem.is_technical), None)

    @property
    def coverage_was_searched(self) -> bool:
        """Tell whether the client or this service looked for the patient's Coverages, so that none means none."""
        return "Coverage" in self._prefetch.empty or (bool(self._asked) and self._coverage_search in self._asked)

    def problem_of(self, reference: str) -> Problem | None:
        """Return why a record could not be had; None where it was not asked for."""
        return self._asked.get(record_key(reference))

    @property
    def problems(self) -> list[Problem]:
        """Why reads and searches brought nothing."""
        return [problem for problem in self._asked.values() if problem]

    @property
    def sought(self) -> frozenset[str]:
        """The records, as `Type/id`, that were asked for and could not be had."""
        return frozenset(what for what, problem in self._asked.items() if problem)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Return what of some literal references and searches can still be asked for, as relative URLs."""
        if self._client is None:
            return []
        urls: dict[str, None] = {}
        for want in wanted:
            key = want if "?" in want else record_key(want)
            if key in self._asked or ("?" not in want and self.resolve(want)) or self._is_settled(key):
                continue
            url = want if "?" in want else relative_reference(want, self._call.fhir_base)
            if url is None:  # another server; or contained or a urn, and then it is nowhere
                self._asked[key] = Problem.FORBIDDEN if "://" in want else Problem.NOT_THERE
            else:
                urls[url] = None
        return list(urls)

    def _is_settled(self, key: str) -> bool:
        """Tell whether the client has asked for such records already, and found none or failed."""
        kind = key.partition("/")[0]
        if kind in self._prefetch.failed:
            self._asked[key] = Problem.NOT_SENT
        elif kind in self._prefetch.empty:
            self._asked[key] = Problem.NOT_THERE
        return key in self._asked

    def fetch(self, urls: list[str]) -> None:
        """Read some relative URLs from the client's FHIR server: in one batch, or side by side (CRD-57, HK-60, 61)."""
        if self._client is None:
            return
        allowed = urls[: max(0, MOST_READS - self.reads)]
        self._asked.update(dict.fromkeys(urls[len(allowed) :], Problem.TOO_LARGE))
        self.reads += len(allowed)
        for url, answer in self._client.fetch(self._server, allowed, self._deadline).items():
            self._keep_answer(url, answer)

    def finish(self, kinds: Container[str]) -> bool:
        """Read the further pages of Bundles of some types that came with only their first; tell whether there were."""
        if self._client is None:
            return False
        before = self.reads
        for key, kind, bundle in self._prefetch.unfinished:
            pages = f"{key} pages"
            if kind in kinds and pages not in self._asked:
                self.reads += 1
                self._keep_answer(pages, self._client.more(self._server, bundle, self._deadline))
        return self.reads > before

    def _keep_answer(self, asked: str, answer: Answer) -> None:
        """Sort in what an answer brought; what a search found counts although a later page could not be had."""
        found: tuple[Record, ...] = ()
        match answer:
            case Partial():
                found, self._asked[asked] = answer.records, answer.problem
            case Problem():
                self._asked[asked] = answer
            case _:
                found, self._asked[asked] = answer, None
        for record in found:
            entry = self.keep(record.resource, None, record)
            self._fetched.setdefault(entry.key, record)

    def draft(self, number: int, reference: str, path: str, within: Entry | None = None) -> Draft | None:
        """Return a resource to answer on, with its own bytes, sent or fetched; None where it is not had."""
        entry = self.resolve(reference, within)
        if entry is None:
            return None
        if entry.container:
            return Draft(number, entry.resource, b"", path, container=entry.container.resource)
        match self._origins[id(entry.resource)]:
            case Record() as record:
                return Draft(number, record.resource, record.raw, path)
            case sent:
                return Draft(number, sent.resource, self._bytes_of(sent), sent.path, sent.full_url)

    def _bytes_of(self, sent: Prefetched | Draft) -> bytes:
        if isinstance(sent, Draft):
            return sent.raw
        return sent.bytes_in(self._call.prefetched_bytes()[sent.key])

    @property
    def digest(self) -> str:
        """What was fetched, in a few characters: the same call about other records is another call."""
        return hashlib.sha256(b"".join(self.fetched)).hexdigest() if self._fetched else ""

    @property
    def fetched(self) -> tuple[bytes, ...]:
        """The records that were read from the client's FHIR server, as their own bytes."""
        return tuple(record.raw for _, record in sorted(self._fetched.items()))


def _is_same(one: Entry, other: Entry) -> bool:
    """Tell whether a resource came twice, with and without its fullUrl, or under two names of its server."""
    if "id" not in one.resource:
        return False
    return None in (one.base, other.base) or one.base == other.base or one.resource == other.resource


def _beneficiary_of(coverage: Json) -> str | None:
    """Return whom a Coverage is of, also where the reference stands where FHIR has an object."""
    beneficiary = coverage.get("beneficiary")
    return beneficiary if isinstance(beneficiary, str) else literal_reference(beneficiary)
