"""What the words of an order name, and what in them speaks against the order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cards.elements import OrderText, Place
from cards.matching.match import Clause, Doubt, DoubtKind
from cards.matching.text import Mention, TermFinder, has_unread_script
from cards.matching.tokens import Tokens, read_tokens
from cards.order import Order

#: Places that name the order; another treatment there, or anywhere for a mention elsewhere, is a doubt.
NAMING: Final = frozenset({Place.CODE_TEXT, Place.DISPLAY, Place.ORDER_DETAIL})

#: Requests that can be for an injection; in any other a note that names one is only a remark.
_INJECTING: Final = frozenset({"ServiceRequest", "MedicationRequest", "Appointment", "Encounter"})


class Mentioned(NamedTuple):
    """A mention and the text of the order it stands in."""

    at: OrderText
    mention: Mention


@dataclass(frozen=True)
class Evidence:
    """What the words of an order name, of all word lists, and what in them speaks against the order.

    `halted` is what stops the whole order; `treatments` are those it names, by the path
    of the text that names them; `naming` are the paths of the texts that name the order; `plain_name` tells that they
    name nothing else.
    """

    mentioned: Sequence[Mentioned]
    halted: Doubt | None
    treatments: Mapping[str, Sequence[str]]
    naming: frozenset[str]
    plain_name: bool

    def of(self, lists: frozenset[str]) -> list[Mentioned]:
        """Return the mentions of some word lists."""
        return [found for found in self.mentioned if found.mention.word_list in lists]


def read_evidence(order: Order, finder: TermFinder) -> Evidence:
    """Read the words of an order; what speaks against it is looked for only where they name a service."""
    texts = [(text, read_tokens(text.text)) for text in order.texts]
    mentioned = [Mentioned(text, mention) for text, tokens in texts for mention in finder.find_in(tokens)]
    if not any(finder.is_service(found.mention) for found in mentioned):
        return Evidence(mentioned, None, {}, frozenset(), plain_name=True)
    naming = [(text, tokens) for text, tokens in texts if text.place in NAMING]
    named = {text.path: finder.treatments(tokens) for text, tokens in texts}
    return Evidence(
        mentioned,
        halted=_find_halt(texts, finder),
        treatments={path: treatments for path, treatments in named.items() if treatments},
        naming=frozenset(text.path for text, _ in naming),
        plain_name=order.resource_type in _INJECTING and all(finder.is_plain(tokens.words) for _, tokens in naming),
    )


def _find_halt(texts: Sequence[tuple[OrderText, Tokens]], finder: TermFinder) -> Doubt | None:
    """Return what stops the whole order: a cue, or words that no cue could be found in."""
    for text, tokens in texts:
        if clause := finder.halting_clause(tokens):
            return Doubt(DoubtKind.TAKEN_BACK, Clause(text.place, text.text[slice(*clause)]))
    return Doubt(DoubtKind.UNREAD) if any(has_unread_script(tokens) for _, tokens in texts) else None
