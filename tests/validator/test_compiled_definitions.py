"""What SUSHI made of the FSH is what tests/guide reads in it; a stale or a half-compiled definition would show."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.guide.definitions import FOLDERS, Part, read_guide

DEFINITIONS = Path(__file__).resolve().parent / "definitions"
VERSIONS = ("2.1", "2.2")


def load(version: str, name: str) -> Any:
    return json.loads((DEFINITIONS / FOLDERS[version] / f"{name}.json").read_text())


def coverage_information(version: str) -> Mapping[str, Any]:
    """The elements of the compiled extension by their ids."""
    definition = load(version, "StructureDefinition-ext-coverage-information")
    return {element["id"]: element for element in definition["differential"]["element"]}


def parts(found: Mapping[str, Part], above: str = "Extension") -> Iterator[tuple[str, Part]]:
    for name, part in found.items():
        yield f"{above}.extension:{name}", part
        yield from parts(part.parts or {}, f"{above}.extension:{name}")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_compiled_extension_has_each_part_of_the_fsh_and_no_other(version: str) -> None:
    elements = coverage_information(version)
    expected = dict(parts(read_guide(version).parts))

    assert {at for at in elements if at.rpartition(".")[2].startswith("extension:")} == set(expected)
    for at, part in expected.items():
        low, high = part.cardinality
        assert (elements[at]["min"], elements[at]["max"]) == (low, "*" if high is None else str(high)), at


@pytest.mark.parametrize("version", VERSIONS)
def test_the_compiled_extension_has_the_value_types_of_the_fsh(version: str) -> None:
    elements = coverage_information(version)

    for at, part in parts(read_guide(version).parts):
        if part.parts is None:
            types = [kind["code"] for kind in elements[f"{at}.value[x]"]["type"]]
            assert sorted(types) == sorted(kind.removeprefix("Simple") for kind in part.types), at


@pytest.mark.parametrize("version", VERSIONS)
def test_the_compiled_value_sets_have_the_codes_of_the_fsh(version: str) -> None:
    elements = coverage_information(version)
    bound = 0

    for at, part in parts(read_guide(version).parts):
        if part.codes:
            binding = elements[f"{at}.value[x]"]["binding"]
            value_set = load(version, f"ValueSet-{binding['valueSet'].rpartition('/')[2]}")
            included = value_set["compose"]["include"]
            assert {concept["code"] for one in included for concept in one["concept"]} == part.codes, at
            assert binding["strength"] == "required", at
            bound += 1
    assert bound >= 5


@pytest.mark.parametrize("version", VERSIONS)
def test_the_compiled_extension_has_the_invariants_of_the_fsh(version: str) -> None:
    constraints = coverage_information(version)["Extension"]["constraint"]

    assert {(one["key"], one["expression"]) for one in constraints} == {
        (one.key, one.expression) for one in read_guide(version).invariants
    }
    assert {one["severity"] for one in constraints} == {"error"}
