"""References of records and the URLs that they may become."""

import pytest

from cds_hooks.fhir.queries import relative_reference

EHR = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("reference", "relative"),
    [
        ("ServiceRequest/1", "ServiceRequest/1"),
        ("ServiceRequest/1/_history/2", "ServiceRequest/1"),
        (f"{EHR}/ServiceRequest/1", "ServiceRequest/1"),
        (f"{EHR}/ServiceRequest/1/_history/2", "ServiceRequest/1"),
        ("https://EHR.example.org:443/fhir/Patient/a.b-C", "Patient/a.b-C"),
        ("https://ehr.example.org/fhir2/Patient/1", None),
        ("https://evil.org/fhir/Patient/1", None),
        ("http://ehr.example.org/fhir/Patient/1", "Patient/1"),
        ("http://ehr.example.org:80/fhir/Patient/1", "Patient/1"),
        ("http://ehr.example.org:8080/fhir/Patient/1", None),
        (f"{EHR}/../Patient/1", None),
        (f"{EHR}/Patient/1?x=y", None),
        (f"{EHR}/a/Patient/1", None),
        (EHR, None),
        ("#contained", None),
        ("urn:uuid:5f0f4e0c-6e4c-5d57-9d1c-6f7a0a4f2b11", None),
        ("urn:oid:1.2.3", None),
        ("Patient?identifier=x", None),
        ("Patient", None),
        ("patient/1", None),
        ("/Patient/1", "Patient/1"),
        ("Patient/1/", None),
        ("Patient/..", None),
        ("Patient/.", None),
        ("Patient/1/_history", None),
        ("Patient/" + "1" * 68, "Patient/" + "1" * 68),
        ("Patient/" + "1" * 257, None),
        ("Patient/1\n", "Patient/1"),
        ("Patient/a:b", "Patient/a:b"),
        ("Patient/a%2fb", None),
        ("Patient/a/../b", None),
        ("Patient/a_b", "Patient/a_b"),
        ("", None),
    ],
)
def test_a_reference_is_read_only_if_it_leads_to_this_server(reference: str, relative: str | None) -> None:
    """Spec 5.6: absolute references elsewhere are refused. Scheme and default port are no other server, as only
    `Type/id` is asked for; ids that are not quite FHIR's are read where they are safe in a URL."""
    assert relative_reference(reference, EHR) == relative


def test_without_a_server_only_relative_references_are_known() -> None:
    assert relative_reference("Patient/1", None) == "Patient/1"
    assert relative_reference(f"{EHR}/Patient/1", None) is None
    assert relative_reference(f"{EHR}/Patient/1", "nonsense") is None
