"""Codes of a policy that no order for a service has: diagnoses, and those of another form than their system's."""

from collections.abc import Iterator, Mapping
from typing import Any

from cards import CodeSystems
from cards.policy_codes import expand_codes

#: The JSON path of a code, its system, the code.
_Listed = tuple[str, str, str]


def find_code_slips(policy: Mapping[str, Any], systems: CodeSystems) -> Iterator[tuple[str, str]]:
    """Yield the JSON path and what is wrong of each such code of a policy that could be read."""
    for path, system, code in _list_codes(policy, systems):
        if systems.by_name[system].of_diagnoses:
            yield path, f"{system} {code}: {system} is of diagnoses, and a diagnosis does not name a service"
            continue
        coding = systems.coding(system, code)
        if coding.system != system:
            other = f"it is read as {coding.system} {coding.code}: write that"
            yield path, f"{code} is no code that {system} can have{systems.tell_form(system)}; {other}"
        elif not systems.can_have(coding):
            yield path, f"{code} is no code that {system} can have{systems.tell_form(system)}"


def _list_codes(policy: Mapping[str, Any], systems: CodeSystems) -> Iterator[_Listed]:
    said = {"$['all-versions']": policy.get("all-versions", {})}
    said |= {f"$.versions['{day}']": version or {} for day, version in policy["versions"].items()}
    for path, version in said.items():
        for number, code in enumerate(version.get("codes", ())):
            yield f"{path}.codes[{number}]", code["system"], code["code"]
    for name, group in policy.get("groups", {}).items():
        for system, code, path in expand_codes(group["codes"], f"$.groups['{name}'].codes", systems):
            yield path, system, code
