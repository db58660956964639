"""What can go wrong in a call and at start, and the one table from an error to its HTTP status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Cause(Enum):
    """What was wrong with a caller's token; the value is a code that has nothing of the token in it."""

    NO_TOKEN = "no-token"  # noqa: S105 (a code, not a password)
    MALFORMED = "malformed"
    TYPE = "type"
    ALGORITHM = "algorithm"
    UNKNOWN_ISSUER = "unknown-issuer"
    JKU_NOT_REGISTERED = "jku-not-registered"
    JWKS_UNREACHABLE = "jwks-unreachable"
    UNKNOWN_KEY = "unknown-key"
    UNFIT_KEY = "unfit-key"
    SIGNATURE = "signature"
    MISSING_CLAIM = "missing-claim"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    ISSUED_IN_FUTURE = "issued-in-future"
    LIFETIME = "lifetime"
    TENANT = "tenant"
    SUBJECT = "subject"
    SCOPE = "scope"
    UNKNOWN_CLIENT = "unknown-client"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome: `code` of the FHIR value set issue-type, `expression` a FHIRPath or none.

    `diagnostics` says what is wrong without repeating values of the request, which may be about a patient.
    """

    code: str
    diagnostics: str
    expression: str | None = None


class CallError(Exception):
    """Base of the errors that end a call; each carries all issues found, not only the first.

    Where the same call may go well later, `retry_after` says after how many seconds, at least 1.
    """

    retry_after: int | None = None

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.diagnostics for issue in issues))
        self.issues = issues


class UnreadableBodyError(CallError):
    """The body is not one JSON object, or is nested too deep to be read."""


class InvalidRequestError(CallError):
    """The body is JSON but not a request of this hook as CDS Hooks has it."""


class CoverageProblemError(CallError):
    """There is not one coverage of a payer that this service answers for (hook-13)."""


class UnsupportedVersionError(CallError):
    """The client requests a version of CRD that this service does not speak."""


class MissingDataError(CallError):
    """What an answer cannot do without was neither sent nor readable from the client's FHIR server (HK-54)."""


class AuthenticationError(CallError):
    """The caller is not known: a bare 401 whatever the cause, with nothing of the token in any text (HK-177).

    `claimed` is the id of the client (or authorization server) that the token says it is from, where it names a
    registered one. It is a claim until the signature was verified.
    """

    def __init__(self, cause: Cause, claimed: str | None = None) -> None:
        super().__init__()
        self.cause = cause
        self.claimed = claimed


class NotEntitledError(CallError):
    """The caller is known, but its registration does not list this service: 403 (docs/clients.md)."""

    def __init__(self, client: str) -> None:
        super().__init__(Issue("forbidden", "this client may not use this service"))
        self.client = client


class ThrottledError(CallError):
    """The caller calls more often than its rate allows."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(Issue("throttled", "too many calls; Retry-After says when to call again"))
        self.retry_after = retry_after


class TooCostlyError(CallError):
    """The call has more in it than is worked on at once: orders, or records that came along."""


class UnknownServiceError(CallError):
    """There is nothing at this URL."""


class MethodError(CallError):
    """The URL exists, but not with this HTTP method."""


class MediaTypeError(CallError):
    """The body is not sent as JSON."""


class BodyTooLargeError(CallError):
    """The body is larger than the setting allows."""


class BodyTimeoutError(CallError):
    """The body did not come in whole, or not in time."""


class InvalidResourceError(CallError):
    """FHIR resources of the request break FHIR R4, and the setting is to refuse them."""


class NotRecordedError(CallError):
    """The store fails: what cannot be kept is not answered (CRD-76), and no token can be told to be new."""

    retry_after = 5


class InternalError(CallError):
    """Something in this service failed; the client learns a correlation id and nothing else."""


#: CDS Hooks names 200 and 412 only; the rest is CRD's: 400 for what is not JSON or not CDS Hooks and for coverage
#: problems (hook-13), 422 for what is not FHIR R4 or not CRD (CRD-162, 163).
HTTP_STATUS: Final[Mapping[type[CallError], int]] = {
    UnreadableBodyError: 400,
    InvalidRequestError: 400,
    CoverageProblemError: 400,
    AuthenticationError: 401,
    NotEntitledError: 403,
    UnknownServiceError: 404,
    MethodError: 405,
    BodyTimeoutError: 408,
    MissingDataError: 412,
    BodyTooLargeError: 413,
    MediaTypeError: 415,
    TooCostlyError: 413,
    InvalidResourceError: 422,
    UnsupportedVersionError: 422,
    ThrottledError: 429,
    InternalError: 500,
    NotRecordedError: 503,
}


def operation_outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Return the FHIR R4 OperationOutcome for some issues."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    expression = {"expression": [issue.expression]} if issue.expression else {}
    return {"severity": "error", "code": issue.code, "diagnostics": issue.diagnostics, **expression}


class StartError(Exception):
    """The service cannot start as it is configured; the text is for the person who configured it."""
