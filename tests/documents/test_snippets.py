"""Every command and snippet of the documents is run or checked, or says why not."""

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from cds_hooks.commands.main import main
from cds_hooks.settings import Settings
from cds_hooks.telemetry.metrics import METRICS
from tests.conftest import ROOT, example
from tests.documents.snippets import KINDS, WITH_DEMO, Snippet, assert_page_does_what_it_says, read
from tests.running_service import RunningService

PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]

ALL = [(page, snippet) for page in PAGES for snippet in read(page)]
RUN = [
    page
    for page in PAGES
    if page.name not in WITH_DEMO and any(one.language == "sh" and not KINDS & set(one.said) for one in read(page))
]

POLICY_SCHEMA = json.loads((ROOT / "cards/policies/policy.schema.json").read_bytes())
CASES_SCHEMA = json.loads((ROOT / "cards/policies/policy-cases.schema.json").read_bytes())


def marked(kind: str) -> list[Any]:
    """Return the blocks with a mark, as parameters."""
    return [pytest.param(one, id=f"{page.name}:{one.line}") for page, one in ALL if kind in one.said]


def is_accounted_for(page: Path, snippet: Snippet) -> bool:
    """Tell whether something is done with a block."""
    of_page = f"<!-- {snippet.language} of this page is held by: "
    return bool(KINDS & set(snippet.said)) or snippet.language in ("sh", "mermaid") or of_page in page.read_text()


@pytest.mark.parametrize(("page", "snippet"), ALL, ids=[f"{page.name}:{one.line}" for page, one in ALL])
def test_every_block_is_run_or_checked_or_says_why_not(page: Path, snippet: Snippet) -> None:
    assert is_accounted_for(page, snippet)
    held = [
        snippet.said.get("held by", ""),
        *re.findall(r"tests/[\w/]+(?:\.py)?", snippet.said.get("not run here", "")),
    ]
    assert [path for path in held if not (ROOT / path).exists()] == []
    assert snippet.said.get("not run here", "a reason")


def test_a_block_that_nobody_looks_at_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nprint(1)\n```\n\n<!-- not run here: why -->\n```sh\ntrue\n```\n")

    assert [is_accounted_for(page, one) for one in read(page)] == [False, True]


@pytest.fixture(scope="module", name="answering")
def _answering(start_service: Callable[..., RunningService]) -> RunningService:
    """A service that has answered the README's call."""
    service = start_service()
    service.post("/cds-services/order-sign-crd", example("m0076-order-sign"))
    return service


@pytest.fixture(scope="module", name="kept")
def _kept(answering: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its store after that call: each page begins with it, whatever the pages before it have sent."""
    file = tmp_path_factory.mktemp("kept") / "crd.sqlite3"
    with sqlite3.connect(Path(str(answering.log)).parent / "crd.sqlite3") as store:
        store.backup(sqlite3.connect(file))
    return file


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(
    page: Path, answering: RunningService, kept: Path, tmp_path: Path
) -> None:
    work = tmp_path / "checkout"
    for name in ("cards", "fhir_examples"):
        shutil.copytree(ROOT / name, work / name)
    (work / ".venv" / "bin").mkdir(parents=True)
    shutil.copyfile(kept, work / "crd.sqlite3")

    assert_page_does_what_it_says(page, answering.base, work, tmp_path)


def test_the_readmes_call_is_answered(answering: RunningService) -> None:
    [command] = re.findall(r"^curl .*?(?=^```)", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    done = subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8000", answering.base)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout)["cards"][0]["summary"].startswith("Prolotherapy (M0076) is not covered")


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that some words call, and the words behind it."""
    command: click.Command = main
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found, words[0]
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("snippet", marked("usage"))
def test_a_usage_names_commands_and_options_that_there_are(snippet: Snippet) -> None:
    calls = re.findall(r"\bcrd ((?:[^\n](?!\s{3,}))*.)", snippet.text)
    assert calls
    for call in calls:
        command, rest = command_of(call.replace("[", " ").replace("]", " ").split())
        known = {option for one in command.params for option in one.opts}
        assert [word for word in rest if word.startswith("--") and word not in known] == []


@pytest.mark.parametrize("snippet", marked("settings"))
def test_settings_are_settings(snippet: Snippet) -> None:
    names = [line.partition("=")[0].removeprefix("CRD_").lower() for line in snippet.text.splitlines()]

    assert names
    assert set(names) <= set(Settings.model_fields)


@pytest.mark.parametrize("snippet", marked("metrics"))
def test_a_query_names_metrics_and_labels_that_there_are(snippet: Snippet) -> None:
    found = re.findall(r"\b(crd_\w+?)(?:_bucket|_count|_sum|_total)?\{([^}]*)\}", snippet.text)

    assert found
    for name, labels in found:
        known = {*METRICS[name].labels, "le"}
        assert set(re.findall(r"(\w+)=", labels)) <= known


@pytest.mark.parametrize("snippet", marked("part of"))
def test_a_part_of_a_policy_is_valid(snippet: Snippet) -> None:
    part = json.loads("{" + snippet.text + "}")
    policy = {
        "id": "acme",
        "title": "A",
        "service": "A",
        "publisher": "A",
        "reviewed": "2026-11-20",
        "rights": "None.",
    }
    version = {"codes": [{"system": "CPT", "code": "63650", "role": "definitive", "display": "A"}]}
    version["references"] = [{"title": "A", "url": "https://acme.example/12"}]
    whole = part if snippet.said["part of"] == "policy" else {"versions": {"2026-01-01": version | part}}

    assert [error.message for error in Draft202012Validator(POLICY_SCHEMA).iter_errors(policy | whole)] == []


@pytest.mark.parametrize("snippet", marked("cases"))
def test_cases_are_valid(snippet: Snippet) -> None:
    decoder, rest, cases = json.JSONDecoder(), snippet.text.strip(), []
    while rest:
        case, end = decoder.raw_decode(rest)
        cases, rest = [*cases, case], rest[end:].strip()

    assert len(cases) > 2
    assert [one.message for one in Draft202012Validator(CASES_SCHEMA).iter_errors({"cases": cases})] == []


@pytest.mark.parametrize("snippet", marked("schema"))
def test_a_call_is_one_by_the_schema_of_requests(snippet: Snippet) -> None:
    schemas = json.loads((ROOT / "cds_hooks/schemas/hook-request.schema.json").read_bytes())
    call = json.loads(snippet.text)

    errors = Draft202012Validator({**schemas, "$ref": f"#/$defs/{call['hook']}"}).iter_errors(call)
    assert [error.message for error in errors] == []
