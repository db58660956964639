"""When a prior authorization covers an order, and that it is never another member's."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.authorization import SIDES, Authorization, OnFile, OrderFacts, find_authorization, read_codes
from cards.coding import Coding
from cards.coverage import Identifier, identifier
from cds_hooks.rules.loading import Rules

DAY = date(2026, 11, 23)
PUMP, MRI = Coding("HCPCS", "E0784"), Coding("CPT", "70553")
MINE, ANOTHERS = identifier("http://payer.example", "A1"), identifier("http://payer.example", "B2")
GIVEN = Authorization("PA-1", MINE, frozenset({PUMP}), date(2026, 11, 1), date(2026, 12, 1), quantity=2)
ORDER = OrderFacts(frozenset({PUMP}), DAY, DAY)


def ask(authorization: Authorization, facts: OrderFacts = ORDER, member: Identifier = MINE) -> OnFile:
    return find_authorization([authorization], frozenset({member}), facts)


def test_an_order_of_its_code_and_day_is_covered() -> None:
    assert ask(GIVEN) == OnFile(GIVEN, takes=1)
    assert ask(GIVEN, ORDER._replace(quantity=2)) == OnFile(GIVEN, takes=2)


@pytest.mark.parametrize(
    ("change", "facts", "why"),
    [
        ({"end": date(2026, 11, 22)}, {}, "it ended on 2026-11-22"),
        ({"start": date(2026, 11, 24)}, {}, "it is valid from 2026-11-24 on"),
        ({"end": DAY}, {"until": DAY + timedelta(1)}, "it ends on 2026-11-23, and the order says no day"),
        ({"used": 2}, {}, "it is used up"),
        ({"used": 1}, {"quantity": 2}, "1 are left of it, and the order asks for more"),
        ({"taken": 2}, {}, "what is left of it goes to other orders of this call"),
        (
            {"taken": 1},
            {"quantity": 2},
            "1 are left of it beside other orders of this call, and the order asks for more",
        ),
        ({"used": 2, "taken": 1}, {}, "it is used up"),
        ({"side": "left"}, {"side": "right"}, "it is for the left side"),
        ({"side": "left"}, {"side": "both"}, "it is for the left side"),
        ({"side": "left"}, {}, "it is for the left side, and the order says no side"),
        ({}, {"codes": frozenset({PUMP, MRI})}, "it is not for all codes of this order that need one"),
    ],
)
def test_one_that_does_not_cover_the_order_is_told_with_its_number(change: Any, facts: Any, why: str) -> None:
    found = ask(replace(GIVEN, **change), ORDER._replace(**facts))

    assert found.satisfied_by is None
    assert found.looked_at == (f"Authorization PA-1 was looked at: {why}.",)


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"start": DAY, "end": DAY}, {}),
        ({"start": None, "end": None}, {"until": DAY + timedelta(400)}),
        ({"used": 1}, {"quantity": 1}),
        ({"quantity": None, "used": 99}, {"quantity": 50}),
        ({"side": "both"}, {"side": "left"}),
        ({"side": "left"}, {"side": "left"}),
        ({"codes": frozenset({PUMP, MRI})}, {}),
    ],
)
def test_an_order_at_the_very_edge_is_covered(change: Any, facts: Any) -> None:
    authorization = replace(GIVEN, **change)

    assert ask(authorization, ORDER._replace(**facts)).satisfied_by == authorization


def test_one_of_another_code_is_not_told_of() -> None:
    assert ask(replace(GIVEN, codes=frozenset({MRI}))) == OnFile()


def test_an_order_that_no_code_names_is_covered_by_none() -> None:
    """Words name a service; a number on file is for a code."""
    assert ask(GIVEN, ORDER._replace(codes=frozenset())) == OnFile()


def test_of_several_that_cover_an_order_the_one_that_ends_last_counts() -> None:
    longer = replace(GIVEN, number="PA-2", end=date(2027, 1, 1))

    assert find_authorization([GIVEN, longer], frozenset({MINE}), ORDER).satisfied_by == longer
    assert find_authorization([longer, GIVEN], frozenset({MINE}), ORDER).satisfied_by == longer


def test_the_limits_of_an_authorization_are_told() -> None:
    """CRD-262, resp-30."""
    limits = {limit.code: limit.value for limit in OnFile(replace(GIVEN, used=1)).limits}

    assert limits == {
        "allowed-period": {"valuePeriod": {"start": "2026-11-01", "end": "2026-12-01"}},
        "allowed-quantity": {"valueQuantity": {"value": 1}},
    }
    assert OnFile().limits == ()


DAYS = st.dates(date(2026, 11, 18), date(2026, 11, 28))
AUTHORIZATIONS = st.builds(
    Authorization,
    number=st.sampled_from(["PA-1", "PA-2", "PA-3"]),
    member=st.sampled_from([MINE, ANOTHERS]),
    codes=st.frozensets(st.sampled_from([PUMP, MRI]), min_size=1),
    start=st.none() | DAYS,
    end=st.none() | DAYS,
    quantity=st.none() | st.integers(0, 3).map(float),
    used=st.integers(0, 3).map(float),
    side=st.none() | st.sampled_from(sorted(SIDES)),
)
ORDERS = st.builds(
    lambda codes, day, more, quantity, side: OrderFacts(codes, day, day + timedelta(more), quantity, side),
    st.frozensets(st.sampled_from([PUMP, MRI])),
    DAYS,
    st.integers(0, 3),
    st.none() | st.integers(1, 3).map(float),
    st.none() | st.sampled_from(sorted(SIDES)),
)


@given(st.lists(AUTHORIZATIONS, max_size=6), ORDERS)
def test_an_order_is_never_covered_by_an_authorization_of_another_member(
    held: list[Authorization], facts: OrderFacts
) -> None:
    found = find_authorization(held, frozenset({MINE}), facts)

    assert found.satisfied_by is None or found.satisfied_by.member == MINE
    # and what another member has changes nothing of what is said, not even a number
    assert found == find_authorization([one for one in held if one.member == MINE], frozenset({MINE}), facts)


@given(AUTHORIZATIONS, ORDERS)
def test_what_covers_an_order_does_so_on_all_its_days_for_its_codes_side_and_quantity(
    one: Authorization, facts: OrderFacts
) -> None:
    if ask(one, facts).satisfied_by is None:
        return

    assert one.member == MINE
    assert facts.codes
    assert facts.codes <= one.codes
    assert one.start is None or one.start <= facts.day
    assert one.end is None or facts.until <= one.end
    assert one.left is None or (one.left > 0 and one.left >= (facts.quantity or 0))
    assert one.side in (None, "both", facts.side)


@given(AUTHORIZATIONS, ORDERS)
def test_each_of_its_own_for_its_codes_covers_an_order_or_is_told_of(one: Authorization, facts: OrderFacts) -> None:
    found = ask(one, facts)

    is_about = one.member == MINE and bool(one.codes & facts.codes)
    assert (found == OnFile()) is not is_about
    assert all(one.number in told for told in found.looked_at)


@pytest.mark.parametrize(
    ("written", "side", "codes", "found"),
    [
        (["L1906-LT"], None, {"L1906"}, "left"),
        (["L1906-LT", "L1833"], None, {"L1906", "L1833"}, "left"),
        (["L1906-50"], None, {"L1906"}, "both"),
        (["L1906-LT", "L1833-RT"], None, set(), None),
        (["L1906-LT"], "right", set(), "right"),
        (["L1906-NU", "L1833"], "right", {"L1906", "L1833"}, "right"),
        (["L1906"], None, {"L1906"}, None),
    ],
)
def test_what_is_authorized_for_one_side_is_nothing_for_the_other(
    written: list[str], side: str | None, codes: set[str], found: str | None, rules: Rules
) -> None:
    """A modifier says the side where the authorization does not; of two sides nobody can tell which is meant."""
    read, told = read_codes([("HCPCS", code) for code in written], side, rules.vocabulary.code_systems)

    assert (read, told) == ({Coding("HCPCS", code) for code in codes}, found)
