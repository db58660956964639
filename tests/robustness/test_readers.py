"""Readers of bytes from outside: whatever they are given, only the errors they declare ever come out of them."""

import contextlib
import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_hooks.auth.jwk import KeySetError, read_key_set
from cds_hooks.auth.jwt_reader import bearer_token, read_token
from cds_hooks.auth.registration_file import load_clients
from cds_hooks.errors import (
    AuthenticationError,
    CallError,
    InvalidRequestError,
    StartError,
    TooCostlyError,
    UnreadableBodyError,
)
from cds_hooks.fhir.capabilities import read_names
from cds_hooks.fhir.messages import Reply, next_link, read_batch, read_document, read_page, read_record
from cds_hooks.fhir.queries import Asked
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.request import HookSchema, read_hook_request
from cds_hooks.outbound.problems import FetchError
from cds_hooks.rules.loading import Rules, load_rules
from cds_hooks.strict_json import read_json
from tests.auth.tokens import claims, encoded, jwk, sign
from tests.conftest import ROOT
from tests.robustness.calls import EXAMPLES, change, spoil

#: The same examples at every run; `make soak` looks for others.
QUICK = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
FEWER = settings(QUICK, max_examples=20)

#: Any JSON, with what JSON readers trip over.
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def broken(*documents: Any) -> st.SearchStrategy[bytes]:
    """Return texts: documents changed in some places, their texts spoiled, any JSON, any bytes."""

    def changed(document: Any, draw: Random) -> bytes:
        document = copy.deepcopy(document)
        for _ in range(draw.choice((0, 1, 1, 2, 4))):
            change(document, draw)
        return json.dumps(document).encode()

    def spoiled(document: Any, draw: Random) -> bytes:
        return spoil(json.dumps(document).encode(), draw)

    given_one, draws = st.sampled_from(documents), st.randoms(use_true_random=True)
    changes, spoils = st.builds(changed, given_one, draws), st.builds(spoiled, given_one, draws)
    return changes | changes | spoils | ANY_JSON.map(lambda found: json.dumps(found).encode()) | st.binary()


def ask(read: Callable[[], Any], *declared: type[Exception]) -> Any:
    """Return what a reader gives, or the declared error that it raises."""
    try:
        return read()
    except declared as error:
        return error


@given(broken(*EXAMPLES))
@QUICK
def test_read_json_gives_an_object_or_an_unreadable_body_error(body: bytes) -> None:
    """CRD-162; HK-1."""
    with contextlib.suppress(UnreadableBodyError):
        found = read_json(body, 64)
        assert isinstance(found, dict)
        assert found.keys() == json.loads(body).keys()


@pytest.fixture(scope="module", name="hook_schemas")
def _hook_schemas() -> dict[str, HookSchema]:
    check = FhirCheck()
    return {hook: HookSchema(hook, check) for hook in {example["hook"] for example in EXAMPLES}}


@given(st.data())
@QUICK
def test_read_hook_request_gives_a_request_or_says_what_is_wrong(hook_schemas: Any, data: Any) -> None:
    """CRD-158, 159, 208; HK-1."""
    example = data.draw(st.sampled_from(EXAMPLES))

    body, schema = data.draw(broken(example)), hook_schemas[example["hook"]]
    found = ask(
        lambda: read_hook_request(body, schema, 64, 100), UnreadableBodyError, InvalidRequestError, TooCostlyError
    )

    assert "zqx7" not in repr(found)
    if isinstance(found, CallError):
        assert all(issue.code and issue.diagnostics for issue in found.issues)
    else:
        assert all(json.loads(draft.raw) == draft.resource for draft in found.drafts)


_SEGMENTS = st.text("abcXYZ019-_=+/. \u00e9", max_size=30) | broken(claims()).map(lambda text: encoded(text))


@given(
    st.text()
    | st.lists(_SEGMENTS, max_size=4).map(".".join)
    | st.tuples(broken({"alg": "ES384", "kid": "k1", "typ": "JWT"}), broken(claims())).map(lambda p: encoded(*p, b"x"))
)
@QUICK
def test_a_bearer_token_is_read_or_refused_without_a_word_of_it(text: str) -> None:
    """S-4, 7.4: steps 1 to 3 and 10."""
    token = bearer_token(f"Bearer {text}")
    if token is None:
        return
    found = ask(lambda: read_token(token), AuthenticationError)

    assert len(token) < 16 or token not in repr(found)


@given(st.none() | st.text())
@QUICK
def test_any_authorization_header_has_a_token_or_none(header: str | None) -> None:
    token = bearer_token(header)

    assert token is None or (token and token in (header or ""))


@given(st.integers(0, 10_000), st.sampled_from("abc.-_\x00"))
@FEWER
def test_a_good_token_with_one_character_changed_is_read_or_refused(place: int, other: str) -> None:
    token = sign()
    place %= len(token)
    with contextlib.suppress(AuthenticationError):
        read_token(token[:place] + other + token[place + 1 :])


_KEYS = {"keys": [jwk("P-384"), jwk("2048", kid="k2"), jwk("Ed25519", kid="k3", use="sig")]}
_PEM_KEYS = [{"id": "k1", "pem": jwk("P-384")}]


@given(broken(_KEYS, _PEM_KEYS), st.sampled_from(["jwks", "pem-list"]))
@QUICK
def test_read_key_set_gives_keys_or_a_key_set_error(text: bytes, style: Any) -> None:
    """cds-hooks.md 7.5."""
    found = ask(lambda: read_key_set(text, style), KeySetError)

    if isinstance(found, KeySetError):
        assert len(str(found)) < 40
    else:
        assert all(kid and keys for kid, keys in found.items())


_JWT = {"issuer": "https://ehr.example.org", "jku": ["https://ehr.example.org/jwks.json"], "tenants": ["a"]}
_CLIENTS = {
    "clients": [
        {"id": "ehr", "jwt": _JWT, "services": ["order-sign-crd"], "fhir-servers": ["https://ehr.example.org/fhir"]},
        {"id": "other", "oauth2": {"issuer": "https://idp.example", "client-id": "x"}, "fhir-check": "strict"},
        {"id": "third", "jwt": {**_JWT, "tenants": ["b"], "jwks-file": "keys.json", "max-lifetime": 300}},
    ],
    "authorization-servers": [
        {"issuer": "https://idp.example", "jwks-url": "https://idp.example/jwks", "audiences": ["crd"]}
    ],
}


@given(broken(_CLIENTS))
@QUICK
def test_a_file_of_clients_is_read_or_refused_with_its_name(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "clients.json"
    path.write_bytes(text)
    (path.parent / "keys.json").write_text(json.dumps(_KEYS))

    found = ask(lambda: load_clients(path), StartError)

    if isinstance(found, StartError):
        assert str(found).encode().startswith(str(path.parent).encode())
    else:
        assert found.clients


@pytest.fixture(scope="module", name="rules_folder")
def _rules_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    for kind in ("vocabulary", "policies", "payers"):
        shutil.copytree(ROOT / "cards" / kind, folder / kind)
    return folder


RULE_FILES = (
    *("policies/evicore-cmm-204/policy.json", "policies/cms-ncd-150-7/policy.json", "payers/example-health-plan.json"),
    *("vocabulary/words.json", "vocabulary/cues.json", "vocabulary/code-systems.json"),
)


@pytest.mark.parametrize("name", RULE_FILES)
def test_a_file_of_rules_is_read_or_refused_with_its_name(name: str, rules_folder: Path) -> None:
    """A wrong file stops the start with the file, the path and the reason, and with nothing else."""
    good = json.loads((ROOT / "cards" / name).read_text())

    @given(broken(good))
    @settings(QUICK, max_examples=3)
    def read(text: bytes) -> None:
        (rules_folder / name).write_bytes(text)
        folders = [rules_folder / kind for kind in ("vocabulary", "policies", "payers")]
        found = ask(lambda: load_rules(*folders), StartError)
        assert isinstance(found, Rules) or str(rules_folder) in str(found)

    try:
        read()
    finally:
        shutil.copy(ROOT / "cards" / name, rules_folder / name)


_COVERAGE = {"resourceType": "Coverage", "id": "1", "status": "active", "beneficiary": {"reference": "Patient/1"}}
_PAGE = {
    "resourceType": "Bundle",
    "type": "searchset",
    "link": [{"relation": "next", "url": "https://ehr.example.org/fhir/Coverage?page=2"}],
    "entry": [
        {"fullUrl": "https://ehr.example.org/fhir/Coverage/1", "resource": _COVERAGE},
        {"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}},
    ],
}
_BATCH = {
    "resourceType": "Bundle",
    "type": "batch-response",
    "entry": [
        {"resource": _COVERAGE, "response": {"status": "200 OK"}},
        {"resource": _PAGE, "response": {"status": "200"}},
        {"response": {"status": "404 Not Found"}},
    ],
}
_STATEMENT = {
    "resourceType": "CapabilityStatement",
    "rest": [
        {
            "mode": "server",
            "resource": [{"type": "Coverage", "searchParam": [{"name": "beneficiary", "type": "reference"}]}],
        }
    ],
}


def _read_answer(body: bytes, status: int) -> None:
    """Read an answer of a FHIR server as a record, as a page and as what it can do."""
    reply, asked = Reply(status, body), Asked("Coverage/1", "Coverage", "1")
    document = read_document(reply, 64, asked)
    read_names(document)
    readers: tuple[Callable[[], Any], ...] = (
        lambda: read_record(asked, document, body),
        lambda: read_page(document, body),
        lambda: next_link(document),
    )
    for read in readers:
        with contextlib.suppress(FetchError):
            read()


@given(broken(_COVERAGE, _PAGE, _BATCH, _STATEMENT), st.sampled_from([200, 201, 302, 404, 500]))
@QUICK
def test_an_answer_of_a_fhir_server_is_read_or_a_problem(body: bytes, status: int) -> None:
    """X-7; cds-hooks.md 4.5: what is not the FHIR that was asked for is no answer."""
    with contextlib.suppress(FetchError):
        _read_answer(body, status)


@given(broken(_BATCH), st.integers(2, 4))
@QUICK
def test_a_batch_is_read_whole_or_not_at_all(body: bytes, number: int) -> None:
    replies = read_batch(Reply(200, body), number, 64)

    assert replies is None or len(replies) == number
    for reply in replies or ():
        with contextlib.suppress(FetchError):
            read_document(reply, 64)
            read_page(read_document(reply, 64), reply.body)
