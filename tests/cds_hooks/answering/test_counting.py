"""What a service does is counted beside its records, whoever is refused too; and not where the setting is off."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cds_hooks.app import create_app
from cds_hooks.settings import read_settings
from cds_hooks.store.database import connect
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.recount import Recount
from cds_hooks.store.tables import EXCHANGES, FACTS
from tests.cds_hooks.console.conftest import noon
from tests.cds_hooks.store.reading import calls
from tests.conftest import ROOT
from tests.members import load_members

Start = Callable[..., Flask]
SIGN = "/cds-services/order-sign-crd"


@pytest.fixture(name="url")
def _url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/crd.sqlite3"


@pytest.fixture(name="start")
def _start(url: str) -> Iterator[Start]:
    made: list[Flask] = []

    def start(**settings: Any) -> Flask:
        made.append(create_app(read_settings(database_url=url, rate="none", reload=0, **settings), noon))
        return made[-1]

    yield start
    for app in made:
        app.extensions["crd.recorder"].close()


def facts(app: Flask, url: str) -> set[tuple[Any, ...]]:
    """Return the facts once the service has stopped: kind, policy, what, why and count."""
    app.extensions["crd.recorder"].close()
    engine = connect(url, each_alone=True)
    columns = [FACTS.c[name] for name in ("kind", "client", "policy", "what", "count")]
    with engine.connect() as connection:
        found = {tuple(row) for row in connection.execute(sa.select(*columns))}
    engine.dispose()
    return found


def test_a_call_and_its_feedback_are_counted(start: Start, url: str, example: Any) -> None:
    app = start()
    client = app.test_client()
    request = example("m0076-order-sign")
    [card] = client.post(SIGN, json=request).json["cards"]
    client.post(SIGN, json={**request, "prefetch": {}, "fhirServer": None})
    client.post(SIGN, json={})
    reason = {"reason": {"code": "patient-pays", "system": "https://plan.example.org/reasons"}}
    report = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}
    client.post(f"{SIGN}/feedback", json={"feedback": [{**report, "overrideReason": reason}]})
    client.post(SIGN, json=request)

    found = facts(app, url)
    policy = "evicore-cmm-204"
    assert {
        ("answer", "anonymous", policy, "not-covered", 2),
        ("card", "anonymous", policy, "shown", 2),
        ("feedback", "anonymous", policy, "overridden", 1),
        ("repeat", "anonymous", policy, "", 1),
        ("left-out", "anonymous", "", "coverage", 2),
    } <= found
    counted = {(what, count) for kind, _, _, what, count in found if kind == "call"}
    assert {what for what, _ in counted} == {"answered", "refused"}
    assert sum(count for _, count in counted) == 4


def test_a_card_that_says_what_a_policy_would_answer_counts_for_it_and_the_answer_does_not(
    start: Start, url: str, example: Any
) -> None:
    """Whom the payer insures is asked, and the Coverage has no id to ask by: the answer is not the policy's."""
    load_members(url)
    app = start(members="database")
    client = app.test_client()
    card = client.post(SIGN, json=without_member_id(example("m0076-order-sign"))).json["cards"][0]
    assert card["summary"].startswith("If this patient is covered by")
    report = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}
    client.post(f"{SIGN}/feedback", json={"feedback": [report]})

    found = facts(app, url)
    policy = "evicore-cmm-204"
    assert {
        ("answer", "anonymous", "", "conditional", 1),
        ("card", "anonymous", policy, "shown", 1),
        ("feedback", "anonymous", policy, "overridden", 1),
    } <= found
    assert "authorization" not in {kind for kind, *_ in found}
    summary = calls(url)[0].summary
    assert summary
    [decision] = summary.decisions
    assert decision.supposed
    assert [one.version for one in decision.policies] == list(summary.cards[0].policies)
    assert decision.policies[0].version.startswith(policy)
    recount(url)
    assert facts(app, url) == found


def without_member_id(request: dict[str, Any]) -> dict[str, Any]:
    """Return a call whose Coverage has no id of the member."""
    coverage = request["prefetch"]["coverage"]["entry"][0]["resource"]
    del coverage["subscriberId"]
    return request


def test_refused_tokens_are_counted_by_cause(start: Start, url: str, tmp_path: Path) -> None:
    jwt = {"issuer": "https://ehr.example.org", "jku": ["https://ehr.example.org/jwks"], "algorithms": ["ES384"]}
    clients = tmp_path / "clients.json"
    clients.write_text(json.dumps({"clients": [{"id": "example", "jwt": jwt}]}))
    app = start(auth="cds-hooks-jwt", clients=clients, public_base_url="https://plan.example.org")
    for authorization in ({}, {}, {"Authorization": "Bearer nonsense"}):
        assert app.test_client().post(SIGN, json={}, headers=authorization).status_code == 401

    counts = {what: count for kind, _, _, what, count in facts(app, url) if kind == "refusal"}
    assert sorted(counts.values()) == [1, 2]


def test_nothing_is_counted_where_the_setting_is_off(start: Start, url: str, example: Any) -> None:
    app = start(facts="off")
    app.test_client().post(SIGN, json=example("m0076-order-sign"))
    assert facts(app, url) == set()


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_what_is_said_of_prior_authorization_is_counted_and_comes_to_the_same_anew(
    start: Start, url: str, version: str
) -> None:
    """Anew also from records of a version that did not note it: from the coverage information of their answers."""
    path = ROOT / "fhir_examples" / "example-coverage-guide" / f"every-answer-{version}" / "request.json"
    app = start()
    answer = app.test_client().post(SIGN, json=json.loads(path.read_bytes())).json

    said = Counter(pa_needed for action in answer["systemActions"] for pa_needed in read_pa_needed(action))
    assert {"auth-needed", "no-auth"} <= set(said)
    app.extensions["crd.recorder"].close()
    assert authorizations(url) == said
    forget_pa_needed(url)
    assert authorizations(url) == Counter()
    recount(url)
    assert authorizations(url) == said


def read_pa_needed(action: dict[str, Any]) -> Iterator[str]:
    """Yield what an order's coverage information says of authorization, where it is covered or may be."""
    for extension in action["resource"]["extension"]:
        codes = {part["url"]: part.get("valueCode") for part in extension.get("extension", ())}
        if codes.get("covered") in ("covered", "conditional"):
            yield codes.get("pa-needed") or "conditional"


def forget_pa_needed(url: str) -> None:
    """Leave calls and facts as a version would have that did not note what is said of prior authorization."""
    engine, cipher = connect(url), RecordCipher()
    with engine.begin() as connection:
        for row in connection.execute(sa.select(EXCHANGES.c.id, EXCHANGES.c.summary)).all():
            summary = json.loads(cipher.open(row.summary, row.id + b"summary"))
            for decision in summary["decisions"]:
                decision.pop("pa_needed", None)
            [sealed] = cipher.seal([(json.dumps(summary).encode(), row.id + b"summary")])
            connection.execute(sa.update(EXCHANGES).where(EXCHANGES.c.id == row.id), {"summary": sealed})
        connection.execute(sa.delete(FACTS).where(FACTS.c.kind == "authorization"))
    engine.dispose()


def recount(url: str) -> None:
    engine, reading = connect(url), connect(url, each_alone=True)
    list(Recount(engine, reading, RecordCipher(), "UTC", {}).run(None, datetime.now(UTC).date()))
    engine.dispose()
    reading.dispose()


def authorizations(url: str) -> Counter[str]:
    engine = connect(url, each_alone=True)
    found = Counter[str]()
    with engine.connect() as connection:
        query = sa.select(FACTS.c.what, FACTS.c.count)
        for what, count in connection.execute(query.where(FACTS.c.kind == "authorization")):
            found[what] += count
    engine.dispose()
    return found
