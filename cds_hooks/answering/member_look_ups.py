"""What one call asks about its patient's membership: each thing once, all within one budget of time."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from cards import (
    Authorization,
    CodeSystems,
    FoundMember,
    Member,
    MemberHint,
    PayerChoice,
    PayerDirectory,
    may_be_asked,
    read_hint,
    settle,
)
from cds_hooks.answering.resources import ResourcePool
from cds_hooks.members.source import MemberSource
from cds_hooks.telemetry import metrics


class MemberLookUps:
    """Asks a source of members for one call; `budget` are the seconds that all its questions may take together."""

    def __init__(self, source: MemberSource, records: ResourcePool, patient: str, budget: float) -> None:
        self._source = source
        self._records = records
        self._patient = f"Patient/{patient}"
        self._budget = budget
        self._deadline: float | None = None
        self._members: dict[MemberHint, FoundMember] = {}
        self._authorizations: dict[Any, Sequence[Authorization] | None] = {}
        #: What orders of this call take of an authorization, by the number of the order.
        self._taken: dict[Authorization, dict[int, float]] = {}

    def settle(self, paying: PayerChoice, payers: PayerDirectory, day: date, until: date) -> PayerChoice:
        """Return who pays as the payer's members say it; unchanged where they may not be asked."""
        coverage = paying.coverage.source if paying.coverage and may_be_asked(paying) else None
        if coverage is None:
            return paying
        patient = self._records.resolve(self._patient)
        hint = read_hint(paying.payer.id, coverage, patient.resource if patient else None)
        if hint not in self._members:
            found = self._members[hint] = self._source.find_member(hint, self._ends())
            metrics.looked_up("member", found.look_up.name)
        return settle(paying, self._members[hint], payers, day, until)

    def authorizations_of(
        self, member: Member, code_systems: CodeSystems, order: int
    ) -> Sequence[Authorization] | None:
        """Return what is authorized for a member, less what other orders of the call take; None if nobody can tell."""
        if member.id not in self._authorizations:
            held = self._source.find_authorizations(member, code_systems, self._ends())
            self._authorizations[member.id] = held
            metrics.looked_up("authorizations", "FAILED" if held is None else "FOUND" if held else "NONE")
        found = self._authorizations[member.id]
        return [self._without_taken(one, order) for one in found] if found and self._taken else found

    def take(self, one: Authorization, order: int, amount: float) -> None:
        """Note what an order of the call takes of the authorization that covers it: no other order has that, too."""
        if one.quantity is not None:
            self._taken.setdefault(replace(one, taken=0.0), {})[order] = amount

    def _without_taken(self, one: Authorization, order: int) -> Authorization:
        takers = self._taken.get(one, {})
        return replace(one, taken=sum(amount for taker, amount in takers.items() if taker != order))

    def _ends(self) -> float:
        """Return until when answers count, of time.monotonic(): the time runs from the first question on."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._budget
        return self._deadline

    @property
    def digest(self) -> str:
        """What was answered, in a few characters: the same call that learns something else is another call."""
        if not self._members:
            return ""
        said = [repr(_told(found)) for found in self._members.values()]
        said += [repr(sorted(map(_tell, held or ()))) for held in self._authorizations.values()]
        return hashlib.sha256("\n".join(said).encode(errors="surrogatepass")).hexdigest()


def _tell(one: Authorization) -> str:
    return repr((one.number, one.member, sorted(one.codes), one.start, one.end, one.quantity, one.used, one.side))


def _told(found: FoundMember) -> tuple[Any, ...]:
    member = found.member
    return (found.look_up.name, *((member.id, member.periods) if member else ()))
