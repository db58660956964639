"""Writing coverage information onto an order: ours replaced, others' and everything else left as received.

The order's own bytes are kept member by member, so decimals, unknown members and contained resources do not change
(resp-37).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

import msgspec

from cards.references import same_reference

URL: Final = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"

#: What may differ between two annotations that say the same; the coverage is compared as a reference.
_INCIDENTAL: Final = frozenset({"date", "coverage-assertion-id", "coverage"})

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Knowledge(IntEnum):
    """What an assertion knows that one made before, about the same coverage, may not have known."""

    NOTHING = 0  # not evaluated, not to be told, or about a payer that is not known
    NEW = 1  # what the policies say
    CONTRADICTS = 2  # a policy in force says that the service is not covered


class Assertion(NamedTuple):
    """One repetition of the extension: its JSON text, and the Coverage it is about as a literal reference."""

    coverage: str
    extension: bytes
    knowledge: Knowledge = Knowledge.NEW


def annotate(order: bytes, assertions: Sequence[Assertion], base: str | None = None) -> bytes | None:
    """Return the order with the assertions in place of our former ones, other payers' untouched.

    A former repetition about one of the same coverages is ours; `base` is what relative references are read against.
    None where the order already says the same and nothing else of ours: repeating it is SHALL NOT (resp-35, CRD-267).
    What knows nothing new removes no earlier answer, and an authorization that was given goes only where a policy in
    force contradicts it (resp-35, resp-36, hook-16).
    """
    members = _MEMBERS.decode(order) if b'"extension"' in order or b"\\u" in order else {}
    if "extension" not in members:
        return b'%b,"extension":[%b]}' % (order[:-1].rstrip(), b",".join(a.extension for a in assertions))
    present = bytes(members["extension"])
    before = [] if present == b"null" else _LIST.decode(present)
    kept, owing = _keep(before, assertions, base)
    if not owing and len(kept) == len(before):
        return None
    members["extension"] = msgspec.Raw(msgspec.json.encode([*kept, *(msgspec.Raw(a.extension) for a in owing)]))
    return msgspec.json.encode(members)


def _keep(
    before: Sequence[msgspec.Raw], assertions: Sequence[Assertion], base: str | None
) -> tuple[list[msgspec.Raw], list[Assertion]]:
    """Return the extensions that stay, and the assertions that none of them makes yet."""
    owing = list(assertions)
    kept: list[msgspec.Raw] = []
    for raw in before:
        former = msgspec.json.decode(raw)
        about = _coverage_of(former)
        mine = [a for a in assertions if about is not None and same_reference(about, a.coverage, base)]
        stays = [assertion for assertion in mine if _still_holds(former, assertion)]
        if stays or not mine:
            kept.append(raw)
        owing = [assertion for assertion in owing if assertion not in stays]
    return kept, owing


def _still_holds(former: Mapping[str, Any], assertion: Assertion) -> bool:
    """Tell whether a former annotation stays: it says the same, or the assertion knows too little to replace it."""
    least = Knowledge.CONTRADICTS if _is_satisfied(former) else Knowledge.NEW
    return assertion.knowledge < least or _says(former) == _says(msgspec.json.decode(assertion.extension))


def _is_satisfied(extension: Mapping[str, Any]) -> bool:
    """Tell whether an annotation says that prior authorization was given, and under which number."""
    said = {str(part.get("url")): part for part in _parts(extension)}
    return said.get("pa-needed", {}).get("valueCode") == "satisfied" and "satisfied-pa-id" in said


def _coverage_of(extension: Any) -> str | None:
    """Return the Coverage that a coverage-information extension is about; None for any other extension."""
    if not isinstance(extension, dict) or extension.get("url") != URL:
        return None
    for part in _parts(extension):
        reference = part.get("valueReference")
        if part.get("url") == "coverage" and isinstance(reference, dict):
            return str(reference.get("reference"))
    return None


def _says(extension: Mapping[str, Any]) -> list[str]:
    """Return what an annotation says, in an order of its own: a client may store the parts in another one."""
    parts = (part for part in _parts(extension) if str(part.get("url")) not in _INCIDENTAL)
    return sorted(json.dumps(part, sort_keys=True) for part in parts)


def _parts(extension: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    parts = extension.get("extension")
    yield from (part for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()
