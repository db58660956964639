"""How an answer is to be said: in which version of the guide, on which kind of hook, and what the client declined."""

from typing import Any, NamedTuple

from cards.response.versions import WireVersion


class ResponseOptions(NamedTuple):
    """What the answer to one call must keep to.

    `primary_hook`: coverage information is owed for every order, and documentation may be asked for (CRD-167).
    `annotates`: coverage information is written onto orders; elsewhere cards say all.
    `proposes`: a card may offer a change of an order, for its clinician to choose.
    `cards_in_doubt`: a card says so too where an order is annotated as one that needs more information.
    `annotate_unmatched`: say so on the order where no policy of this service speaks of it.
    `declined`: topic codes of which the client wants none (`davinci-crd.configuration`).
    `max_cards`: as many cards at most, the most important first; system actions do not count.
    `fhir_base`: base URL of the client's FHIR server, against which relative references are read.
    """

    wire: WireVersion
    primary_hook: bool
    annotate_unmatched: bool
    declined: frozenset[str] = frozenset()
    max_cards: int = 10
    fhir_base: str | None = None
    annotates: bool = True
    cards_in_doubt: bool = False
    proposes: bool = False

    def wants(self, topic: str) -> bool:
        """Tell whether the client has left a topic switched on."""
        return topic not in self.declined

    def associate(self, references: list[str]) -> dict[str, Any] | None:
        """Return the card extension that names the orders a card is about (CRD-141, dev-25)."""
        if not references:
            return None
        named = [{"reference": reference} for reference in references] if self.wire.refers_by_object else references
        return {"davinci-crd.associated-resource": named}
