"""What differs on the wire between versions of the CRD guide, in one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Codes that CRD defined for the time being; 2.2 moved most of them to HL7 terminology and kept the reasons here.
TEMPORARY: Final = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"

_CARD_TYPE: Final = "http://terminology.hl7.org/CodeSystem/cdshooks-card-type"
_COVERAGE_DETAIL: Final = "http://terminology.hl7.org/CodeSystem/crd-coverage-detail"


@dataclass(frozen=True, slots=True, eq=False)
class WireVersion:
    """One version of the guide as a client sees it.

    `topic_system`: system of `source.topic`.
    `refers_by_object`: `davinci-crd.associated-resource` holds References, not strings.
    `not_covered_pa_needed`, `conditional_pa_needed`: `pa-needed` beside these answers, None for none.
    `detail_systems`: systems of the code of a `detail`, all sent side by side.
    `detail_category`: a `detail` says its category.
    `explains_in_details`: the details `policy-link` and `instructions` exist.
    `detail_code_place`: where `detail-code` (the ordered code is too coarse) stands: `reason` or `info-needed`.
    `indeterminate`: code of `covered` where a technical failure prevents an answer.
    `reason_codes`: codes of `reason` that exist, of those this service uses.
    `documentation_codes`: codes of `doc-needed`; `both_documents` the one for clinical and admin together.
    `documents_withpa`: `doc-purpose` may be `withpa` (crd-ci-q4 of 2.1 and 2.2 fails on it by mistake).
    `contact_type`: value type of `contact`.
    `has_expiry_date`: `expiry-date` exists.
    `annotates_based_on`: of an Appointment made for an order, the order is annotated.
    `refuses_coverage_problems`: a call without one Coverage of a payer served here is refused with 400.
    `suggests_without_action`: a suggestion may have no action (crd-respar-1 of 2.2 wants one in each).
    `tells_network_in_detail`: that authorization is needed out of network only is a detail, not a reason.
    `tells_inactive_by_card`: a card says so too where a coverage is not in force, since no code does.
    """

    name: str
    topic_system: str
    refers_by_object: bool
    not_covered_pa_needed: str | None
    conditional_pa_needed: str | None
    detail_systems: tuple[str, ...]
    detail_category: bool
    explains_in_details: bool
    detail_code_place: str
    indeterminate: str
    reason_codes: frozenset[str]
    documentation_codes: frozenset[str]
    both_documents: str | None
    documents_withpa: bool
    contact_type: str
    has_expiry_date: bool
    annotates_based_on: bool
    refuses_coverage_problems: bool
    suggests_without_action: bool
    tells_network_in_detail: bool = False
    tells_inactive_by_card: bool = False


#: CRD 2.0.1. Its invariant crd-ci-q2 says in words that not-covered excludes pa-needed, but its expression is
#: empty, hence failed, without one: `no-auth` is what passes the published machine check. The same
#: expression demands pa-needed beside `conditional`.
CRD_2_0: Final = WireVersion(
    name="2.0",
    topic_system=TEMPORARY,
    refers_by_object=False,
    not_covered_pa_needed="no-auth",
    conditional_pa_needed="conditional",
    detail_systems=(TEMPORARY,),
    detail_category=False,
    explains_in_details=False,
    detail_code_place="reason",
    indeterminate="conditional",
    reason_codes=frozenset({"detail-code", "gold-card"}),
    documentation_codes=frozenset({"clinical", "admin", "conditional"}),
    both_documents="both",
    documents_withpa=True,
    contact_type="ContactPoint",
    has_expiry_date=False,
    annotates_based_on=False,
    refuses_coverage_problems=False,
    suggests_without_action=True,
    tells_network_in_detail=True,
    tells_inactive_by_card=True,
)

#: CRD 2.1.0: crd-ci-q2 is mended, so not-covered goes without pa-needed.
CRD_2_1: Final = WireVersion(
    name="2.1",
    topic_system=TEMPORARY,
    refers_by_object=True,
    not_covered_pa_needed=None,
    conditional_pa_needed=None,
    detail_systems=(TEMPORARY,),
    detail_category=False,
    explains_in_details=True,
    detail_code_place="reason",
    indeterminate="conditional",
    reason_codes=frozenset({"detail-code", "gold-card"}),
    documentation_codes=frozenset({"clinical", "admin", "patient", "conditional"}),
    both_documents=None,
    documents_withpa=False,
    contact_type="ContactPoint",
    has_expiry_date=True,
    annotates_based_on=False,
    refuses_coverage_problems=True,
    suggests_without_action=True,
    tells_network_in_detail=True,
)

#: CRD 2.2.1: HL7 terminology for cards and details, `indeterminate`, and reasons that a machine can read.
CRD_2_2: Final = WireVersion(
    name="2.2",
    topic_system=_CARD_TYPE,
    refers_by_object=True,
    not_covered_pa_needed=None,
    conditional_pa_needed=None,
    detail_systems=(_COVERAGE_DETAIL, TEMPORARY),
    detail_category=True,
    explains_in_details=True,
    detail_code_place="info-needed",
    indeterminate="indeterminate",
    reason_codes=frozenset(
        {
            *("technical", "no-active-coverage", "no-member-found", "coverage-not-found"),
            *("gold-card", "auth-out-network"),
        }
    ),
    documentation_codes=frozenset({"clinical", "admin", "patient", "conditional", "indeterminate"}),
    both_documents=None,
    documents_withpa=False,
    contact_type="ContactDetail",
    has_expiry_date=True,
    annotates_based_on=True,
    refuses_coverage_problems=True,
    suggests_without_action=False,
)

#: Every supported version by its name, `major.minor` as `davinci-crd.requestedVersion` says it.
WIRE_VERSIONS: Final[Mapping[str, WireVersion]] = {wire.name: wire for wire in (CRD_2_0, CRD_2_1, CRD_2_2)}
