"""The shared vocabulary: code systems, word lists and context cues, each written once for all policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cards.coding import CodeSystem, CodeSystems
from cards.errors import DocumentError

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cue:
    """A phrase that, near a service's name, says that it may not be what is ordered (see cues.schema.json)."""

    kind: str
    side: str
    reach: int
    phrase: str


@dataclass(frozen=True)
class Vocabulary:
    """What the policies of a deployment share."""

    code_systems: CodeSystems
    lists: Mapping[str, tuple[str, ...]]
    cues: tuple[Cue, ...]
    pseudo_cues: tuple[str, ...]
    actions: tuple[str, ...]


def read_code_systems(document: Json) -> CodeSystems:
    """Read code-systems.json, which has passed its schema; a name or spelling used twice is refused."""
    seen: dict[str, str] = {}
    systems: dict[str, CodeSystem] = {}
    for number, entry in enumerate(document["codeSystems"]):
        path = f"$.codeSystems[{number}]"
        for spelling in (entry["uri"], *entry["aliases"]):
            if spelling in seen:
                raise DocumentError(path, f"{spelling} is already a spelling of {seen[spelling]}")
            seen[spelling] = entry["name"]
        if entry["name"] in systems:
            raise DocumentError(f"{path}.name", f"{entry['name']} is there twice")
        systems[entry["name"]] = CodeSystem(
            entry["name"], entry["uri"], tuple(entry["aliases"]), entry["names-a-service"]
        )
    return CodeSystems(systems)


def read_vocabulary(code_systems: Json, words: Json, cues: Json) -> Vocabulary:
    """Read the three vocabulary documents, each of which has passed its schema."""
    return Vocabulary(
        code_systems=read_code_systems(code_systems),
        lists={name: tuple(entry["terms"]) for name, entry in words["lists"].items()},
        cues=tuple(
            Cue(group["kind"], group["side"], group["reach"], phrase)
            for group in cues["cues"]
            for phrase in group["terms"]
        ),
        pseudo_cues=tuple(cues["pseudo-cues"]),
        actions=tuple(cues["actions"]),
    )
