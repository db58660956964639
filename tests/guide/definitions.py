"""Reads the vendored definitions: for each version of the guide, what a response must be like.

2.0.1 is read from the published JSON, 2.1 and 2.2 from their authors' FSH; README.md says where from.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.guide.fsh import Cardinality, Entity, read_aliases, read_entities

HERE = Path(__file__).resolve().parent
CANONICAL = "http://hl7.org/fhir/us/davinci-crd"
COVERAGE_INFORMATION = f"{CANONICAL}/StructureDefinition/ext-coverage-information"

#: The guide's version as it is spoken of, and as it was published.
FOLDERS = {"2.0": "2.0.1", "2.1": "2.1.0", "2.2": "2.2.1"}

#: A code and its system.
Coding = tuple[str, str]


@dataclass(frozen=True)
class Invariant:
    """A rule as published: its key, what it says to people, and the FHIRPath that decides."""

    key: str
    human: str
    expression: str


@dataclass(frozen=True)
class Part:
    """A part of the extension: how often, which value, and for `detail` which parts of its own.

    `targets` are the resource types a reference may go to, in lower case; `codes` those of a required binding.
    """

    cardinality: Cardinality
    types: tuple[str, ...] = ()
    targets: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    parts: Mapping[str, "Part"] | None = None


@dataclass(frozen=True)
class Profile:
    """A request profile's plain cardinalities by element, those of its participant slices, and its invariants."""

    name: str
    cardinalities: Mapping[str, Cardinality]
    participants: Mapping[str, Cardinality]
    invariants: tuple[Invariant, ...]


@dataclass(frozen=True)
class Element:
    """An element of a logical model of the response: `types` are resource types in lower case, if it names any."""

    path: str
    cardinality: Cardinality
    pattern: str | None
    types: frozenset[str]
    invariants: tuple[Invariant, ...]


@dataclass(frozen=True)
class ResponseExtension:
    """A `davinci-crd.*` member of a card's or an action's `extension`: its datatype, and whether it is a list."""

    type: str
    repeats: bool


@dataclass(frozen=True)
class Guide:
    """What one version of the guide publishes about a response."""

    version: str
    contexts: frozenset[str]
    parts: Mapping[str, Part]
    invariants: tuple[Invariant, ...]
    value_sets: Mapping[str, frozenset[Coding]]
    topic_system: str
    card_types: frozenset[str]
    response_extensions: Mapping[str, ResponseExtension]
    profiles: Mapping[str, tuple[Profile, ...]]
    models: Mapping[str, tuple[Element, ...]]

    @property
    def reasons(self) -> frozenset[Coding]:
        """The codes a reason may have without a text (crd-ci-q7)."""
        return self.value_sets[f"{CANONICAL}/ValueSet/coverageAssertionReasons"]


@cache
def read_guide(version: str) -> Guide:
    """Return the definitions of version 2.0, 2.1 or 2.2."""
    folder = HERE / FOLDERS[version]
    return _read_package(folder) if version == "2.0" else _read_shorthand(version, folder)


# 2.0.1: JSON as published


def _read_package(folder: Path) -> Guide:
    extension = _load(folder / "StructureDefinition-ext-coverage-information.json")
    elements = {element["id"]: element for element in extension["differential"]["element"]}
    value_sets = {vs["url"]: _included(vs) for vs in map(_load, sorted(folder.glob("ValueSet-*.json")))}
    card_type = _load(folder / "ValueSet-cardType.json")["compose"]["include"][0]
    code_system = _load(folder / "CodeSystem-temp.json")
    return Guide(
        version="2.0",
        contexts=frozenset(context["expression"] for context in extension["context"]),
        parts=_json_parts(elements, "Extension", value_sets),
        invariants=tuple(_json_invariant(constraint) for constraint in elements["Extension"]["constraint"]),
        value_sets=value_sets,
        topic_system=card_type["system"],
        card_types=frozenset(_below(code_system["concept"], card_type["filter"][0]["value"])),
        # No definition in 2.0.1; its page "Cards" shows an array of strings (crd.md 3.1).
        response_extensions={"davinci-crd.associated-resource": ResponseExtension("string", True)},
        profiles={},  # 1 MB of JSON; scripts/node-modules checks them
        models={},
    )


def _json_parts(
    elements: Mapping[str, Any], parent: str, value_sets: Mapping[str, frozenset[Coding]]
) -> dict[str, Part]:
    pattern = re.compile(re.escape(parent) + r"\.extension:([^.]+)")
    names = {match[1]: match[0] for match in map(pattern.fullmatch, elements) if match}
    return {name: _json_part(elements, at, value_sets) for name, at in names.items()}


def _json_part(elements: Mapping[str, Any], at: str, value_sets: Mapping[str, frozenset[Coding]]) -> Part:
    high = elements[at]["max"]
    value = elements[f"{at}.value[x]"]
    types = value.get("type", [])
    binding = value.get("binding", {})
    required = value_sets[binding["valueSet"]] if binding.get("strength") == "required" else ()
    return Part(
        cardinality=(elements[at]["min"], None if high == "*" else int(high)),
        types=tuple(kind["code"] for kind in types),
        targets=frozenset(
            _resource_type(target) for kind in types if kind["code"] == "Reference" for target in kind["targetProfile"]
        ),
        codes=frozenset(code for _, code in required),
        parts=_json_parts(elements, at, value_sets) or None,
    )


def _json_invariant(constraint: Mapping[str, Any]) -> Invariant:
    return Invariant(constraint["key"], constraint["human"], constraint["expression"])


def _included(value_set: Mapping[str, Any]) -> frozenset[Coding]:
    included = value_set["compose"]["include"]
    return frozenset((part["system"], concept["code"]) for part in included for concept in part.get("concept", ()))


def _below(concepts: list[Any], code: str, below: bool = False) -> Iterator[str]:
    for concept in concepts:
        if below:
            yield concept["code"]
        yield from _below(concept.get("concept", []), code, below or concept["code"] == code)


# 2.1 and 2.2: FSH as written


def _read_shorthand(version: str, folder: Path) -> Guide:
    fsh, resources = folder / "fsh", folder / "resources"
    systems = _read_systems(fsh)
    entities = read_entities(fsh / "extensions" / "CoverageInformation.fsh")
    extension = entities["CRDCoverageInformation"]
    value_sets = {name: _fsh_codes(entity, systems) for name, entity in _read_value_sets(fsh).items()}
    codes = read_entities(fsh / "codesystems" / "CRDTempCodes.fsh")["CRDTempCodes"].codes()
    return Guide(
        version=version,
        contexts=frozenset(
            _quoted(rest) for path, rest in extension.rules if re.fullmatch(r"\^context\[.\]\.expression", path)
        ),
        parts=_fsh_parts(extension, "", value_sets),
        invariants=_fsh_invariants(extension, entities),
        value_sets={
            f"{CANONICAL}/ValueSet/{entity.fields['Id']}": value_sets[name]
            for name, entity in _read_value_sets(fsh).items()
        },
        topic_system=_topic_system(fsh, systems),
        # 2.2 includes the whole of terminology.hl7.org's system; its copy of the codes is the former one's.
        card_types=frozenset(code[-1] for code in codes if "_cardType" in code[:-1]),
        response_extensions=dict(
            map(_read_response_extension, sorted(resources.glob("*ServiceResponseExtension*.json")))
        ),
        profiles={path.stem: tuple(_read_profiles(path)) for path in sorted((fsh / "profiles").glob("*.fsh"))},
        models={
            path.stem.partition("CRDHooksResponse")[2].lstrip("-"): tuple(_read_model(path))
            for path in sorted(resources.glob("*.xml"))
        },
    )


def _read_systems(fsh: Path) -> dict[str, str]:
    found = [entity for path in (fsh / "codesystems").glob("*.fsh") for entity in read_entities(path).values()]
    return read_aliases(fsh / "aliases.fsh") | {
        entity.name: f"{CANONICAL}/CodeSystem/{entity.fields['Id']}" for entity in found
    }


def _read_value_sets(fsh: Path) -> dict[str, Entity]:
    return read_entities(fsh / "valuesets" / "CoverageInformationValuesets.fsh")


def _fsh_codes(value_set: Entity, systems: Mapping[str, str]) -> frozenset[Coding]:
    found = (path.partition("#") for path, _ in value_set.rules if not path.startswith("^"))
    return frozenset((systems[system], code) for system, _, code in found)


def _fsh_parts(extension: Entity, parent: str, value_sets: Mapping[str, frozenset[Coding]]) -> dict[str, Part]:
    slices = extension.slices(f"{parent}extension")
    return {
        name: _fsh_part(extension, f"{parent}extension[{name}].", limits, value_sets) for name, limits in slices.items()
    }


def _fsh_part(
    extension: Entity, at: str, cardinality: Cardinality, value_sets: Mapping[str, frozenset[Coding]]
) -> Part:
    types = extension.rule(f"{at}value[x]", "only") or ""
    value_set, _, strength = (extension.rule(f"{at}value[x]", "from") or "").partition(" ")
    required = value_sets[value_set] if strength == "(required)" else ()
    targets = re.findall(r"\w+", types.removeprefix("Reference")) if types.startswith("Reference(") else []
    return Part(
        cardinality=cardinality,
        types=("Reference",) if targets else tuple(name for name in types.split(" or ") if name),
        targets=frozenset(_resource_type(target) for target in targets if target != "or"),
        codes=frozenset(code for _, code in required),
        parts=_fsh_parts(extension, at, value_sets) or None,
    )


def _fsh_invariants(obeying: Entity, entities: Mapping[str, Entity]) -> tuple[Invariant, ...]:
    keys = [key for path, rest in obeying.rules if path == "obeys" for key in rest.split(" and ")]
    fields = [(key, entities[key].fields) for key in keys]
    return tuple(Invariant(key, field["Description"], field["Expression"]) for key, field in fields)


def _topic_system(fsh: Path, systems: Mapping[str, str]) -> str:
    card_type = read_entities(fsh / "valuesets" / "CRDCardType.fsh")["CRDCardType"]
    included = card_type.rule("include", "codes from system")
    return systems[(included or "").split()[0]]


def _read_response_extension(path: Path) -> tuple[str, ResponseExtension]:
    definition = _load(path)
    root = definition["differential"]["element"][0]
    return root["extension"][0]["valueString"], ResponseExtension(definition["type"], root["max"] == "*")


def _read_profiles(path: Path) -> Iterator[Profile]:
    """Yield the profiles that no other in the file is derived from, each with the rules of its parents.

    Whether one is abstract does not count: 2.1 calls even both of its derived Appointment profiles so.
    """
    entities = read_entities(path)
    parents = {entity.fields.get("Parent") for entity in entities.values()}
    for entity in entities.values():
        if entity.kind == "Profile" and entity.name not in parents:
            line = list(_ancestry(entity, entities))
            yield Profile(
                name=entity.fields["Id"],
                cardinalities={
                    at: limits
                    for one in line
                    for at, limits in one.cardinalities().items()
                    if at.removesuffix("[x]").isalpha()
                },
                participants={name: limits for one in line for name, limits in one.slices("participant").items()},
                invariants=tuple(invariant for one in line for invariant in _fsh_invariants(one, entities)),
            )


def _ancestry(entity: Entity, entities: Mapping[str, Entity]) -> Iterator[Entity]:
    parent = entities.get(entity.fields["Parent"])
    if parent:
        yield from _ancestry(parent, entities)
    yield entity


# 2.2: the logical models of the response

_FHIR = {"f": "http://hl7.org/fhir"}


def _read_model(path: Path) -> Iterator[Element]:
    root = ET.parse(path).getroot()  # noqa: S314 - a vendored file
    for element in root.iterfind("f:differential/f:element", _FHIR):
        high = _value(element, "f:max")
        yield Element(
            path=_value(element, "f:path") or "",
            cardinality=(int(_value(element, "f:min") or 0), None if high in (None, "*") else int(high)),
            pattern=_value(element, "f:patternCode"),
            types=frozenset(
                _resource_type(profile.attrib["value"]) for profile in element.iterfind("f:type/f:profile", _FHIR)
            ),
            invariants=tuple(_xml_invariant(found) for found in element.iterfind("f:constraint", _FHIR)),
        )


def _xml_invariant(constraint: ET.Element) -> Invariant:
    key, human, expression = (_value(constraint, f"f:{name}") or "" for name in ("key", "human", "expression"))
    return Invariant(key, human, expression)


def _value(element: ET.Element, path: str) -> str | None:
    found = element.find(path, _FHIR)
    return None if found is None else found.attrib["value"]


def _resource_type(profile: str) -> str:
    """Return the resource type a profile's name or URL tells, in lower case: CRDAppointmentNoOrder, profile-coverage."""
    name = profile.rpartition("/")[2].removeprefix("CRD").removeprefix("profile-").lower()
    return re.sub("-?(with|no)-?order$", "", name)


def _quoted(text: str) -> str:
    return text.partition('"')[2].rpartition('"')[0]


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
