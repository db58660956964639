"""References resolve as FHIR says: by fullUrl, by the base of the entry, contained, versioned, as a urn."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards import Entry, ReferenceIndex, find_contained, is_id, read_reference, record_key, same_base, same_reference

BASE = "https://ehr.example.org/fhir"
INSIDE = "http://fhir.internal:8080/fhir"
ELSEWHERE = "https://dir.example.net/fhir"


def payer(identity: str = "o", **members: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": identity, **members}


def named(found: Entry | None) -> Any:
    return None if found is None else found.resource.get("name", found.resource.get("id"))


@pytest.mark.parametrize(
    "other",
    [
        "https://ehr.example.org/fhir/",
        "http://ehr.example.org/fhir",
        "https://ehr.example.org:443/fhir",
        "http://ehr.example.org:80/fhir/",
        "HTTPS://EHR.Example.ORG/fhir",
        " https://ehr.example.org/fhir ",
    ],
)
def test_scheme_default_port_and_a_last_slash_make_no_other_base(other: str) -> None:
    assert same_base(BASE, other)
    assert same_reference(f"{other.strip().rstrip('/')}/Coverage/1", "Coverage/1", BASE)
    index = ReferenceIndex(BASE)
    index.add(payer(), f"{other.strip().rstrip('/')}/Organization/o")
    assert named(index.resolve(f"{BASE}/Organization/o")) == "o"


@pytest.mark.parametrize(
    "other",
    [
        "https://ehr.example.org",
        "https://ehr.example.org/fhir/r4",
        "https://ehr.example.org/FHIR",
        "https://ehr.example.org:8443/fhir",
        "https://ehr.example.org.evil.example/fhir",
        "https://me@ehr.example.org/fhir",
        "ftp://ehr.example.org/fhir",
        "",
    ],
)
def test_another_host_port_or_path_is_another_base(other: str) -> None:
    assert not same_base(BASE, other)
    assert not same_reference(f"{other}/Coverage/1", f"{BASE}/Coverage/1") or not other


@pytest.mark.parametrize(
    ("one", "other", "base", "same"),
    [
        ("Coverage/1", "Coverage/1", None, True),
        ("Coverage/1", "Coverage/1/_history/7", None, True),
        ("Coverage/1", "/Coverage/1 ", None, True),
        ("Coverage/1", "Coverage/2", None, False),
        ("Coverage/1", "Patient/1", None, False),
        ("Coverage/1", f"{ELSEWHERE}/Coverage/1", None, True),
        ("Coverage/1", f"{ELSEWHERE}/Coverage/1", BASE, False),
        (f"{BASE}/Coverage/1/_history/2", "Coverage/1", BASE, True),
        ("urn:uuid:0F", "urn:uuid:0f", BASE, True),
        ("urn:uuid:0f", "urn:uuid:1f", BASE, False),
        ("#c", "#c", BASE, True),
        ("#c", "#d", BASE, False),
        ("", "x", None, False),
    ],
)  # fmt: skip
def test_two_references_name_the_same_record(one: str, other: str, base: str | None, same: bool) -> None:
    assert same_reference(one, other, base) is same
    assert same_reference(other, one, base) is same


def test_a_fullurl_on_another_host_is_what_an_absolute_reference_names() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(name="theirs"), f"{ELSEWHERE}/Organization/o")
    index.add(payer(name="ours"), f"{BASE}/Organization/o")

    assert named(index.resolve(f"{ELSEWHERE}/Organization/o")) == "theirs"
    assert named(index.resolve(f"{ELSEWHERE}/Organization/o/_history/4")) == "theirs"
    assert named(index.resolve(f"{BASE}/Organization/o")) == "ours"
    assert named(index.resolve("Organization/o")) == "ours"


def test_a_relative_reference_is_read_against_the_base_of_the_entry_it_stands_in() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(name="theirs"), f"{ELSEWHERE}/Organization/o")
    index.add(payer(name="ours"))
    theirs = index.add({"resourceType": "Coverage", "id": "1"}, f"{ELSEWHERE}/Coverage/1")
    ours = index.add({"resourceType": "Coverage", "id": "2"})

    assert named(index.resolve("Organization/o", theirs)) == "theirs"
    assert named(index.resolve("Organization/o", ours)) == "ours"
    assert named(index.resolve("Organization/o")) == "ours"


def test_a_relative_reference_in_an_entry_of_one_server_names_none_of_another() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(), f"{ELSEWHERE}/Organization/o")
    coverage = index.add({"resourceType": "Coverage", "id": "1"}, f"{INSIDE}/Coverage/1")

    assert index.resolve("Organization/o", coverage) is None


def test_a_relative_reference_names_the_only_such_record_whatever_host_its_fullurl_has() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(), f"{INSIDE}/Organization/o")

    assert named(index.resolve("Organization/o")) == "o"
    assert index.resolve(f"{BASE}/Organization/o") is None

    index.add(payer(), f"{ELSEWHERE}/Organization/o")

    assert index.resolve("Organization/o") is None


def test_a_record_without_fullurl_is_of_the_calls_server() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer())

    assert named(index.resolve(f"{BASE}/Organization/o")) == "o"
    assert named(index.resolve("http://ehr.example.org:443/fhir/Organization/o")) == "o"
    assert index.resolve(f"{ELSEWHERE}/Organization/o") is None
    read = index.add({"resourceType": "Coverage", "id": "1"}, f"{INSIDE}/Coverage/1")
    assert named(index.resolve("Organization/o", read)) == "o"


def test_where_the_call_names_no_server_a_record_without_fullurl_may_be_of_any() -> None:
    index = ReferenceIndex()
    index.add(payer())

    assert named(index.resolve(f"{ELSEWHERE}/Organization/o")) == "o"


@pytest.mark.parametrize("reference", ["urn:uuid:0f-1", "URN:UUID:0F-1", " urn:uuid:0f-1 "])
def test_a_urn_is_found_by_fullurl_first_then_by_the_id_that_it_is(reference: str) -> None:
    index = ReferenceIndex(BASE)
    index.add(payer("0f-1", name="by id"))

    assert named(index.resolve(reference)) == "by id"

    index.add(payer(name="by fullUrl"), "urn:uuid:0f-1")

    assert named(index.resolve(reference)) == "by fullUrl"
    assert named(index.resolve("Organization/o")) == "by fullUrl"


def test_a_urn_that_two_records_have_as_their_id_names_none() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer("0f-1"))
    index.add({"resourceType": "Patient", "id": "0f-1"})

    assert index.resolve("urn:uuid:0f-1") is None


@pytest.mark.parametrize(
    "reference", ["Organization/o/_history/3", "/Organization/o", " Organization/o ", "Organization/o#x"]
)
def test_a_version_a_slash_or_a_blank_more_name_the_same_record(reference: str) -> None:
    index = ReferenceIndex(BASE)
    index.add(payer())

    assert named(index.resolve(reference)) == "o"


def test_a_fullurl_that_names_a_version_is_of_the_record() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(), f"{ELSEWHERE}/Organization/o/_history/3")

    assert named(index.resolve(f"{ELSEWHERE}/Organization/o")) == "o"


def test_a_fullurl_of_no_restful_form_is_matched_as_it_is() -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(), "https://payers.example.net/index?id=7")
    index.add(payer("p"), "https://payers.example.net/seven")

    assert named(index.resolve("https://payers.example.net/index?id=7")) == "o"
    assert named(index.resolve("https://payers.example.net/seven")) == "p"
    assert index.resolve("https://payers.example.net/index?id=8") is None


@pytest.mark.parametrize("identity", ["x" * 68, "a_b", "a:b", "eA.b-C"])
def test_ids_that_are_not_fhirs_are_found_all_the_same(identity: str) -> None:
    index = ReferenceIndex(BASE)
    index.add(payer(identity))

    assert named(index.resolve(f"Organization/{identity}")) == identity
    assert named(index.resolve(f"{BASE}/Organization/{identity}")) == identity


@pytest.mark.parametrize("identity", ["c", "#c"])
def test_a_contained_record_is_found_also_where_its_id_has_the_mark(identity: str) -> None:
    order = {"resourceType": "ServiceRequest", "id": "1", "contained": [payer("x"), payer(identity, name="inside")]}
    index = ReferenceIndex(BASE)
    entry = index.add(order)

    assert named(index.resolve("#c", entry)) == "inside"
    assert find_contained("#c", order) == order["contained"][1]
    assert index.resolve("#c") is None
    assert index.resolve("#other", entry) is None
    assert index.resolve("#c", index.add(payer())) is None


def test_contained_records_refer_to_each_other_and_to_what_holds_them() -> None:
    coverage = {"resourceType": "Coverage", "id": "cv", "payor": [{"reference": "#cms"}]}
    index = ReferenceIndex(BASE)
    index.add(payer(name="theirs"), f"{ELSEWHERE}/Organization/o")
    entry = index.add(
        {"resourceType": "ServiceRequest", "id": "1", "contained": [coverage, payer("cms")]},
        f"{ELSEWHERE}/ServiceRequest/1",
    )
    inside = index.resolve("#cv", entry)
    assert inside is not None

    assert named(index.resolve("#cms", inside)) == "cms"
    assert index.resolve("#", inside) is entry
    assert named(index.resolve("Organization/o", inside)) == "theirs"


def test_a_contained_record_is_not_found_from_outside() -> None:
    index = ReferenceIndex(BASE)
    index.add({"resourceType": "ServiceRequest", "id": "1", "contained": [payer()]})

    assert index.resolve("Organization/o") is None


def test_the_first_of_several_that_claim_one_name_is_the_one_named() -> None:
    index = ReferenceIndex(BASE)
    first = index.add(payer(name="first"))

    assert index.add(payer(name="second")) is first
    assert named(index.resolve("Organization/o")) == "first"

    placed = index.add(payer("p", name="first"), f"{BASE}/Organization/p")
    assert index.add(payer("p", name="second"), f"{BASE}/Organization/p") is placed


@pytest.mark.parametrize(
    "reference",
    ["", " ", "#", "o", "Organization", "Organization/", "/", "//", "://", "urn:", "urn:uuid:", "http://", "organization/o",
     "https://Organization/o", "x/Organization/o", "Organization/o/x", "Organization?identifier=1", "\u0000", "a\nb/c"],
)  # fmt: skip
def test_what_is_no_reference_names_nothing(reference: str) -> None:
    index = ReferenceIndex(BASE)
    index.add(payer())
    index.add(payer(""), "")

    assert index.resolve(reference) is None


@pytest.mark.parametrize(
    "members", [{"id": None}, {"id": 7}, {"id": ["o"]}, {"contained": 7}, {"contained": [7, None, {"id": 7}]}]
)
def test_what_has_no_id_is_named_by_its_fullurl_only(members: dict[str, Any]) -> None:
    resource = {"resourceType": "Organization", "name": "x", **members}
    index = ReferenceIndex(BASE)
    entry = index.add(resource, "urn:uuid:0f")

    assert index.resolve("urn:uuid:0f") is entry
    assert index.resolve("Organization/None") is None
    assert index.resolve("#7", entry) is None


@pytest.mark.parametrize("full_url", [7, None, {}, [], "", " "])
def test_a_fullurl_that_is_none_is_left_out(full_url: Any) -> None:
    index = ReferenceIndex(BASE)

    assert named(index.resolve("Organization/o", index.add(payer(), full_url))) == "o"


def test_an_id_is_one_by_fhirs_rule() -> None:
    assert all(is_id(text) for text in ("1", "a.b-C", "x" * 64))
    assert not any(is_id(text) for text in ("", "a_b", "a b", "x" * 65, "a\n", "#a", "a/b"))


def test_the_key_of_a_reference_is_its_type_and_id() -> None:
    for reference in ("Patient/1", "/Patient/1", f"{BASE}/Patient/1", "Patient/1/_history/2", " Patient/1 "):
        assert record_key(reference) == "Patient/1"


_HOSTS = st.from_regex(r"[A-Za-z0-9.-]{1,12}", fullmatch=True)
_PATHS = st.from_regex(r"(/[A-Za-z0-9_./~-]{0,12}){0,3}", fullmatch=True)


@given(
    st.sampled_from(["https://", "http://", "HTTPS://"]),
    _HOSTS,
    _PATHS,
    st.sampled_from(["Patient/1", "Coverage/a-b.c", "patient/1", "Patient/", "Patient/1/_history/2"]),
)
def test_a_plain_absolute_reference_is_taken_apart_as_any_other_is(scheme: str, host: str, path: str, key: str) -> None:
    """The quick way is taken where nothing has to be stripped: with a space in front it is not."""
    reference = f"{scheme}{host}{path}/{key}"
    assert read_reference(reference) == read_reference(f" {reference}")
