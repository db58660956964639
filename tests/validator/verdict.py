"""What counts of the findings: those that the order as it came does not have, less the excused."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from tests.validator.examples import COVERAGE_INFORMATION, Written
from tests.validator.validator_process import Finding, Validator

VERSIONS = ("2.0", "2.1", "2.2")
REASONS = "http://hl7.org/fhir/us/davinci-crd/ValueSet/coverageAssertionReasons"


class Excuse(NamedTuple):
    """A finding that the published definitions make of a right answer; each pattern fits the whole of its part."""

    versions: Sequence[str]
    id: str
    location: str
    message: str

    def fits(self, version: str, found: Finding) -> bool:
        parts = ((self.location, found.location or ""), (self.message, found.message))
        same = version in self.versions and found.id == self.id
        return same and all(re.fullmatch(pattern, text, re.DOTALL) for pattern, text in parts)


DETAILS = "policy-link|instructions|allowed-quantity|allowed-period|in-network-copay|concurrent-review"
CODING = f"http://terminology.hl7.org/CodeSystem/crd-coverage-detail#({DETAILS})"
TEMPORARY = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"

#: All that is excused; everything else counts, warnings and extensions the validator does not know as well.
EXCUSES = (
    # The authors of 2.0.1 lost Appointment among the contexts of the extension; 2.1 mended it.
    Excuse(["2.0"], "Extension_EXTP_Context_Wrong", "Appointment", rf"The extension {COVERAGE_INFORMATION} .*"),
    # A warning: "If no standard code applies, use text" (the extension's definition, reason).
    Excuse(VERSIONS, "Terminology_TX_Code_ValueSet_Ext", r".*\.extension\[\d+\]\.value.*", rf"No code .*{REASONS}.*"),
    # Warnings: the first of the two codings is of HL7 Terminology, which is not here.
    Excuse(
        ["2.2"],
        "Terminology_TX_NoValid_2_CC",
        r".*\.extension\[\d+\]\.extension\[1\]\.value.*",
        rf"None of the codings .*ValueSet/coverageDetail.*\(codes = {CODING}, {TEMPORARY}#\1\)",
    ),
    # A warning: the code that a suggestion adds is of HCPCS, which is not here.
    Excuse(
        VERSIONS,
        "Terminology_TX_NoValid_2_CC",
        r"ServiceRequest\.code",
        r"None of the cod.*\(codes = .*https://www\.cms\.gov/Medicare/Coding/HCPCSReleaseCodeSets#\w+\)",
    ),
)


def new_faults(validator: Validator, written: Written) -> list[Finding]:
    """Return what the validator finds in a written resource and not in the order as it came."""
    found = Counter(validator.validate(written.version, written.resource, written.profile))
    if written.received is not None:
        found -= Counter(validator.validate(written.version, written.received, written.profile))
    return [one for one in found.elements() if not any(excuse.fits(written.version, one) for excuse in EXCUSES)]
