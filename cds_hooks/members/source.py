"""What a payer can be asked about its members: two functions, whoever answers them."""

from collections.abc import Sequence
from typing import Protocol

from cards import Authorization, CodeSystems, FoundMember, Member, MemberHint


class MemberSource(Protocol):
    """Answers by a time of time.monotonic(), and never raises: what fails is said as that."""

    def find_member(self, hint: MemberHint, deadline: float) -> FoundMember:
        """Return the member that is meant, or why there is none."""

    def find_authorizations(
        self, member: Member, code_systems: CodeSystems, deadline: float
    ) -> Sequence[Authorization] | None:
        """Return the authorizations of a member; None where that cannot be told."""
