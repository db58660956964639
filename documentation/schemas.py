"""JSON Schemas as tables of members: for those who write the files and have no editor that shows the schema."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

#: How a schema says what a text must look like, in words.
_FORMATS: Final = {"date": "date (YYYY-MM-DD)", "uri": "URL", "date-time": "date and time"}
_TYPES: Final = {"string": "text", "boolean": "`true` or `false`", "null": "`null`", "array": "list"}


def describe(schema: Json) -> Iterator[str]:
    """Yield the parts of a page in Markdown: what the file is, its members, and those of each definition."""
    yield _cell(str(schema.get("description", "")))
    yield from _members("Members", schema, schema)
    for name in _shown(schema):
        definition = schema["$defs"][name]
        yield from _members(name, definition, schema)


def _shown(root: Json) -> list[str]:
    """Return the definitions that have members, and so a table."""
    return [name for name, definition in root.get("$defs", {}).items() if definition.get("properties")]


def _members(title: str, schema: Json, root: Json) -> Iterator[str]:
    rows = [f"| {' | '.join(row)} |" for row in _rows(schema, root, "")]
    yield f"## {title}"
    if schema is not root and "description" in schema:
        yield _cell(str(schema["description"]))
    yield "\n".join(["| member | takes | what it says |", "| --- | --- | --- |", *rows])


def _rows(schema: Json, root: Json, before: str) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each member, and for the members of objects within it."""
    needed = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        if not isinstance(member, Mapping) or name == "$schema":
            continue
        mark = " (required)" if name in needed else ""
        said = member.get("description") or _resolve(member, root).get("description", "")
        yield f"`{before}{name}`{mark}", _kind(member, root), _cell(said)
        inner = member.get("items", member)
        if isinstance(inner, Mapping) and "properties" in inner:
            yield from _rows(inner, root, f"{before}{name}{'[]' if 'items' in member else ''}.")


def _resolve(schema: Json, root: Json) -> Json:
    """Return what a schema refers to, or itself."""
    found: Any = root
    for step in schema.get("$ref", "").split("/")[1:]:
        found = found[step]
    return found if "$ref" in schema else schema


def _kind(schema: Json, root: Json) -> str:
    """Say in a few words what a member takes."""
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    if name and name in _shown(root):
        return f"[{name}](#{name.lower()})"
    schema = _resolve(schema, root)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array" and schema.get("items"):
        return f"list of {_kind(schema['items'], root)}"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_kind(one, root) for one in choices if isinstance(one, Mapping)))
    kind = str(schema.get("type", "object"))
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(kind, kind))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
