"""Medicare's two lists, entered a second time from their sources: each code on both sides of each of its days.

42 CFR 419.83 (hospital outpatient departments) and 87 FR 2051 with CMS's page (DMEPOS). The policies are data; a slip of
the pen in one of their codes or days is found here.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from cds_hooks.rules.cases import answer_order
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.short_orders import write_in_full

OPD, DMEPOS = "cms-opd-prior-authorization", "cms-dmepos-prior-authorization"
LATER = date(2026, 11, 27)
SHORTER_REVIEW = date(2025, 1, 1)


class Entry(NamedTuple):
    """One row of a list: its codes, the first day, the day from which it is off the list, and how long one holds."""

    codes: str
    start: date | None = None
    end: date | None = None
    valid_for: str | None = None


OPD_LIST = (
    Entry("22551 22552 63650", date(2021, 7, 1)),
    Entry("64490 64491 64493 64494 64633 64634 64635 64636", date(2023, 7, 1)),
    Entry("64492 64495", date(2023, 7, 1), date(2024, 8, 5)),
)

DMEPOS_LIST = (
    Entry("L0648 L0650 L1832 L1851", date(2022, 10, 10), None, "60 days"),
    Entry("L1833", date(2022, 10, 10), date(2024, 8, 12), "60 days"),
    Entry("L0631 L0637 L0639 L1843 L1845 L1951", date(2024, 8, 12), None, "60 days"),
    Entry("E0747 E0748 E0760", date(2024, 8, 12), date(2024, 8, 28)),
    Entry("E0193 E0277 E0371 E0372 E0373", None, None, "1 month"),
    Entry("L5856 L5857 L5858 L5973 L5980 L5987", None, None, "120 days"),
    Entry(
        "K0800-K0802 K0806-K0808 K0813-K0816 K0820-K0829 K0835-K0843 K0848-K0864",
        date(2022, 4, 13),
        None,
        "6 months",
    ),
)

ACCESSORIES = Entry("""
    E0950 E0955 E1002-E1010 E1012 E1029 E1030 E2310-E2313 E2321-E2330 E2351 E2373 E2377
    E2601-E2608 E2611-E2616 E2620-E2625 K0020 K0195
    """)


def spell_out(codes: str) -> Iterator[str]:
    for part in codes.split():
        first, _, last = part.partition("-")
        yield from (f"{first[0]}{number:04}" for number in range(int(first[1:]), int((last or first)[1:]) + 1))


def ask(rules: Rules, policy: str, code: str, on: date, place: str | None = None, beside: Any = ()) -> Any:
    """Return `covered`, `pa-needed` and `info-needed`; None where nothing is said, with the terms that are told."""
    named = {"code": f"{'CPT' if code[0].isdigit() else 'HCPCS'} {code}"}
    order = {**named, "place-of-service": place} if place else named
    answer = answer_order(
        write_in_full(order, "order", rules.vocabulary.code_systems), policy, on, rules, beside=beside
    )
    if answer.covered == "nothing":
        return None, ""
    return (answer.covered, answer.pa_needed, *(answer.info_needed or ())), answer.texts["terms"]


#: What is said by the place of service (42 CFR 419.83: 19 and 22 are hospital outpatient departments).
PLACES = {
    "19": ("covered", "auth-needed"),
    "22": ("covered", "auth-needed"),
    "11": ("covered", "no-auth"),
    "24": ("covered", "no-auth"),
    None: ("covered", "conditional", "location"),
}
NEEDED = ("covered", "auth-needed")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("entry", OPD_LIST, ids=lambda entry: entry.codes)
def test_a_service_of_the_opd_list_is_on_it_from_its_first_day_to_its_last(
    entry: Entry, place: str | None, rules: Rules
) -> None:
    assert entry.start
    for code in entry.codes.split():
        assert ask(rules, OPD, code, entry.start - timedelta(1), place)[0] is None, code
        assert ask(rules, OPD, code, entry.start, place)[0] == PLACES[place], code
        last = (entry.end or LATER) - timedelta(1)
        assert ask(rules, OPD, code, last, place)[0] == PLACES[place], code
        assert ask(rules, OPD, code, LATER, place)[0] == (None if entry.end else PLACES[place]), code
        assert not entry.end or ask(rules, OPD, code, entry.end, place)[0] is None, code


@pytest.mark.parametrize("entry", DMEPOS_LIST, ids=lambda entry: entry.codes)
def test_an_item_of_the_dmepos_list_is_on_it_from_its_first_day_to_its_last(entry: Entry, rules: Rules) -> None:
    """What began in phases is open while it did; of what began before 2022 the first day is not recorded."""
    phased = date(2022, 4, 13) if entry.start == date(2022, 10, 10) else None
    for code in spell_out(entry.codes):
        if entry.start and not phased:
            assert ask(rules, DMEPOS, code, entry.start - timedelta(1))[0] is None, code
        if entry.start and phased:
            assert ask(rules, DMEPOS, code, phased - timedelta(1))[0] is None, code
            for day in (phased, entry.start - timedelta(1)):
                assert ask(rules, DMEPOS, code, day)[0] == ("covered", "conditional", "location"), code
        assert ask(rules, DMEPOS, code, entry.start or date(2021, 12, 31))[0] == NEEDED, code
        assert ask(rules, DMEPOS, code, (entry.end or LATER) - timedelta(1))[0] == NEEDED, code
        assert not entry.end or ask(rules, DMEPOS, code, entry.end)[0] is None, code


def test_codes_beside_the_lists_and_those_taken_off_before_the_start_are_not_on_them(rules: Rules) -> None:
    listed = {code for entry in (*DMEPOS_LIST, ACCESSORIES) for code in spell_out(entry.codes)}
    around = {f"K{n:04}" for n in range(790, 880)} | {f"L{n:04}" for n in range(620, 660)} | {"L1831", "L1834", "L1852"}
    for code in sorted(around - listed):
        assert ask(rules, DMEPOS, code, LATER)[0] is None, code
    for code in ("63685", "63688", "64489", "64496", "64632", "64637", "22550", "22553"):
        assert ask(rules, OPD, code, LATER, "22")[0] is None, code


def test_an_accessory_depends_on_its_base_in_the_same_call_alone(rules: Rules) -> None:
    base = [write_in_full("HCPCS K0861", "order", rules.vocabulary.code_systems)]
    for code in spell_out(ACCESSORIES.codes):
        said, _ = ask(rules, DMEPOS, code, LATER, beside=base)
        assert said == ("conditional", "conditional", "OTH"), code
        assert ask(rules, DMEPOS, code, LATER)[0] is None, code
        assert ask(rules, DMEPOS, code, date(2022, 4, 12), beside=base)[0] is None, code


@pytest.mark.parametrize("entry", DMEPOS_LIST, ids=lambda entry: entry.codes)
def test_an_answer_of_the_dmepos_list_says_how_long_the_review_takes_and_the_approval_holds(
    entry: Entry, rules: Rules
) -> None:
    for code in spell_out(entry.codes):
        _, told = ask(rules, DMEPOS, code, (entry.end or LATER) - timedelta(1))
        assert "The review takes 5 business days, not more than 7 calendar days, 2 business days where" in told, code
        held = f"An approval is valid for {entry.valid_for}." if entry.valid_for else ""
        assert held in told, code
        assert ("An approval is valid" in told) is bool(held), code


def test_an_answer_of_the_opd_list_says_how_long_the_review_takes_on_its_day(rules: Rules) -> None:
    """10 business days until 2024-12-31, 7 calendar days from then on."""
    for code in ("22551", "63650", "64490"):
        _, before = ask(rules, OPD, code, SHORTER_REVIEW - timedelta(1), "22")
        _, after = ask(rules, OPD, code, SHORTER_REVIEW, "22")
        assert "The review takes 10 business days, 2 business days where it is expedited." in before
        assert "The review takes 7 calendar days, 2 business days where it is expedited." in after
