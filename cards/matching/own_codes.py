"""A policy's own codes beside its service's name: "Prolotherapy (M0076)" says no more than "Prolotherapy"."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

#: Modifiers of a side, as they are written onto a code ("M0076RT").
_SIDES: Final = ("rt", "lt", "50")
#: Words that say that a code comes: "HCPCS code: M0076".
_BEFORE_A_CODE: Final = frozenset({"hcpcs", "hcpc", "cpt", "code", "codes", ":"})


class OwnCodes:
    """The codes of the policies that have a word list; of several policies only those that all of them have.

    A code of one policy alone may be that of another service to the next one.
    """

    def __init__(self, codes: Mapping[str, Sequence[Collection[str]]]) -> None:
        shared = {name: frozenset.intersection(*map(frozenset, of_each)) for name, of_each in codes.items() if of_each}
        # Tuples: a set of so few takes seven times as much, and 10,000 policies may have a word list each.
        self._codes = {name: tuple(map(str.lower, of_all)) for name, of_all in shared.items()}

    def leave_out(self, word_list: str, words: Iterable[str]) -> Sequence[str]:
        """Return words without the codes of a word list's policies, and without what announces them."""
        codes = self._codes.get(word_list, ())
        kept: list[str] = []
        for word in words:
            if not (word in codes or (word[-2:] in _SIDES and word[:-2] in codes)):
                kept.append(word)
                continue
            while kept and kept[-1] in _BEFORE_A_CODE:
                kept.pop()
        return kept
