"""The table of codes and payers says what the rules answer."""

import csv
import io
from datetime import date

from flask.testing import FlaskClient

from cds_hooks.console.policies.coverage_matrix import COLUMNS, ask, codes_in_force, write_csv
from cds_hooks.rules.loading import Rules
from tests.cds_hooks.console.conftest import words

ON = date(2026, 11, 23)


def cell(rules: Rules, code: str, payer: str, on: date = ON) -> str:
    [row] = [row for row in codes_in_force(rules, ON) if row.coding.code == code]
    return ask(row, next(one for one in rules.payers.payers if one.id == payer), on, rules).covered


def test_a_cell_is_what_the_payer_answers_about_the_code_alone(rules: Rules) -> None:
    assert cell(rules, "M0076", "medicare") == "not-covered"
    assert cell(rules, "20999", "medicare") == "conditional"
    assert cell(rules, "20610", "medicare") == ""


def test_a_cell_says_what_is_asked_of_prior_authorization_on_its_day(rules: Rules) -> None:
    """The code alone says no place: what depends on it is open."""
    medicare = next(one for one in rules.payers.payers if one.id == "medicare")

    def needed(code: str, on: date) -> str:
        [row] = [row for row in codes_in_force(rules, on) if row.coding.code == code]
        return ask(row, medicare, on, rules).pa_needed

    assert needed("K0856", ON) == "auth-needed"
    assert needed("63650", ON) == "conditional"
    assert needed("E0747", date(2024, 8, 27)) == "auth-needed"


def test_a_cell_is_of_its_day(rules: Rules) -> None:
    assert cell(rules, "M0076", "example-health-plan", date(2023, 5, 31)) == "not-covered"
    assert cell(rules, "M0076", "example-health-plan", date(2023, 5, 30)) == ""


def test_codes_that_name_a_service_come_first(rules: Rules) -> None:
    rows = codes_in_force(rules, ON)

    named = [bool(row.display) for row in rows]
    assert named == sorted(named, reverse=True)
    assert [row.coding.code for row in codes_in_force(rules, ON, ["cmm-204"])][:2] == ["M0076", "20550"]


def test_a_search_finds_codes_by_number_name_and_policy(rules: Rules) -> None:
    for text, found in (("m0076", 1), ("hcpcs prolotherapy", 1), ("cmm-204", 13), ("evicore", 13), ("nothing", 0)):
        assert len(codes_in_force(rules, ON, text.split())) == found


def test_the_file_has_a_line_for_each_answer(browser: FlaskClient) -> None:
    answer = browser.get("/console/coverage/table.csv?q=M0076&on=2023-05-30")

    assert answer.headers["Content-Disposition"] == "attachment; filename=coverage-2023-05-30.csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert tuple(rows[0]) == COLUMNS
    assert sorted(row["payer"] for row in rows) == ["example-blue-plan", "example-medicare-advantage", "medicare"]
    assert {row["covered"] for row in rows} == {"not-covered"}


def test_no_spreadsheet_takes_a_name_for_a_formula(rules: Rules) -> None:
    [row] = codes_in_force(rules, ON, ["m0076"])

    lines = list(write_csv([row._replace(display='=HYPERLINK("x")')], ON, rules))

    assert "'=HYPERLINK" in lines[1]
    assert ",=" not in lines[1]


def test_the_page_leads_from_a_cell_to_its_policy(browser: FlaskClient) -> None:
    page = browser.get("/console/coverage?on=2026-11-23&q=150.7").text

    assert "/console/policies/cms-ncd-150-7?on=2026-11-23" in page
    assert "13 codes on Nov 23, 2026" in words(page)


def test_a_day_before_any_policy_is_an_empty_page_and_a_wrong_one_is_today(browser: FlaskClient) -> None:
    assert "No code" in words(browser.get("/console/coverage?q=nothing").text)
    assert "on Nov 23, 2026" in words(browser.get("/console/coverage?on=soon").text)
