"""The page on the architecture says what the tree and the import contracts say."""

import re
import subprocess
import tomllib
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
ROOMS, LAYERS = PAGE[PAGE.index("## The rooms") :].split("## The layers")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

#: Rooms that are shown without the folders inside them: migrations, a policy's folder, templates and files of pages.
INSIDE = ("store", "policies", "console", "impact")

#: `cards.response.respond`, wherever the page names a module.
MODULES = sorted(set(re.findall(r"\b(?:cards|cds_hooks)\.[a-z_.]+[a-z_]", PAGE)))


def named(table: str) -> set[str]:
    """Return the rooms that the first column of a table names."""
    return {
        room for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for room in re.findall(r"`([\w/]+)`", row)
    }


def test_the_picture_names_a_dozen_modules() -> None:
    assert len(MODULES) > 12


@pytest.mark.parametrize("module", MODULES)
def test_every_module_named_exists(module: str) -> None:
    path = ROOT / module.replace(".", "/")

    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize("package", ["cds_hooks", "cards"])
def test_every_room_of_the_tree_is_named_and_no_other(package: str) -> None:
    [table] = [part for part in re.split(r"\n\n", ROOMS) if part.startswith(f"| `{package}`")]
    tracked = subprocess.run(["git", "ls-files", package], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {Path(path).parent.relative_to(package) for path in tracked.splitlines()}
    shown = {path for path in folders if (path.parts and path.parts[0] not in INSIDE) or len(path.parts) == 1}

    assert named(table) - {package} == {path.as_posix() for path in shown}


def test_the_layers_shown_are_those_of_the_import_contracts() -> None:
    contracts = {one["containers"][0]: one["layers"] for one in CONTRACTS if one["type"] == "layers"}

    def cells(package: str) -> list[str]:
        return [" · ".join(f"`{module.strip()}`" for module in layer.split("|")) for layer in contracts[package]]

    rows = [f"| {' | '.join(both)} |" for both in zip_longest(cells("cds_hooks"), cells("cards"), fillvalue="")]
    shown = [re.sub(r"\|\s+\|$", "|  |", line) for line in LAYERS.splitlines() if line.startswith(("| `", "|  | `"))]
    assert shown[1:] == rows
