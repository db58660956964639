"""What the invented orders are for, and what the shipped policies say of each: written down by hand, from the policies.

This is the truth that a report is held against, so nothing here asks the code that answers.
"""

from datetime import date
from typing import Final, NamedTuple

#: The payers of the population by the ids of their files; the last answers for whom no payer is known.
MEDICARE: Final = "medicare"
ADVANTAGE: Final = "example-medicare-advantage"
BLUE: Final = "example-blue-plan"
HEALTH: Final = "example-health-plan"

_CPT: Final = "http://www.ama-assn.org/go/cpt"
_HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
_RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
_URIS: Final = {"CPT": _CPT, "HCPCS": _HCPCS, "RxNorm": _RXNORM}

#: The first and the last day that orders are placed on.
FIRST_DAY: Final = date(2024, 1, 1)
DAYS: Final = 1096


class Said(NamedTuple):
    """What a payer's policy says of a service from a day to another, both included."""

    payer: str
    verdict: str
    policy: str
    first: date = date.min
    last: date = date.max


class Ordered(NamedTuple):
    """A service as orders name it: by a code, by a text, or both. `weight` is how often it is ordered.

    `strength` is how surely a policy that speaks of it finds it; `place` a place of service that the order states.
    """

    resource_type: str
    weight: int
    code: str | None
    text: str | None
    said: tuple[Said, ...] = ()
    strength: str = "definitive"
    place: str | None = None
    is_unique: bool = False

    @property
    def coding(self) -> dict[str, str] | None:
        """The code as FHIR has it."""
        system, _, code = (self.code or "").partition(" ")
        return {"system": _URIS[system], "code": code} if self.code else None

    def said_by(self, payer: str, on: date) -> Said | None:
        """Return what a payer's policy says on the day of service."""
        return next((one for one in self.said if one.payer == payer and one.first <= on <= one.last), None)


_NCD: Final = "cms-ncd-150-7"
_EVICORE: Final = "evicore-cmm-204"
_BLUE: Final = "medical-policy-2-01-26"
_GUIDE: Final = "example-coverage-guide"
_OPD: Final = "cms-opd-prior-authorization"
_DMEPOS: Final = "cms-dmepos-prior-authorization"

#: The example plan's guide begins on this day.
_GUIDE_DAY: Final = date(2026, 1, 1)


def _prolotherapy(verdict: str) -> tuple[Said, ...]:
    """All four payers speak of prolotherapy on all days of the population."""
    return (
        Said(MEDICARE, verdict, _NCD),
        Said(ADVANTAGE, verdict, _NCD),
        Said(HEALTH, verdict, _EVICORE),
        Said(BLUE, verdict, _BLUE),
    )


def _guide(verdict: str) -> tuple[Said, ...]:
    return (Said(HEALTH, verdict, _GUIDE, _GUIDE_DAY),)


def _hospital(verdict: str) -> tuple[Said, ...]:
    return (Said(MEDICARE, verdict, _OPD, date(2021, 7, 1)),)


SERVICES: Final = (
    Ordered("ServiceRequest", 60, "CPT 73721", "MRI of the knee"),
    Ordered("ServiceRequest", 25, "CPT 97110", None),
    Ordered("ServiceRequest", 20, "HCPCS M0076", "Prolotherapy", _prolotherapy("not-covered")),
    Ordered("ServiceRequest", 8, None, "Prolotherapy right knee", _prolotherapy("not-covered"), "stated"),
    Ordered("ServiceRequest", 4, None, "Consider prolotherapy", _prolotherapy("in-doubt"), "qualified"),
    Ordered("ServiceRequest", 10, "CPT 70551", None, _guide("pa-needed")),
    Ordered("ServiceRequest", 5, "HCPCS S8948", None, _guide("not-covered")),
    Ordered("ServiceRequest", 8, "CPT 63650", None, _hospital("pa-needed"), place="22"),
    Ordered("ServiceRequest", 4, "CPT 63650", None, _hospital("covered"), place="24"),
    Ordered("ServiceRequest", 4, "CPT 63650", None, _hospital("pa-depends")),
    Ordered(
        "ServiceRequest",
        6,
        "CPT 64492",
        None,
        (Said(MEDICARE, "pa-needed", _OPD, date(2023, 7, 1), date(2024, 8, 4)),),
        place="22",
    ),
    Ordered("ServiceRequest", 12, None, "Physical therapy evaluation"),
    Ordered("ServiceRequest", 6, None, "Follow up visit", is_unique=True),
    Ordered("DeviceRequest", 8, "HCPCS E0114", None, _guide("covered")),
    Ordered("DeviceRequest", 6, "HCPCS E1390", "Oxygen concentrator", _guide("doc-needed")),
    Ordered("DeviceRequest", 6, "HCPCS E0784", None, _guide("pa-needed")),
    Ordered("DeviceRequest", 6, "HCPCS K0800", None, (Said(MEDICARE, "pa-needed", _DMEPOS, date(2022, 4, 13)),)),
    Ordered(
        "DeviceRequest",
        6,
        "HCPCS E0747",
        None,
        (Said(MEDICARE, "pa-needed", _DMEPOS, date(2024, 8, 12), date(2024, 8, 27)),),
    ),
    Ordered("MedicationRequest", 20, "RxNorm 197361", "Amlodipine 5 mg"),
)
