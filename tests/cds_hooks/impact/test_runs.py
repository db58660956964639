"""A run that is stopped goes on where it was, and only for the same work."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_hooks.commands.main import main
from cds_hooks.errors import StartError
from cds_hooks.impact.local_engine import ANSWERING
from cds_hooks.impact.progress import Progress
from cds_hooks.impact.run import begin
from cds_hooks.impact.work import Work
from tests.cds_hooks.impact.test_truth import told


def invoke(population: Path, out: Path) -> Any:
    arguments = ["impact", str(population), "--with-texts", "--workers", "1", "--out", str(out)]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_run_that_is_stopped_goes_on_and_counts_nothing_twice(
    population: Path, truth: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = 0

    def stop_after_three(_: Progress, part: str, __: int) -> None:
        nonlocal answered
        answered += part == ANSWERING
        if answered == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "advance", stop_after_three)
        stopped = invoke(population, tmp_path / "r")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "r" / ".work").glob("answers-*.parquet")}
    monkeypatch.setattr("cds_hooks.impact.run.shutil.rmtree", lambda *_, **__: None)
    resumed = invoke(population, tmp_path / "r")
    finished = {path: path.stat().st_mtime_ns for path in kept}

    assert stopped.exit_code == 130
    assert "The same command goes on from here" in stopped.output
    assert len(kept) >= 3
    assert finished == kept
    assert "Going on where the last run was stopped" in resumed.output
    assert told(json.loads((tmp_path / "r" / "figures.json").read_text()), truth) == truth


def test_other_work_in_the_same_folder_begins_anew(plan: Callable[..., Work], population: Path, tmp_path: Path) -> None:
    first, other = plan(population), plan(population, apart=True)
    begun = begin(tmp_path / "r", first._replace(key=b"1" * 32))
    (begun.folder / "answers-000000.parquet").write_bytes(b"")

    again = begin(tmp_path / "r", first._replace(key=b"2" * 32))

    assert again.goes_on
    assert again.work.key == b"1" * 32  # else one order had two hashes
    assert not begin(tmp_path / "r", other).goes_on
    assert not list((tmp_path / "r" / ".work").glob("*.parquet"))


def test_what_is_half_done_is_for_its_owner_alone(plan: Callable[..., Work], population: Path, tmp_path: Path) -> None:
    run = begin(tmp_path / "r", plan(population))

    assert run.folder.stat().st_mode & 0o077 == 0


def test_a_file_in_the_place_of_the_folder_is_an_error(
    plan: Callable[..., Work], population: Path, tmp_path: Path
) -> None:
    (tmp_path / "r").write_text("")

    with pytest.raises(StartError, match="no report"):
        begin(tmp_path / "r", plan(population))


def test_the_service_loads_nothing_of_it() -> None:
    look = "import sys, cds_hooks.app, cds_hooks.commands.serve, cds_hooks.commands.main; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"pyarrow", "duckdb", "fsspec", "pyspark", "pandas", "rich"}
    assert not [name for name in done.stdout.split() if name.startswith("cds_hooks.impact")]
