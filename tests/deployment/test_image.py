"""The image: what its Dockerfile says. `scripts/image.py`, which CI runs, carries it out without Docker."""

import subprocess
from pathlib import Path

import pytest

from scripts.image import Builder, Step, locked_versions, read_steps
from tests.conftest import ROOT

HADOLINT = ROOT / ".venv-deployment" / "bin" / "hadolint"
STEPS = list(read_steps(ROOT / "Dockerfile"))
LAST = [step for step in STEPS if step.stage == 1]


def said(name: str) -> str:
    [text] = [step.text for step in LAST if step.name == name]
    return text


def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    if not HADOLINT.exists():
        pytest.skip("needs hadolint (scripts/deployment-tools)")
    done = subprocess.run([HADOLINT, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert done.stdout + done.stderr == ""


def test_every_package_comes_from_a_lock_with_its_hash() -> None:
    """But for the wheel that was just built."""
    installs = [part for step in STEPS if step.name == "RUN" for part in step.text.split("&&") if "pip install" in part]

    assert len(installs) == 3
    assert [part for part in installs if "--require-hashes" not in part and "--no-deps /wheels/" not in part] == []
    assert not [step for step in STEPS if step.name == "ADD"]


def test_the_image_runs_as_a_user_without_rights_who_has_a_number() -> None:
    """Kubernetes' runAsNonRoot wants to see that it is not 0."""
    assert int(said("USER")) > 0
    assert f"--uid {said('USER')} " in said("RUN")


def test_the_image_is_made_of_the_virtual_environment_alone() -> None:
    """No compiler, no installer, no sources: those stay in the first stage."""
    assert [step.text for step in LAST if step.name == "COPY"] == ["--from=build /venv /venv"]
    assert "pip uninstall --yes pip" in " ".join(step.text for step in STEPS if step.stage == 0)
    assert all(step.text.startswith("python:3.13-slim") for step in STEPS if step.name == "FROM")


def test_what_is_copied_is_there_and_not_kept_out() -> None:
    kept_out = set((ROOT / ".dockerignore").read_text().split())
    sources = [word for step in STEPS if step.stage == 0 and step.name == "COPY" for word in step.text.split()[:-1]]

    assert len(sources) == 8
    assert [word for word in sources if not (ROOT / word).exists() or word in kept_out] == []


def test_an_instruction_over_several_lines_is_one(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("# first\nFROM a AS b\nRUN one \\\n && two\n\nFROM c\nUSER 7\n")

    assert list(read_steps(tmp_path / "Dockerfile")) == [
        Step(0, "FROM", "a AS b"),
        Step(0, "RUN", "one   && two"),
        Step(1, "FROM", "c"),
        Step(1, "USER", "7"),
    ]


def test_the_images_folders_are_moved_and_nothing_else(tmp_path: Path) -> None:
    builder = Builder(
        tmp_path, [Step(0, "ENV", "A=1"), Step(1, "ENV", "PATH=/venv/bin:$PATH URL=sqlite:////var/lib/crd/c")]
    )

    assert builder.environment == {"PATH": f"{tmp_path}/venv/bin:$PATH", "URL": f"sqlite:///{tmp_path}/var/lib/crd/c"}
    assert builder.moved("/usr/bin/venv /venv/bin/pip /wheels/*.whl") == (
        f"/usr/bin/venv {tmp_path}/venv/bin/pip {tmp_path}/wheels/*.whl"
    )


def test_the_list_of_packages_is_held_against_the_locks() -> None:
    assert {name.partition("==")[0] for name in locked_versions()} >= {"flask", "granian", "psycopg", "redis"}
