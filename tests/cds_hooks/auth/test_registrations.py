"""Clients are registered as data: a wrong file names file, path and reason, and changes nothing while running."""

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.auth.jwk import ALGORITHMS
from cds_hooks.auth.registration_file import SCHEMA, ClientFile, load_clients
from cds_hooks.auth.registrations import Client
from cds_hooks.documents import load_schema
from cds_hooks.errors import StartError
from cds_hooks.telemetry.logs import flush
from tests.auth.tokens import jwk, jwks

DOCS = Path(__file__).resolve().parents[3] / "docs" / "clients.md"
SNIPPETS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)]

JWT = {"issuer": "https://ehr.example.org", "jku": ["https://ehr.example.org/jwks.json"]}
SERVER = {"issuer": "https://idp.example", "jwks-url": "https://idp.example/jwks", "audiences": ["crd"]}


def one(**members: Any) -> dict[str, Any]:
    return {"clients": [{"id": "ehr", "jwt": JWT, **members}]}


def jwt(**members: Any) -> dict[str, Any]:
    return one(jwt={**JWT, **members})


def two(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {"clients": [{"id": "a", "jwt": {**JWT, **first}}, {"id": "b", "jwt": {**JWT, **second}}]}


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    for name in ("keys.json", "br-provider.json", "jwks.json"):
        (tmp_path / name).write_bytes(jwks(jwk("P-384")))
    return tmp_path / "clients.json"


def write(path: Path, document: Any) -> None:
    """Write a file as an operator should: beside the old one, then over it."""
    new = path.with_suffix(".new")
    new.write_text(document if isinstance(document, str) else json.dumps(document))
    new.replace(path)


def load(path: Path, document: Any) -> Client:
    write(path, document)
    return load_clients(path).clients[0]


def refusal(path: Path, document: Any, *services: str) -> str:
    write(path, document)
    with pytest.raises(StartError) as caught:
        load_clients(path, frozenset(services))
    assert str(path.parent) in str(caught.value)
    return str(caught.value)


def test_what_is_left_out_has_its_default(path: Path) -> None:
    client = load(path, one())
    assert client.jwt is not None
    trust = client.jwt.trust
    assert trust.algorithms == {"ES384", "RS384"}
    assert (trust.clock_skew, trust.longest, trust.audiences, trust.style) == (60, 3600, (), "jwks")
    assert (client.jwt.replay, client.jwt.tenants, client.jwt.subjects) == ("reject", frozenset(), frozenset())
    assert (client.services, client.fhir_servers, client.fhir_check) == (frozenset(), (), None)


def test_the_schema_and_the_code_have_the_same_defaults_and_algorithms(path: Path) -> None:
    schema = json.loads(SCHEMA.read_text())
    members = schema["$defs"]["jwt"]["properties"]
    defaults = {name: {**schema["$defs"].get(name, {}), **member}.get("default") for name, member in members.items()}
    given = {name: value for name, value in defaults.items() if value is not None}
    assert load(path, jwt(**given)) == load(path, one())
    assert set(schema["$defs"]["algorithms"]["items"]["enum"]) == set(ALGORITHMS)


def test_every_member_of_the_schema_is_described() -> None:
    schema = json.loads(SCHEMA.read_text())
    places = [schema, *schema["$defs"].values()]
    for place in places:
        for name, member in place.get("properties", {}).items():
            target = schema["$defs"].get(member.get("$ref", "").rpartition("/")[2], {})
            assert member.get("description") or target.get("description"), name
        assert place.get("additionalProperties") is False or place.get("type") != "object"


def test_what_is_given_is_read(path: Path) -> None:
    jwt_terms = {
        "jwks-file": "keys.json",
        "key-document": "pem-list",
        "algorithms": ["EdDSA"],
        "audiences": ["sand_man"],
        "tenants": ["north"],
        "subjects": ["app"],
        "clock-skew": 0,
        "max-lifetime": 86400,
        "replay": "observe",
    }
    client = load(
        path,
        one(
            jwt={**JWT, **jwt_terms},
            note="A note.",
            services=["order-sign-crd"],
            **{"fhir-servers": ["https://ehr.example.org/r4/"], "fhir-check": "strict"},
        ),
    )
    assert client.jwt is not None
    trust = client.jwt.trust
    assert list(trust.keys) == ["k1"]
    assert (trust.style, trust.algorithms, trust.audiences) == ("pem-list", {"EdDSA"}, ("sand_man",))
    assert (trust.clock_skew, trust.longest) == (0, 86400)
    assert (client.jwt.tenants, client.jwt.subjects, client.jwt.replay) == ({"north"}, {"app"}, "observe")
    assert (client.may_use("order-sign-crd"), client.may_use("order-select-crd")) == (True, False)
    assert client.may_read_from("https://EHR.example.org/r4")
    assert client.may_read_from("https://ehr.example.org:443/r4/tenant")
    assert not client.may_read_from("https://ehr.example.org/r40")
    assert not client.may_read_from("https://ehr.example.org.attacker.example/r4")
    assert not client.may_read_from("x")
    assert client.fhir_check == "strict"


def test_a_client_without_lists_may_do_what_the_deployment_may(path: Path) -> None:
    client = load(path, one())
    assert client.may_use("anything")
    assert client.may_read_from("https://anywhere.example")


WRONG = {
    "not JSON": ("{", "not JSON"),
    "no object": ([], "$"),
    "no clients": ({}, "'clients' is a required property"),
    "unknown member": ({"clients": [], "x": 1}, "'x' was unexpected"),
    "unknown client member": (one(x=1), "$.clients[0]: Additional properties"),
    "unknown jwt member": (jwt(x=1), "$.clients[0].jwt: Additional properties"),
    "deep nesting": ("[" * 100_000, "nested too deep"),
    "repeated member": ('{"clients": [], "clients": []}', "Duplicate key `clients` at the top level"),
    "no id": ({"clients": [{"jwt": JWT}]}, "'id' is a required property"),
    "odd id": (one(id="Epic Prod"), "$.clients[0].id"),
    "anonymous": (one(id="anonymous"), "$.clients[0].id"),
    "no way to prove itself": ({"clients": [{"id": "ehr"}]}, "$.clients[0]"),
    "no issuer": (one(jwt={"jku": JWT["jku"]}), "'issuer' is a required property"),
    "no keys": (one(jwt={"issuer": "x"}), "$.clients[0].jwt"),
    "algorithm none": (jwt(algorithms=["none"]), "$.clients[0].jwt.algorithms[0]: 'none'"),
    "symmetric": (jwt(algorithms=["ES384", "HS256"]), "$.clients[0].jwt.algorithms[1]: 'HS256'"),
    "no algorithm": (jwt(algorithms=[]), "$.clients[0].jwt.algorithms"),
    "http": (jwt(jku=["http://ehr.example.org/jwks.json"]), "$.clients[0].jwt.jku[0]"),
    "http on a host that only begins so": (jwt(jku=["http://localhost.attacker.example/"]), "$.clients[0].jwt.jku[0]"),
    "file": (jwt(jku=["file:///etc/passwd"]), "$.clients[0].jwt.jku[0]"),
    "jku is no list": (jwt(jku="https://ehr.example.org"), "$.clients[0].jwt.jku"),
    "skew": (jwt(**{"clock-skew": 301}), "0 to 300"),
    "skew below": (jwt(**{"clock-skew": -1}), "0 to 300"),
    "lifetime": (jwt(**{"max-lifetime": 604801}), "60 to 604800"),
    "lifetime as text": (jwt(**{"max-lifetime": "3600"}), "$.clients[0].jwt['max-lifetime']"),
    "replay": (jwt(replay="off"), "reject answers 401"),
    "fhir-check": (one(**{"fhir-check": "off"}), "$.clients[0]['fhir-check']"),
    "fhir-servers": (one(**{"fhir-servers": ["https://ehr.example.org/../x"]}), "$.clients[0].fhir-servers"),
    "no keys file": (jwt(**{"jwks-file": "none.json"}), "none.json: no such file"),
    "no name of a keys file": (jwt(**{"jwks-file": "\x00"}), "embedded null byte"),
    "half a character": (jwt(**{"jwks-file": "\ud800.json"}), "surrogates not allowed"),
    "keys file is none": (jwt(**{"jwks-file": "clients.json"}), "clients.json: not a JWK Set"),
    "two of one id": ({"clients": [one()["clients"][0]] * 2}, "ehr is a duplicate"),
    "two of one issuer": (two({}, {}), "$.clients[1].jwt: shares its issuer with a"),
    "two of one issuer, one with tenants": (two({"tenants": ["x"]}, {}), "$.clients[1].jwt: shares its issuer with a"),
    "two of one tenant": (two({"tenants": ["x", "y"]}, {"tenants": ["y"]}), "$.clients[1].jwt: shares its issuer"),
    "oauth2 of nobody": (one(oauth2={"issuer": "https://idp.example", "client-id": "x"}), "$.clients[0].oauth2.issuer"),
    "two servers": ({"clients": [], "authorization-servers": [SERVER, SERVER]}, "idp.example is a duplicate"),
    "server without audience": (
        {"clients": [], "authorization-servers": [{k: v for k, v in SERVER.items() if k != "audiences"}]},
        "'audiences' is a required property",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_its_path_and_reason(path: Path, name: str) -> None:
    document, reason = WRONG[name]
    assert reason in refusal(path, document)


def test_a_service_that_does_not_exist_is_refused(path: Path) -> None:
    document = one(services=["order-sign-crd", "order-sing-crd"])
    assert "$.clients[0].services: no such service: order-sing-crd" in refusal(path, document, "order-sign-crd")


def test_a_key_file_with_no_usable_key_is_refused(path: Path) -> None:
    (path.parent / "keys.json").write_bytes(jwks(jwk("P-384", use="enc"), jwk("1024")))
    assert "keys.json: has no key" in refusal(path, jwt(**{"jwks-file": "keys.json"}))


def test_what_is_wrong_with_a_key_file_names_the_registration_and_the_file(path: Path) -> None:
    of_a_client = refusal(path, jwt(**{"jwks-file": "none.json"}))
    of_a_server = refusal(path, {"clients": [], "authorization-servers": [{**SERVER, "jwks-file": "."}]})

    assert of_a_client.startswith(f"{path}: $.clients[0].jwt['jwks-file']: {path.parent / 'none.json'}: no such file")
    where = f"{path}: $.authorization-servers[0]['jwks-file']: {path.parent}: "
    assert of_a_server == f"{where}Is a directory"


def test_two_clients_may_share_an_issuer_where_tenants_tell_them_apart(path: Path) -> None:
    write(path, two({"tenants": ["x"]}, {"tenants": ["y", "z"]}))
    clients = load_clients(path)
    found = {tenant: clients.by_issuer(JWT["issuer"], tenant) for tenant in ("x", "y", "z")}
    assert {tenant: client.id for tenant, client in found.items() if client} == {"x": "a", "y": "b", "z": "b"}


def test_clients_of_an_authorization_server_are_found_by_their_id_there(path: Path) -> None:
    oauth2 = {"issuer": SERVER["issuer"], "client-id": "app"}
    write(path, {"clients": [{"id": "ehr", "oauth2": oauth2}], "authorization-servers": [SERVER]})
    clients = load_clients(path)
    client = clients.by_client_id("https://idp.example", "app")
    assert client is not None
    assert client.id == "ehr"
    assert clients.by_client_id("https://idp.example", "other") is None
    assert clients.by_client_id("https://other.example", "app") is None
    assert clients.servers["https://idp.example"].trust.urls == ("https://idp.example/jwks",)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.get("id", "file"))
def test_the_presets_of_the_documentation_are_good(path: Path, snippet: dict[str, Any]) -> None:
    document = snippet if "clients" in snippet else {"clients": [snippet]}
    assert not list(load_schema(SCHEMA).validator.iter_errors(document))
    assert load(path, document).id


def test_there_is_a_preset_for_each_client_we_know() -> None:
    registered = [client for snippet in SNIPPETS for client in snippet.get("clients", [snippet])]
    ids = {client["id"].partition("-example")[0] for client in registered}
    tools = {"cds-hooks-sandbox", "crd-request-generator", "br-provider", "inferno"}
    assert ids >= {"epic", "oracle-health", "medplum"} | tools


# --- read again while running ---------------------------------------------------------------------------------------


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="changed")
def _changed(path: Path, clock: Clock) -> Callable[[Any], list[str]]:
    """Change the file, wait the second, and return the ids of the clients then."""
    write(path, one())
    file = ClientFile(path, now=clock)

    def change(document: Any) -> list[str]:
        if document is not None:
            write(path, document)
        clock.time += 1
        return [client.id for client in file.current().clients]

    return change


def test_a_changed_file_is_read_again(changed: Callable[[Any], list[str]]) -> None:
    assert changed(None) == ["ehr"]
    assert changed(one(id="new")) == ["new"]
    assert changed({"clients": []}) == []


def test_it_is_looked_at_once_a_second(path: Path, clock: Clock) -> None:
    write(path, one())
    file = ClientFile(path, now=clock)
    write(path, one(id="new"))
    clock.time = 0.9
    assert file.current().clients[0].id == "ehr"
    clock.time = 1.0
    assert file.current().clients[0].id == "new"


@pytest.mark.parametrize("document", ["", "{", {"clients": [{}]}, jwt(**{"jwks-file": "none.json"})])
def test_an_invalid_file_changes_nothing_and_is_told_once(
    changed: Callable[[Any], list[str]], document: Any, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    flush()
    capfdbinary.readouterr()  # what other tests have logged
    for asked in (document, None, None):
        assert changed(asked) == ["ehr"]
    flush()
    [line] = capfdbinary.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "clients-not-changed"
    assert "clients.json" in json.loads(line)["reason"] or "none.json" in json.loads(line)["reason"]
    assert changed(one(id="mended")) == ["mended"]
    flush()
    [line] = capfdbinary.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "clients-changed"


def test_a_file_that_is_gone_changes_nothing(
    changed: Callable[[Any], list[str]], path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path.unlink()
    assert [changed(None), changed(None)] == [["ehr"], ["ehr"]]
    flush()
    assert len(capfdbinary.readouterr().err.splitlines()) == 1
    assert changed(one(id="back")) == ["back"]


def test_a_change_that_leaves_length_and_time_as_they_were_is_seen(
    changed: Callable[[Any], list[str]], path: Path
) -> None:
    """As `cp -p` and rsync --inplace leave it: the inode has a time of its own."""
    found = path.stat()
    path.write_text(path.read_text().replace('"ehr"', '"her"'))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert path.stat().st_size == found.st_size
    assert changed(None) == ["her"]


def test_a_changed_key_file_is_read_again(path: Path, clock: Clock) -> None:
    document = one(jwt={"issuer": "https://ehr.example.org", "jwks-file": "keys.json"})
    write(path, document)
    file = ClientFile(path, now=clock)

    def kids() -> list[str]:
        clock.time += 1
        terms = file.current().clients[0].jwt
        assert terms is not None
        return list(terms.trust.keys)

    assert kids() == ["k1"]
    write(path.parent / "keys.json", jwks(jwk("P-384", kid="k2")).decode())
    assert kids() == ["k2"]
    write(path.parent / "keys.json", "{}")
    assert kids() == ["k2"]
    write(path.parent / "keys.json", jwks(jwk("P-384", kid="k3")).decode())
    assert kids() == ["k3"]


def test_a_missing_key_file_that_appears_later_is_read(path: Path, clock: Clock) -> None:
    write(path, one())
    file = ClientFile(path, now=clock)
    write(path, jwt(**{"jwks-file": "later.json"}))
    clock.time += 1
    assert file.current().clients[0].jwt.trust.keys == {}
    write(path.parent / "later.json", jwks(jwk("P-384")).decode())
    clock.time += 1
    assert list(file.current().clients[0].jwt.trust.keys) == ["k1"]


def test_while_one_thread_reads_the_others_go_on(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, one())
    file = ClientFile(path, now=clock)
    reading, done = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        reading.set()
        done.wait(60)
        return load_clients(*arguments)

    monkeypatch.setattr("cds_hooks.auth.registration_file.load_clients", slow)
    write(path, one(id="new"))
    clock.time += 1
    reader = threading.Thread(target=file.current)
    reader.start()
    assert reading.wait(60)
    clock.time += 1
    assert file.current().clients[0].id == "ehr"
    assert reader.is_alive()
    done.set()
    reader.join()
    assert file.current().clients[0].id == "new"


def test_a_file_written_in_place_within_the_same_second_is_seen(
    changed: Callable[[Any], list[str]], path: Path
) -> None:
    """By its length or its time in nanoseconds."""
    path.write_text(json.dumps(one(id="longer-id")))
    assert changed(None) == ["longer-id"]
    path.write_text(json.dumps(one(id="longer-ie")))
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))
    assert changed(None) == ["longer-ie"]
