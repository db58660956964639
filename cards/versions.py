"""What differs on the wire between versions of the CRD guide, in one table."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class WireVersion:
    """One version of the guide as a client sees it.

    `topic_system` is the system of `source.topic`; `not_covered_pa_needed` the `pa-needed` beside
    `covered=not-covered`; `conditional_pa_needed` the one beside `conditional`.
    """

    name: str
    topic_system: str
    detail_system: str
    not_covered_pa_needed: str | None
    conditional_pa_needed: str | None


#: CRD 2.0.1. Its invariant crd-ci-q2 says in words that not-covered excludes pa-needed, but its expression is
#: empty, hence failed, without one: `no-auth` is what passes the published machine check. The same
#: expression demands pa-needed beside `conditional`.
CRD_2_0: Final = WireVersion(
    name="2.0",
    topic_system="http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
    detail_system="http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp",
    not_covered_pa_needed="no-auth",
    conditional_pa_needed="conditional",
)
