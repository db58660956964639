"""The command `crd`, as a person runs it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import COMMANDS, main

CRD = str(Path(sys.executable).parent / "crd")


def crd(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CRD_DATABASE_URL": "sqlite:///:memory:", **variables}
    return subprocess.run([CRD, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("serve", "--help"), ("settings", "--help")])
def test_help_is_there(arguments: tuple[str, ...]) -> None:
    assert "Usage: crd" in crd(*arguments).stdout + crd(*arguments).stderr


def test_settings_are_printed_with_their_origin() -> None:
    printed = crd("settings", CRD_PORT="1234").stdout

    assert "CRD_PORT=1234  (environment; without it 8000)" in printed
    assert printed.startswith("How it listens\nCRD_HOST=127.0.0.1  (default)")
    assert "\n\nWho may call\nCRD_AUTH=none  (default)" in printed


def test_settings_can_be_read_by_a_program() -> None:
    rows = json.loads(crd("settings", "--json").stdout)

    assert {"group", "name", "value", "from", "default", "meaning"} == set(rows[0])


def test_a_wrong_setting_ends_with_one_clear_line() -> None:
    ended = crd("serve", CRD_PORT="eighty")

    assert ended.returncode == 2
    assert ended.stderr.startswith("crd: CRD_PORT=eighty: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_port_already_taken_ends_with_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = crd("serve", "--port", str(port))

    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_wrong_policy_file_ends_with_file_path_and_reason(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"id": "x"}')

    ended = crd("serve", CRD_POLICIES=str(tmp_path))

    assert ended.returncode == 2
    assert "x.json: $: 'versions' is a required property" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_help_of_each_command_is_its_own_first_sentence() -> None:
    """`crd --help` says it without loading the command."""
    context = click.Context(main)
    for name, listed in COMMANDS.items():
        command = main.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(200) == listed.help, name


def test_help_loads_nothing_that_only_a_service_needs() -> None:
    heavy = ("flask", "sqlalchemy", "fhir", "jsonschema", "granian", "cards")
    code = f"""
import sys
from cds_hooks.commands.main import main
main(["--help"], standalone_mode=False)
sys.exit(", ".join(name for name in {heavy} if name in sys.modules))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert ended.stderr == "\n" or ended.stderr == "", ended.stderr
    assert "Usage:" in ended.stdout


def test_it_is_a_module_too() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cds_hooks", "--version"], capture_output=True, text=True, timeout=60, check=True
    )

    assert ended.stdout.startswith("crd, version ")


def test_a_misspelt_command_is_told_from_those_that_are_there() -> None:
    ended = CliRunner().invoke(main, ["explian"])

    assert ended.exit_code == 2
    assert "No such command 'explian'. Did you mean 'explain'?" in ended.output


def test_a_variable_that_is_nearly_a_setting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes CRD_AUDIT_KEY keeps calls unencrypted, and CRD_POLICY asks the shipped policies."""
    monkeypatch.setenv("CRD_POLICY", "policies")
    monkeypatch.setenv("CRD_SERVICE_HOST", "10.0.0.1")  # such as Kubernetes sets for a service of that name

    ended = CliRunner().invoke(main, ["settings"])

    assert ended.stderr == "warning: CRD_POLICY is no setting; did you mean CRD_POLICIES?\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--code", "M0076", "--on"),
        ("policies", "show", "evicore-cmm-204", "--on"),
        ("facts", "recount", "--since"),
        ("impact", str(Path(__file__)), "--out", "report", "--on"),
    ],
)
@pytest.mark.parametrize("day", ["2026-02-30", "01/31/2026", "tomorrow"])
def test_what_is_no_day_is_told_with_one_that_is(arguments: tuple[str, ...], day: str) -> None:
    ended = CliRunner().invoke(main, [*arguments, day])

    assert ended.exit_code == 2
    assert f"{day} is no day such as 2026-01-31" in ended.output
