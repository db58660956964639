"""Every resource of every example response passes HL7's own validator engine, with the definitions of its version.

README.md says what is checked, and what cannot be here; test_slips.py that the validator does find mistakes.
"""

import sys

import pytest

from tests.validator.examples import COVERAGE_INFORMATION, Written, read_written
from tests.validator.validator_process import Validator
from tests.validator.verdict import VERSIONS, new_faults

WRITTEN = read_written()
UPDATED = [one for one in WRITTEN if one.received is not None and not one.is_offered]


def test_the_examples_write_onto_orders_in_each_version() -> None:
    """Else the next tests would check nothing."""
    assert {one.version for one in UPDATED} == set(VERSIONS)
    assert len(UPDATED) >= 20
    assert all(COVERAGE_INFORMATION in [item["url"] for item in one.resource["extension"]] for one in UPDATED)


@pytest.mark.parametrize("written", WRITTEN, ids=[one.name for one in WRITTEN])
def test_what_is_written_onto_an_order_adds_no_fault(written: Written, validator: Validator) -> None:
    """By HL7's engine: errors, warnings, and what it does not know.

    conf-5, conf-13; resp-52; CRD-272, CRD-274, CRD-276.
    """
    assert new_faults(validator, written) == []


@pytest.mark.parametrize("written", UPDATED, ids=[one.name for one in UPDATED])
def test_an_examples_order_is_valid_as_it_came(written: Written, validator: Validator) -> None:
    """Its faults are the client's, but an example should have none; `make validate` prints the warnings on it."""
    found = validator.validate(written.version, written.received or {}, written.profile)

    sys.stdout.writelines(f"{one.severity} {one.location} {one.id}: {one.message}\n" for one in found)
    assert [one for one in found if one.is_error] == []
