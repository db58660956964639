"""Which policies an order points to, and how surely: by code, by a code in words, by words."""

from datetime import date
from typing import Any

import pytest

from cards import read_order
from cards.elements import Place
from cards.matching.explanation import explain
from cards.matching.match import Doubt, DoubtKind, Finding, Match, Strength
from cds_hooks.rules.loading import Rules

CPT = "http://www.ama-assn.org/go/cpt"
TODAY = date(2026, 11, 23)


def find(rules: Rules, **members: Any) -> Finding | None:
    order = read_order({"resourceType": "ServiceRequest", **members}, rules.vocabulary.code_systems)
    found = rules.index.find(order, ("evicore-cmm-204",), TODAY)
    return found[0] if found else None


def strength(rules: Rules, **members: Any) -> Strength | None:
    found = find(rules, **members)
    return found.match.strength if found else None


@pytest.mark.parametrize("code", ["M0076-RT", "M0076 50", "M0076RT", "m0076.rt", " M0076:RT:59 "])
@pytest.mark.parametrize("system", ["HCPCS", "http://www.nlm.nih.gov/research/umls/hcpcs", "urn:oid:2.16.840.1.113883.6.14|2026", CPT])  # fmt: skip
def test_a_code_with_modifiers_of_any_spelling_of_its_system_is_the_code(code: str, system: str, rules: Rules) -> None:
    assert strength(rules, code={"coding": [{"system": system, "code": code}]}) is Strength.DEFINITIVE


def test_a_nonspecific_code_with_a_modifier_is_still_nonspecific(rules: Rules) -> None:
    note = [{"text": "prolotherapy R knee today"}]

    assert strength(rules, code={"coding": [{"system": CPT, "code": "20610-RT"}]}, note=note) is Strength.STATED


def test_another_code_with_a_modifier_is_still_another(rules: Rules) -> None:
    assert strength(rules, code={"coding": [{"system": CPT, "code": "73721-RT"}]}) is None


@pytest.mark.parametrize("code", ["M0076", "m0076 ", "M0076-RT", "M0076RT"])
def test_a_code_without_a_system_may_be_the_policys(code: str, rules: Rules) -> None:
    found = find(rules, code={"coding": [{"code": code, "display": "office procedure"}]})

    assert found is not None
    assert found.match == Match(Strength.QUALIFIED, place=Place.BARE_CODE, words="M0076")
    assert found.path == "ServiceRequest.code.coding[0].code"


def test_an_unlisted_code_without_a_system_may_hide_the_service(rules: Rules) -> None:
    named = {"coding": [{"code": "20999", "display": "Excision of a foreign body"}]}

    assert strength(rules, code={"coding": [{"code": "20999"}]}) is Strength.QUALIFIED
    assert strength(rules, code=named) is None


@pytest.mark.parametrize("code", ["20610", "73721", "INJ-1"])
def test_a_code_without_a_system_that_names_no_service_of_ours_says_nothing(code: str, rules: Rules) -> None:
    assert strength(rules, code={"coding": [{"code": code}]}) is None


@pytest.mark.parametrize(
    "members",
    [
        {"code": {"text": "M0076"}},
        {"code": {"text": "HCPCS m0076-RT, right knee"}},
        {"code": {"coding": [{"system": CPT, "code": "20999", "display": "Unlisted (M0076)"}]}},
        {"code": {"text": "Injection"}, "note": [{"text": "bill as M0076"}]},
        {"code": {"coding": [{"system": CPT, "code": "73721"}, {"code": "M0076"}]}},
    ],
)
def test_a_policys_code_among_the_words_is_never_silent_and_never_sure(members: Any, rules: Rules) -> None:
    assert strength(rules, **members) is Strength.QUALIFIED


@pytest.mark.parametrize("text", ["M00761", "XM0076", "M 0076", "M007"])
def test_only_a_whole_word_is_a_code(text: str, rules: Rules) -> None:
    assert strength(rules, code={"text": text}) is None


def test_a_number_in_a_note_is_no_code(rules: Rules) -> None:
    assert strength(rules, code={"text": "order"}, note=[{"text": "20999 steps a day"}]) is None
    assert strength(rules, code={"text": "20999"}) is Strength.QUALIFIED


def test_words_of_a_code_without_a_system_are_no_order(rules: Rules) -> None:
    assert strength(rules, code={"coding": [{"code": "PROLO"}]}) is Strength.QUALIFIED


def test_words_that_order_the_service_are_not_weakened_by_its_code_in_words(rules: Rules) -> None:
    assert strength(rules, code={"text": "Prolotherapy R knee"}, note=[{"text": "M0076"}]) is Strength.STATED


@pytest.mark.parametrize(
    "note",
    [
        "\u0928\u0939\u0940\u0902",
        "\u0e44\u0e21\u0e48\u0e17\u0e33",
        "\u0644\u0627 \u062a\u0641\u0639\u0644",
        "\u4e0d\u8981\u505a",
    ],
)
def test_a_note_that_cannot_be_read_may_withdraw_the_order(note: str, rules: Rules) -> None:
    found = find(rules, code={"text": "Prolotherapy R knee"}, note=[{"text": note}])

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED
    assert found.match.doubt == Doubt(DoubtKind.UNREAD)


@pytest.mark.parametrize("note", ["Failed PT &amp; prolotherapy", "No&nbsp;prolotherapy", "Previously tried:\n1. Prolotherapy\n2. PT"])  # fmt: skip
def test_markup_and_headings_leave_a_doubt(note: str, rules: Rules) -> None:
    found = find(rules, code={"coding": [{"system": CPT, "code": "20999"}]}, note=[{"text": note}])

    assert found is not None
    assert found.match.strength is Strength.QUALIFIED


@pytest.mark.parametrize(
    ("codings", "is_another"),
    [
        ([], False),
        ([("CPT", "73721")], True),
        ([("HCPCS", "M0076")], True),
        ([("CPT", "20610")], False),
        ([("CPT", "20610"), ("CPT", "73721")], True),
        ([("HCPCS", "J1430")], False),  # an agent's code
        ([("SNOMED CT", "1")], False),
    ],
)
def test_an_order_is_for_another_service_where_a_code_says_so(codings: Any, is_another: bool, rules: Rules) -> None:
    coding = [{"system": system, "code": code} for system, code in codings]
    order = read_order({"resourceType": "ServiceRequest", "code": {"coding": coding}}, rules.vocabulary.code_systems)

    assert rules.index.is_another_service(order, rules.index.everything, TODAY) is is_another


def test_the_steps_end_with_what_matched_or_that_nothing_did(rules: Rules) -> None:
    told = {}
    for text in ("Prolotherapy", "Knee brace"):
        order = read_order({"resourceType": "ServiceRequest", "code": {"text": text}}, rules.vocabulary.code_systems)
        steps: list[tuple[str, str]] = []
        explain(rules.index, order, ("evicore-cmm-204",), TODAY, lambda rule, found, to=steps: to.append((rule, found)))  # type: ignore[misc]
        told[text] = next(step for step in reversed(steps) if step[0] != "deciding words")

    assert told == {
        "Prolotherapy": ("match", "evicore-cmm-204: stated at ServiceRequest.code.text"),
        "Knee brace": ("no match", "evicore-cmm-204: nothing in the order points to it"),
    }
