"""Files of members and authorizations: what they may say, and what is said of a line that is wrong."""

import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from cards.coding import Coding
from cds_hooks.errors import StartError
from cds_hooks.members.files import AUTHORIZATION_FILE, MEMBER_FILE, Layout, Line, read_lines
from cds_hooks.members.rows import AuthorizationRow, MemberRow, to_authorization
from tests.members import SYSTEMS

PLANS = frozenset({"plan", "second"})
MEMBER = {"member_system": "http://payer.example", "member_id": "A1", "plan": "plan"}
#: What is said where no code system is named, or one that is not known.
OF_SYSTEMS = f"codes: must be codes such as HCPCS|E0424, of {', '.join(sorted(SYSTEMS.by_name))}"
AUTHORIZATION = {"number": "PA-1", "member_system": "s", "member_id": "A1", "codes": "HCPCS|E0784"}


def read(text: str | bytes, layout: Layout[Any] = MEMBER_FILE, suffix: str = ".csv") -> list[Line]:
    known = PLANS if layout is MEMBER_FILE else SYSTEMS
    content = text.encode() if isinstance(text, str) else text
    return list(read_lines(io.BytesIO(content), Path(f"file{suffix}"), layout, known))


def one(fields: dict[str, Any], layout: Layout[Any] = MEMBER_FILE) -> Line:
    """Read one line, which says the same as CSV and as NDJSON."""
    names, values = ",".join(fields), ",".join(f'"{value}"' for value in fields.values())
    (of_csv,) = read(f"{names}\n{values}\n", layout)
    (of_json,) = read(orjson.dumps(fields) + b"\n", layout, ".ndjson")
    assert (of_csv.row, of_csv.reason) == (of_json.row, of_json.reason)
    return of_csv


def test_a_line_of_members() -> None:
    fields = {
        **MEMBER,
        "other_ids": "http://old.example|9;C-1",
        "birth_date": "1971-04-02",
        "line_of_business": "PPO",
        "covered_from": "2026-01-01",
        "covered_to": "2026-12-31",
    }

    others = (("http://old.example", "9"), ("", "C-1"))
    expected = MemberRow("http://payer.example", "A1", others, "1971-04-02", "plan", "PPO", "2026-01-01", "2026-12-31")
    assert one(fields).row == expected


def test_a_line_of_authorizations() -> None:
    fields = {**AUTHORIZATION, "codes": "HCPCS|E0784; CPT|70553", "quantity": "2", "used": "0.5", "side": "left"}

    assert one(fields, AUTHORIZATION_FILE).row == AuthorizationRow(
        "PA-1", "s", "A1", ("HCPCS|E0784", "CPT|70553"), quantity=2, used=0.5, side="left"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"plan": "third"}, "plan: must be the id of a payer: plan, second"),
        ({"birth_date": "02.04.1971"}, "birth_date: must be a day such as 2026-01-31"),
        ({"covered_to": "2026-02-30"}, "covered_to: must be a day such as 2026-01-31"),
        ({"covered_from": "2026-02-01", "covered_to": "2026-01-31"}, "covered_to: lies before covered_from"),
        ({"plan": "", "covered_from": "2026-02-01"}, "plan: is missing"),
        ({"member_id": "A" * 256}, "member_id: must be text of at most 255 characters"),
        ({"member_id": " "}, "member_id: is missing"),
        ({"other_ids": "x|"}, "other_ids: must be ids such as http://payer.example/card|123"),
    ],
)
def test_what_is_wrong_with_a_member_is_said_and_never_what_stands_there(change: Any, reason: str) -> None:
    assert one({**MEMBER, **change}).reason == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"codes": "E0784"}, OF_SYSTEMS),
        ({"codes": "HCPC|E0784"}, OF_SYSTEMS),
        ({"codes": "HCPCS E0784"}, OF_SYSTEMS),
        ({"codes": ""}, OF_SYSTEMS),
        ({"codes": "HCPCS|"}, OF_SYSTEMS),
        ({"codes": "HCPCS|E07844"}, "codes: a code is none that HCPCS can have"),
        ({"codes": "HCPCS|E0784;CPT|7055"}, "codes: a code is none that CPT can have"),
        ({"codes": "HCPCS|K0802 to K0800"}, "codes: a range must rise, as HCPCS|K0800 to K0802 does"),
        ({"codes": "HCPCS|K0800 to E0802"}, "codes: a range must rise, as HCPCS|K0800 to K0802 does"),
        ({"side": "up"}, "side: must be one of both, left, right"),
        (
            {"side": "right", "codes": "HCPCS|L1906-LT"},
            "side: the codes have modifiers of another side: write a line for each side",
        ),
        (
            {"codes": "HCPCS|L1906-LT;HCPCS|L1906-RT"},
            "side: the codes have modifiers of another side: write a line for each side",
        ),
        ({"quantity": "-1"}, "quantity: must be a number from 0 on"),
        ({"used": "nan"}, "used: must be a number from 0 on"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "valid_to: lies before valid_from"),
        ({"valid_to": "2027-02-29"}, "valid_to: must be a day such as 2026-01-31"),
        ({"number": ""}, "number: is missing"),
    ],
)
def test_what_is_wrong_with_an_authorization_is_said(change: Any, reason: str) -> None:
    assert one({**AUTHORIZATION, **change}, AUTHORIZATION_FILE).reason == reason


def test_codes_may_be_ranges_and_have_modifiers() -> None:
    row = one({**AUTHORIZATION, "codes": "HCPCS|K0800 to K0802; HCPCS|L1906-LT"}, AUTHORIZATION_FILE).row

    assert isinstance(row, AuthorizationRow)
    assert row.codes == ("HCPCS|K0800", "HCPCS|K0801", "HCPCS|K0802", "HCPCS|L1906-LT")


def test_a_modifier_says_for_which_side_something_is_authorized() -> None:
    row = one({**AUTHORIZATION, "codes": "HCPCS|L1906-LT"}, AUTHORIZATION_FILE).row

    assert isinstance(row, AuthorizationRow)
    authorized = to_authorization(row, SYSTEMS)
    assert (authorized.codes, authorized.side) == ({Coding("HCPCS", "L1906")}, "left")


def test_a_code_system_may_be_written_in_small_letters() -> None:
    row = one({**AUTHORIZATION, "codes": "hcpcs|e0784;snomed ct|1"}, AUTHORIZATION_FILE).row

    assert isinstance(row, AuthorizationRow)
    assert to_authorization(row, SYSTEMS).codes == {Coding("HCPCS", "E0784"), Coding("SNOMED CT", "1")}


def test_of_a_wrong_line_the_ids_are_read_so_that_nobody_says_that_there_is_no_such_member() -> None:
    line = one({**MEMBER, "plan": "third"})

    assert isinstance(line.row, MemberRow)
    assert (line.row.ids, line.row.is_wrong, line.row.plan) == (("A1",), True, None)
    assert one({**MEMBER, "member_id": ""}).row is None


def test_a_line_that_is_no_row_is_set_aside_and_the_next_is_read() -> None:
    head, good = "member_system,member_id,plan\n", "s,A1,plan\n"

    lines = read(f'{head}s,A1\n\n{good}s,"A1"x,plan\n{good}')
    of_json = read('{"a"\n[1]\n\n{"member_system": 1}\n', suffix=".ndjson")

    assert [line.reason for line in lines] == ["has 2 values for 3 columns", None, "is not CSV", None]
    assert [line.number for line in lines] == [2, 4, 5, 6]
    assert [line.reason for line in of_json] == [
        "is not JSON in UTF-8",
        "is no JSON object",
        "member_system: must be text of at most 255 characters",
    ]


def test_a_quotation_mark_without_its_pair_spoils_its_own_line_and_no_other() -> None:
    """A member whose line it swallowed would be told of as no member."""
    lines = read('member_system,member_id,plan\ns,"A1,plan\ns,A2,plan\ns,A3",plan\ns,A4,plan\n')

    assert [line.reason for line in lines] == ["is not CSV", None, None, None]
    assert [line.row.value for line in lines if isinstance(line.row, MemberRow)] == ["A2", 'A3"', "A4"]


def test_what_is_not_utf_8_is_said_of_its_column_and_never_loaded() -> None:
    head = b"member_system,member_id,line_of_business,plan\n"

    lines = read(head + b"s,M\xfcller,,plan\ns,A2,Priv\xe9,plan\n" + "s,Müller,,plan\n".encode())
    (of_json,) = read(b'{"member_system":"s","member_id":"M\xfcller","plan":"plan"}\n', suffix=".ndjson")

    assert [line.reason for line in lines] == ["member_id: is not UTF-8", "line_of_business: is not UTF-8", None]
    assert [line.is_unread for line in lines] == [True, False, False]
    assert of_json.reason == "is not JSON in UTF-8"


def test_of_a_line_with_other_values_than_columns_the_ids_are_read_and_not_relied_on() -> None:
    (line,) = read("member_system,member_id,line_of_business,plan\ns,A1,PPO, gold,plan\n")

    assert (line.row, line.reason, line.is_unread) == (
        MemberRow("s", "A1", is_wrong=True),
        "has 5 values for 4 columns",
        True,
    )


def test_a_slip_in_a_name_of_ndjson_is_said() -> None:
    """Left out, a coverage would never end."""
    line = read('{"member_system":"s","member_id":"A1","plan":"plan","covered_too":"2026-01-31"}\n', suffix=".ndjson")[
        0
    ]

    assert line.reason == "has a member that is not known: covered_too (is covered_to meant?)"
    assert isinstance(line.row, MemberRow)
    assert line.row.is_wrong


HEAD = "member_system,member_id,plan"


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("member_system,plan", "line 1: has no column member_id;"),
        ("member_system,memberid,plan", r"has no column member_id \(is memberid meant for it\?\)"),
        (f"{HEAD},name", "has a column that is not known: name;"),
        (f"{HEAD},coverd_to", r"has a column that is not known: coverd_to \(is covered_to meant\?\)"),
        (f"{HEAD},", "has a column that is not known: without a name;"),
        (f"{HEAD},plan", "has the column plan twice"),
        ("", "must name the columns"),
        (HEAD.replace(",", ";"), "semicolons or tabs"),
        (HEAD.replace(",", "\t"), "semicolons or tabs"),
        (HEAD.encode("utf-16"), "is UTF-16: save the file as CSV in UTF-8"),
        ('"member_system,plan', "is not CSV"),
        (f"{HEAD}\rs,A1,plan", "is not CSV, or ends otherwise than lines do"),
    ],
)
def test_a_file_with_other_columns_is_refused_whole_and_it_is_said_why(head: str | bytes, why: str) -> None:
    """A column such as a name is refused: what is not needed is not to be loaded."""
    content = head if isinstance(head, bytes) else f"{head}\ns,A1,plan\n"
    with pytest.raises(StartError, match=why) as refused:
        read(content)
    assert "the columns are member_system, member_id" in str(refused.value)


def test_a_file_that_is_neither_csv_nor_ndjson_is_refused() -> None:
    with pytest.raises(StartError, match=r"must be CSV or NDJSON, and its name end in \.csv or \.ndjson"):
        read(HEAD, suffix=".xlsx")


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    (line,) = read("\ufeffmember_system,member_id,plan\r\ns,A1,plan\r\n")

    assert line.reason is None
