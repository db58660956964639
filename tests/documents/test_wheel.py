"""The wheel holds both packages and all their data, and what is installed from it needs nothing of the repository."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: How many policies are shipped.
SHIPPED = len(list((ROOT / "cards" / "policies").glob("*/policy.json")))


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())

    listed = subprocess.run(
        ["git", "ls-files", "cards", "cds_hooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(listed.stdout.split()) <= held
    for name in ("policy.schema.json", "policy-cases.schema.json", "evicore-cmm-204/policy.json"):
        assert f"cards/policies/{name}" in held
    assert "cards/policies/evicore-cmm-204/cases.json" in held
    assert not {name for name in held if name.startswith(("tests/", "fhir_examples/"))}
    assert any(name.endswith("entry_points.txt") for name in held)


class Installed:
    """A virtual environment with the wheel, which has its libraries from the one the tests run in."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        command = [*pip, "install", "--no-deps", "--no-index", "--no-compile", "-q", str(wheel)]
        subprocess.run(command, check=True, capture_output=True)
        [self.packages] = folder.glob("lib/python*/site-packages")
        # A path in a .pth file comes after the wheel, and the .pth files there are not read, so not the repository.
        (self.packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def crd(self, folder: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python.with_name("crd"), *map(str, arguments)],
            cwd=folder,
            env={"PATH": os.defpath, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module", name="installed")
def _installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(wheel, tmp_path_factory.mktemp("installed") / "venv")


def test_the_shipped_policies_hold_where_only_the_wheel_is(installed: Installed, tmp_path: Path) -> None:
    checked = installed.crd(tmp_path, "policies", "check", "--json")

    assert not checked.stderr
    told = json.loads(checked.stdout)
    assert (told["policies"], told["findings"], told["move"], told["gaps"]) == (SHIPPED, [], None, [])
    assert told["cases"] > 100
    assert not list(tmp_path.iterdir())


def test_a_new_policy_leads_to_a_service_with_it_where_only_the_wheel_is(installed: Installed, tmp_path: Path) -> None:
    """Every step that is printed is done as it is printed, and nothing is written into the package."""
    before = sorted(installed.packages.joinpath("cards").rglob("*"))

    made = installed.crd(tmp_path, "policies", "new", "acme-12", "--title", "Knee braces")

    assert made.returncode == 0, made.stderr
    assert {path.name for path in (tmp_path / "policies" / "acme-12").iterdir()} == {"policy.json", "cases.json"}
    steps = [line.split(". ", 1)[1].split("    ")[0] for line in made.stdout.splitlines() if ". " in line]
    for step in steps:
        if step.startswith("cp "):
            subprocess.run(["sh", "-e", "-c", step], check=True, cwd=tmp_path)
    payer = tmp_path / "payers" / "medicare.json"
    payer.write_text(payer.read_text().replace('"policies": [', '"policies": ["acme-12", '))
    [serve] = [step for step in steps if step.endswith(" crd serve")]
    variables = dict(variable.split("=") for variable in serve.split()[:-2])
    checked = json.loads(installed.crd(tmp_path, "policies", "check", "--json", **variables).stdout)
    assert checked["policies"] == SHIPPED + 1
    assert [finding["problem"] for finding in checked["findings"]] == ["no case expects covered or not-covered"]
    assert "acme-12" in installed.crd(tmp_path, "policies", "list", **variables).stdout
    assert [
        path for path in sorted(installed.packages.joinpath("cards").rglob("*")) if "__pycache__" not in str(path)
    ] == [path for path in before if "__pycache__" not in str(path)]


def test_nothing_is_written_into_the_installed_package(installed: Installed, tmp_path: Path) -> None:
    folder = installed.packages / "cards" / "policies"

    refused = installed.crd(tmp_path, "policies", "new", "acme-12", "--in", folder)

    assert refused.returncode == 2
    assert "belongs to the installed package" in refused.stderr
    assert not (folder / "acme-12").exists()
