"""What a text names: a service, an agent, a site; or another treatment."""

from typing import NamedTuple

from cards.matching.explicit import By
from cards.vocabulary import Cue


class Mention(NamedTuple):
    """A term of a word list in a text; `cues` are those that reach it, `span` its characters in the text as sent,
    `clause` those of the sentence it stands in.

    `ordered`: an action governs it, or its sentence is a telegraphic order of plain words only. `aside`: it stands
    behind another service's name ("X-ray after ..."). `is_near`: what is named is near the service, not the same.
    `first` is its first token, `end` the one behind its last. `explicit`: the text orders it in so many words, and so;
    None where it does not.
    """

    word_list: str
    term: str
    cues: tuple[Cue, ...] = ()
    ordered: bool = False
    span: tuple[int, int] = (0, 0)
    clause: tuple[int, int] = (0, 0)
    aside: bool = False
    is_near: bool = False
    first: int = 0
    end: int = 0
    explicit: By | None = None

    @property
    def tokens(self) -> tuple[int, int, bool]:
        """The tokens of the term, and whether it only is near the service."""
        return self.first, self.end, self.is_near


class Treatment(NamedTuple):
    """Another treatment that a text names: whether it is given now, and the characters of its sentence.

    `explicit`: the text orders it in so many words.
    """

    name: str
    is_given: bool
    clause: tuple[int, int]
    explicit: bool = False
