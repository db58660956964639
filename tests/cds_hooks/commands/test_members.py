"""`crd members` and `crd authorizations`: load, check and find; what is wrong is set aside with its reason."""

import errno
import json
import os
import pty
import re
import stat
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import click.testing
import pytest

from cds_hooks.commands.main import main
from cds_hooks.store.encryption import make_key

HEAD = "member_system,member_id,birth_date,plan,covered_from\n"
GOOD = "http://payer.example,A1,1971-04-02,example-health-plan,2026-01-01\n"


class Crd:
    """Runs `crd` with a database and a key of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        (folder / "keys").write_text(make_key())
        monkeypatch.setenv("CRD_DATABASE_URL", f"sqlite:///{folder}/crd.sqlite3")
        monkeypatch.setenv("CRD_AUDIT_KEYS", str(folder / "keys"))

    def __call__(self, *arguments: str) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def write(self, text: str, name: str = "members.csv") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def accesses(self) -> list[Any]:
        return [json.loads(line) for line in self("audit", "accesses").output.splitlines()]


@pytest.fixture(name="crd")
def _crd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crd:
    return Crd(tmp_path, monkeypatch)


def test_what_was_loaded_is_told(crd: Crd) -> None:
    loaded = crd("members", "load", crd.write(HEAD + GOOD))

    assert (loaded.exit_code, loaded.output) == (0, "1 line loaded in 0 s\n")
    checked = crd("members", "check")
    assert checked.exit_code == 0
    assert json.loads(checked.output)["plans"] == {"example-health-plan": 1}
    assert crd("authorizations", "check").exit_code == 1


def test_how_far_a_load_is_is_shown_on_a_terminal(tmp_path: Path) -> None:
    """A terminal of its own, 80 columns wide: the bar goes up to the end, and nothing of a line is on it."""
    path, database = tmp_path / "members.csv", f"sqlite:///{tmp_path}/crd.sqlite3"
    path.write_text(HEAD + "".join(GOOD.replace("A1", f"A{n}") for n in range(5000)))
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    environment = {**os.environ, "CRD_DATABASE_URL": database, "TERM": "xterm"}
    command = [sys.executable, "-m", "cds_hooks", "members", "load", str(path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=terminal, text=True) as process:
        os.close(terminal)
        shown = read_terminal(ours)
        output, _ = process.communicate(timeout=60)

    steps = [int(step) for step in re.findall(r"members\.csv +\[[#-]+\] +(\d+)%", shown)]
    assert (process.returncode, output[:18]) == (0, "5000 lines loaded ")
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, 100)
    assert len(set(steps)) > 4
    assert "payer.example" not in shown


def read_terminal(ours: int) -> str:
    """Return all that is written to a terminal until nobody has it open any more, which Linux tells as EIO."""
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError as error:
        if error.errno != errno.EIO:
            raise
    finally:
        os.close(ours)
    return shown.decode()


def test_without_a_terminal_no_bar_is_shown(crd: Crd) -> None:
    assert "%" not in crd("members", "load", crd.write(HEAD + GOOD)).stderr


def test_wrong_lines_are_counted_and_set_aside_with_their_reasons(crd: Crd) -> None:
    path = crd.write(HEAD + GOOD * 3 + GOOD.replace("1971-04-02", "unknown"))

    loaded = crd("members", "load", path, "--most-wrong", "30")

    aside = Path(f"{path}.rejected.ndjson")
    why = "  1: birth_date: must be a day such as 2026-01-31 (line 5)"
    assert loaded.output == f"3 lines loaded in 0 s, 1 set aside in {aside}\n{why}\n"
    (line,) = map(json.loads, aside.read_text().splitlines())
    assert (line["line"], line["reason"]) == (5, "birth_date: must be a day such as 2026-01-31")
    assert line["row"]["birth_date"] == "unknown"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_lines_of_nobody_knows_whom_are_told_of(crd: Crd) -> None:
    path = crd.write(HEAD + GOOD * 3 + GOOD.replace("A1", '"A2'))

    loaded = crd("members", "load", path, "--most-wrong", "30")

    assert "1 set aside in " in loaded.output
    assert "(1 of them of nobody knows whom: until they are mended, nobody is told to be no member)" in loaded.output
    assert json.loads(crd("members", "check").output)["unread"] == 1


def test_ids_that_too_many_lines_share_are_told_of(crd: Crd) -> None:
    """Ten thousand members with one id: by it nobody is found, whoever asks, and the load says so."""
    shared = "".join(f"http://payer.example/{n},SAME,1971-04-02,example-health-plan,\n" for n in range(10_000))

    loaded = crd("members", "load", crd.write(HEAD + GOOD + shared))

    assert "warning: 1 ids are on more than 200 lines each: by them nobody is found" in loaded.output
    assert json.loads(crd("members", "check").output)["crowded"] == 1


def test_with_too_many_wrong_lines_nothing_is_replaced(crd: Crd) -> None:
    """A member that is missing would be told of as `no-member-found`."""
    assert crd("members", "load", crd.write(HEAD + GOOD)).exit_code == 0

    refused = crd("members", "load", crd.write(HEAD + GOOD + GOOD.replace("A1", "")))

    assert refused.exit_code == 2
    assert "nothing was replaced: 1 line is right, 1 set aside in" in refused.output
    assert "\n  1: member_id: is missing (line 3)\n" in refused.output
    assert json.loads(crd("members", "check").output)["rows"] == 1
    assert crd("members", "load", crd.write(HEAD)).exit_code == 2


def test_a_file_is_checked_without_being_loaded(crd: Crd) -> None:
    right, wrong = crd.write(HEAD + GOOD), crd.write(HEAD + GOOD.replace("health", "wealth"), "wrong.csv")

    assert crd("members", "check", right).output == "1 line is right\n"
    checked = crd("members", "check", wrong)

    assert checked.exit_code == 1
    assert "1: plan: must be the id of a payer: example-blue-plan, example-health-plan" in checked.output
    assert not (crd.folder / "crd.sqlite3").exists()


def test_a_look_up_by_a_person_is_on_the_record_before_anything_is_shown(crd: Crd) -> None:
    """CRD-79, CRD-80: who, when and why; of the id only a digest, the same each time."""
    crd("members", "load", crd.write(HEAD + GOOD))

    found = crd("members", "find", "A1", "--reason", "call of the member")
    missing = crd("members", "find", "NOBODY")
    again = crd("members", "find", "A1")

    (row,) = map(json.loads, found.output.splitlines())
    assert row["plan"] == "example-health-plan"
    assert "1971" not in found.output
    assert "born" not in row
    assert (missing.exit_code, again.exit_code) == (1, 0)
    last, other, first, load = crd.accesses()
    assert (first["action"], first["reason"]) == ("find-member", "call of the member")
    assert first["detail"] == last["detail"] != other["detail"]
    assert "A1" not in json.dumps([last, other, first])
    assert load["action"] == "load"


def test_authorizations_are_loaded_and_found_beside_the_members(crd: Crd) -> None:
    head = "number,member_system,member_id,codes,valid_to\n"
    path = crd.write(head + "PA-1,http://payer.example,A1,HCPCS|E0784;CPT|70553,2026-12-31\n", "authorizations.csv")

    assert crd("authorizations", "load", path).exit_code == 0
    assert crd("authorizations", "check", path).exit_code == 0
    found = json.loads(crd("authorizations", "find", "A1").output)

    assert (found["number"], found["codes"]) == ("PA-1", ["HCPCS|E0784", "CPT|70553"])
    assert crd("authorizations", "find", "B2").exit_code == 1
    assert [one["action"] for one in crd.accesses()] == ["find-authorizations", "find-authorizations", "load"]


def test_what_a_line_of_nobody_knows_whom_authorizes_satisfies_nothing(crd: Crd) -> None:
    head = "number,member_system,member_id,codes\n"
    path = crd.write(head + "PA-1,http://payer.example,A1,HCPCS|E0784\nPA-2,,A2,HCPCS|E0784\n", "authorizations.csv")

    loaded = crd("authorizations", "load", path, "--most-wrong", "50")

    assert (
        "(1 of them of nobody knows whom: until they are mended, what they authorize satisfies no order)"
        in loaded.output
    )


def test_an_authorization_for_a_member_that_is_not_loaded_is_told_of(crd: Crd) -> None:
    """A slip in a member's id, or its system: nobody's order would ever be covered by it."""
    head, of = "number,member_system,member_id,codes\n", "http://payer.example"
    lines = (f"PA-1,{of},A1,HCPCS|E0784", f"PA-2,{of},A11,HCPCS|E0784", f"PA-3,{of}/,A1,HCPCS|E0784")
    path = crd.write(head + "\n".join((*lines, "PA-4,http://payr.example,A1,HCPCS|E0784")), "authorizations.csv")
    without = crd("authorizations", "check", path)
    assert not (crd.folder / "crd.sqlite3").exists()
    crd("members", "load", crd.write(HEAD + GOOD))

    checked = crd("authorizations", "check", path)

    assert (without.exit_code, without.output) == (0, "4 lines are right\n")
    told = "member_id: no member that is loaded has this id in this member_system (line 3)"
    assert (checked.exit_code, checked.output) == (0, f"4 lines are right\nwarning: 2: {told}\n")


def test_members_and_authorizations_do_not_replace_each_other(crd: Crd) -> None:
    crd("members", "load", crd.write(HEAD + GOOD))
    head = "number,member_system,member_id,codes\n"
    crd("authorizations", "load", crd.write(f"{head}PA-1,http://payer.example,A1,HCPCS|E0784\n", "a.csv"))

    assert crd("members", "find", "A1").exit_code == 0
    assert crd("authorizations", "find", "A1").exit_code == 0


def test_without_their_key_members_are_told_to_be_loaded_again(crd: Crd) -> None:
    crd("members", "load", crd.write(HEAD + GOOD))
    (crd.folder / "keys").write_text(make_key())

    checked = crd("members", "check")

    assert checked.exit_code == 1
    assert "the key of these members is not in CRD_AUDIT_KEYS: load them again" in checked.output


def test_a_change_of_keys_says_what_must_be_loaded_again(crd: Crd) -> None:
    """Before the old key goes; until then everybody is found."""
    crd("members", "load", crd.write(HEAD + GOOD))
    keys = crd.folder / "keys"
    keys.write_text(f"{make_key()}\n{keys.read_text()}")

    told = crd("audit", "encrypt").output

    assert "the members have an older key still: load them again before it goes (crd members load)" in told
    assert "authorizations have" not in told
    assert crd("members", "find", "A1").exit_code == 0
    crd("members", "load", crd.write(HEAD + GOOD))
    assert "older key" not in crd("audit", "encrypt").output


def test_without_a_key_it_is_said_that_nothing_is_encrypted(crd: Crd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRD_AUDIT_KEYS")

    assert "nothing of this is encrypted" in crd("members", "load", crd.write(HEAD + GOOD)).output


@pytest.mark.parametrize("command", ["members", "authorizations"])
def test_where_there_is_no_store_nothing_is_found_and_none_is_made(command: str, crd: Crd) -> None:
    assert crd(command, "find", "A1").exit_code == 2
    assert crd(command, "check").exit_code == 2
    assert not (crd.folder / "crd.sqlite3").exists()
