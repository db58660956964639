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
    BUSY = "too many reads of that FHIR server are under way"
    ELSEWHERE = "the next page of the FHIR server's answer lies at another server, which is not asked"
    NO_BEARER = "no access token was sent for the FHIR server"
    BAD_BEARER = "the access token that was sent for the FHIR server does not have the form of one (RFC 6750, 2.1)"
    NEVER_READ = "a Patient is never read from the FHIR server"
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
