"""What can go wrong with an outgoing call, in words that have nothing of the request in them."""

from enum import Enum


class Problem(Enum):
    """Why a read or a search brought nothing; the value says it in words that have nothing of the request in them."""

    NOT_THERE = "the FHIR server has no such record"
    REFUSED = "the FHIR server refused access"
    FAILED = "the FHIR server reported an error"
    UNREACHABLE = "the FHIR server could not be reached"
    TOO_LATE = "the FHIR server did not answer in time"
    REDIRECTED = "the FHIR server redirected the request, which is not followed"
    NOT_FHIR = "the FHIR server's answer is not the FHIR that was asked for"
    TOO_LARGE = "the FHIR server's answer is larger than this service reads"
    FORBIDDEN = "this service may not call that FHIR server"
    NOT_SENT = "the client reported an error for it"

    @property
    def is_technical(self) -> bool:
        """Whether the record may exist all the same: true of all but NOT_THERE."""
        return self is not Problem.NOT_THERE


class FetchError(Exception):
    """Ends one exchange with its problem; never leaves the FhirClient."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem
