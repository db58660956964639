"""Every figure of a report over the invented population is what the population was made to have."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import main
from cds_hooks.impact.population.writing import FAULTS, write_population

pytestmark = pytest.mark.process  # the local engine's own


def told(figures: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any]:
    """Return of a report's figures those that the truth is known of."""
    alerts = {name: figures["alerts"][name] for name in truth["alerts"]}
    return {**{name: figures[name] for name in truth}, "alerts": alerts}


def run(*arguments: Any) -> dict[str, Any]:
    """Run `crd impact` and return its figures."""
    done = CliRunner().invoke(main, ["impact", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads((Path(arguments[-1]) / "figures.json").read_text())
    return found


@pytest.fixture(scope="module")
def report(population: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "Report [2]*, it's new?"
    run(population, "--with-texts", "--workers", 2, "--out", out)
    return out


def test_every_count_equals_the_truth(report: Path, truth: dict[str, Any]) -> None:
    figures = json.loads((report / "figures.json").read_text())

    assert told(figures, truth) == truth
    assert len(truth["verdicts"]) == 10  # every kind of answer that bulk data alone can come to


def test_a_baseline_of_the_same_policies_differs_in_no_order(population: Path, tmp_path: Path) -> None:
    figures = run(
        population / "clinic-b", population / "payers", "--baseline", "cards/policies", "--out", tmp_path / "r"
    )

    assert figures["differences"] == []


def test_the_same_seed_gives_the_same_population(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_population(tmp_path / name, 300, seed=3)

    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert [(tmp_path / "one" / file).read_bytes() for file in files] == [
        (tmp_path / "other" / file).read_bytes() for file in files
    ]


def test_a_report_holds_no_id_of_a_patient_an_order_or_a_clinician(report: Path, population: Path) -> None:
    orders = [
        json.loads(line)
        for line in (population / "clinic-a" / "ServiceRequest.ndjson").read_bytes().split(b"\n")[:3]
        if line.startswith(b'{"resourceType":"ServiceRequest"')
    ]
    html = (report / "report.html").read_text()

    for order in orders:
        for ident in (
            f"{order['resourceType']}/{order['id']}",
            order["subject"]["reference"],
            order["requester"]["reference"],
        ):
            assert ident not in html
    assert "Location/site-1" in html


def test_a_name_that_few_patients_have_is_not_shown(population: Path, tmp_path: Path, truth: dict[str, Any]) -> None:
    """CMS's cell size suppression policy: no cell of 1 to 10."""
    figures = run(population, "--out", tmp_path / "r")

    rare = [text for text in truth["texts"] if text.startswith("follow up visit")]
    assert rare
    assert set(figures["texts"]) == set(truth["texts"]) - set(rare)
    assert figures["rare_texts"] == {"texts": len(rare), "orders": len(rare)}
    for path in (tmp_path / "r").iterdir():
        assert b"follow up visit x" not in path.read_bytes()


def test_the_work_is_gone_when_the_report_is_there(report: Path) -> None:
    assert sorted(path.name for path in report.iterdir()) == [
        "answers.parquet",
        "figures.json",
        "figures.parquet",
        "report.html",
        "set-aside.csv",
    ]


def test_what_is_set_aside_is_told_with_its_line(report: Path) -> None:
    lines = (report / "set-aside.csv").read_text().splitlines()[1:]

    assert len(lines) == 30
    for line in lines:
        url, number, reason = line.split(",")
        found = Path(url.removeprefix("file://")).read_bytes().split(b"\n")[int(number) - 1]
        assert (found, reason) in FAULTS


def test_the_answers_have_a_row_for_each_order(report: Path, truth: dict[str, Any]) -> None:
    import pyarrow.parquet as pq

    answers = pq.read_table(report / "answers.parquet")

    assert answers.num_rows == truth["orders"]
    assert {"verdict", "file", "line", "policy", "was_verdict"} <= set(answers.column_names)
    assert not {"text", "patient", "day"} & set(answers.column_names)


def test_a_folder_with_something_else_is_not_written_into(population: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    done = CliRunner().invoke(main, ["impact", str(population), "--out", str(tmp_path)])

    assert done.exit_code == 2
    assert "thesis.txt" in done.output
