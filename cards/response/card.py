"""Cards and system actions as CDS Hooks 2.0 has them; the standard's limits live in these types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from cards.errors import CardLimitError
from cards.payer_directory import Payer

#: CDS Hooks 2.0: summary is one sentence of fewer than 140 characters (HK-83, Inferno tests `length < 140`).
SUMMARY_LIMIT: Final = 139

#: As many parts of each kind are kept: topics, reasons, sources and links of payers and policies.
_MOST_PARTS: Final = 4096

INDICATORS: Final = ("info", "warning", "critical")


@dataclass(frozen=True, slots=True)
class HooksCoding:
    """CDS Hooks' own Coding: system and code SHALL be there; display SHALL on override reasons (HK-136, 216)."""

    system: str
    code: str
    display: str
    json: orjson.Fragment = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _write(self, {"system": self.system, "code": self.code, "display": self.display})


@dataclass(frozen=True, slots=True)
class Link:
    """An absolute link; it is loaded as it is, so it takes no appContext (HK-138 to 147)."""

    label: str
    url: str
    json: orjson.Fragment = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _write(self, {"label": self.label, "url": self.url, "type": "absolute"})


@dataclass(frozen=True, slots=True)
class Source:
    """Who says so: the payer, and the CRD topic of the card (HK-105; CRD: topic SHALL be there).

    `icon` is the address of a PNG of 100 by 100 pixels (HK-111, HK-112).
    """

    label: str
    topic: HooksCoding
    url: str | None = None
    icon: str | None = None
    json: orjson.Fragment = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        places = {name: place for name, place in (("url", self.url), ("icon", self.icon)) if place}
        _write(self, {"label": self.label, **places, "topic": self.topic.json})


#: The few parts that are in every card are made, and written, once.
hooks_coding: Final = lru_cache(_MOST_PARTS)(HooksCoding)
absolute_link: Final = lru_cache(_MOST_PARTS)(Link)
_source: Final = lru_cache(_MOST_PARTS)(Source)


def name_source(payer: Payer, topic: HooksCoding) -> Source:
    """Return the payer as the source of a card with this topic."""
    return _source(payer.name, topic, payer.url, payer.icon)


def _write(part: HooksCoding | Link | Source, document: dict[str, Any]) -> None:
    """Write a part of a card once, when it is made: the same few are in every card."""
    object.__setattr__(part, "json", orjson.Fragment(orjson.dumps(document)))


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """An `update` of a whole order, on its own (`systemActions`) or on a tap; `resource` is the order's JSON text.

    The resource itself says which order it is, so there is no `resourceId` (HK-130, 132, 134).
    """

    description: str
    resource: bytes

    def to_json(self) -> dict[str, Any]:
        """Return the action for orjson, the order in it byte for byte."""
        return {"type": "update", "description": self.description, "resource": orjson.Fragment(self.resource)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a clinician can choose with one tap; without `update` it only says what the clinician does next."""

    uuid: str
    label: str
    update: OrderUpdate | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object for orjson (HK-117, 119, 124; CRD-77, resp-3)."""
        actions = {"actions": [self.update.to_json()]} if self.update else {}
        return {"label": self.label, "uuid": self.uuid, **actions}


#: How many suggestions of a card may be chosen (HK-95).
AT_MOST_ONE: Final = "at-most-one"
ANY: Final = "any"


@dataclass(frozen=True)
class Card:
    """One card. `detail` is plain text first and GitHub-flavoured Markdown second.

    `selection_behavior` counts where there are suggestions (HK-93).
    """

    uuid: str
    summary: str
    indicator: str
    source: Source
    detail: str
    links: tuple[Link, ...] = ()
    override_reasons: tuple[HooksCoding, ...] = ()
    extension: Mapping[str, Any] | None = None
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: str = AT_MOST_ONE

    def __post_init__(self) -> None:
        if not 0 < len(self.summary) <= SUMMARY_LIMIT:
            raise CardLimitError(f"a summary has 1 to {SUMMARY_LIMIT} characters, this one {len(self.summary)}")
        if self.indicator not in INDICATORS:
            raise CardLimitError(f"indicator is one of {', '.join(INDICATORS)}, not {self.indicator}")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object for orjson; members without a value are left out (HK-3)."""
        card: dict[str, Any] = {
            "uuid": self.uuid,
            "summary": self.summary,
            "detail": self.detail,
            "indicator": self.indicator,
            "source": self.source.json,
        }
        if self.suggestions:
            card["suggestions"] = [suggestion.to_json() for suggestion in self.suggestions]
            card["selectionBehavior"] = self.selection_behavior
        if self.links:
            card["links"] = [link.json for link in self.links]
        if self.override_reasons:
            card["overrideReasons"] = [reason.json for reason in self.override_reasons]
        if self.extension:
            card["extension"] = dict(self.extension)
        return card
