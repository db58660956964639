"""Where links lead: to the base they came from, or elsewhere."""

import pytest

from cds_hooks.outbound.places import read_place
from cds_hooks.outbound.problems import FetchError, Problem

BASE = "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (f"{BASE}?page=2", f"{BASE}?page=2"),
        ("?page=2", f"{BASE}?page=2"),
        ("Coverage?page=2", f"{BASE}/Coverage?page=2"),
        ("http://ehr.example.org/fhir/Coverage?page=2", f"{BASE}/Coverage?page=2"),
        ("http://EHR.example.org:80/fhir?page=2", f"{BASE}?page=2"),
        ("https://ehr.example.org:443/fhir/?page=2", f"{BASE}?page=2"),
    ],
)
def test_a_link_under_the_base_is_asked_for_at_the_base(link: str, url: str) -> None:
    """A proxy that ends TLS makes servers write http into their links; the token goes to the base all the same."""
    place = read_place(BASE)
    assert place is not None

    assert place.inside(link) == url


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("http://ehr.example.org:8080/fhir?page=2", Problem.ELSEWHERE),
        ("https://fhir.internal/fhir?page=2", Problem.ELSEWHERE),
        ("https://ehr.example.org/fhir2?page=2", Problem.ELSEWHERE),
        ("/other?page=2", Problem.ELSEWHERE),
        ("https://me@ehr.example.org/fhir?page=2", Problem.NOT_FHIR),
        ("https://ehr.example.org/fhir/%2e%2e/x?page=2", Problem.NOT_FHIR),
        ("ftp://ehr.example.org/fhir?page=2", Problem.NOT_FHIR),
        ("http://[", Problem.NOT_FHIR),
    ],
)
def test_a_link_elsewhere_is_told_from_one_that_is_none(link: str, problem: Problem) -> None:
    """X-7: neither is followed."""
    place = read_place(BASE)
    assert place is not None

    with pytest.raises(FetchError) as raised:
        place.inside(link)

    assert raised.value.problem is problem
