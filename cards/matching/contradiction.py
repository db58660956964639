"""Whether the name of an order says that another treatment is ordered than its code does.

"Corticosteroid injection R knee" with the code of prolotherapy: one of the two is wrong, and only the clinician can
tell which. A name that says nothing, or names the service or its agent too, leaves the code as it is.
"""

from functools import lru_cache
from typing import Final

from cards.elements import Place
from cards.matching.evidence import Remark, remark
from cards.matching.match import DoubtKind
from cards.matching.text import TermFinder
from cards.order import Order

#: Where an order has its names: a code may be called by another treatment's.
_NAMES: Final = frozenset({Place.CODE_TEXT, Place.DISPLAY})

#: Names are the same again and again: as many are kept with what they say.
_MOST_NAMES: Final = 2048


class ContradictionFinder:
    """Finds names that contradict codes."""

    def __init__(self, finder: TermFinder) -> None:
        self._finder = finder
        self._find_treatment = lru_cache(_MOST_NAMES)(self._treatment_in)

    def find_in(self, order: Order) -> Remark | None:
        """Return what an order's name says against its code; what a code is called, where nothing names the service."""
        for text in order.texts:
            clause = self._find_treatment(text.text) if text.place in _NAMES else None
            if clause and (text.place is Place.CODE_TEXT or not self._is_named(order)):
                return remark(DoubtKind.CONTRADICTED, text, clause)
        return None

    def _is_named(self, order: Order) -> bool:
        return any(text.place in _NAMES and self._finder.points(text.text) for text in order.texts)

    def _treatment_in(self, name: str) -> tuple[int, int] | None:
        """Return the characters of a name by which another treatment is given; None where it names the service too."""
        if self._finder.points(name):
            return None
        given = (one for one in self._finder.read(name, is_name=True).treatments if one.is_given)
        return next((one.clause for one in given), None)
