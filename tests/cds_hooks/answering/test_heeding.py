"""Where CRD_HEED_OVERRIDES says so, a card that was overridden with a reason is not shown again on order-select."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cds_hooks.app import create_app
from cds_hooks.settings import read_settings
from cds_hooks.store.database import connect
from cds_hooks.store.encryption import make_key
from cds_hooks.store.tables import OVERRIDES
from tests.cds_hooks.console.conftest import noon
from tests.cds_hooks.store.reading import calls
from tests.members import load_members

DAY = 86_400_000_000
SELECT, SIGN = "order-select", "order-sign"
REASON = {"reason": {"code": "patient-pays", "system": "https://plan.example.org/override-reasons", "display": "Pays"}}

Json = dict[str, Any]


class Clinic:
    """A service in this process, and a client of it."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.url = url
        self.app: Flask = create_app(read_settings(database_url=url, rate="none", reload=0, **settings), noon)
        self._client = self.app.test_client()

    def ask(self, call: Json, hook: str = SELECT) -> Json:
        answer = self._client.post(f"/cds-services/{hook}-crd", json={**call, "hook": hook})
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def override(
        self, card: str, hook: str = SELECT, reason: Json | None = REASON, outcome: str = "overridden"
    ) -> None:
        said = {"card": card, "outcome": outcome, "outcomeTimestamp": "2026-11-23T12:00:00Z"}
        report = {**said, "overrideReason": reason} if reason else said
        report |= {"acceptedSuggestions": [{"id": "s1"}]} if outcome == "accepted" else {}
        assert self._client.post(f"/cds-services/{hook}-crd/feedback", json={"feedback": [report]}).status_code == 200


@pytest.fixture(name="clinic")
def _clinic(tmp_path: Path) -> Iterator[Callable[..., Clinic]]:
    made: list[Clinic] = []

    def make(**settings: Any) -> Clinic:
        made.append(Clinic(f"sqlite:///{tmp_path}/crd.sqlite3", **settings))
        return made[-1]

    yield make
    for one in made:
        one.app.extensions["crd.recorder"].close()


@pytest.fixture(name="call")
def _call(example: Any) -> Json:
    """A call on order-select about an order that is not covered."""
    call: Json = example("m0076-order-sign")
    order = call["context"]["draftOrders"]["entry"][0]["resource"]
    return {**call, "context": {**call["context"], "selections": [f"{order['resourceType']}/{order['id']}"]}}


def order_of(call: Json) -> Json:
    order: Json = call["context"]["draftOrders"]["entry"][0]["resource"]
    return order


def changed(call: Json, **what: Any) -> Json:
    """Return a call whose order has other elements, or another id, which is selected."""
    other = copy.deepcopy(call)
    order_of(other).update(what)
    order = order_of(other)
    return {**other, "context": {**other["context"], "selections": [f"{order['resourceType']}/{order['id']}"]}}


def test_a_card_that_was_overridden_with_a_reason_is_not_shown_again(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    [card] = heeding.ask(call)["cards"]
    heeding.override(card["uuid"])

    assert heeding.ask(call)["cards"] == []
    assert heeding.ask(changed(call, id="another-id"))["cards"] == []  # the same content


def test_order_sign_shows_and_annotates_as_ever(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    before = heeding.ask(call, SIGN)
    heeding.override(heeding.ask(call)["cards"][0]["uuid"])
    after = heeding.ask(call, SIGN)

    assert after == before
    assert after["cards"]
    assert after["systemActions"]


def test_a_card_that_says_what_a_policy_would_answer_is_heeded_until_the_coverage_is_known(
    clinic: Any, call: Json, tmp_path: Path
) -> None:
    load_members(f"sqlite:///{tmp_path}/crd.sqlite3")
    heeding = clinic(heed_overrides=7, members="database")
    unsure = copy.deepcopy(call)
    del unsure["prefetch"]["coverage"]["entry"][0]["resource"]["subscriberId"]
    [card] = heeding.ask(unsure)["cards"]
    assert card["summary"].startswith("If this patient is covered by")
    heeding.override(card["uuid"])
    assert heeding.ask(unsure)["cards"] == []
    assert heeding.ask(call)["cards"]


def test_what_was_overridden_on_order_sign_is_not_shown_on_order_select(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    heeding.override(heeding.ask(call, SIGN)["cards"][0]["uuid"], SIGN)
    assert heeding.ask(call)["cards"] == []


def test_by_default_it_is_shown_again(clinic: Any, call: Json) -> None:
    plain = clinic()
    [card] = plain.ask(call)["cards"]
    plain.override(card["uuid"])
    assert plain.ask(call)["cards"] == [card]
    assert calls(plain.url)[0].summary.cards[0].about is None


@pytest.mark.parametrize(
    ("outcome", "reason"), [("overridden", None), ("overridden", {"userComment": "no"}), ("accepted", None)]
)
def test_without_a_reason_it_is_shown_again(clinic: Any, call: Json, outcome: str, reason: Json | None) -> None:
    heeding = clinic(heed_overrides=7)
    heeding.override(heeding.ask(call)["cards"][0]["uuid"], reason=reason, outcome=outcome)
    assert heeding.ask(call)["cards"]


def test_another_patient_content_or_server_is_shown_its_card(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    heeding.override(heeding.ask(call)["cards"][0]["uuid"])

    noted = changed(call, note=[{"text": "left knee"}])
    elsewhere = {**call, "fhirServer": "https://elsewhere.example.org/r4"}
    patient = call["context"]["patientId"]
    other = json.loads(json.dumps(call).replace(f"Patient/{patient}", "Patient/another"))
    other["context"]["patientId"] = "another"
    for asked in (noted, elsewhere, other):
        assert heeding.ask(asked)["cards"]
    assert heeding.ask(call)["cards"] == []


def test_after_the_days_it_is_shown_again(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    heeding.override(heeding.ask(call)["cards"][0]["uuid"])
    engine = connect(heeding.url)
    with engine.begin() as connection:
        connection.execute(sa.update(OVERRIDES).values(at=time.time_ns() // 1000 - 7 * DAY - 1))
    engine.dispose()
    assert heeding.ask(call)["cards"]


def test_it_is_said_in_the_trace_and_in_the_record(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7, trace="response")
    [card] = heeding.ask(call)["cards"]
    heeding.override(card["uuid"])
    steps = heeding.ask(call)["extension"]["crd-server.trace"]

    [[rule, found]] = steps[-1]["steps"]
    assert rule == "withheld"
    assert card["uuid"] in found
    assert "CRD_HEED_OVERRIDES is 7 days" in found
    [kept] = calls(heeding.url, most=1)
    assert [one.id for one in kept.summary.withheld] == [card["uuid"]]
    assert kept.summary.cards == ()


def test_a_card_withheld_takes_no_place_from_another(clinic: Any, call: Json) -> None:
    """max-cards counts what is shown."""
    heeding = clinic(heed_overrides=7)
    two = copy.deepcopy(call)
    [entry] = two["context"]["draftOrders"]["entry"]
    unknown = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "20999"}]}
    second = {**entry["resource"], "id": "second", "code": unknown}
    two["context"]["draftOrders"]["entry"].append({"resource": second})
    two["context"]["selections"].append("ServiceRequest/second")
    configuration = {"davinci-crd.configuration": {"max-cards": 1}}
    both = heeding.ask(two)["cards"]
    assert len(both) > 1
    heeding.override(both[0]["uuid"])

    [shown] = heeding.ask({**two, "extension": configuration})["cards"]
    assert shown["uuid"] == both[1]["uuid"]


def test_patient_and_order_are_kept_by_a_keyed_digest_alone(clinic: Any, call: Json, tmp_path: Path) -> None:
    """Another key, another digest; and the keys that were before are known, too."""
    keys = tmp_path / "keys"
    old = make_key()
    keys.write_text(old)
    first = clinic(heed_overrides=7, audit_keys=keys)
    first.override(first.ask(call)["cards"][0]["uuid"])
    keys.write_text(f"{make_key()}\n{old}")
    second = clinic(heed_overrides=7, audit_keys=keys)
    assert second.ask(call)["cards"] == []

    keys.write_text(make_key())
    third = clinic(heed_overrides=7, audit_keys=keys)
    assert third.ask(call)["cards"]


def test_where_the_store_cannot_tell_the_card_is_shown(clinic: Any, call: Json) -> None:
    heeding = clinic(heed_overrides=7)
    heeding.override(heeding.ask(call)["cards"][0]["uuid"])
    engine = connect(heeding.url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE overrides RENAME TO elsewhere"))
    engine.dispose()
    assert heeding.ask(call)["cards"]
