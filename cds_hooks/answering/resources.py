"""The records of one call by `Type/id`: what the client sent along, and what was read from its FHIR server.

Each is asked for once, all reads of a call share one time budget, and what cannot be had is remembered with why.
"""

import hashlib
import time
from collections.abc import Container, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from cards import CodeSystems, Coverage, literal_reference, read_coverage, record_key, same_reference
from cds_hooks.fhir.access import Answer, FhirServer, Partial, Record
from cds_hooks.fhir.client import FhirClient
from cds_hooks.fhir.queries import relative_reference
from cds_hooks.hooks.prefetch import Prefetched, outcomes, read_prefetch
from cds_hooks.hooks.request import Draft, HookRequest
from cds_hooks.outbound.problems import Problem

Json = Mapping[str, Any]

#: As many records are read for one call; a call of a thousand references is not a thousand reads.
MOST_READS: Final = 100


class ResourcePool:
    """The records of one call. Without a `client`, or where the call names no server, nothing is fetched."""

    def __init__(
        self,
        call: HookRequest,
        templates: Mapping[str, str],
        code_systems: CodeSystems,
        client: FhirClient | None = None,
        budget: float = 0.0,
    ) -> None:
        self._call = call
        self._code_systems = code_systems
        self._client = client if call.fhir_base else None
        self._deadline = time.monotonic() + budget
        self._prefetch = read_prefetch(call.prefetch, templates)
        self._sent: dict[str, Prefetched | Draft] = {}
        self._fetched: dict[str, Record] = {}
        #: The Coverages of the patient with their FHIRPaths, and how many came that are another patient's.
        self.coverage_resources: list[tuple[Json, str]] = []
        self.foreign_coverages = 0
        self._organizations: list[Json] = []
        self._read: tuple[Coverage, ...] | None = None
        #: The resources by `Type/id`.
        self.by_key: dict[str, Json] = {}
        #: Why a record or a search brought nothing, by what was asked for.
        self.problems: dict[str, Problem] = {}
        self._asked: set[str] = set()
        for item in self._prefetch.resources:
            self.keep(item.resource, item.full_url, item)

    def keep(self, resource: Json, full_url: Any = None, sent: Prefetched | Draft | None = None) -> str:
        """Sort a resource in, and return its `Type/id`; a Coverage counts only where it is the patient's, and once."""
        kind = resource.get("resourceType")
        key = f"{kind}/{resource.get('id')}"
        for name in (key, full_url) if _is_urn(full_url) else (key,):
            if sent:
                self._sent.setdefault(name, sent)
            if name is not key:
                self.by_key[name] = resource
        if kind == "Coverage":
            if key not in self.by_key or "id" not in resource:
                self._keep_coverage(resource, sent.path if sent else "Coverage")
        elif kind == "Organization":
            self._organizations.append(resource)
            self._read = None
        self.by_key.setdefault(key, resource)
        return key

    def prefetched(self, announced: Mapping[str, str]) -> dict[str, str]:
        """Return what came along for each announced prefetch key: codes, for metrics."""
        return outcomes(self._call.prefetch, self._prefetch, announced)

    def _keep_coverage(self, resource: Json, path: str) -> None:
        # One that does not name its beneficiary was searched by patient.
        if self.is_another_patient(literal_reference(resource.get("beneficiary"))):
            self.foreign_coverages += 1
        else:
            self.coverage_resources.append((resource, path))
            self._read = None

    def coverages_of(self, subject: str | None) -> tuple[Coverage, ...]:
        """Return the coverages for an order's subject: none where that is another patient than the call's."""
        if self.is_another_patient(subject):
            return ()
        if self._read is None:
            mine = self.coverage_resources
            self._read = tuple(
                [
                    read_coverage(coverage, self._organizations, self._code_systems, self.by_key, self._call.fhir_base)
                    for coverage, _ in mine
                ]
            )
        return self._read

    def is_another_patient(self, reference: str | None) -> bool:
        """Tell whether a reference names a patient, and not the one of the call."""
        named = reference is not None and "Patient/" in reference
        return named and not same_reference(str(reference), f"Patient/{self._call.patient_id}")

    @property
    def coverage_search(self) -> str | None:
        """The search for the patient's Coverages, where one is still to be made."""
        kind = "Coverage"
        if self.coverage_resources or kind in self._prefetch.empty or kind in self._prefetch.failed:
            return None
        return self._coverage_search

    @property
    def _coverage_search(self) -> str:
        patient = quote(self._call.patient_id, safe="")
        return f"Coverage?patient={patient}&status=active&_include=Coverage:payor"

    @property
    def coverage_problem(self) -> Problem | None:
        """Why a Coverage that may exist could not be had: the client or the FHIR server failed."""
        if "Coverage" in self._prefetch.failed and not self.coverage_resources:
            return Problem.NOT_SENT
        pages = [f"{key} pages" for key, kind, _ in self._prefetch.unfinished if kind == "Coverage"]
        found = (self.problems.get(what) for what in (self._coverage_search, *pages))
        return next((problem for problem in found if problem and problem.is_technical), None)

    def problem_of(self, reference: str) -> Problem | None:
        """Return why a record could not be had; None where it was not asked for."""
        return self.problems.get(record_key(reference))

    @property
    def unreachable(self) -> frozenset[str]:
        """The records, as `Type/id`, that may exist and could not be had."""
        return frozenset(what for what, problem in self.problems.items() if problem.is_technical)

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Return what of some literal references and searches can still be asked for, as relative URLs."""
        if self._client is None:
            return []
        urls: dict[str, None] = {}
        for want in wanted:
            key = want if "?" in want else record_key(want)
            if key in self.by_key or key in self._asked or self._is_settled(key):
                continue
            url = want if "?" in want else relative_reference(want, self._call.fhir_base)
            if url is None:  # another server; or contained or a urn, and then it is nowhere
                self._asked.add(key)
                self.problems[key] = Problem.FORBIDDEN if "://" in want else Problem.NOT_THERE
            else:
                urls[url] = None
        return list(urls)

    def _is_settled(self, key: str) -> bool:
        """Tell whether the client has asked for such records already, and found none or failed."""
        kind = key.partition("/")[0]
        if kind in self._prefetch.failed:
            self.problems[key] = Problem.NOT_SENT
        elif kind in self._prefetch.empty:
            self.problems[key] = Problem.NOT_THERE
        return key in self.problems

    def fetch(self, urls: list[str]) -> None:
        """Read some relative URLs from the client's FHIR server: in one batch, or side by side (CRD-57, HK-60, 61)."""
        if self._client is None or not self._call.fhir_base:
            return
        allowed = urls[: max(0, MOST_READS - len(self._asked))]
        self.problems.update(dict.fromkeys(urls[len(allowed) :], Problem.TOO_LARGE))
        self._asked.update(urls)
        server = FhirServer(self._call.fhir_base, self._call.fhir_token)
        for url, answer in self._client.fetch(server, allowed, self._deadline).items():
            self._keep_answer(url, answer)

    def finish(self, kinds: Container[str]) -> bool:
        """Read the further pages of Bundles of some types that came with only their first; tell whether there were."""
        if self._client is None or not self._call.fhir_base:
            return False
        server = FhirServer(self._call.fhir_base, self._call.fhir_token)
        before = len(self._asked)
        for key, kind, bundle in self._prefetch.unfinished:
            pages = f"{key} pages"
            if kind in kinds and pages not in self._asked:
                self._asked.add(pages)
                answer = self._client.more(server, bundle, self._deadline)
                self._keep_answer(pages, answer)
        return len(self._asked) > before

    def _keep_answer(self, asked: str, answer: Answer) -> None:
        """Sort in what an answer brought; what a search found counts although a later page could not be had."""
        if not isinstance(answer, tuple):
            self.problems[asked] = answer.problem if isinstance(answer, Partial) else answer
        if not isinstance(answer, Problem):
            self._keep_fetched(answer.records if isinstance(answer, Partial) else answer)

    def _keep_fetched(self, answer: Iterable[Record]) -> None:
        for record in answer:
            self._fetched.setdefault(self.keep(record.resource), record)

    @property
    def reads(self) -> int:
        """How many reads and searches were made."""
        return len(self._asked)

    def draft(self, number: int, reference: str, path: str) -> Draft | None:
        """Return a record as a resource to answer on, with its own bytes, sent or fetched; None where it is not had."""
        key = record_key(reference)
        base = self._call.fhir_base
        if "://" in reference and base and relative_reference(reference, base) is None:
            return None
        if key in self._fetched:
            record = self._fetched[key]
            return Draft(number, record.resource, record.raw, path)
        if key in self._sent:
            sent = self._sent[key]
            return Draft(number, sent.resource, self._bytes_of(sent), sent.path)
        return None

    def _bytes_of(self, sent: Prefetched | Draft) -> bytes:
        if isinstance(sent, Draft):
            return sent.raw
        raw = self._call.prefetched_bytes()[sent.key]
        return sent.bytes_in(raw)

    @property
    def digest(self) -> str:
        """What was fetched, in a few characters: the same call about other records is another call."""
        return hashlib.sha256(b"".join(self.fetched)).hexdigest() if self._fetched else ""

    @property
    def fetched(self) -> tuple[bytes, ...]:
        """The records that were read from the client's FHIR server, as their own bytes."""
        return tuple(record.raw for _, record in sorted(self._fetched.items()))


def _is_urn(full_url: Any) -> bool:
    return isinstance(full_url, str) and full_url.startswith("urn:")
