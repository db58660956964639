"""What this service may call and how much it reads, whom it calls, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cds_hooks.outbound.problems import Problem

#: Reads that one call makes side by side where its server does no batch; the others wait for these.
MOST_SIDE_BY_SIDE: Final = 8


class Record(NamedTuple):
    """One resource, parsed and as the bytes it came in: decimals such as 1.10 are told apart only there."""

    resource: Mapping[str, Any]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Partial:
    """What a search brought before a later page failed, and why that did; at least one record."""

    records: tuple[Record, ...]
    problem: Problem


#: A read gives one record; a search those of all its pages, included ones too, without OperationOutcomes.
Answer = tuple[Record, ...] | Partial | Problem


@dataclass(frozen=True, slots=True)
class FhirServer:
    """The FHIR server of a hook call: `fhirServer`, and the bearer token of `fhirAuthorization` if there is one.

    `without_token`: it may be read without one for this client, whatever holds for others.
    """

    base: str
    token: str | None = field(repr=False)
    without_token: bool = False


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """What this service may call and how much it reads.

    `servers` lists the allowed base URLs, none means any. `private` opens private and loopback addresses, and plain
    http to them. `without_token` allows calls that brought no token (docs/calls.md). `max_bytes` is of one response,
    `max_nesting` in levels; `connections` are kept open for each server, of the `threads` that answer calls only some
    wait for one; `most_pages` of one search are read, the first included.
    """

    servers: tuple[str, ...] = ()
    private: bool = False
    without_token: bool = False
    max_bytes: int = 4 * 1024 * 1024
    max_nesting: int = 64
    connections: int = 16
    threads: int = 16
    most_pages: int = 10
