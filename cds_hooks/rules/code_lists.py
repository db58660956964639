"""Codes as a payer's list has them, a CSV file, read as the groups of a new policy."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cards import CodeSystems, DocumentError
from cards.policy_codes import check_code, expand_codes
from cds_hooks.errors import StartError

#: The columns there can be; code must be there.
_COLUMNS: Final = ("code", "to", "group", "service")

#: The group of codes that name none.
_ONLY_GROUP: Final = "services"


class CodeGroup(NamedTuple):
    """A group of codes as a policy writes them: its name, what it is called on cards, `HCPCS K0800 to K0802`."""

    name: str
    service: str
    codes: tuple[str, ...]


def read_groups(path: Path, systems: CodeSystems, service: str) -> tuple[CodeGroup, ...]:
    """Read a list of codes; `service` names groups that do not say theirs. StartError says what is wrong where."""
    services: dict[str, str] = {}
    codes: dict[str, dict[str, None]] = {}
    for line, row in _rows(path):
        name = "-".join((row["group"] or _ONLY_GROUP).lower().split())
        text = _write_code(row["code"], row["to"], systems)
        try:
            for system, code, where in expand_codes([text], "", systems):
                check_code(system, code, where, systems)
        except DocumentError as error:
            raise StartError(f"{path}: line {line}: {error.reason}") from None
        codes.setdefault(name, {})[text] = None
        services[name] = services.get(name) or row["service"]
    if not codes:
        raise StartError(f"{path}: no codes")
    return tuple(CodeGroup(name, (services[name] or service)[:40], tuple(found)) for name, found in codes.items())


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
            if "code" not in names:
                raise StartError(f"{path}: line 1: must name the columns: {', '.join(_COLUMNS)}; code is missing")
            reader.fieldnames = names
            for row in reader:
                read = {name: (row.get(name) or "").strip() for name in _COLUMNS}
                if any(read.values()):
                    yield reader.line_num, read
    except (OSError, ValueError, csv.Error):
        raise StartError(f"{path}: cannot be read as CSV in UTF-8") from None


def _write_code(code: str, last: str, systems: CodeSystems) -> str:
    """Return a code as policies write it; a bare one of five digits is CPT, any other HCPCS."""
    name, _, value = code.rpartition(" ")
    known = {spelling.lower(): spelling for spelling in systems.by_name}
    system = known.get(name.lower(), name) if name else "CPT" if value[:1].isdigit() else "HCPCS"
    return f"{system} {value.upper()} to {last.upper()}" if last and last != value else f"{system} {value.upper()}"
