"""Files of members and authorizations: what they may say, and what is said of a line that is wrong."""

import io
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_hooks.errors import StartError
from cds_hooks.members.files import AUTHORIZATION_FILE, MEMBER_FILE, Layout, Line, read_lines
from cds_hooks.members.rows import AuthorizationRow, MemberRow

PLANS, SYSTEMS = frozenset({"plan", "second"}), frozenset({"HCPCS", "CPT"})
MEMBER = {"member_system": "http://payer.example", "member_id": "A1", "plan": "plan"}
AUTHORIZATION = {"number": "PA-1", "member_system": "s", "member_id": "A1", "codes": "HCPCS|E0784"}


def read(text: str, layout: Layout = MEMBER_FILE, suffix: str = ".csv") -> list[Line]:
    known = PLANS if layout is MEMBER_FILE else SYSTEMS
    return list(read_lines(io.BytesIO(text.encode()), Path(f"file{suffix}"), layout, known))


def one(fields: dict[str, Any], layout: Layout = MEMBER_FILE) -> Line:
    """Read one line, which says the same as CSV and as NDJSON."""
    names, values = ",".join(fields), ",".join(f'"{value}"' for value in fields.values())
    (of_csv,) = read(f"{names}\n{values}\n", layout)
    (of_json,) = read(orjson.dumps(fields).decode() + "\n", layout, ".ndjson")
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
        ({"codes": "E0784"}, "codes: must be codes such as HCPCS|E0424, of CPT, HCPCS"),
        ({"codes": "LOINC|1"}, "codes: must be codes such as HCPCS|E0424, of CPT, HCPCS"),
        ({"codes": ""}, "codes: must be codes such as HCPCS|E0424, of CPT, HCPCS"),
        ({"side": "up"}, "side: must be one of both, left, right"),
        ({"quantity": "-1"}, "quantity: must be a number from 0 on"),
        ({"used": "nan"}, "used: must be a number from 0 on"),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-31"}, "valid_to: lies before valid_from"),
        ({"number": ""}, "number: is missing"),
    ],
)
def test_what_is_wrong_with_an_authorization_is_said(change: Any, reason: str) -> None:
    assert one({**AUTHORIZATION, **change}, AUTHORIZATION_FILE).reason == reason


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
        "is not JSON",
        "is no JSON object",
        "member_system: must be text of at most 255 characters",
    ]


@pytest.mark.parametrize("head", ["member_system,plan", "member_system,member_id,plan,name", "", "a;b"])
def test_a_file_with_other_columns_is_refused_whole(head: str) -> None:
    """A column such as a name is refused: what is not needed is not to be loaded."""
    with pytest.raises(StartError, match="the columns are member_system, member_id"):
        read(f"{head}\n1,2,3\n")


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    (line,) = read("\ufeffmember_system,member_id,plan\r\ns,A1,plan\r\n")

    assert line.reason is None
