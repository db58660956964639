"""A backup is made while the service answers, by the databases' own tools, and what was answered is found in it."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.store.encryption import make_key
from tests.auth.tokens import jwk, jwks, sign
from tests.cds_hooks.store.reading import store_of
from tests.conftest import ROOT, example
from tests.databases.servers import INITDB, PostgreSQL
from tests.documents.snippets import read
from tests.survival.load import SIGN, Load
from tests.survival.test_killed import kept_answers

pytest_plugins = ["tests.databases.fixtures"]

BASE = "https://payer.example.com/crd"


def token() -> str:
    now = time.time()
    claims = {"iss": "https://ehr.example.org", "aud": BASE + SIGN, "iat": now, "exp": now + 300}
    return f"Bearer {sign({**claims, 'jti': secrets.token_hex(8)})}"


def assertion_of(answer: Any) -> str:
    [found] = {
        part["valueString"]
        for extension in answer["systemActions"][0]["resource"]["extension"]
        for part in extension.get("extension", [])
        if part["url"] == "coverage-assertion-id"
    }
    return str(found)


def restore(url: str, folder: Path, assertion: str, keys: Path) -> str:
    """Run the documented commands, with the database's real name, and return what they print."""
    [block] = [one for one in read(ROOT / "docs" / "operate.md") if "restore" in one.said]
    server, _, name = url.rpartition("/")
    port = server.rpartition(":")[2]
    script = block.text.replace("crd.dump crd\n", f"crd.dump {name}\n")
    tools = [str(Path(sys.executable).parent), str(Path(str(INITDB)).parent), os.environ["PATH"]]
    told = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "crd", "ASSERTION": assertion, "CRD_AUDIT_KEYS": str(keys)}
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": ":".join(tools), **told},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_dump_of_postgresql_is_restored_and_a_call_found_by_its_assertion(
    start_service: Any, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """CRD-76: with the keys, which are no part of the dump; and a token used before it stays used."""
    if not shutil.which("pg_dump", path=str(Path(str(INITDB)).parent)):
        pytest.skip("needs pg_dump (apt-get install postgresql-client)")
    url = postgresql.new_database()
    (tmp_path / "audit-keys").write_text(make_key() + "\n")
    (tmp_path / "keys.json").write_bytes(jwks(jwk("P-384")))
    (tmp_path / "clients.json").write_text(
        '{"clients": [{"id": "hospital", "jwt": {"issuer": "https://ehr.example.org", "jwks-file": "keys.json"}}]}'
    )
    settings = {
        "CRD_AUDIT_KEYS": str(tmp_path / "audit-keys"),
        "CRD_AUTH": "cds-hooks-jwt",
        "CRD_CLIENTS": str(tmp_path / "clients.json"),
        "CRD_PUBLIC_BASE_URL": BASE,
    }
    service = start_service(CRD_DATABASE_URL=url, **settings)
    once, body = token(), example("m0076-order-sign")
    assertion = assertion_of(service.post(SIGN, body, Authorization=once).json())

    said = restore(url, tmp_path, assertion, tmp_path / "audit-keys")

    assert "the store is as of" in said
    assert "ServiceRequest/prolo-1 not-covered" in said
    assert "Prolotherapy" not in (tmp_path / "crd.dump").read_bytes().decode("latin-1")
    restored = url.rpartition("/")[0] + "/restored"
    again = start_service(CRD_DATABASE_URL=restored, CRD_MIGRATIONS="command", **settings)
    assert again.post(SIGN, body, Authorization=once).status_code == 401
    assert again.post(SIGN, body, Authorization=token()).status_code == 200


def test_a_backup_of_sqlite_under_load_is_whole(start_service: Any, tmp_path: Path) -> None:
    """By the API behind the command `.backup`, as docs/operate.md has it: all that was answered before it is in it."""
    service = start_service(CRD_LOG_LEVEL="warning")
    store = Path(store_of(service).removeprefix("sqlite:///"))
    with Load(service.base, callers=3) as load:
        load.wait_for(40)
        before = set(load.answers)
        with sqlite3.connect(store) as source, sqlite3.connect(tmp_path / "backup.sqlite3") as target:
            source.backup(target)
        source.close()
        load.wait_for(10)
    assert target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    target.close()
    assert before <= kept_answers(f"sqlite:///{tmp_path}/backup.sqlite3")
