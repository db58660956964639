"""`crd explain`, and where the trace of a decision may be seen."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.forked_process import run_crd

ROOT = Path(__file__).resolve().parents[3]
SIGN = "/cds-services/order-sign-crd"


def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRD_")}
    return run_crd("explain", *arguments, environment=environment)


def rows(*arguments: str) -> list[dict[str, Any]]:
    return json.loads(explain(*arguments, "--json").stdout)


def steps(row: dict[str, Any]) -> list[str]:
    return [step["step"] for step in row["trace"]]


def test_a_request_is_explained_order_by_order() -> None:
    found = rows(str(ROOT / "fhir_examples" / "evicore-cmm-204" / "two-orders-one-matches" / "request.json"))

    assert [(row["order"], row["covered"]) for row in found] == [
        ("MRI right knee without contrast", "conditional"),
        ("Prolotherapy, right knee", "not-covered"),
    ]
    assert found[0]["basis"] == "no policy of this service"
    assert found[1]["findings"] == [
        {
            "policy": "evicore-cmm-204@2023-05-31",
            "strength": "definitive",
            "path": "ServiceRequest.code.coding[0]",
            "deciding": [],
            "guideline": "https://www.evicore.com/provider/clinical-guidelines",
        }
    ]
    assert steps(found[1]) == ["payer", "in force", "match", "in force", "ruled out", "no match"]


def test_a_code_system_that_no_policy_knows_is_named() -> None:
    """Else it looks as if the policies had nothing to say of the code."""
    [unknown], [known] = rows("--code", "http://example.org/x|M0076"), rows("--code", "M0076")

    step = {
        "step": "code system",
        "found": "ServiceRequest.code.coding[0].system is none that policies know, so its code says nothing",
    }
    assert unknown["trace"][1] == step
    assert "code system" not in steps(known)


def test_a_place_that_is_none_is_refused() -> None:
    """It would be answered as if the order stated no place."""
    refused = explain("--code", "63650", "--payer", "medicare", "--place", "77")

    assert refused.returncode == 2
    assert "--place: 77 is no assigned place-of-service code of CMS, such as 11 or 22" in refused.stderr


@pytest.mark.parametrize(
    ("option", "code", "needed"), [("--ordered-by", "71260", "auth-needed"), ("--performed-by", "93350", "no-auth")]
)
def test_who_orders_and_who_performs_are_given_by_npi(option: str, code: str, needed: str) -> None:
    """2000000028 is of the example plan's network, and has no gold card."""
    [row] = rows("--code", code, option, "2000000028", "--on", "2026-11-23")

    [told] = [step["found"] for step in row["trace"] if step["step"] == "conditions"]
    assert told.endswith(f"-> covered, {needed}")


def test_an_npi_that_is_none_is_refused() -> None:
    """It would be answered as if the order did not say who orders it."""
    refused = explain("--code", "71260", "--ordered-by", "2000000029")

    assert refused.returncode == 2
    assert "--ordered-by: 2000000029 is no NPI: ten digits, of which the last checks the others" in refused.stderr


def test_the_deciding_words_are_told_by_their_characters() -> None:
    [row] = rows("--text", "R knee prolotherapy", "--note", "Ok. Cancelled per pt", "--on", "2026-11-23")

    assert row["findings"][0]["deciding"] == [
        {"path": "ServiceRequest.code.text", "start": 7, "end": 19},
        {"path": "ServiceRequest.note[0].text", "start": 4, "end": 20},
    ]
    assert "ServiceRequest.note[0].text, characters 4 to 20" in [
        step["found"] for step in row["trace"] if step["step"] == "deciding words"
    ]


def test_an_order_can_be_described_by_options() -> None:
    [row] = rows("--code", "M0076", "--text", "Prolotherapy", "--payer", "medicare", "--on", "2024-06-01")

    assert row["payer"] == "Medicare"
    assert row["findings"][0]["policy"] == "cms-ncd-150-7@unknown"


def test_the_day_chooses_the_version() -> None:
    [before] = rows("--code", "M0076", "--on", "2023-05-30")
    [first] = rows("--code", "M0076", "--on", "2023-05-31")

    assert before["findings"] == []
    assert "no version in force on 2023-05-30" in before["trace"][1]["found"]
    assert first["covered"] == "not-covered"


def test_the_trace_names_what_was_ruled_out_and_by_which_rule() -> None:
    [other] = rows("--code", "CPT|73721", "--text", "Prolotherapy")
    [declined] = rows("--code", "20610", "--note", "Patient declined prolotherapy.")
    [vein] = rows("--text", "Injection behind the knee", "--note", "polidocanol for varicose veins")

    assert {"step": "ruled out", "found": "the code 73721 (CPT) names another service"} in other["trace"]
    assert any(step["step"] == "words" and 'negation "declined"' in step["found"] for step in declined["trace"])
    assert any(step["step"] == "ruled out" and "varicose" in step["found"] for step in vein["trace"])


def test_it_reads_well() -> None:
    printed = explain("--code", "M0076", "--text", "Prolotherapy").stdout

    assert printed.splitlines()[0] == "Prolotherapy: not-covered (a policy in force), Example Health Plan"
    assert "\n  - in force: eviCore healthcare" in printed
    assert "\n    - match: evicore-cmm-204: definitive" in printed  # below the policy that it is of


def test_a_name_that_contradicts_a_code_is_a_step() -> None:
    [row] = rows("--code", "M0076", "--text", "Kenalog 40")

    [found] = [step["found"] for step in row["trace"] if step["step"] == "match"]
    assert found.endswith('qualified at ServiceRequest.code.coding[0], while the order\'s name is "Kenalog 40"')


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    for arguments, code, says in (
        ((), 2, "give a REQUEST file"),
        (("--code", "M0076", "--payer", "nobody"), 2, "no payer nobody"),
        ((str(tmp_path / "x.json"),), 2, "not a hook call"),
        (("--code", "M0076", "--on", "soon"), 2, "soon"),
    ):
        ended = explain(*arguments)
        assert ended.returncode == code
        assert says in ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_trace_is_on_the_wire_only_where_the_setting_asks_for_it(
    service: Any, start_service: Any, example: Any
) -> None:
    traced = start_service(CRD_TRACE="response").post(SIGN, example("m0076-order-sign")).json()
    plain = service.post(SIGN, example("m0076-order-sign")).json()

    assert "extension" not in plain
    [trace] = traced.pop("extension")["crd-server.trace"]
    assert trace["order"] == "context.draftOrders.entry[0].resource"
    assert ["match", "evicore-cmm-204: definitive at ServiceRequest.code.coding[0]"] in trace["steps"]
    assert traced == plain


def test_two_binding_policies_give_one_card_with_both_links(service: Any, example: Any) -> None:
    """Several binding policies: the stricter answer, both linked, one card, one assertion."""
    answer = service.post(SIGN, example("medicare-advantage-two-policies", "cms-ncd-150-7")).json()

    [card] = answer["cards"]
    assert [link["label"].partition(":")[0] for link in card["links"]] == ["NCD 150.7", "CMM-204"]
    parts = [part["url"] for part in answer["systemActions"][0]["resource"]["extension"][-1]["extension"]]
    assert parts.count("covered") == parts.count("coverage-assertion-id") == parts.count("billingCode") == 1
    assert parts.count("reason") == 2


def test_a_code_system_that_nobody_knows_is_said_and_the_nearest_named() -> None:
    """Else the order is one of an unknown code, and the answer is about a slip of the pen."""
    misspelt, unknown = explain("--code", "HCPC M0076"), explain("--code", "FOO|M0076")

    assert (misspelt.returncode, misspelt.stdout) == (2, "")
    assert misspelt.stderr.startswith("crd: --code HCPC M0076: no code system 'HCPC' (known: HCPCS, CPT,")
    assert misspelt.stderr.endswith("did you mean HCPCS?\n")
    assert unknown.stderr.startswith("crd: --code FOO|M0076: no code system 'FOO'")


def test_a_system_may_be_any_uri() -> None:
    [row] = rows("--code", "http://terminology.example/own|M0076")

    assert (row["covered"], row["basis"]) == ("conditional", "no policy of this service")
