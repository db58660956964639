"""What this service may call and how much it reads, whom it calls, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


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


class Record(NamedTuple):
    """One resource, parsed and as the bytes it came in: decimals such as 1.10 are told apart only there."""

    resource: Mapping[str, Any]
    raw: bytes


#: A read gives one record; a search those of all its pages, included ones too, without OperationOutcomes.
Answer = tuple[Record, ...] | Problem


@dataclass(frozen=True, slots=True)
class FhirServer:
    """The FHIR server of a hook call: `fhirServer`, and the bearer token of `fhirAuthorization` if there is one."""

    base: str
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """What this service may call and how much it reads.

    `servers` lists the allowed base URLs, none means any. `private` opens private and loopback addresses, and plain
    http to them. `without_token` allows calls that brought no token (X-8). `max_bytes` is of one response,
    `max_nesting` in levels; `connections` are kept open for each server; `most_pages` of one search are read, the
    first included.
    """

    servers: tuple[str, ...] = ()
    private: bool = False
    without_token: bool = False
    max_bytes: int = 4 * 1024 * 1024
    max_nesting: int = 64
    connections: int = 16
    most_pages: int = 10
