"""The codes of a policy: each with its role, or in a group, as `HCPCS K0813 to K0816`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cards.coding import CodeSystems, Coding
from cards.errors import DocumentError
from cards.policy import PolicyCode

Json = Mapping[str, Any]

#: The codes of a version by role: definitive, nonspecific, unlisted.
Codes = tuple[dict[Coding, PolicyCode], frozenset[Coding], frozenset[Coding]]

#: As many codes are in one range at most: more is a slip of the pen.
_LONGEST: Final = 1000

#: A code that ranges can be made of: its letters before and after the number do not change.
_NUMBERED: Final = re.compile(r"([A-Z]*)([0-9]+)([A-Z]*)")


def expand_codes(listed: Sequence[str], path: str, systems: CodeSystems) -> Iterator[tuple[str, str, str]]:
    """Yield the system, the code and the JSON path of each code that a list names, its ranges spelled out."""
    for number, text in enumerate(listed):
        where = f"{path}[{number}]"
        first, _, last = (part.strip() for part in text.partition(" to "))
        name, _, code = first.rpartition(" ")
        if name not in systems.by_name:
            known = ", ".join(sorted(systems.by_name))
            raise DocumentError(where, f"{text}: no code system {name!r} (known: {known}){systems.nearest(name)}")
        yield from ((name, one, where) for one in (_spell_out(code, last, where) if last else (code,)))


def _spell_out(first: str, last: str, path: str) -> Iterator[str]:
    """Yield the codes of a range, both ends included."""
    low, high = (_NUMBERED.fullmatch(code.upper()) for code in (first, last))
    if not low or not high or (low[1], low[3], len(low[2])) != (high[1], high[3], len(high[2])):
        raise DocumentError(path, f"{first} to {last}: the codes of a range differ in their number only")
    count = int(high[2]) - int(low[2]) + 1
    if not 1 < count <= _LONGEST:
        raise DocumentError(path, f"{first} to {last}: a range rises, and has {_LONGEST} codes at most")
    yield from (f"{low[1]}{int(low[2]) + step:0{len(low[2])}}{low[3]}" for step in range(count))


def read_codes(codes: Any, path: str, systems: CodeSystems) -> Codes:
    """Read codes with their roles, and the other systems that they are seen under."""
    definitive: dict[Coding, PolicyCode] = {}
    nonspecific: set[Coding] = set()
    unlisted: set[Coding] = set()
    for number, code in enumerate(codes):
        where = f"{path}[{number}]"
        readings = _readings(code["system"], code["code"], where, systems)
        if code["role"] == "definitive":
            named = PolicyCode(readings[0], code["display"])
            labels = code.get("also-labelled", ())
            spelled = [readings, *(_readings(label, code["code"], where, systems) for label in labels)]
            definitive.update(dict.fromkeys((coding for codings in spelled for coding in codings), named))
        else:
            nonspecific.update(readings)
            if code["role"] == "unlisted":
                unlisted.update(readings)
    return definitive, frozenset(nonspecific), frozenset(unlisted)


def read_group_codes(group: Json, path: str, systems: CodeSystems) -> dict[Coding, PolicyCode]:
    """Read the codes of a group; beside each stands the service that it names."""
    found: dict[Coding, PolicyCode] = {}
    for system, code, where in expand_codes(group["codes"], path, systems):
        check_code(system, code, where, systems)
        readings = _readings(system, code, where, systems)
        if found.keys() & set(readings):
            raise DocumentError(where, f"{code} is there twice")
        found.update(dict.fromkeys(readings, PolicyCode(readings[0], group["service"])))
    return found


def check_code(system: str, code: str, path: str, systems: CodeSystems) -> None:
    """Raise DocumentError for a code that no order can have, such as `HCPCS E07844`: a slip of the pen."""
    if not systems.can_have(systems.coding(system, code)):
        raise DocumentError(path, f"{code} is no code that {system} can have")


def _readings(system: str, code: str, path: str, code_systems: CodeSystems) -> tuple[Coding, ...]:
    if system not in code_systems.by_name:
        known = ", ".join(sorted(code_systems.by_name))
        told = f"code system {system} is not in the vocabulary (known: {known}){code_systems.nearest(system)}"
        raise DocumentError(f"{path}.system", told)
    return code_systems.readings(system, code)
