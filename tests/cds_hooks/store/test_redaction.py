"""What is kept of a request is what came, without its access token (CDS Hooks 2.0, FHIR Resource Access)."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.store.redaction import REMOVED, without_tokens

TOKEN = "eyJhbGciOiJub25lIn0.secret-of-the-ehr"  # noqa: S105 (made up)

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def body(token: Any = TOKEN, **members: Any) -> dict[str, Any]:
    return {"hook": "order-sign", "fhirAuthorization": {"access_token": token, "token_type": "Bearer"}, **members}


def test_the_rest_of_the_bytes_stay_as_they_came() -> None:
    text = json.dumps(body(context={"value": "1.00"}), indent=3).replace('"1.00"', "1.00").encode()
    assert without_tokens(text) == text.replace(TOKEN.encode(), REMOVED.encode())


def test_a_token_is_removed_wherever_else_it_stands() -> None:
    kept = without_tokens(json.dumps(body(extension={"note": f"Bearer {TOKEN}"})).encode())
    assert kept is not None
    assert TOKEN.encode() not in kept


@pytest.mark.parametrize(
    "text",
    [
        b'{"fhirAuthorization":{"access_token":"abc"}}',
        json.dumps(body()).replace("fhirAuth", "fhir\\u0041uth").encode(),
        json.dumps(body()).replace("access_token", "access\\u005ftoken").encode(),
        json.dumps(body()).replace("secret", "\\u0073ecret").encode(),
        json.dumps(body(token="with/slash-" + "s" * 20)).replace("/", "\\/").encode(),
        json.dumps(body())[:-1].encode() + b',"fhirAuthorization":{"access_token":"another-secret-of-it"}}',
        b'{"access_token":"secret-that-is-nowhere-else"}',
        b'{"fhirAuthorization":{"refresh_token":"secret-to-get-others-by"}}',
        b'{"extension":[{"id_token" : "secret-that-is-an-id"}]}',
        b'{"fhirAuthorization":{"ACCESS_TOKEN":"secret-written-loudly"}}',
        b'{"extension":[{"Access_Token":"secret-written-properly"}]}',
        b'{"fhirAuthorization":{"authorization":"Bearer secret-in-a-header"}}',
    ],
)
def test_however_it_is_written_no_token_is_kept(text: bytes) -> None:
    kept = without_tokens(text, is_json=True)
    assert kept is not None
    assert kept == without_tokens(text)
    for secret in (b"secret", b"abc", b"slash-"):
        assert secret not in kept
    assert REMOVED.encode() in kept


@pytest.mark.parametrize("text", [b"", b"{", b'{"access_token":"secret', b"\xff\xfe"])
def test_of_what_is_no_json_nothing_is_kept(text: bytes) -> None:
    assert without_tokens(text) is None


@pytest.mark.parametrize("levels", [900, 1100, 100_000])
def test_a_body_nested_without_end_is_not_kept(levels: int) -> None:
    text = b'{"fhirAuthorization":{"access_token":"abc"},"a":' + b"[" * levels + b"]" * levels + b"}"
    assert without_tokens(text) is None


@given(st.text(min_size=1), st.dictionaries(st.text(max_size=8), _ANYTHING, max_size=4), st.booleans())
def test_nothing_but_the_token_changes(token: str, members: dict[str, Any], is_ascii: bool) -> None:
    document = {**members, "fhirAuthorization": {"access_token": token, "scope": "patient/*.read"}}
    try:
        text = json.dumps(document, ensure_ascii=is_ascii).encode()
        orjson.loads(text)
    except (UnicodeEncodeError, orjson.JSONDecodeError):  # half a surrogate pair
        return
    kept = json.loads(without_tokens(text) or b"null")
    assert kept["fhirAuthorization"] == {"access_token": REMOVED, "scope": "patient/*.read"}
    names = json.dumps(members).lower()  # a member anywhere may be called so, and goes too
    if len(token) < 16 and "token" not in names and "authorization" not in names:
        expected = {name: value for name, value in members.items() if name != "fhirAuthorization"}
        assert {name: value for name, value in kept.items() if name != "fhirAuthorization"} == expected


@given(
    st.sampled_from([b"", b"\\ud800", b"\xff", b"1e999", b"[" * 2000, b"NaN", b"\x00", b"\\u00e9", b'"', b"}"]),
    st.integers(0, 200),
)
def test_whatever_a_body_is_no_token_of_it_is_kept_and_nothing_fails(junk: bytes, place: int) -> None:
    text = json.dumps(body(context={"patientId": "p"})).encode()
    kept = without_tokens(text[:place] + junk + text[place:])
    assert kept is None or TOKEN.encode()[-10:] not in kept
