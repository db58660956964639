"""What a response says, read as an EHR reads it: cards, and the coverage information on orders."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cards import COVERAGE_INFORMATION
from cds_hooks.console.wording import verdict_of

Json = Mapping[str, Any]


class Reason(NamedTuple):
    """A reason that a clinician may give for going on in spite of a card."""

    code: str
    system: str
    display: str


class Suggestion(NamedTuple):
    """A change that a card offers: its place on the card, its uuid, and what each action does."""

    number: int
    uuid: str
    label: str
    is_recommended: bool
    actions: tuple[str, ...]


class CardShown(NamedTuple):
    """A card as an EHR shows it."""

    number: int
    uuid: str
    summary: str
    detail: str
    indicator: str
    source: str
    source_url: str | None
    topic: str
    links: tuple[tuple[str, str], ...]
    suggestions: tuple[Suggestion, ...]
    reasons: tuple[Reason, ...]
    about: tuple[str, ...]


class Part(NamedTuple):
    """One element of coverage information: its name in the guide, its value as text, where it leads, what limits it."""

    name: str
    text: str
    url: str | None = None
    note: str = ""


class CoverageShown(NamedTuple):
    """The coverage information on one order, in the order that a person wants to read it."""

    order: str
    title: str
    covered: str
    parts: tuple[Part, ...]

    @property
    def verdict(self) -> str:
        """What its badge says."""
        return verdict_of(self.covered, next((part.text for part in self.parts if part.name == "pa-needed"), None))


class AnswerShown(NamedTuple):
    """All that a response says."""

    cards: tuple[CardShown, ...]
    coverage: tuple[CoverageShown, ...]
    actions: int


def read_answer(response: Any) -> AnswerShown:
    """Read a response; what is not as CDS Hooks has it is passed over."""
    response = response if isinstance(response, dict) else {}
    actions = _objects(response.get("systemActions"))
    coverage = tuple(one for action in actions for one in _coverage_of(action.get("resource")))
    cards = tuple(_read_card(number, card) for number, card in enumerate(_objects(response.get("cards"))))
    return AnswerShown(cards, coverage, len(actions))


def issues_of(document: Any) -> tuple[str, ...]:
    """Return what an OperationOutcome says."""
    issues = _objects(document.get("issue")) if isinstance(document, dict) else ()
    return tuple(str(issue.get("diagnostics") or issue.get("code") or "") for issue in issues)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _read_card(number: int, card: Json) -> CardShown:
    source = card.get("source")
    source = source if isinstance(source, dict) else {}
    extension = card.get("extension")
    about = _objects(extension.get("davinci-crd.associated-resource")) if isinstance(extension, dict) else []
    return CardShown(
        number=number,
        uuid=str(card.get("uuid", "")),
        summary=str(card.get("summary", "")),
        detail=str(card.get("detail", "")),
        indicator=str(card.get("indicator", "info")),
        source=str(source.get("label", "")),
        source_url=_web(source.get("url")),
        topic=str((source.get("topic") or {}).get("display", "")),
        links=tuple(
            (str(one.get("label")), url) for one in _objects(card.get("links")) if (url := _web(one.get("url")))
        ),
        suggestions=tuple(_read_suggestion(*one) for one in enumerate(_objects(card.get("suggestions")))),
        reasons=tuple(_read_reason(one) for one in _objects(card.get("overrideReasons"))),
        about=tuple(str(one.get("reference", "")) for one in about),
    )


def _read_reason(reason: Json) -> Reason:
    return Reason(*(str(reason.get(name, "")) for name in ("code", "system", "display")))


def _web(url: Any) -> str | None:
    """Return a URL that a page may lead to."""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def _read_suggestion(number: int, suggestion: Json) -> Suggestion:
    actions = tuple(_describe_action(action) for action in _objects(suggestion.get("actions")))
    uuid, label = str(suggestion.get("uuid", "")), str(suggestion.get("label", ""))
    return Suggestion(number, uuid, label, suggestion.get("isRecommended") is True, actions)


def _describe_action(action: Json) -> str:
    said = action.get("description")
    return str(said) if said else f"{action.get('type', 'change')} {_name(action.get('resource'))}"


def _name(resource: Any) -> str:
    resource = resource if isinstance(resource, dict) else {}
    return f"{resource.get('resourceType', 'a resource')}/{resource.get('id', '?')}"


#: In what order a person wants to read them; any other comes after, but for the last.
_FIRST: Final = ("covered", "pa-needed", "satisfied-pa-id", "info-needed", "doc-needed", "doc-purpose", "reason")
_LAST: Final = ("coverage", "date", "expiry-date", "coverage-assertion-id")


def _coverage_of(resource: Any) -> Iterator[CoverageShown]:
    for extension in _objects(resource.get("extension") if isinstance(resource, dict) else None):
        if extension.get("url") == COVERAGE_INFORMATION:
            parts = [part for one in _objects(extension.get("extension")) for part in _read_part(one)]
            covered = next((part.text for part in parts if part.name == "covered"), "")
            ordered = sorted(parts, key=lambda part: _rank(part.name))
            yield CoverageShown(_name(resource), title_of(resource), covered, tuple(ordered))


def _rank(name: str) -> int:
    if name in _FIRST:
        return _FIRST.index(name)
    return len(_FIRST) + (1 + _LAST.index(name) if name in _LAST else 0)


def title_of(resource: Json) -> str:
    """Return what a person would call an order."""
    names = ("code", "codeCodeableConcept", "medicationCodeableConcept", "serviceType")
    for concept in (resource.get(name) for name in names):
        found = _concept(concept[0] if isinstance(concept, list) and concept else concept)
        if found:
            return found
    return str(resource.get("resourceType", "An order"))


def _read_part(part: Json) -> Iterator[Part]:
    name = str(part.get("url", ""))
    if part.get("extension"):
        yield _read_detail(name, _objects(part["extension"]))
        return
    text = _value(part)
    yield Part(name, text, _web(text))


def _read_detail(name: str, parts: Iterable[Json]) -> Part:
    """Return a detail by its code, with its value and what qualifies that."""
    by_name = {str(one.get("url")): _value(one) for one in parts}
    value = by_name.get("value", "")
    return Part(by_name.get("code") or name, value, _web(value), by_name.get("qualification", ""))


def _value(part: Json) -> str:
    """Return the value of an extension as text, whichever of FHIR's types it has."""
    value = next((value for name, value in part.items() if name.startswith("value")), None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    simple = (value.get("reference"), _quantity(value), _concept(value), _period(value), _contact(value))
    return next((str(found) for found in simple if found), "")


def _contact(value: Json) -> str:
    """Return a ContactDetail as text: who it is, and how to reach them."""
    reached = (one.get("value") for one in _objects(value.get("telecom")))
    return ", ".join(str(one) for one in (value.get("name"), *reached) if one)


def _concept(value: Any) -> str:
    """Return a CodeableConcept or a Coding as text."""
    if not isinstance(value, dict):
        return ""
    codings = sorted([value, *_objects(value.get("coding"))], key=lambda one: not one.get("display"))
    coded = (f"{one.get('display', '')} {_bracket(one)}".strip() for one in codings if one.get("code"))
    return str(value.get("text") or next(coded, ""))


def _bracket(coding: Json) -> str:
    return f"({coding['code']})" if coding.get("display") else str(coding["code"])


def _quantity(value: Json) -> str:
    if "value" not in value:
        return ""
    return f"{value['value']} {value.get('unit') or value.get('system') or ''}".strip()


def _period(value: Json) -> str:
    return f"{value.get('start', '')} to {value.get('end', '')}" if "start" in value or "end" in value else ""
