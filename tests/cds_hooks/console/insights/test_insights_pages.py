"""Insights: the figures are those of the facts, and a call is opened by an operator, for a reason that is kept."""

import re
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from cds_hooks.store.tables import ACCESSES
from tests.cds_hooks.console.operating import INSIGHTS, Operating, operating, post, words
from tests.cds_hooks.store.reading import calls
from tests.fact_samples import LONG_CLIENT, OLD, OTHER_PLAN, PLAN, PROLOTHERAPY, seed_facts
from tests.running_service import TODAY

SIGN = "/cds-services/order-sign-crd"
OPEN = f"{INSIGHTS}/call"


@pytest.fixture(scope="module", name="console")
def _console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operating]:
    with operating(tmp_path_factory.mktemp("insights")) as made:
        seed_facts(str(made.settings.database_url), TODAY)
        yield made


@pytest.fixture(scope="module", name="alice")
def _alice(console: Operating) -> FlaskClient:
    """The browser of an operator, who logs in once: logins are limited."""
    return console.browser("alice")


@pytest.fixture(scope="module", name="figures")
def _figures(console: Operating) -> Any:
    """Read the page of a choice, as its words."""
    browser = console.browser("rita")

    def read(**choice: Any) -> str:
        answer = browser.get(INSIGHTS, query_string=choice)
        assert answer.status_code == 200
        return words(answer.text)

    return read


def test_the_tiles_add_up_what_happened(figures: Any) -> None:
    """28 days of 100 calls of one client, and 40 to 13 of the other."""
    said = figures()
    others = sum(40 - number for number in range(28))
    assert f"{28 * 100 + others:,} calls" in said
    assert f"{28 * 105:,} answers on orders" in said
    assert "1,540 cards shown 280 overridden 18 % of cards 112 came again after that 56 withheld after that" in said


def test_fewer_days_have_less(figures: Any) -> None:
    assert "959 calls 735 answers on orders" in figures(days=7)
    assert "140 calls 105 answers on orders" in figures(days=1)
    assert figures(days=5) == figures()  # what the form does not offer


def test_the_speed_of_each_hook_is_held_against_the_guide(figures: Any) -> None:
    """CRD, Performance Standards: 90 % within 5 seconds."""
    said = figures(days=1)
    assert "order-sign 98 97 % yes 25 ms 100 ms 40 ms" in said
    assert "order-select 40 0 % no over 10 s over 10 s 10.5 s" in said


def test_policies_payers_and_clients_say_whether_they_are_heeded(figures: Any) -> None:
    said = figures(days=1)
    row = "50 Covered 0, Conditional 10, Not covered 40, Cannot be told 0 50 10 20 % 0 4 0"
    assert f"Prolotherapy {row}" in said or f"{row}" in said
    assert f"{OLD} 7 Covered 0, Conditional 0, Not covered 7, Cannot be told 0 5 0 1 0 2" in said
    assert f"{LONG_CLIENT} 7 Covered 0" in said
    assert "No policy gave the answer 28" in said
    assert "Not known 5" in said


def test_reasons_bases_prefetch_and_tokens_are_named(figures: Any) -> None:
    said = figures(days=1)
    assert "The patient knows and pays privately 6 60 %" in said
    assert "The order is for another service or purpose 3 30 % No reason given 1 10 %" in said
    assert "A policy in force 77 73 %" in said
    assert "north order-sign coverage 25 25 %" in said
    assert "no-token nobody known 3 expired north 1" in said


def test_what_was_said_of_prior_authorization_is_shown_by_policy_payer_and_day(figures: Any) -> None:
    """Of two conditional answers a day nobody noted it, since an older version gave them."""
    said = figures(days=1)
    assert "Said of prior authorization 28 " in said
    assert "Policy Which Needed Performer asks Depends On file Not needed 2.01.26: Prolotherapy " in said
    assert "9 45 % 2 10 % 0 3 15 % 6 30 % " in said
    assert "0 0 8 0 0 " in said
    assert "Of 2 answers from before this was counted" in said
    assert "Of 14 answers from before" in figures(days=7)
    assert "Said of prior authorization 140 " in figures(days=7, payer=OTHER_PLAN)
    assert "from before this was counted" not in figures(days=7, payer=OTHER_PLAN)
    assert "Nothing was said of it" in figures(days=1, client=LONG_CLIENT)


def test_a_choice_counts_for_all_that_has_it(figures: Any) -> None:
    said = figures(days=1, policy=PROLOTHERAPY)
    assert "50 answers on orders 50 cards shown 10 overridden" in said
    assert "they are shown for all" in said
    assert "140 calls" in said
    assert "40 calls 7 answers on orders 5 cards shown 0 overridden" in figures(days=1, client=LONG_CLIENT)
    assert "80 answers on orders" in figures(days=1, payer=PLAN)
    assert "0 answers on orders" in figures(days=1, policy="nobody's <b>")


def test_the_chart_has_a_table_of_the_same_figures(console: Operating) -> None:
    page = console.browser("rita").get(INSIGHTS, query_string={"days": 7}).text
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th><td>(\d+)</td><td>(\d+)</td><td>(\d+)</td></tr>', page)
    assert rows[:2] == [("Nov 23, 2026", "138", "2", "0"), ("Nov 22, 2026", "137", "2", "0")]
    titles = re.findall(r"<title>(Nov [^<]+)</title>", page)
    assert len(titles) == 4 * 7
    assert [titles[number] for number in (0, 6, 13)] == [
        "Nov 17, 2026: 132 answered, 2 refused",
        "Nov 23, 2026: 138 answered, 2 refused",
        "Nov 23, 2026: 20 covered, 38 conditional, 47 not covered",
    ]


def test_a_year_is_shown_by_weeks(figures: Any) -> None:
    said = figures(days=364)
    assert "by week" in said
    assert f"{28 * 105:,} answers on orders" in said


def test_nothing_that_anybody_wrote_is_markup(console: Operating) -> None:
    page = console.browser("rita").get(INSIGHTS, query_string={"client": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page
    assert "style=" not in page


def test_where_nothing_happened_it_says_what_to_do(tmp_path: Path) -> None:
    with operating(tmp_path) as made:
        browser = made.browser("rita")
        assert "counted some two seconds after it was answered" in words(browser.get(INSIGHTS).text)
        seed_facts(str(made.settings.database_url), date(2026, 6, 1), days=1)
        assert "The last day with an answer is Jun 1, 2026. Choose more days" in words(browser.get(INSIGHTS).text)
    with operating(tmp_path, facts="off", console_key="k") as made:
        page = made.browser("rita").get(INSIGHTS, query_string={"days": 1}).text
        assert "CRD_FACTS is off" in page


def ask(console: Operating, request: dict[str, Any]) -> dict[str, Any]:
    answer = console.service.test_client().post(SIGN, json=request)
    assert answer.status_code == 200
    return dict(answer.json or {})


def accesses(console: Operating) -> list[tuple[Any, ...]]:
    query = sa.select(ACCESSES.c.actor, ACCESSES.c.action, ACCESSES.c.exchange, ACCESSES.c.reason)
    with console.parts.records.reading.connect() as connection:
        rows = connection.execute(query.where(ACCESSES.c.action == "show").order_by(ACCESSES.c.id)).all()
    return [tuple(row) for row in rows]


def test_an_operator_opens_a_call_by_its_assertion_and_that_is_on_record(console: Operating, example: Any) -> None:
    answer = ask(console, example("m0076-order-sign"))
    assertion = re.search(r'coverage-assertion-id", "valueString": "([^"]+)"', str(answer).replace("'", '"'))
    assert assertion
    before = accesses(console)
    [kept] = calls(str(console.settings.database_url), assertion=assertion[1])

    page = post(console.browser("alice"), OPEN, number=f" {assertion[1]} ", reason="appeal 4711")
    assert page.status_code == 200
    said = words(page.text)
    assert "you opened this call for the reason “appeal 4711”" in said
    assert "ServiceRequest/prolo-1 Not covered" in said
    assert "evicore-cmm-204@2023-05-31" in said
    assert "Prolotherapy (M0076) is not covered: considered investigational warning" in said
    assert "Nothing was said of it." in said
    assert '"draftOrders"' in said
    assert accesses(console) == [*before, ("alice", "show", kept.id, "appeal 4711")]


def test_an_operator_opens_one_call_of_several_by_its_own_id(
    console: Operating, alice: FlaskClient, example: Any
) -> None:
    """The id is the one that `crd audit find` prints; it names one call even where its card names several."""
    request = example("m0076-order-sign")
    for _ in range(2):
        [card] = ask(console, request)["cards"]
    kept = calls(str(console.settings.database_url), card=card["uuid"])[-1]
    before, number = accesses(console), str(uuid.UUID(bytes=kept.id))

    assert post(alice, OPEN, number=number, reason="").status_code == 400
    assert accesses(console) == before
    page = post(alice, OPEN, number=f" {number} ", reason="appeal 4712")
    assert page.status_code == 200
    assert "you opened this call for the reason “appeal 4712”" in words(page.text)
    assert accesses(console) == [*before, ("alice", "show", kept.id, "appeal 4712")]


def test_a_card_of_several_calls_lets_choose(console: Operating, example: Any) -> None:
    request = example("m0076-order-sign")
    for _ in range(2):
        [card] = ask(console, request)["cards"]
    before = accesses(console)
    alice = console.browser("alice")
    page = post(alice, OPEN, number=card["uuid"], reason="appeal 4711").text
    found = re.findall(r'name="call" value="([^"]+)"', page)
    assert len(found) >= 2
    assert accesses(console) == before  # nothing was shown yet
    assert post(alice, OPEN, number=card["uuid"], reason="appeal 4711", call=found[0]).status_code == 200
    assert len(accesses(console)) == len(before) + 1


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        (
            {"number": "8e62623c-99b8-5efa-b6e2-f2f3a5555a99", "reason": "appeal"},
            404,
            "No call is kept with this number",
        ),
        ({"number": "", "reason": "appeal"}, 404, "No call is kept with this number"),
        ({"number": "8e62623c-99b8-5efa-b6e2-f2f3a5555a99", "reason": " "}, 400, "Say why"),
        ({"number": "x", "reason": "appeal", "call": "nonsense"}, 400, "cannot be read"),
        ({"number": "x", "reason": "appeal", "call": "01a2074c-1329-7c15-bf91-8f0c02fa5ff5"}, 404, "no such page"),
    ],
)
def test_what_cannot_be_opened_is_said(
    console: Operating, alice: FlaskClient, fields: dict[str, str], status: int, says: str
) -> None:
    before = accesses(console)
    answer = post(alice, OPEN, **fields)
    assert (answer.status_code, says in words(answer.text)) == (status, True)
    assert accesses(console) == before


def test_a_reader_opens_nothing(console: Operating) -> None:
    rita = console.browser("rita")
    assert rita.get(OPEN).status_code == 403
    answer = post(rita, OPEN, number="x", reason="curious")
    assert answer.status_code == 403
    assert "This is for operators" in words(answer.text)
    assert "You see figures only" in words(rita.get(INSIGHTS).text)


def test_no_number_of_a_call_is_in_a_url(console: Operating) -> None:
    answer = console.browser("alice").get(OPEN, query_string={"number": "8e62623c"})
    assert "8e62623c" not in answer.text
