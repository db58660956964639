"""Keys of a client: what is kept, what is published, and that both fit what a service takes."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner

from cds_hooks.auth.jwk import read_key_set
from cds_hooks.client.keys import read_key
from cds_hooks.client.tokens import Signer
from cds_hooks.commands.main import main
from cds_hooks.errors import StartError

URL = "https://payer.example.com/crd/cds-services/order-sign-crd"


def made(folder: Path, *options: str) -> tuple[Path, dict[str, Any]]:
    done = CliRunner().invoke(main, ["jwks", "new", "--in", str(folder), *options])
    assert done.exit_code == 0, done.output
    return folder / "private-key.json", json.loads((folder / "jwks.json").read_text())


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_token_of_a_new_key_is_verified_by_what_is_published(algorithm: str, tmp_path: Path) -> None:
    """CDS Hooks 2.0, Trusting CDS Clients: kid, typ, iss, aud, exp, iat, jti, and a key that the service reads."""
    private, published = made(tmp_path, "--alg", algorithm)
    [(kid, (key,))] = read_key_set(json.dumps(published).encode()).items()

    token = Signer(read_key(private), "https://ehr.example.org", "https://ehr.example.org/jwks").authorization(URL)

    header = jwt.get_unverified_header(token.removeprefix("Bearer "))
    assert header == {"alg": algorithm, "typ": "JWT", "kid": kid, "jku": "https://ehr.example.org/jwks"}
    claims = jwt.decode(token.removeprefix("Bearer "), key.public, [algorithm], audience=URL)
    assert claims["iss"] == "https://ehr.example.org"
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert claims["jti"]


def test_no_two_tokens_are_alike(tmp_path: Path) -> None:
    """A token that comes twice is refused as replayed."""
    signer = Signer(read_key(made(tmp_path)[0]), "https://ehr.example.org")
    tokens = [signer.authorization(URL).removeprefix("Bearer ") for _ in range(2)]

    first, second = (jwt.decode(token, options={"verify_signature": False})["jti"] for token in tokens)
    assert first != second


def test_the_private_key_is_its_owners_alone_and_is_not_published(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private, published = made(tmp_path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "d" in json.loads(private.read_text())
    assert set(published["keys"][0]) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_keys_are_never_written_over(tmp_path: Path) -> None:
    private, _ = made(tmp_path)
    before = private.read_bytes()

    again = CliRunner().invoke(main, ["jwks", "new", "--in", str(tmp_path)])

    assert again.exit_code == 2
    assert "is there already" in again.output
    assert private.read_bytes() == before


def test_a_kid_may_be_given(tmp_path: Path) -> None:
    assert made(tmp_path, "--kid", "2026-11")[1]["keys"][0]["kid"] == "2026-11"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"kty": "EC", "d": "x", "kid": "1"}', '{"kty": "EC", "crv": "P-384", "kid": "1"}']
)
def test_what_is_no_private_key_is_told_without_its_content(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)

    with pytest.raises(StartError, match=r"key\.json: no private JWK.*; crd jwks new makes one$"):
        read_key(path)


def test_a_published_key_signs_nothing(tmp_path: Path) -> None:
    made(tmp_path)

    with pytest.raises(StartError, match="no private JWK"):
        read_key(tmp_path / "jwks.json")
