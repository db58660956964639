"""The wheel holds both packages and all their data; nothing of them is left behind in the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_holds_every_file_of_both_packages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    [wheel] = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())

    listed = subprocess.run(
        ["git", "ls-files", "cards", "cds_hooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(listed.stdout.split()) <= held
    assert "cards/policies/evicore-cmm-204.json" in held
    assert not {name for name in held if name.startswith(("tests/", "fhir_examples/"))}
    assert any(name.endswith("entry_points.txt") for name in held)
