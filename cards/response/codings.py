"""A policy's code as it is written, and adding it to an order: one coding more, everything else left as received."""

from collections.abc import Mapping
from typing import Final

import msgspec

from cards.coding import CodeSystems
from cards.policy import PolicyCode

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def write_coding(code: PolicyCode, code_systems: CodeSystems) -> dict[str, str]:
    """Return a policy's code as a FHIR Coding."""
    return {
        "system": code_systems.uri(code.coding.system),
        "code": code.coding.code,
        "display": code.display,
    }


def add_coding(order: bytes, element: str, coding: Mapping[str, str]) -> bytes | None:
    """Return an order's JSON text with one coding more, the last, in an element that is a CodeableConcept.

    Its other members stay byte by byte, so decimals and unknown members do not change. None where the element is not
    as FHIR R4 has it.
    """
    try:
        members = _MEMBERS.decode(order)
        concept = _MEMBERS.decode(_present(members, element) or b"{}")
        codings = _LIST.decode(_present(concept, "coding") or b"[]")
    except msgspec.ValidationError:
        return None
    concept["coding"] = msgspec.Raw(msgspec.json.encode([*codings, coding]))
    members[element] = msgspec.Raw(msgspec.json.encode(concept))
    return msgspec.json.encode(members)


def _present(members: Mapping[str, msgspec.Raw], name: str) -> bytes:
    """Return the JSON text of a member; nothing for one that is null, as for one that is not there."""
    found = bytes(members.get(name, b""))
    return b"" if found == b"null" else found
