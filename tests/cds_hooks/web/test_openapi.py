"""The OpenAPI document that the service publishes: what it says is what the service is."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from cds_hooks import create_app
from cds_hooks.errors import HTTP_STATUS
from cds_hooks.hooks.services import SERVICES
from cds_hooks.settings import Settings, read_settings
from cds_hooks.web.openapi import build_document
from tests.conftest import ROOT


def document(**settings: Any) -> dict[str, Any]:
    return json.loads(build_document(read_settings(**settings)))


def refs(node: Any) -> set[str]:
    """Return every reference in a document."""
    if isinstance(node, list):
        return set().union(*map(refs, node))
    if not isinstance(node, dict):
        return set()
    mine = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return mine.union(*map(refs, node.values()))


def test_the_service_publishes_it(service: Any) -> None:
    response = requests.get(f"{service.base}/openapi.json", timeout=60)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == document()


def test_every_url_rule_of_the_application_is_in_it_and_nothing_else(tmp_path: Path) -> None:
    own = read_settings(database_url=f"sqlite:///{tmp_path}/crd.sqlite3")
    rules = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in create_app(own).url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, item in document()["paths"].items() for method in item} == rules


@pytest.mark.parametrize("auth", ["none", "cds-hooks-jwt", "oauth2,none"])
def test_it_is_a_valid_document_of_openapi_3_1(auth: str) -> None:
    found = document(auth=auth, discovery="closed")

    assert [(str(fault.instance_path), fault.message) for fault in OPENAPI_31_VALIDATOR.iter_errors(found)] == []
    for schema in found["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_path_names_its_parameters_and_no_others() -> None:
    for path, item in document()["paths"].items():
        named = [parameter["name"] for parameter in (item.get("post") or item["get"]).get("parameters", ())]
        assert named == re.findall(r"{(.+?)}", path), path


def test_every_reference_in_it_leads_somewhere() -> None:
    found = document()

    for reference in refs(found):
        node = found
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_no_two_schema_files_define_the_same_name() -> None:
    names = [
        name
        for kind in ("hook-request", "hook-response", "service-response", "feedback")
        for name in json.loads((ROOT / "cds_hooks" / "schemas" / f"{kind}.schema.json").read_text())["$defs"]
    ]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_a_call_may_end_in_every_status_of_the_table_of_errors(service: Any) -> None:
    responses = document(auth="cds-hooks-jwt")["paths"][f"/cds-services/{service.id}"]["post"]["responses"]

    assert {int(status) for status in responses} == {200, *HTTP_STATUS.values()} - {404, 405}
    assert "content" not in responses["401"]
    assert responses["400"]["content"]["application/json"]["schema"]["$ref"].endswith("/operation-outcome")


@pytest.mark.parametrize(
    ("settings", "path", "security"),
    [
        ({"auth": "none"}, "/cds-services/order-sign-crd", []),
        ({"auth": "cds-hooks-jwt"}, "/cds-services/order-sign-crd", [{"bearer": []}]),
        ({"auth": "oauth2,none"}, "/cds-services/order-sign-crd", [{"bearer": []}, {}]),
        ({"auth": "cds-hooks-jwt"}, "/cds-services", []),
        ({"auth": "cds-hooks-jwt", "discovery": "closed"}, "/cds-services", [{"bearer": []}]),
        ({"auth": "cds-hooks-jwt", "discovery": "closed"}, "/openapi.json", [{"bearer": []}]),
        ({"auth": "cds-hooks-jwt", "discovery": "closed"}, "/health", []),
    ],
)
def test_it_says_where_a_token_is_asked_for(settings: Any, path: str, security: Any) -> None:
    """HK-195; D-6: discovery may be left open."""
    found = document(**settings)

    [operation] = found["paths"][path].values()
    assert operation["security"] == security
    assert ("401" in operation["responses"]) == bool(security)
    assert ("securitySchemes" in found["components"]) == (settings["auth"] != "none")


def test_its_server_is_the_url_that_clients_call() -> None:
    assert document(public_base_url="https://payer.example.com/crd/")["servers"] == [
        {"url": "https://payer.example.com/crd"}
    ]


def test_it_is_the_same_for_every_version_of_crd() -> None:
    versions = [Settings.model_validate({"default_version": version}) for version in ("2.0", "2.1", "2.2")]

    assert len({build_document(settings) for settings in versions}) == 1


REPORT = {"card": "4e0a3a1e", "outcome": "overridden", "outcomeTimestamp": "2020-12-11T00:00:00Z"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"outcome": "accepted", "acceptedSuggestions": [{"id": "e56e1945"}]},
        {"outcomeTimestamp": "1985-04-12T23:20:50.52+01:00"},
        {"overrideReason": {"reason": {"code": "our-own", "system": "https://ehr.example.org/reasons"}}},
        {"overrideReason": {"reason": {"code": "no-system"}, "userComment": "text"}},
        {"overrideReason": {"userComment": "text"}},
        {"overrideReason": {"code": "flat", "system": "https://ehr.example.org/reasons"}},
        {"extension": {}, "unknown": 1},
    ],
)
def test_feedback_as_clients_send_it_fits_its_schema(change: Any) -> None:
    """cds-hooks.md 6.1 and 6.2: what a client must send, and what is to be tolerated."""
    assert is_feedback({"feedback": [{**REPORT, **change}]})


@pytest.mark.parametrize(
    "change",
    [
        {"card": ""},
        {"card": "x" * 201},
        {"card": None},
        {"outcome": "ignored"},
        {"outcome": "accepted"},
        {"outcome": "accepted", "acceptedSuggestions": None},
        {"acceptedSuggestions": ["e56e1945"]},
        {"acceptedSuggestions": [{"id": "x"}] * 101},
        {"overrideReason": {}},
        {"overrideReason": "text"},
        {"overrideReason": {"userComment": "x" * 10001}},
        {"outcomeTimestamp": "2020-12-11"},
    ],
)
def test_other_feedback_does_not(change: Any) -> None:
    assert not is_feedback({"feedback": [{**REPORT, **change}]})


def test_there_is_a_limit_to_how_much_feedback_comes_at_once() -> None:
    assert is_feedback({"feedback": []})
    assert is_feedback({"feedback": [REPORT] * 1000})
    assert not is_feedback({"feedback": [REPORT] * 1001})


def is_feedback(body: Any) -> bool:
    """Tell whether a batch of reports is one, and each of them a report."""
    schema = json.loads((ROOT / "cds_hooks" / "schemas" / "feedback.schema.json").read_text())
    report = jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/report"})
    return jsonschema.Draft202012Validator(schema).is_valid(body) and all(map(report.is_valid, body["feedback"]))
