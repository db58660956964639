"""Which member is meant: by ids and a birth date that the EHR sent, and never another person."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.coverage import Identifier, identifier
from cards.member import CoveragePeriod, LookUp, Member, MemberHint, choose_member, read_hint

SYSTEM, OTHER = "http://payer.example/member", "http://another.example/member"
MB = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}]}
BORN, ELSE = "born-1971", "born-1990"


def member(value: str = "A1", plan: str = "plan", born: str | None = BORN, *others: Identifier) -> Member:
    mark = identifier(SYSTEM, value)
    return Member(mark, frozenset((mark, *others)), (CoveragePeriod(plan),), born)


def hint(subscriber: str | None = None, *numbers: Identifier, is_self: bool | None = None) -> MemberHint:
    return MemberHint("plan", frozenset(numbers), subscriber, None, is_self)


def test_a_member_is_found_by_its_number_and_system() -> None:
    found = choose_member([member()], hint(None, identifier(SYSTEM, "A1")), None)

    assert (found.look_up, found.member) == (LookUp.FOUND, member())


def test_a_member_is_found_by_the_id_of_the_coverage_within_the_plan_that_it_names() -> None:
    assert choose_member([member()], hint("A1"), None).look_up is LookUp.FOUND


def test_of_an_id_alone_in_another_plan_nobody_can_tell() -> None:
    """It may be this patient, who has changed plans, or another person with the same digits: neither is claimed."""
    assert choose_member([member(plan="another")], hint("A1"), None).look_up is LookUp.SEVERAL
    assert choose_member([member(plan="another")], hint("A1"), ELSE).look_up is LookUp.NONE


def of_other_system(plan: str = "plan", born: str = ELSE) -> Member:
    mark = identifier(OTHER, "A1")
    return Member(mark, frozenset({mark}), (CoveragePeriod(plan),), born)


@pytest.mark.parametrize(
    ("other", "sent", "born", "expected"),
    [
        (of_other_system(), hint(None, identifier(SYSTEM, "A1")), None, LookUp.FOUND),
        (of_other_system(), hint("A1", identifier(SYSTEM, "A1")), None, LookUp.FOUND),
        (of_other_system(), hint("A1"), None, LookUp.SEVERAL),
        (of_other_system(), hint("A1"), BORN, LookUp.FOUND),
        (of_other_system(born=BORN), hint("A1"), BORN, LookUp.SEVERAL),
        (of_other_system(plan="another"), hint("A1"), None, LookUp.FOUND),
        (of_other_system(), hint(None, identifier("http://third.example", "A1")), None, LookUp.NONE),
    ],
)
def test_of_two_members_with_one_id_in_different_systems_the_system_the_birth_date_or_the_plan_decides(
    other: Member, sent: MemberHint, born: str | None, expected: LookUp
) -> None:
    found = choose_member([other, member()], sent, born)

    assert found.look_up is expected
    assert found.member == (member() if expected is LookUp.FOUND else None)


def test_an_id_with_the_birth_date_finds_a_member_in_another_plan() -> None:
    assert choose_member([member(plan="another")], hint("A1"), BORN).look_up is LookUp.FOUND


@pytest.mark.parametrize("sent", [hint("A1"), hint(None, identifier(SYSTEM, "A1"))])
def test_whom_the_birth_date_contradicts_is_another_person(sent: MemberHint) -> None:
    assert choose_member([member()], sent, ELSE).look_up is LookUp.NONE


def test_whom_a_number_of_the_same_system_contradicts_is_another_person() -> None:
    """The subscriber's id is the family's; the number of the patient is nobody's here."""
    sent = hint("A1", identifier(SYSTEM, "B2"))

    assert choose_member([member()], sent, None).look_up is LookUp.NONE


def test_a_number_of_another_payer_says_nothing() -> None:
    assert choose_member([member()], hint("A1", identifier(OTHER, "B2")), None).look_up is LookUp.FOUND


def test_of_a_family_the_birth_date_tells_who_is_meant() -> None:
    family = [
        member("A1", "plan", BORN, identifier(SYSTEM, "F")),
        member("A2", "plan", ELSE, identifier(SYSTEM, "F")),
    ]

    assert choose_member(family, hint("F"), ELSE).member == family[1]
    assert choose_member(family, hint("F"), None).look_up is LookUp.SEVERAL


def test_a_patient_who_is_not_the_subscriber_is_not_taken_for_the_subscriber() -> None:
    assert choose_member([member()], hint("A1", is_self=False), None).look_up is LookUp.SEVERAL
    assert choose_member([member()], hint("A1", is_self=False), BORN).look_up is LookUp.FOUND
    assert choose_member([member()], hint("A1", is_self=True), None).look_up is LookUp.FOUND


def test_without_an_id_nobody_is_looked_for() -> None:
    assert choose_member([member()], hint(), BORN).look_up is LookUp.NO_ID


def test_the_rows_of_a_member_are_one_member() -> None:
    rows = [member(plan="plan"), member(plan="second")]

    found = choose_member(rows, hint("A1"), None).member

    assert found
    assert found.plans == {"plan", "second"}


SYSTEMS = st.sampled_from([SYSTEM, OTHER, ""])
VALUES = st.sampled_from(["1", "2", "3"])
IDS = st.builds(identifier, SYSTEMS, VALUES)
BIRTH = st.sampled_from([None, BORN, ELSE])
MEMBERS = st.builds(
    lambda mark, others, plan, born: Member(mark, frozenset((mark, *others)), (CoveragePeriod(plan),), born),
    IDS,
    st.frozensets(IDS, max_size=2),
    st.sampled_from(["plan", "another"]),
    BIRTH,
)
HINTS = st.builds(
    MemberHint,
    st.just("plan"),
    st.frozensets(IDS, max_size=2),
    st.none() | VALUES,
    st.none(),
    st.sampled_from([None, True, False]),
)


@given(st.lists(MEMBERS, max_size=4), HINTS, BIRTH)
def test_who_is_found_has_an_id_that_was_sent_and_nothing_that_was_sent_contradicts(
    members: list[Member], sent: MemberHint, born: str | None
) -> None:
    found = choose_member(members, sent, born).member
    if found is None:
        return

    assert {mark.value for mark in found.ids} & set(sent.values)
    assert None in (born, found.born) or found.born == born
    known = {mark.system for mark in found.ids if mark.system}
    mine = [number for number in sent.numbers if number.system in known]
    assert not mine or found.ids & set(mine)


@given(st.lists(MEMBERS, max_size=4), HINTS, BIRTH, st.randoms())
def test_the_order_of_rows_does_not_matter(
    members: list[Member], sent: MemberHint, born: str | None, chance: Any
) -> None:
    shuffled = list(members)
    chance.shuffle(shuffled)

    one, other = choose_member(members, sent, born), choose_member(shuffled, sent, born)

    assert one.look_up is other.look_up
    assert (one.member and one.member.id) == (other.member and other.member.id)


def test_a_hint_is_read_of_the_coverage_and_the_patient() -> None:
    """US Core us-core-15: a Coverage.identifier of the type MB, or subscriberId; no other identifier of the Patient."""
    coverage = {"subscriberId": " A1 ", "identifier": [{"type": MB, "system": SYSTEM, "value": "C"}]}
    patient = {
        "birthDate": "1971-04-02",
        "identifier": [{"type": MB, "system": OTHER, "value": "P"}, {"system": SYSTEM, "value": "a hospital's"}],
    }

    read = read_hint("plan", coverage, patient)

    assert read.numbers == {identifier(SYSTEM, "C"), identifier(OTHER, "P")}
    assert (read.subscriber, read.birth_date, read.is_self) == ("A1", "1971-04-02", None)
    assert read.values == ("A1", "C", "P")


@pytest.mark.parametrize("code", ["self", "child"])
def test_the_relationship_says_whether_the_patient_is_the_subscriber(code: str) -> None:
    assert read_hint("plan", {"relationship": {"coding": [{"code": code}]}}, None).is_self is (code == "self")


@pytest.mark.parametrize("nonsense", [None, 7, [], {}, "x", [{"type": MB, "value": 1}], [None], {"coding": 1}])
def test_what_is_no_fhir_says_nothing(nonsense: Any) -> None:
    coverage = {"subscriberId": [nonsense], "identifier": nonsense, "relationship": nonsense}
    patient = {"birthDate": nonsense, "identifier": nonsense}

    read = read_hint("plan", coverage, patient)

    assert (read.values, read.birth_date, read.is_self) == ((), None, None)


@pytest.mark.parametrize("day", ["1971", "1971-04", "1971-4-2", "19710402", "1971-02-30"])
def test_a_birth_date_that_is_no_whole_day_tells_nobody_apart(day: str) -> None:
    assert read_hint("plan", {}, {"birthDate": day}).birth_date is None
