"""Why a clinician may go on in spite of a card, as a payer words it (CDS Hooks 2.0, overrideReasons)."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class OverrideReason(NamedTuple):
    """A reason as clients send it back in feedback; code and system are what it is counted by (HK-136, HK-216)."""

    system: str
    code: str
    display: str


#: CDS Hooks 3.0 suggests this system. It has codes for a card that does not apply and for a dispute about evidence,
#: none for a patient who pays, an exception or a wrong coverage.
_PUBLISHED: Final = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"

#: What a payer offers whose file names no reasons.
DEFAULT: Final[Sequence[Mapping[str, str]]] = (
    {"code": "patient-pays", "display": "The patient knows and pays privately"},
    {"code": "exception-granted", "display": "The plan has granted an exception"},
    {"code": "coverage-wrong", "display": "The coverage on file is wrong"},
    {"system": _PUBLISHED, "code": "cds-not-applicable", "display": "The order is for another service or purpose"},
    {"system": _PUBLISHED, "code": "recipient-disagrees-evidence", "display": "I disagree about the evidence"},
)


def read_override_reasons(entries: Sequence[Mapping[str, str]] | None, url: str | None) -> tuple[OverrideReason, ...]:
    """Read a payer's reasons, or the default ones; a code without a system is the payer's own, under its URL.

    Without that URL there is no system for such codes, so those of the default reasons are left out.
    """
    own = f"{url.rstrip('/')}/override-reasons" if url else None
    offered = DEFAULT if entries is None else entries
    read = [(entry.get("system", own), entry["code"], entry["display"]) for entry in offered]
    return tuple(OverrideReason(system, code, display) for system, code, display in read if system)
