"""Tells every way in which a hook response breaks the published definitions of its CRD version.

It shares nothing with the server: the rules are those of the vendored files, the invariants are decided by a FHIRPath
engine. A fault is a line "path: what is wrong"; the path is that of the response.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from tests.guide.datatypes import datatype_faults
from tests.guide.definitions import (
    COVERAGE_INFORMATION,
    Element,
    Guide,
    Invariant,
    Part,
    Profile,
    ResponseExtension,
    read_guide,
)
from tests.guide.fhirpath import compile_invariant
from tests.guide.fsh import Cardinality
from tests.guide.prose import broken_prose

#: 2.0.1's extension may not stand on these, by a slip of its authors that 2.1 mended (crd.md 11, 2).
_LOST_CONTEXTS = {"2.0": frozenset({"Appointment", "VisionPrescription"})}

Json = Mapping[str, Any]
Holds = Callable[[Json, str], bool]


def faults(version: str, response: Json) -> list[str]:
    """Return the faults of a whole response of version 2.0, 2.1 or 2.2: the answer's, and those of the orders in it."""
    orders = (fault for resource, path in _resources(response) for fault in order_faults(version, resource, path))
    return [*answer_faults(version, response), *orders]


def answer_faults(version: str, response: Json) -> list[str]:
    """Return the faults of what the service itself writes; an order's own members, which it only echoes, are left out."""
    guide = read_guide(version)
    cards, actions = response.get("cards"), response.get("systemActions", [])
    if not isinstance(cards, list) or not isinstance(actions, list):
        return ["$: cards is an array, and so is systemActions where it is present"]
    found: list[str] = []
    for number, card in enumerate(cards):
        found += _card_faults(guide, card, f"$.cards[{number}]")
    for number, action in enumerate(actions):
        found += _action_faults(guide, action, f"$.systemActions[{number}]")
    members = _without_resources(response).items()
    return [*found, *(fault for name, value in members for fault in _empty_faults(value, f"$.{name}"))]


def order_faults(version: str, resource: Json, path: str = "$") -> list[str]:
    """Return the faults of an updated resource as such: its profile (2.1, 2.2), and what is null or empty in it."""
    profiles = read_guide(version).profiles.get(resource["resourceType"], ())
    by_profile = [list(_profile_faults(profile, resource, path)) for profile in profiles]
    own = _but(resource, "extension")
    extensions = ((item, f"{path}.extension[{number}]") for number, item in enumerate(_list(resource, "extension")))
    others = [
        fault for item, at in extensions if not _is_coverage_information(item) for fault in _empty_faults(item, at)
    ]
    return [*min(by_profile, key=len, default=[]), *_empty_faults(own, path), *others]


def broken_invariants(version: str, extension: Json) -> list[str]:
    """Return the keys of the published invariants that a coverage-information extension fails."""
    return list(_broken(version, json.dumps(_reduce(extension, _words(version)), default=str)))


@lru_cache(maxsize=10_000)
def _broken(version: str, text: str) -> tuple[str, ...]:
    """Decide once for all extensions that are the same to the invariants: that takes 6 to 11 ms."""
    extension = json.loads(text)
    return tuple(
        invariant.key for invariant, holds in _extension_invariants(version) if not holds(extension, "Extension")
    )


def _reduce(value: Any, words: frozenset[str]) -> Any:
    """Return `value` with one word for all strings the invariants cannot tell apart.

    They compare strings only with literals and with the codes of a value set: test_definitions.py holds them to that.
    """
    if isinstance(value, dict):
        return {name: _reduce(item, words) for name, item in value.items()}
    if isinstance(value, list):
        return [_reduce(item, words) for item in value]
    return "?" if isinstance(value, str) and value not in words else value


@cache
def _words(version: str) -> frozenset[str]:
    guide = read_guide(version)
    literals = (word for invariant in guide.invariants for word in re.findall("'([^']*)'", invariant.expression))
    return frozenset(literals).union(*guide.reasons)


# System actions


def _action_faults(guide: Guide, action: Any, path: str) -> Iterator[str]:
    """CRD 2.0.1 and CDS Hooks 2.0 (HK-128): an update of a whole resource, described."""
    if not isinstance(action, dict) or not isinstance(action.get("resource"), dict):
        yield f"{path}: is no action with a resource"
        return
    if action.get("type") != "update":
        yield f"{path}.type: is not update"
    if not _is_text(action.get("description")):
        yield f"{path}.description: is missing or empty"
    if "resourceId" in action:
        yield f"{path}.resourceId: an update has none"
    yield from _model_faults(
        guide.models.get("coverageInformation", ()), "CDSHooksResponse.systemActions", action, path
    )
    yield from _response_extension_faults(guide, action, path)
    yield from _resource_faults(guide, action["resource"], f"{path}.resource")


def _resource_faults(guide: Guide, resource: Json, path: str) -> Iterator[str]:
    kind = resource.get("resourceType")
    if not _is_text(kind) or not _is_text(resource.get("id")):
        yield f"{path}: has no resourceType, or no id"
    extensions = [item for item in _list(resource, "extension") if _is_coverage_information(item)]
    if extensions and kind not in guide.contexts | _LOST_CONTEXTS.get(guide.version, frozenset()):
        yield f"{path}: coverage-information does not belong on {kind}"
    well_formed = []
    for number, item in enumerate(_list(resource, "extension")):
        if _is_coverage_information(item):
            found = list(_extension_faults(guide, item, f"{path}.extension[{number}]"))
            well_formed += [] if found else [item]
            yield from found
    yield from _id_faults(guide, well_formed, path)


# The extension


def _extension_faults(guide: Guide, extension: Json, path: str) -> Iterator[str]:
    malformed = [
        *_member_faults(extension, {"url", "id", "extension"}, path),
        *_parts_faults(guide.parts, extension, path),
    ]
    malformed += _empty_faults(extension, path)
    yield from malformed
    if not malformed:
        human = {invariant.key: invariant.human for invariant in guide.invariants}
        yield from (f"{path}: {key}: {human[key]}" for key in broken_invariants(guide.version, extension))
        yield from (f"{path}: {rule.key}: {rule.says} ({rule.source})" for rule in broken_prose(guide, extension))


def _parts_faults(parts: Mapping[str, Part], extension: Json, path: str) -> Iterator[str]:
    present = _list(extension, "extension")
    counts = Counter(part.get("url") if isinstance(part, dict) else None for part in present)
    for name, spec in parts.items():
        yield from _cardinality_faults(spec.cardinality, counts[name], f"{path}:{name}")
    for number, part in enumerate(present):
        at = f"{path}.extension[{number}]"
        if isinstance(part, dict) and part.get("url") in parts:
            yield from _part_faults(parts[part["url"]], part, at)
        else:
            yield f"{at}: no part of that name: {part.get('url') if isinstance(part, dict) else part!r}"


def _part_faults(spec: Part, part: Json, path: str) -> Iterator[str]:
    if spec.parts is not None:
        yield from _member_faults(part, {"url", "id", "extension"}, path)
        yield from _parts_faults(spec.parts, part, path)
        return
    values = {f"value{_json_type(kind)[0].upper()}{_json_type(kind)[1:]}": kind for kind in spec.types}
    yield from _member_faults(part, {"url", "id", *values}, path)
    given = [name for name in part if name in values]
    if len(given) != 1:  # ext-1: no extensions in it, hence a value, whatever its own cardinality
        yield f"{path}: has {len(given)} values of {', '.join(spec.types)}"
    for name in given:
        yield from datatype_faults(values[name], part[name], f"{path}.{name}")
        yield from _binding_faults(spec, part[name], f"{path}.{name}")


def _binding_faults(spec: Part, value: Any, path: str) -> Iterator[str]:
    if spec.codes and value not in spec.codes:
        yield f"{path}: {value!r} is not in the required value set"
    reference = value.get("reference") if isinstance(value, dict) else None
    if spec.targets and isinstance(reference, str):
        kind = _target_type(reference)
        if kind and kind.lower() not in spec.targets:
            yield f"{path}: refers to {kind}, not to {', '.join(sorted(spec.targets))}"


def _json_type(kind: str) -> str:
    return kind.removeprefix("Simple")


def _member_faults(value: Json, known: set[str], path: str) -> Iterator[str]:
    yield from (f"{path}: may not have {name!r}" for name in value if name not in known)


def _id_faults(guide: Guide, extensions: list[Json], path: str) -> Iterator[str]:
    """CRD-264, CRD-265, resp-32: the ids of a resource's repetitions, by the coverage they speak of."""
    for name in ("coverage-assertion-id", "satisfied-pa-id"):
        pairs = {
            (_part_value(item, "coverage"), _part_value(item, name)) for item in extensions if _part_value(item, name)
        }
        if _repeats(identifier for _, identifier in pairs):
            yield f"{path}: {name}: different coverages share one"
        if guide.version != "2.2" and name == "coverage-assertion-id" and _repeats(coverage for coverage, _ in pairs):
            yield f"{path}: {name}: one coverage has several"


def _repeats(values: Iterable[Any]) -> bool:
    return any(count > 1 for count in Counter(values).values())


def _part_value(extension: Json, name: str) -> Any:
    for part in extension["extension"]:
        if part["url"] == name:
            value = next(value for key, value in part.items() if key.startswith("value"))
            return value.get("reference") if isinstance(value, dict) else value
    return None


# Cards


def _card_faults(guide: Guide, card: Any, path: str) -> Iterator[str]:
    if not isinstance(card, dict):
        yield f"{path}: is no object"
        return
    if not _is_text(card.get("summary")) or len(card["summary"]) > 139:
        yield f"{path}.summary: is not of 1 to 139 characters"
    if card.get("indicator") not in ("info", "warning", "critical"):
        yield f"{path}.indicator: is not info, warning or critical"
    if not _is_text(card.get("uuid")):
        yield f"{path}.uuid: is missing"
    if "detail" in card and not _is_text(card["detail"]):
        yield f"{path}.detail: is no text"
    yield from _source_faults(guide, card.get("source"), f"{path}.source")
    yield from _link_faults(card, path)
    yield from _suggestion_faults(card, path)
    yield from _response_extension_faults(guide, card, path)
    for model in ("Base", *_response_type(card)):
        yield from _model_faults(guide.models.get(model, ()), "CDSHooksResponse.cards", card, path)


def _response_type(card: Json) -> tuple[str, ...]:
    """The 2.2 model a card is meant to keep; one that only creates is of a response type this service does not have."""
    if "links" in card:
        return ("externalReference",)
    if "suggestions" not in card:
        return ("instructions",)
    changed = [action for action in _offered(card) if action.get("type") in ("update", "delete")]
    of_coverage = [action for action in changed if (action.get("resource") or {}).get("resourceType") == "Coverage"]
    return ("alternateRequest",) if len(changed) > len(of_coverage) else ()


def _offered(card: Json) -> list[Json]:
    """The actions of a card's suggestions."""
    actions = [action for suggestion in _list(card, "suggestions") for action in _list(suggestion, "actions")]
    return [action for action in actions if isinstance(action, dict)]


def _source_faults(guide: Guide, source: Any, path: str) -> Iterator[str]:
    source = source if isinstance(source, dict) else {}
    topic = source.get("topic") if isinstance(source.get("topic"), dict) else {}
    if not _is_text(source.get("label")):
        yield f"{path}.label: is missing"
    if topic.get("system") != guide.topic_system:
        yield f"{path}.topic.system: is not {guide.topic_system}"
    if topic.get("code") not in guide.card_types:
        yield f"{path}.topic.code: {topic.get('code')!r} is no card type"
    if topic:
        yield from datatype_faults("Coding", topic, f"{path}.topic")
    for name in ("url", "icon"):
        if name in source and not _is_absolute(source[name]):
            yield f"{path}.{name}: is no absolute URL"


def _link_faults(card: Json, path: str) -> Iterator[str]:
    """CRD "External Reference": every link absolute, without appContext; 2.2's model: such a card has no suggestions."""
    if "links" in card and "suggestions" in card:
        yield f"{path}: has links and suggestions"
    for number, link in enumerate(_list(card, "links")):
        at = f"{path}.links[{number}]"
        if not isinstance(link, dict) or not _is_text(link.get("label")):
            yield f"{at}: has no label"
            continue
        if not _is_absolute(link.get("url")):
            yield f"{at}.url: is no absolute URL"
        if link.get("type") != "absolute" or "appContext" in link:
            yield f"{at}: is not absolute, or has an appContext"


def _suggestion_faults(card: Json, path: str) -> Iterator[str]:
    """CRD-77, resp-3: suggestions have a label and a uuid, and the card says how many may be taken."""
    suggestions = _list(card, "suggestions")
    if suggestions and card.get("selectionBehavior") not in ("at-most-one", "any"):
        yield f"{path}.selectionBehavior: is not at-most-one or any"
    for number, suggestion in enumerate(suggestions):
        if (
            not isinstance(suggestion, dict)
            or not _is_text(suggestion.get("label"))
            or not _is_text(suggestion.get("uuid"))
        ):
            yield f"{path}.suggestions[{number}]: has no label, or no uuid"
        for place, action in enumerate(_list(suggestion, "actions")):
            yield from _offer_faults(action, f"{path}.suggestions[{number}].actions[{place}]")
    recommended = [one for one in suggestions if isinstance(one, dict) and one.get("isRecommended") is True]
    if card.get("selectionBehavior") == "at-most-one" and len(recommended) > 1:
        yield f"{path}.suggestions: of at most one several are recommended"
    for number, reason in enumerate(_list(card, "overrideReasons")):
        if not isinstance(reason, dict) or not all(
            _is_text(reason.get(name)) for name in ("code", "system", "display")
        ):
            yield f"{path}.overrideReasons[{number}]: has no code, system or display"


def _offer_faults(action: Any, path: str) -> Iterator[str]:
    """CDS Hooks 2.0, Action (HK-127 to 135): described, with a whole resource or, to delete one, its id."""
    action = action if isinstance(action, dict) else {}
    if action.get("type") not in ("create", "update", "delete") or not _is_text(action.get("description")):
        yield f"{path}: is not described, or creates, updates and deletes nothing"
    needed, other = ("resourceId", "resource") if action.get("type") == "delete" else ("resource", "resourceId")
    if needed not in action or other in action:
        yield f"{path}: has no {needed}, or a {other}"
    resource = action.get("resource")
    if "resource" in action and not (isinstance(resource, dict) and _is_text(resource.get("resourceType"))):
        yield f"{path}.resource: is no resource"
    elif action.get("type") == "update" and not _is_text(resource and resource.get("id")):
        yield f"{path}.resource: has no id"


def _response_extension_faults(guide: Guide, holder: Json, path: str) -> Iterator[str]:
    extension = holder.get("extension", {})
    for name, value in extension.items() if isinstance(extension, dict) else ():
        spec = guide.response_extensions.get(name)
        at = f"{path}.extension.{name}"
        if spec:
            yield from datatype_faults(_datatype(spec), value, at)
        elif name.startswith("davinci-crd."):
            yield f"{at}: no extension of CRD {guide.version}"
    if not isinstance(extension, dict):
        yield f"{path}.extension: is no object"


def _datatype(spec: ResponseExtension) -> str:
    return f"[{spec.type}]" if spec.repeats else spec.type


# Rules read from logical models and profiles


def _model_faults(model: Iterable[Element], root: str, holder: Json, path: str) -> Iterator[str]:
    for element in model:
        if element.path.startswith(root + "."):
            *above, name = element.path.removeprefix(root + ".").split(".")
            for parent, at in _descend(holder, path, above):
                yield from _element_faults(element, parent, name, f"{at}.{name}")


#: Elements whose pattern is a slip of their authors: 2.2's Alternate Request fixes every action to `create`, while its own
#: crd-respar-1 wants an update, or a delete too (crd.md 11, 8). HL7's test kit leaves that error out as well.
_MISTAKEN = ("CDSHooksResponse.cards.suggestions.actions.type",)


def _element_faults(element: Element, parent: Json, name: str, path: str) -> Iterator[str]:
    yield from _cardinality_faults(element.cardinality, _count(parent, name), path)
    value = parent.get(name)
    if element.pattern and value is not None and value != element.pattern and element.path not in _MISTAKEN:
        yield f"{path}: is not {element.pattern}"
    if element.types and isinstance(value, dict) and str(value.get("resourceType")).lower() not in element.types:
        yield f"{path}: is no {' or '.join(sorted(element.types))}"
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield from _invariant_faults(element.invariants, item, path)


def _descend(holder: Json, path: str, names: list[str]) -> Iterator[tuple[Json, str]]:
    if not names:
        yield holder, path
        return
    items = holder.get(names[0], [])
    for number, item in enumerate(items if isinstance(items, list) else [items]):
        if isinstance(item, dict):
            yield from _descend(item, f"{path}.{names[0]}[{number}]", names[1:])


def _profile_faults(profile: Profile, resource: Json, path: str) -> Iterator[str]:
    for name, cardinality in profile.cardinalities.items():
        yield from _cardinality_faults(cardinality, _count(resource, name), f"{path}.{name} ({profile.name})")
    participants = [item for item in _list(resource, "participant") if isinstance(item, dict)]
    for name, cardinality in profile.participants.items():
        yield from _cardinality_faults(
            cardinality, sum(map(_PARTICIPANTS[name], participants)), f"{path}.participant:{name}"
        )
    yield from _invariant_faults(profile.invariants, resource, path)


def _invariant_faults(invariants: tuple[Invariant, ...], resource: Json, path: str) -> Iterator[str]:
    for invariant in invariants:
        if not _compiled(invariant)(resource, str(resource.get("resourceType"))):
            yield f"{path}: {invariant.key}: {invariant.human}"


def _is_patient(participant: Json) -> bool:
    actor = participant.get("actor")
    return isinstance(actor, dict) and _target_type(str(actor.get("reference", ""))) == "Patient"


def _is_primary_performer(participant: Json) -> bool:
    """Appointment.fsh: * type = $v3-ParticipationType#PPRF."""
    system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    codings = (coding for concept in _list(participant, "type") for coding in _list(concept, "coding"))
    return any(coding.get("system") == system and coding.get("code") == "PPRF" for coding in codings)


#: The slices of Appointment.participant are told apart by profile and by type, which this does by hand.
_PARTICIPANTS: dict[str, Callable[[Json], bool]] = {"Patient": _is_patient, "PrimaryPerformer": _is_primary_performer}


def _cardinality_faults(cardinality: Cardinality, count: int, path: str) -> Iterator[str]:
    low, high = cardinality
    if count < low or (high is not None and count > high):
        yield f"{path}: is there {count} times, not {low}..{'*' if high is None else high}"


def _count(parent: Json, name: str) -> int:
    if name.endswith("[x]"):
        return sum(key.startswith(name[:-3]) for key in parent)
    value = parent.get(name)
    return len(value) if isinstance(value, list) else int(value is not None)


# Values


def _empty_faults(value: Any, path: str) -> Iterator[str]:
    """HK-3: no element is null or empty."""
    if value is None or value in ("", [], {}):
        yield f"{path}: is null or empty"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _empty_faults(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _empty_faults(item, f"{path}.{name}")


def _without_resources(response: Json) -> Json:
    """Return the response without its resources, which are checked on their own, and without its two lists if empty."""
    actions = [_but(action, "resource") for action in _list(response, "systemActions")]
    lists = {"cards": [_without_offers(card) for card in _list(response, "cards")], "systemActions": actions}
    return {**_but(response, *lists), **{name: items for name, items in lists.items() if items}}


def _without_offers(card: Any) -> Any:
    """Return a card without the resources of its suggestions."""
    if not _list(card, "suggestions"):
        return card
    suggestions = [
        {**suggestion, "actions": [_but(action, "resource") for action in suggestion["actions"]]}
        if _list(suggestion, "actions")
        else suggestion
        for suggestion in card["suggestions"]
    ]
    return {**card, "suggestions": suggestions}


def _but(holder: Any, *names: str) -> Any:
    return {name: value for name, value in holder.items() if name not in names} if isinstance(holder, dict) else holder


def _resources(response: Json) -> Iterator[tuple[Json, str]]:
    """Yield the orders in a response, those that are only offered too (resp-55)."""
    actions = [(f"$.systemActions[{n}]", action) for n, action in enumerate(_list(response, "systemActions"))]
    for number, card in enumerate(_list(response, "cards")):
        actions += [(f"$.cards[{number}].suggestions", action) for action in _offered(card)]
    for path, action in actions:
        resource = action.get("resource") if isinstance(action, dict) else None
        if isinstance(resource, dict) and "resourceType" in resource:
            yield resource, f"{path}.resource"


def _is_coverage_information(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") == COVERAGE_INFORMATION


def _target_type(reference: str) -> str | None:
    """Return the type of a literal RESTful reference, `Coverage` of `http://x/Coverage/1/_history/2`; None of any other."""
    steps = reference.partition("/_history/")[0].split("/")
    is_restful = len(steps) == 2 or (len(steps) > 2 and "://" in reference)
    return steps[-2] if is_restful and steps[-2].isalpha() else None


def _is_absolute(url: Any) -> bool:
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        return False
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _list(holder: Any, name: str) -> list[Any]:
    value = holder.get(name, []) if isinstance(holder, dict) else []
    return value if isinstance(value, list) else []


@cache
def _extension_invariants(version: str) -> tuple[tuple[Invariant, Holds], ...]:
    guide = read_guide(version)
    return tuple(
        (invariant, compile_invariant(invariant.expression, guide.value_sets)) for invariant in guide.invariants
    )


@cache
def _compiled(invariant: Invariant) -> Holds:
    return compile_invariant(invariant.expression, {})
