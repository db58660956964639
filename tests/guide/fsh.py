"""Reads FHIR Shorthand line by line: only the rules the vendored files use, no inheritance, no rule sets.

Not SUSHI: what is not read here is not checked by the tests. FHIR Shorthand 3.0, "FSH Language Reference".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: One cardinality; no upper limit is None.
Cardinality = tuple[int, int | None]

_HEADING = re.compile(r"(Extension|Profile|Invariant|ValueSet|CodeSystem): *(\S+)")
_FIELD = re.compile(r"(\w+): *(.+)")
_RULE = re.compile(r"( *)\* +(\S+) *(.*)")
_ALIAS = re.compile(r"Alias: *(\S+) *= *(\S+)")
_CARDINALITY = re.compile(r"(\d*)\.\.(\d+|\*|)(?!\S)")
_SLICE = re.compile(r"(\S+)(?: named (\S+))? (\d+\.\.(?:\d+|\*))")
_BLOCK_COMMENT = re.compile(r"^/\*.*?\*/", re.MULTILINE | re.DOTALL)


@dataclass
class Entity:
    """One definition: its fields, and its rules as (path, rest of the line); an indented rule's path starts with its parent's."""

    kind: str
    name: str
    fields: dict[str, str] = field(default_factory=dict)
    rules: list[tuple[str, str]] = field(default_factory=list)

    def rule(self, path: str, word: str) -> str | None:
        """Return what follows `word` in the rule of this path, or None without such a rule."""
        found = [rest[len(word) + 1 :] for at, rest in self.rules if at == path and rest.startswith(word + " ")]
        return found[-1] if found else None

    def cardinalities(self) -> dict[str, Cardinality]:
        """Return the rules `* path n..m`."""
        matches = ((path, _CARDINALITY.match(rest)) for path, rest in self.rules)
        return {path: _cardinality(match[0]) for path, match in matches if match}

    def slices(self, path: str) -> dict[str, Cardinality]:
        """Return the names and cardinalities of `* path contains a 1..1 and b 0..*`."""
        found = _SLICE.findall(self.rule(path, "contains") or "")
        return {named or name: _cardinality(text) for name, named, text in found}

    def codes(self) -> list[tuple[str, ...]]:
        """Return a code system's codes, each with the codes above it: `("_cardType", "guideline")`."""
        return [
            tuple(path.lstrip("#").split(".#")) for path, _ in self.rules if path.startswith("#") and ".^" not in path
        ]


def read_entities(path: Path) -> dict[str, Entity]:
    """Return the definitions of a file by their names."""
    entities: dict[str, Entity] = {}
    entity: Entity | None = None
    parents: list[tuple[int, str]] = []
    for line in _lines(path):
        if heading := _HEADING.match(line):
            entity, parents = Entity(heading[1], heading[2]), []
            entities[entity.name] = entity
        elif entity is None:
            raise ValueError(f"{path}: no definition before {line!r}")
        elif rule := _RULE.match(line):
            _add_rule(entity, parents, len(rule[1]), rule[2], rule[3])
        elif fields := _FIELD.match(line):
            entity.fields[fields[1]] = _unquote(fields[2])
        else:  # a rule goes on
            at, rest = entity.rules[-1]
            entity.rules[-1] = (at, f"{rest} {line.strip()}")
    return entities


def read_aliases(path: Path) -> dict[str, str]:
    """Return what each alias stands for, without the version of a canonical."""
    return {match[1]: match[2].partition("|")[0] for match in map(_ALIAS.match, _lines(path)) if match}


def _lines(path: Path) -> Iterator[str]:
    for line in _BLOCK_COMMENT.sub("", path.read_text(encoding="utf-8")).splitlines():
        if line.strip() and not line.lstrip().startswith("//"):
            yield line.replace("\t", " ").rstrip()


def _add_rule(entity: Entity, parents: list[tuple[int, str]], indent: int, token: str, rest: str) -> None:
    while parents and parents[-1][0] >= indent:
        parents.pop()
    path = f"{parents[-1][1]}.{token}" if parents else token
    parents.append((indent, path))
    entity.rules.append((path, rest))


def _cardinality(text: str) -> Cardinality:
    low, _, high = text.partition("..")
    return int(low or 0), None if high in ("", "*") else int(high)


def _unquote(text: str) -> str:
    return text[1:-1].replace('\\"', '"') if text.startswith('"') else text
