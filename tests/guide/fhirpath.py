"""Decides invariants as HL7's validator does: fhirpathpy parses and navigates, the operators are those of HL7's engine.

fhirpathpy 2.2.4 refuses what FHIRPath allows ("singleton evaluation of collections"): an Extension where a
boolean is due, as crd-ci-q2 of 2.0.1 and crd-ci-q4 have it. It also compares objects by a member `system` they need
not have, and knows no memberOf. The operators here are those of FHIRPathEngine.java (org.hl7.fhir.core @b06c7ee).
"""

from collections.abc import Callable, Mapping
from typing import Any

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

#: What an expression says: true, false, or nothing.
Verdict = bool | None
ValueSets = Mapping[str, frozenset[tuple[str, str]]]


def compile_invariant(expression: str, value_sets: ValueSets) -> Callable[[Mapping[str, Any], str], bool]:
    """Return a test of (element, its type). It holds only where the result is exactly [true].

    InstanceValidator.checkInvariant by convertToBoolean: an empty result is a failure, not a pass.
    """
    evaluate = fhirpathpy.compile(expression, models["r4"], {"userInvocationTable": _operators(value_sets)})
    return lambda element, kind: evaluate(ResourceNode.create_node(element, kind), {}) == [True]


def _operators(value_sets: ValueSets) -> dict[str, Any]:
    either = {2: ["Any", "Any"]}
    return {
        "and": {"fn": _logical(_and), "arity": either},
        "or": {"fn": _logical(_or), "arity": either},
        "implies": {"fn": _logical(_implies), "arity": either},
        "=": {"fn": _equal, "arity": either},
        "!=": {"fn": _unequal, "arity": either},
        "memberOf": {"fn": lambda concepts, url: _member_of(concepts, value_sets[url]), "arity": {1: ["String"]}},
    }


def _logical(operator: Callable[[Verdict, Verdict], Verdict]) -> Callable[[list[Any], list[Any]], list[bool]]:
    def decide(left: list[Any], right: list[Any]) -> list[bool]:
        verdict = operator(_verdict(left), _verdict(_data(right)))
        return [] if verdict is None else [verdict]

    return decide


def _verdict(collection: list[Any]) -> Verdict:
    """Singleton evaluation: one item that is no boolean is true; of several, HL7's engine makes an error, here nothing."""
    if len(collection) != 1:
        return None
    return collection[0] if isinstance(collection[0], bool) else True


def _and(left: Verdict, right: Verdict) -> Verdict:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: Verdict, right: Verdict) -> Verdict:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def _implies(left: Verdict, right: Verdict) -> Verdict:
    if left is False or right is True:
        return True
    return None if left is None or right is None else False


def _equal(left: list[Any], right: list[Any]) -> list[bool]:
    return [left == _data(right)] if left and right else []


def _unequal(left: list[Any], right: list[Any]) -> list[bool]:
    return [left != _data(right)] if left and right else []


def _member_of(concepts: list[Any], codes: frozenset[tuple[str, str]]) -> list[bool]:
    """FHIRPathEngine.funcMemberOf: nothing unless there is exactly one concept; one of its codings is enough."""
    if len(concepts) != 1:
        return []
    return [any((coding.get("system"), coding.get("code")) in codes for coding in concepts[0].get("coding", ()))]


def _data(collection: list[Any]) -> list[Any]:
    return [item.data if isinstance(item, ResourceNode) else item for item in collection]
