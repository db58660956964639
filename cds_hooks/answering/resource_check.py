"""Whether the orders and coverages of a call are FHIR R4: a count for the log, or a refusal in strict mode."""

from collections.abc import Iterable
from typing import Any

from cards import Fault
from cds_hooks.answering.evaluation import Evaluation
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.errors import InvalidResourceError, Issue
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.request import HookRequest
from cds_hooks.hooks.request_schema import MOST_ISSUES


class ResourceCheck:
    """Checks each resource of a call once: what came with it before anything is read for it, and then what was read.

    `mode` is lenient, which only counts faults, or strict, which refuses the call for them.
    """

    def __init__(self, check: FhirCheck, call: HookRequest, mode: str) -> None:
        self._check = check
        self._call = call
        self._mode = mode
        self._is_needed = not (call.is_plain and call.drafts) or call.hook == "appointment-book"
        self._checked: set[int] = set()
        self.faults = 0

    def sent(self, records: ResourcePool) -> None:
        """Check what came with the call, unless the envelope's check has told already that it is plain FHIR."""
        if self._is_needed:
            drafts = [(draft.resource, draft.path) for draft in self._call.drafts]
            self._look_at([*drafts, *records.coverage_resources])

    def read(self, records: ResourcePool, evaluation: Evaluation) -> None:
        """Check the orders that the call only refers to, and what was read for it."""
        if self._is_needed or records.reads:
            orders = [(one.draft.resource, one.draft.path) for one in evaluation.orders]
            self._look_at([*orders, *records.coverage_resources])

    def _look_at(self, resources: Iterable[tuple[Any, str]]) -> None:
        new = [(resource, path) for resource, path in resources if id(resource) not in self._checked]
        self._checked.update(id(resource) for resource, _ in new)
        faults = [(path, fault) for resource, path in new for fault in self._check.faults(resource)]
        self.faults += len(faults)
        if faults and self._mode == "strict":
            raise InvalidResourceError(*(_issue(path, fault) for path, fault in faults[:MOST_ISSUES]))


def _issue(path: str, fault: Fault) -> Issue:
    within = fault.path.partition(".")[2] if "." in fault.path else ""
    expression = f"{path}.{within}" if within else path
    return Issue("structure", f"{expression} {fault.problem}", expression)
