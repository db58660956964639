"""Asks a payer's own service about members: two functions over HTTP, each a POST, so that no id stands in a URL.

It may be slow or down: all questions of one call share a budget of time, and after some failures in a row it is left
alone for a while (circuit breaker). What fails is said as that; nothing here logs what was asked.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
import orjson
from circuitbreaker import CircuitBreaker

from cards import Authorization, CodeSystems, FoundMember, LookUp, Member, MemberHint, identifier
from cards.authorization import read_codes
from cards.member import CoveragePeriod
from cds_hooks.errors import StartError
from cds_hooks.fhir.access import FhirAccess
from cds_hooks.fhir.connections import Connections
from cds_hooks.fhir.messages import Call
from cds_hooks.members.rows import split_codes
from cds_hooks.outbound.places import Place, read_place
from cds_hooks.outbound.problems import FetchError
from cds_hooks.outbound.thread_shares import ThreadShares
from cds_hooks.telemetry.logs import record

#: After as many failures in a row the service is left alone, for so many seconds; then one more failure is enough.
FAILURES: Final = 5
SECONDS_OPEN: Final = 30

_MOST_BYTES: Final = 256 * 1024

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "crd-server",
}


#: A text that is written into answers, and an amount.
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]


class _Id(msgspec.Struct, frozen=True):
    value: _Text
    system: str = ""


class _Coverage(msgspec.Struct, frozen=True, rename="camel"):
    plan: str
    line_of_business: str | None = None
    covered_from: date | None = None
    covered_to: date | None = None


class _Member(msgspec.Struct, frozen=True):
    """A member; `key` is the text by which the service wants to be asked for its authorizations."""

    key: str
    id: _Id
    coverages: tuple[_Coverage, ...]


class _Members(msgspec.Struct, frozen=True):
    members: tuple[_Member, ...]


class _Authorization(msgspec.Struct, frozen=True, rename="camel"):
    number: _Text
    member: str
    codes: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None
    quantity: _Amount | None = None
    used: _Amount = 0.0
    side: Literal["left", "right", "both"] | None = None


class _Authorizations(msgspec.Struct, frozen=True):
    authorizations: tuple[_Authorization, ...]


_Reply = TypeVar("_Reply", _Members, _Authorizations)

_MEMBERS: Final = msgspec.json.Decoder(_Members)
_AUTHORIZATIONS: Final = msgspec.json.Decoder(_Authorizations)


class _FailedError(Exception):
    """The service gave no answer; the text is a code for the log."""


class MemberService:
    """Asks a payer's service; one for all threads of a process. `private` opens addresses inside, and http there."""

    def __init__(self, base: str, token: str | None, private: bool, threads: int) -> None:
        self._place = _read_place(base, private)
        self._headers = {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS
        self._connections = Connections(FhirAccess(private=private, max_bytes=_MOST_BYTES, connections=threads))
        self._waiting = ThreadShares(threads)
        self._breaker = CircuitBreaker(FAILURES, SECONDS_OPEN, _FailedError, name="members")

    def close(self) -> None:
        """Close all idle connections."""
        self._connections.close()

    def find_member(self, hint: MemberHint, deadline: float) -> FoundMember:
        """Return the one member that the service finds, or why there is none; who fits is its own to say."""
        if not hint.values:
            return FoundMember(LookUp.NO_ID)
        try:
            members = self._ask("find-member", _to_question(hint), _MEMBERS, deadline).members
        except _FailedError as error:
            _tell("members-not-asked", error)
            return FoundMember(LookUp.FAILED)
        if len(members) == 1:
            return FoundMember(LookUp.FOUND, _to_member(members[0]))
        return FoundMember(LookUp.SEVERAL if members else LookUp.NONE)

    def find_authorizations(
        self, member: Member, code_systems: CodeSystems, deadline: float
    ) -> Sequence[Authorization] | None:
        """Return the authorizations of a member; those of another one are none of ours."""
        try:
            reply = self._ask("find-authorizations", {"member": member.key}, _AUTHORIZATIONS, deadline)
        except _FailedError as error:
            _tell("authorizations-not-asked", error)
            return None
        mine = [one for one in reply.authorizations if one.member == member.key]
        return [_to_authorization(one, member, code_systems) for one in mine]

    def _ask(
        self, function: str, question: Mapping[str, Any], decoder: "msgspec.json.Decoder[_Reply]", deadline: float
    ) -> _Reply:
        if self._breaker.opened:
            raise _FailedError("circuit-open")
        call = Call(self._place, self._headers, deadline)
        if call.seconds_left <= 0:
            raise _FailedError("TOO_LATE")
        try:
            with self._waiting.hold(self._place), self._breaker:
                return self._exchange(call, function, question, decoder)
        except FetchError as error:  # too many threads wait for it already
            raise _FailedError(error.problem.name) from None

    def _exchange(
        self, call: Call, function: str, question: Mapping[str, Any], decoder: "msgspec.json.Decoder[_Reply]"
    ) -> _Reply:
        try:
            reply = self._connections.exchange(call, "POST", self._place.at(function), orjson.dumps(question))
        except FetchError as error:
            raise _FailedError(error.problem.name) from None
        if reply.status != 200:
            raise _FailedError(f"status-{reply.status}")
        try:
            return decoder.decode(reply.body)
        except (msgspec.DecodeError, ValueError):
            raise _FailedError("not-understood") from None


def _tell(event: str, error: _FailedError) -> None:
    """Log a failure, and forget where it was: the breaker keeps it, and the frames hold what was asked."""
    record("error", event, reason=str(error))
    error.__traceback__ = error.__context__ = None


def _read_place(base: str, private: bool) -> Place:
    place = read_place(base)
    if place is None:
        raise StartError("CRD_MEMBERS: not the base URL of a service")
    if place.origin.startswith("http:") and not private:
        raise StartError("CRD_MEMBERS: http is for services inside: set CRD_ALLOW_PRIVATE_MEMBERS, or use https")
    return place


def read_token(path: Path) -> str:
    """Return the token of a file; StartError where it has none. What it holds is never repeated."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        token = ""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise StartError(f"CRD_MEMBERS_TOKEN: {path}: has no bearer token")
    return token


def _to_question(hint: MemberHint) -> dict[str, Any]:
    numbers = [{"system": system, "value": value} for system, value in hint.sent]
    question: dict[str, Any] = {"payer": hint.payer, "identifiers": numbers, "subscriberId": hint.subscriber}
    question |= {"birthDate": hint.birth_date, "isSubscriber": hint.is_self}
    return {name: value for name, value in question.items() if value is not None}


def _to_member(found: _Member) -> Member:
    mark = identifier(found.id.system, found.id.value)
    periods = [CoveragePeriod(c.plan, c.line_of_business, c.covered_from, c.covered_to) for c in found.coverages]
    return Member(mark, frozenset({mark}), tuple(periods), key=found.key)


def _to_authorization(one: _Authorization, member: Member, code_systems: CodeSystems) -> Authorization:
    codes, side = read_codes(split_codes(one.codes), one.side, code_systems)
    return Authorization(one.number, member.id, codes, one.valid_from, one.valid_to, one.quantity, one.used, side)
