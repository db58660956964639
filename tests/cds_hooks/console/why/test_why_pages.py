"""Why an order is answered as it is: the steps of the decision, and the words it rests on marked where they stand."""

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from cards import CoverageOutcome, CoverageProblem, PayerChoice, read_order
from cards.matching.match import Span
from cards.policy import Covered
from cds_hooks.answering.trace import Explanation, explain_order
from cds_hooks.console.why.reasoning import tell_why
from cds_hooks.rules.loading import Rules
from tests.cds_hooks.console.conftest import carried, send, words

ON = date(2026, 11, 23)


def explanation(rules: Rules, **order: Any) -> Explanation:
    read = read_order({"resourceType": "ServiceRequest", "id": "o", **order}, rules.vocabulary.code_systems)
    return explain_order(read, PayerChoice(None, rules.payers.default, payer_is_known=True), rules, ON)


def test_the_deciding_words_are_marked_where_they_stand(browser: FlaskClient) -> None:
    page = send(browser, "/console/why", text="Dextrose prolotherapy, left SI joint")

    assert '<blockquote>Dextrose <mark class="decides">prolotherapy</mark>, left SI joint</blockquote>' in page
    assert "Not covered" in words(page)
    assert "V1.0.2023, in force from 2023-05-31" in words(page)
    assert "This version holds from May 31, 2023" in words(page)


def test_a_coverage_that_the_payer_knows_not_is_no_coverage_that_cannot_be_told(rules: Rules) -> None:
    """Both beside each other would say two things: not covered, and not known."""
    read = read_order({"resourceType": "ServiceRequest", "id": "o"}, rules.vocabulary.code_systems)
    paying = PayerChoice(None, rules.payers.default, True, CoverageProblem.NO_MEMBER)
    outcome = CoverageOutcome(annotation=Covered.NOT_COVERED, reason="Member not found.")

    why = tell_why(explain_order(read, paying, rules, ON, outcome), ON)

    assert (why.covered, why.basis) == ("not-covered", "the payer has no member with the ids that were sent")


def test_what_a_policy_would_say_is_told_from_what_is_said(browser: FlaskClient) -> None:
    likely = words(send(browser, "/console/why", text="Dextrose injection, left knee"))
    sure = words(send(browser, "/console/why", code="M0076"))

    assert "If the order is for this service: Not covered" in likely
    assert "Deciding words “Dextrose” in ServiceRequest.code.text" in likely
    assert "If the order is for this service" not in sure


def test_a_code_that_decides_is_marked(browser: FlaskClient) -> None:
    assert '<mark class="decides">HCPCS M0076</mark>' in send(browser, "/console/why", code="M0076")


def test_what_was_ruled_out_is_said_with_its_rule(browser: FlaskClient) -> None:
    page = words(send(browser, "/console/why", code="CPT 73721", note="Follow-up after prolotherapy"))

    assert "Ruled out the code 73721 (CPT) names another service" in page


def test_a_call_that_was_sent_is_told_as_it_was_sent(browser: FlaskClient) -> None:
    tried = send(browser, "/", code="HCPCS M0076", text="Right knee", on="2023-05-30")

    page = words(send(browser, "/console/why", call=carried(tried)))

    assert "service on May 30, 2023" in page
    assert "evicore-cmm-204: no version in force on 2023-05-30" in page


def test_an_order_cannot_write_into_the_page(browser: FlaskClient) -> None:
    page = send(browser, "/console/why", text="<script>alert(1)</script> prolotherapy")
    marked = send(browser, "/console/why", text="<b onclick=x>knee</b> prolotherapy")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert '&lt;/b&gt; <mark class="decides">prolotherapy</mark>' in marked


def with_spans(told: Explanation, *spans: tuple[str, int, int]) -> Explanation:
    """Return an explanation whose decision rests on other characters of the order."""
    assert told.decision
    [finding] = told.decision.findings
    finding = finding._replace(deciding=tuple(Span(*span) for span in spans))
    return told._replace(decision=told.decision._replace(findings=(finding,)))


def test_the_characters_that_decided_are_marked_in_their_element_alone(rules: Rules) -> None:
    code = {"coding": [{"system": "HCPCS", "code": "M0076"}], "text": "Injection, see note"}
    told = explanation(rules, code=code, note=[{"text": "hold the order, hold it"}])
    note = "ServiceRequest.note[0].text"
    told = with_spans(told, (note, 0, 4), (note, 2, 14), ("elsewhere", 0, 3))

    [name, noted] = tell_why(told, ON).texts

    assert name.pieces == (("Injection, see note", ""),)
    assert noted.pieces == (("hold the order", "decides"), (", hold it", ""))


@pytest.mark.parametrize("span", [(-3, 4), (2, 2), (5, 1), (90, 99), (0, 400)])
def test_a_span_beyond_its_text_loses_no_letter(rules: Rules, span: tuple[int, int]) -> None:
    code = {"coding": [{"system": "HCPCS", "code": "M0076"}], "text": "Knee brace"}

    [text] = tell_why(with_spans(explanation(rules, code=code), ("ServiceRequest.code.text", *span)), ON).texts

    assert "".join(piece for piece, _ in text.pieces) == "Knee brace"


def test_the_clause_that_leaves_a_doubt_is_marked_around_the_words(rules: Rules) -> None:
    told = explanation(rules, code={"text": "Injection"}, note=[{"text": "No prolotherapy in the past"}])

    [_, note] = tell_why(told, ON).texts

    assert note.pieces == (("No ", "doubt"), ("prolotherapy", "decides"), (" in the past", "doubt"))


def test_words_that_name_the_service_elsewhere_are_told_from_those_that_decide(rules: Rules) -> None:
    told = explanation(rules, code={"text": "Prolotherapy"}, note=[{"text": "Previously had prolo."}])

    [name, note] = tell_why(told, ON).texts

    assert name.pieces == (("Prolotherapy", "decides"),)
    assert note.pieces == (("Previously had ", ""), ("prolo", "named"), (".", ""))


def test_each_policy_is_told_with_the_rules_it_was_asked_by(rules: Rules) -> None:
    payer = next(payer for payer in rules.payers.payers if payer.id == "example-medicare-advantage")
    read = read_order(
        {"resourceType": "ServiceRequest", "id": "o", "code": {"text": "Prolotherapy"}}, rules.vocabulary.code_systems
    )
    told = tell_why(explain_order(read, PayerChoice(None, payer, payer_is_known=True), rules, ON), ON)

    assert [policy.citation.split(",")[0] for policy in told.asked] == ["Medicare (CMS)", "eviCore healthcare"]
    assert all(policy.is_match and policy.steps[-1].rule == "match" for policy in told.asked)
    assert [step.rule for step in told.first] == ["payer"]


def test_an_order_that_asks_for_nothing_has_no_answer(rules: Rules) -> None:
    told = tell_why(explanation(rules, code={"text": "Prolotherapy"}, status="revoked"), ON)

    assert told.covered is None
    assert [step.rule for step in (*told.first, *told.last)] == ["payer", "ruled out"]


def test_why_shows_by_whom_and_where_as_the_order_says_it(browser: FlaskClient) -> None:
    page = words(send(browser, "/console/why", code="CPT 71260", ordered_by="2000000002", place="22"))

    assert "Place of service 22 Ordered by NPI 2000000002" in page
    assert "Performed by NPI" not in page
    assert "depends on who orders it: who orders it -> covered, no-auth" in page


def test_a_mistyped_npi_is_said_before_why(browser: FlaskClient) -> None:
    assert "An NPI has ten digits" in send(browser, "/console/why", code="CPT 71260", ordered_by="Dr. Gold")
