"""What users did with cards is kept, once each, with the policy that the card rests on (CDS Hooks, Feedback)."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cds_hooks.answering.recording import Recorder
from cds_hooks.settings import read_settings
from cds_hooks.store.calls import CARD, digest_of
from cds_hooks.store.database import connect
from cds_hooks.store.encryption import RecordCipher
from cds_hooks.store.feedback import Report, open_entry
from cds_hooks.store.tables import FEEDBACK
from tests.cds_hooks.store.reading import store_of

SIGN = "/cds-services/order-sign-crd"
FEEDBACK_URL = f"{SIGN}/feedback"


def report(card: str, **changed: Any) -> dict[str, Any]:
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z", **changed}


def kept(service: Any, card: str) -> list[Any]:
    engine = connect(store_of(service), each_alone=True)
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(FEEDBACK).where(FEEDBACK.c.card == digest_of(CARD, card)).order_by(FEEDBACK.c.id)
        ).all()
    engine.dispose()
    return list(rows)


@pytest.fixture(name="card")
def _card(service: Any, example: Any) -> str:
    return str(service.post(SIGN, example("m0076-order-sign")).json()["cards"][0]["uuid"])


def test_every_field_is_kept_and_tied_to_the_policy(service: Any, card: str) -> None:
    """HK-148: card, outcome, suggestions, reason, comment, time."""
    sent = report(
        card,
        overrideReason={
            "reason": {"code": "cds-not-applicable", "system": "http://example.org/reasons", "display": "Not so"},
            "userComment": "Ida Invented has had it before",
        },
        outcomeTimestamp="2026-11-23T12:00:01.52Z",
        extension={"of-the-client": 1},
    )
    answer = service.post(FEEDBACK_URL, {"feedback": [sent]})
    assert (answer.status_code, answer.content) == (200, b"")
    [row] = [row for row in kept(service, card) if row.reason]
    assert (row.outcome, row.reason, row.client) == ("overridden", "cds-not-applicable", "anonymous")
    assert row.policies == "evicore-cmm-204@2023-05-31"
    assert row.exchange is not None
    assert open_entry(row, RecordCipher()) == sent


def test_every_reason_that_a_card_offers_is_kept_by_its_code(service: Any, example: Any) -> None:
    """HK-98: the reasons are the payer's; feedback is counted by them."""
    sent = service.post(SIGN, example("m0076-order-sign")).json()["cards"][0]
    before = {row.id for row in kept(service, sent["uuid"])}
    reports = [report(sent["uuid"], overrideReason={"reason": reason}) for reason in sent["overrideReasons"]]

    assert service.post(FEEDBACK_URL, {"feedback": reports}).status_code == 200

    rows = [row for row in kept(service, sent["uuid"]) if row.id not in before]
    assert {row.reason for row in rows} == {reason["code"] for reason in sent["overrideReasons"]}
    assert "patient-pays" in {row.reason for row in rows}
    assert len(rows) == len(reports)


def test_an_accepted_card_names_its_suggestions(service: Any) -> None:
    """CDS Hooks 2.0, Feedback: acceptedSuggestions."""
    accepted = report("accepted-card", outcome="accepted", acceptedSuggestions=[{"id": "s1"}, {"id": "s2"}])
    assert service.post(FEEDBACK_URL, {"feedback": [accepted]}).status_code == 200
    [row] = kept(service, "accepted-card")
    assert open_entry(row, RecordCipher())["acceptedSuggestions"] == [{"id": "s1"}, {"id": "s2"}]


def test_a_report_counts_once_and_a_later_one_stands_beside_it(service: Any) -> None:
    """Clients repeat reports, and report one card several times."""
    first, later = report("c1"), report("c1", outcome="accepted", acceptedSuggestions=[])
    for body in ({"feedback": [first]}, {"feedback": [first, later]}, {"feedback": [later, first]}):
        assert service.post(FEEDBACK_URL, body).status_code == 200
    assert [row.outcome for row in kept(service, "c1")] == ["overridden", "accepted"]


def test_a_card_that_is_not_known_is_kept_and_answered_alike(service: Any, card: str) -> None:
    """Nobody learns by feedback which cards there are."""
    known = service.post(FEEDBACK_URL, {"feedback": [report(card, outcomeTimestamp="2026-11-23T13:00:00Z")]})
    unknown = service.post(FEEDBACK_URL, {"feedback": [report("not-a-card-of-ours")]})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    [row] = kept(service, "not-a-card-of-ours")
    assert (row.exchange, row.policies) == (None, "")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ({"reason": {"code": "our-own"}}, "our-own"),
        ({"code": "flat", "system": "http://example.org"}, "flat"),
        ({"reason": {"code": "Ida Invented, born 1971-04-02"}}, None),
        ({"userComment": "only words"}, None),
    ],
)
def test_reasons_of_clients_own_are_taken_and_only_codes_stand_in_the_clear(
    service: Any, reason: dict[str, Any], code: str | None
) -> None:
    """Unknown codes, a missing system, the form of before August 2020; comments may be about patients."""
    name = f"reason-{code}-{len(reason)}-{'userComment' in reason}"
    assert service.post(FEEDBACK_URL, {"feedback": [report(name, overrideReason=reason)]}).status_code == 200
    [row] = kept(service, name)
    assert row.reason == code


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "feedback"),
        ({"feedback": {}}, "feedback"),
        ({"feedback": [{"outcome": "overridden", "outcomeTimestamp": "2026-11-23T12:00:00Z"}]}, "feedback[0].card"),
        ({"feedback": [report("c", outcome="ignored")]}, "feedback[0].outcome"),
        ({"feedback": [report("c", outcome="accepted")]}, "feedback[0].acceptedSuggestions"),
        ({"feedback": [report("c", outcomeTimestamp="yesterday")]}, "feedback[0].outcomeTimestamp"),
        ({"feedback": [report("c", outcomeTimestamp="2026-13-32T12:00:00Z")]}, "feedback[0].outcomeTimestamp"),
        ({"feedback": [report("c" * 300)]}, "feedback[0].card"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(service: Any, body: dict[str, Any], path: str) -> None:
    answer = service.post(FEEDBACK_URL, body)
    assert answer.status_code == 400
    assert path in [issue["expression"][0] for issue in answer.json()["issue"]]
    assert "yesterday" not in answer.text


def test_a_bad_report_keeps_no_good_one_from_being_kept(service: Any) -> None:
    """HK-148: the good ones are kept, the bad ones named with their places."""
    batch = [report("good-1"), report("bad", outcome="ignored"), report("good-2"), 7]

    answer = service.post(FEEDBACK_URL, {"feedback": batch})

    assert answer.status_code == 200
    places = [issue["expression"][0] for issue in answer.json()["issue"]]
    assert places == ["feedback[1].outcome", "feedback[3]"]
    assert [len(kept(service, card)) for card in ("good-1", "bad", "good-2")] == [1, 0, 1]


def test_nothing_of_a_report_is_logged(service: Any) -> None:
    service.post(FEEDBACK_URL, {"feedback": [report("Loggedname", overrideReason={"userComment": "Loggedname"})]})
    assert "Loggedname" not in Path(service.log).read_text()


def test_feedback_on_a_service_that_is_not_there(service: Any) -> None:
    assert service.post("/cds-services/nobody/feedback", {"feedback": []}).status_code == 404


def test_no_feedback_is_kept_where_nothing_is_to_be_kept(start_service: Any) -> None:
    service = start_service(CRD_AUDIT="off")
    answer = service.post(FEEDBACK_URL, {"feedback": [report("c1")]})
    assert (answer.status_code, answer.content) == (200, b"")
    assert service.post(FEEDBACK_URL, {"feedback": [{}]}).status_code == 400
    assert kept(service, "c1") == []


def test_feedback_on_a_card_that_was_sent_again_means_the_newest_call(service: Any, example: Any) -> None:
    """A card keeps its uuid from call to call; the newest call of the client that it was sent in is meant."""
    calls = []
    for instance in ("first-call", "second-call"):
        request = {**example("m0076-order-sign"), "hookInstance": instance}
        (sent,) = service.post(SIGN, request).json()["cards"]
        calls.append(sent["uuid"])
        told = report(sent["uuid"], outcomeTimestamp=f"2026-11-23T14:0{len(calls)}:00Z")
        assert service.post(FEEDBACK_URL, {"feedback": [told]}).status_code == 200

    assert calls[0] == calls[1]
    earlier, later = kept(service, calls[0])[-2:]
    assert earlier.exchange != later.exchange
    assert later.exchange > earlier.exchange


def test_a_report_that_is_sent_again_is_not_new(tmp_path: Path) -> None:
    """Metrics count what is new."""
    recorder = Recorder(read_settings(database_url=f"sqlite:///{tmp_path}/crd.sqlite3"))
    once, other = (Report({"card": "c1", "outcome": outcome}, None, None) for outcome in ("accepted", "overridden"))
    assert recorder.keep_reports([once, once], 1, "north", "order-sign-crd") == [once]
    assert recorder.keep_reports([once, other], 2, "north", "order-sign-crd") == [other]
    assert recorder.keep_reports([once], 3, "south", "order-sign-crd") == [once]
