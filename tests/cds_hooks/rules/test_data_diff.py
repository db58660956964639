"""What the documents of policies differ in, in words: codes, conditions, dates and answers, each from day to day."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from cards import CodeSystems
from cds_hooks.rules.data_diff import compare_documents, data_json, data_lines
from cds_hooks.rules.folders import SHIPPED, find_policies
from cds_hooks.rules.loading import Rules, read_policy_document

ASK = {"covered": "covered", "pa-needed": "auth-needed", "verdict": "ask first", "position": "Ask first."}
FREE = {"covered": "covered", "pa-needed": "no-auth", "verdict": "nothing", "position": "Nothing."}
REFERENCES = [{"title": "List", "url": "https://acme.example/list"}]
POLICY = {
    "id": "acme",
    "title": "Acme",
    "all-versions": {**ASK, "references": REFERENCES},
    "versions": {"2026-01-01": {"groups": ["beds", "chairs"]}, "2026-07-01": {"groups": ["beds"]}, "2027-01-01": None},
    "providers": {"gold": ["2000000002"]},
    "groups": {
        "beds": {"service": "Bed", "codes": ["HCPCS E0255 to E0257"]},
        "chairs": {
            "service": "Chair",
            "codes": ["HCPCS K0001"],
            "answers": [{"if": {"place-of-service": ["12"], "age": {"at-least": 18}}, **FREE}, ASK],
        },
    },
}


FIRST_FIVE = ", ".join(f"HCPCS K000{number}" for number in range(2, 7))


@pytest.fixture(name="tell")
def _tell(rules: Rules) -> Callable[[Any], list[str]]:
    """Return the lines of what a change to the policy comes to."""
    return lambda change: lines(change, rules.vocabulary.code_systems)


def lines(change: Any, systems: CodeSystems) -> list[str]:
    new: dict[str, Any] = copy.deepcopy(POLICY)
    change(new)
    return list(data_lines(compare_documents({"acme": POLICY}, {"acme": new}, systems)))


def chairs(policy: Any) -> Any:
    return policy["groups"]["chairs"]["answers"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda p: p["groups"]["beds"].update(codes=["HCPCS E0255 to E0256"]),
            ["from 2026-01-01 to 2026-12-31: beds: codes: HCPCS E0257 is gone"],
        ),
        (
            lambda p: p["groups"]["chairs"].update(codes=["HCPCS K0001", "HCPCS K0002 to K0009"]),
            [f"from 2026-01-01 to 2026-06-30: chairs: codes: {FIRST_FIVE} and 3 more are new"],
        ),
        (
            lambda p: chairs(p)[0]["if"]["place-of-service"].append("13"),
            ["from 2026-01-01 to 2026-06-30: chairs: answer 1: if place-of-service: 13 is new"],
        ),
        (
            lambda p: chairs(p)[0]["if"]["age"].update({"at-least": 21}),
            ['from 2026-01-01 to 2026-06-30: chairs: answer 1: if age at-least: "18" -> "21"'],
        ),
        (
            lambda p: chairs(p)[1].update({"pa-needed": "performpa"}),
            ['from 2026-01-01 to 2026-06-30: chairs: answer 2: pa-needed: "auth-needed" -> "performpa"'],
        ),
        (
            lambda p: p["versions"].update({"2026-07-01": {"groups": ["beds", "chairs"]}}),
            [
                "from 2026-07-01 to 2026-12-31: chairs: codes: HCPCS K0001 is new",
                "from 2026-07-01 to 2026-12-31: groups: chairs is new",
            ],
        ),
        (lambda p: p["versions"].pop("2027-01-01"), ["from 2027-01-01: a version is in force, as none was"]),
        (
            lambda p: p["versions"].update({"2026-02-01": p["versions"].pop("2026-01-01")}),
            ["from 2026-01-01 to 2026-01-31: no version is in force any more"],
        ),
        (lambda p: p["providers"]["gold"].append("2000000010"), ["providers gold: 2000000010 is new"]),
        (
            lambda p: p["all-versions"].update(verdict="never"),
            ['from 2026-01-01 to 2026-12-31: beds: verdict: "ask first" -> "never"'],
        ),
        (lambda p: p.update(title="Acme Health"), ['title: "Acme" -> "Acme Health"']),
        (lambda p: p["groups"]["beds"].update(note="As printed."), []),
        (lambda p: p["groups"]["beds"].update(codes=["HCPCS E0255", "HCPCS E0256", "HCPCS E0257"]), []),
        (lambda p: p["versions"].update({"2026-03-01": p["versions"]["2026-01-01"]}), []),
    ],
)
def test_a_change_is_told_with_the_days_on_which_it_holds(
    change: Any, told: list[str], tell: Callable[[Any], list[str]]
) -> None:
    """What is written otherwise and says the same is no change: a range spelled out, a version repeated, a note."""
    assert tell(change) == [f"acme: {line}" for line in told]


def test_a_policy_that_only_one_of_them_has_is_told(rules: Rules) -> None:
    systems = rules.vocabulary.code_systems

    assert list(data_lines(compare_documents({"acme": POLICY}, {}, systems))) == ["acme: is gone"]
    assert list(data_lines(compare_documents({}, {"acme": POLICY}, systems))) == ["acme: is new"]


def test_a_start_that_is_not_recorded_is_told_as_such(rules: Rules) -> None:
    """`unknown` is a version in force up to the next one."""
    old = {**POLICY, "versions": {"unknown": {"groups": ["chairs"]}, "2026-01-01": {"groups": ["chairs", "beds"]}}}
    new = {**old, "versions": {"unknown": {"groups": ["beds"]}, "2026-01-01": {"groups": ["chairs", "beds"]}}}

    changes = compare_documents({"acme": old}, {"acme": new}, rules.vocabulary.code_systems)

    assert "acme: at any time up to 2025-12-31: chairs: codes: HCPCS K0001 is gone" in list(data_lines(changes))
    assert {(one["start"], one["end"]) for one in data_json(changes)} == {("unknown", "2025-12-31")}


def test_shipped_policies_do_not_differ_from_themselves(rules: Rules) -> None:

    documents = {one.id: read_policy_document(one.policy) for one in find_policies(SHIPPED / "policies").values()}

    assert len(documents) > 5
    assert compare_documents(documents, copy.deepcopy(documents), rules.vocabulary.code_systems) == ()
