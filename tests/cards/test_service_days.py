"""The days an order's service is meant for, and which of them counts."""

from datetime import date
from typing import Any

import pytest

from cards import PayerChoice, SentCoverages, decide, find_paying, read_coverage, read_order
from cards.coverage import CoverageProblem
from cds_hooks.rules.loading import Rules

TODAY = date(2026, 11, 23)
FEBRUARY = date(2027, 2, 1), date(2027, 2, 28)


def day(text: str) -> tuple[date, date]:
    return date.fromisoformat(text), date.fromisoformat(text)


@pytest.mark.parametrize(
    ("members", "days"),
    [
        ({"occurrenceDateTime": "2027"}, (date(2027, 1, 1), date(2027, 12, 31))),
        ({"occurrenceDateTime": "2027-02"}, FEBRUARY),
        ({"occurrenceDateTime": "2027-02-15"}, day("2027-02-15")),
        ({"occurrenceDateTime": "2027-02-15T10:00:00"}, day("2027-02-15")),
        ({"occurrenceDateTime": "2027-02-15T10:00:00Z"}, day("2027-02-15")),
        ({"occurrenceDateTime": "2026-12-31T23:30:00-08:00"}, day("2026-12-31")),
        ({"occurrenceDateTime": "2027-01-01T00:30:00.123+14:00"}, day("2027-01-01")),
        ({"occurrencePeriod": {"start": "2027-02-15", "end": "2027-03"}}, day("2027-02-15")),
        ({"occurrencePeriod": {"start": "2027-02"}}, FEBRUARY),
        ({"occurrencePeriod": {"end": "2027-02"}}, day("2026-11-23")),
        ({"occurrenceTiming": {"event": ["2027-02-15T10:00:00Z"]}}, day("2027-02-15")),
        ({"occurrenceTiming": {"event": ["2027-03-15", "2027-02-15"]}}, day("2027-02-15")),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2027-02-15", "end": "2027-05-15"}, "frequency": 1}}}, day("2027-02-15")),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2027-02"}}}}, FEBRUARY),
        ({"occurrenceTiming": {"repeat": {"frequency": 1}}}, day("2026-11-23")),
        ({"dosageInstruction": [{"timing": {"event": ["2027-03-01"]}}, {"timing": {"repeat": {"boundsPeriod": {"start": "2027-02-15"}}}}]}, day("2027-02-15")),
        ({"dispenseRequest": {"validityPeriod": {"start": "2027-02-15", "end": "2028-02-15"}}}, day("2027-02-15")),
        ({"dosageInstruction": [{"timing": {"event": ["2027-03-01"]}}], "dispenseRequest": {"validityPeriod": {"start": "2027-02-15"}}}, day("2027-03-01")),
        ({"occurrenceDateTime": "2027-02-15", "dosageInstruction": [{"timing": {"event": ["2027-03-01"]}}]}, day("2027-02-15")),
        ({"start": "2027-02-15T09:00:00.000Z"}, day("2027-02-15")),
        ({"requestedPeriod": [{"start": "2027-02-15"}, {"start": "2027-01-01"}]}, day("2027-02-15")),
        ({"period": {"start": "2026-10-01"}}, day("2026-10-01")),
        ({"occurrenceDateTime": "2026-10-01"}, day("2026-10-01")),
        ({}, day("2026-11-23")),
    ],
)  # fmt: skip
def test_the_day_of_the_service(members: dict[str, Any], days: tuple[date, date], rules: Rules) -> None:
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)

    assert (order.day_of_service(TODAY), order.last_day_of_service(TODAY)) == days
    assert not order.faults


@pytest.mark.parametrize(
    "members",
    [
        {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2025-01-01"}}}}]},
        {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"start": "2025-01-01", "end": "2026-12"}}}}]},
        {"dispenseRequest": {"validityPeriod": {"start": "2026-11-01", "end": "2027-11-01"}}},
        {"occurrencePeriod": {"start": "2025"}},
    ],
)
def test_a_course_that_has_begun_is_judged_on_the_day_of_the_call(members: dict[str, Any], rules: Rules) -> None:
    order = read_order({"resourceType": "MedicationRequest", **members}, rules.vocabulary.code_systems)

    assert order.day_of_service(TODAY) == order.last_day_of_service(TODAY) == TODAY


def test_of_this_month_only_what_is_still_to_come_counts(rules: Rules) -> None:
    order = read_order(
        {"resourceType": "ServiceRequest", "occurrenceDateTime": "2026-11"}, rules.vocabulary.code_systems
    )

    assert (order.day_of_service(TODAY), order.last_day_of_service(TODAY)) == (TODAY, date(2026, 11, 30))


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"occurrenceDateTime": "2026-W01-1"}, "occurrenceDateTime"),
        ({"occurrenceDateTime": "2026-02-31"}, "occurrenceDateTime"),
        ({"occurrenceDateTime": "2026-13"}, "occurrenceDateTime"),
        ({"occurrenceDateTime": "0000"}, "occurrenceDateTime"),
        ({"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "soon"}}}}, "occurrenceTiming"),
        ({"dispenseRequest": {"validityPeriod": {"start": 2027}}}, "dispenseRequest.validityPeriod"),
        ({"dosageInstruction": [{"timing": {"event": ["later"]}}]}, "dosageInstruction[0].timing"),
    ],
)  # fmt: skip
def test_what_is_no_date_is_a_fault(members: dict[str, Any], path: str, rules: Rules) -> None:
    order = read_order({"resourceType": "MedicationRequest", **members}, rules.vocabulary.code_systems)

    assert [fault.path for fault in order.faults] == [f"MedicationRequest.{path}"]


def pay(members: dict[str, Any], rules: Rules, **periods: dict[str, str]) -> tuple[PayerChoice, ...]:
    """Return under whom an order is judged, of the coverages `old` (Example Health Plan) and `new` (Medicare)."""
    names = {"old": "Example Health Plan", "new": "Medicare"}
    coverages = [
        read_coverage({"resourceType": "Coverage", "id": name, "status": "active", "period": period, "payor": [{"display": names[name]}]})
        for name, period in periods.items()
    ]  # fmt: skip
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)
    sent, day = SentCoverages(tuple(coverages)), order.day_of_service(TODAY)
    return find_paying((), sent, rules.payers, day, order.last_day_of_service(TODAY))


def test_a_course_of_next_year_is_judged_under_the_plan_of_next_year(rules: Rules) -> None:
    bounds = {"occurrenceTiming": {"repeat": {"boundsPeriod": {"start": "2027-02-15"}}}}
    [paying] = pay(bounds, rules, old={"start": "2026-01-01", "end": "2026-12-31"}, new={"start": "2027-01-01"})

    assert paying.payer.name == "Medicare"


@pytest.mark.parametrize("date_", ["2027", "2027-02"])
def test_a_month_or_a_year_alone_lies_in_a_coverage_that_holds_all_of_it(date_: str, rules: Rules) -> None:
    [inside] = pay({"occurrenceDateTime": date_}, rules, new={"start": "2027-01-01", "end": "2027-12-31"})
    [outside] = pay({"occurrenceDateTime": date_}, rules, new={"start": "2027-01-01", "end": "2027-02-27"})
    [within] = pay({"occurrenceDateTime": date_}, rules, new={"start": "2027-02-02", "end": "2027-02-27"})
    [before] = pay({"occurrenceDateTime": date_}, rules, new={"start": "2026-01-01", "end": "2026-12-31"})

    assert inside.problem is None
    assert outside.problem is within.problem is CoverageProblem.UNSURE_DAY
    assert before.problem is CoverageProblem.INACTIVE


def test_a_policy_counts_as_it_stands_on_the_day_of_the_service(rules: Rules) -> None:
    code = {"coding": [{"system": "HCPCS", "code": "M0076"}]}
    order = read_order(
        {"resourceType": "ServiceRequest", "code": code, "occurrenceDateTime": "2023-05"}, rules.vocabulary.code_systems
    )
    payer = next(payer for payer in rules.payers.payers if payer.name == "Example Health Plan")
    decision = decide(order, PayerChoice(None, payer, payer_is_known=True), rules.index, TODAY)

    assert decision is not None
    assert decision.findings == ()  # in force from 2023-05-31
