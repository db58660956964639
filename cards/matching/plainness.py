"""Which words of a name say nothing of another service: a list of what is known, never a list of what is not."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from cards.matching.phrases import Hit, PhraseFinder, variants
from cards.matching.sentence_ends import STOP
from cards.matching.spelling import Spelling, Stumps
from cards.matching.tokens import Tokens, normalise
from cards.vocabulary import Vocabulary

#: Signs that a plain order may have beside ASCII: degrees, plus-minus, times, fractions, bullets, arrows, boxes, ticks.
_KNOWN_SIGNS: Final = dict.fromkeys(
    map(
        ord,
        f"\xb0\xb1\xd7\xb7\xbf\u2022\u2044\u2192\u2264\u2265\u25a0\u25aa\u25cf\u25ba\u2610\u2611\u2612\u2713\u2714{STOP}",
    )
)

#: How complaints of joints, tendons and bones are called, whichever they are.
_COMPLAINT: Final = re.compile(r"[a-z]{3}(?:itis|osis|opathy|algia|dynia|malacia)$")

#: Levels of the spine, grades, counts, intervals, room numbers, ICD-10 codes of the complaint, codes of an order list.
_COUNTED: Final = re.compile(
    r"""[clts]\d{1,2}
    |(?:[dgqx]|kl|gr|mc|mt|mtp|cmc|pip|dip|ga|rm|no|tx|wk|icd)\d{1,3}(?:\.\d+)?[a-z]{0,3}
    |[ms]\d\d(?:\.\w{1,4})?
    |[a-z]{3,}\d{2,}""",
    re.VERBOSE,
)
#: An abbreviation of fewer letters has no plural: the plural of "ten" is another thing.
_SHORTEST: Final = 4

#: What stands before these is ordered for what stands behind them.
_SERVING: Final = frozenset({"for", "at", "during", "per", "para"})

#: With one of these a name with imaging orders what is done under it.
_DOING: Final = frozenset(
    (
        *("inj", "injection", "injections", "procedure", "proc", "guided", "guidance", "tx", "treatment"),
        *("infiltracion", "infiltraci\xf3n", "inyeccion", "inyecci\xf3n", "procedimiento", "bajo", "con"),
    )
)
#: Words of the services' names that name other services too.
_OF_OTHERS: Final = frozenset(("therapy", "stimulation", "reconstruction", "agent"))

#: Behind these comes a clinician's name, of so many words.
_BEFORE_A_NAME: Final = frozenset(
    ("per", "by", "dr", "w dr", "md", "attending", "fellow", "resident", "provider", "surgeon", "proceduralist")
)
_NAME_LENGTH: Final = 2
#: Before the service a name comes behind one of these alone: "per Dr Lee: prolotherapy".
_PARTICLES: Final = frozenset({"de", "del", "la", "von", "st", "o", "el", "al", "di"})
DOCTORS: Final = frozenset({"dr", "dr.", "dra"})


def words_of_others(vocabulary: Vocabulary) -> frozenset[str]:
    """Return the words of other services, treatments and things, which no word of an order is taken for."""
    known = (vocabulary.other_services, vocabulary.other_treatments, vocabulary.other_things)
    return vocabulary.withdrawals.others.union(word for phrases in known for one in phrases for word in one.split())


def _spell(vocabulary: Vocabulary) -> Spelling:
    others: frozenset[str] = vocabulary.make_once("words of others", lambda: words_of_others(vocabulary))
    return Spelling(_tokens_of(vocabulary.misspelt_words), others)


def _cut_short(vocabulary: Vocabulary) -> Stumps:
    others: frozenset[str] = vocabulary.make_once("words of others", lambda: words_of_others(vocabulary))
    heads = (word for phrase in vocabulary.heads.heads for word in phrase.split())
    words = _tokens_of((*vocabulary.misspelt_words, *vocabulary.place_words))
    return Stumps(words, others.union(heads), vocabulary.whole_words)


def _find_labels(vocabulary: Vocabulary) -> PhraseFinder[None]:
    labels = (*vocabulary.labels, *vocabulary.order_labels)
    return PhraseFinder((f"{label} {sign}", None) for label in labels for sign in "?:")


def _find_services(vocabulary: Vocabulary) -> PhraseFinder[bool]:
    """Return what finds other services; those that are talks are marked False."""
    cues = {cue.phrase for cue in vocabulary.cues}
    things = (thing for thing in vocabulary.other_things if thing not in cues)
    services = (*vocabulary.other_services, *vocabulary.other_treatments, *things)
    talks = frozenset(vocabulary.consultations)
    return PhraseFinder((form, one not in talks) for one in services for form in variants(one))


class PlainWords:
    """The words of telegraphic orders, and of names that leave the procedure open."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        terms: Iterable[str],
        agents: Iterable[str] = (),
        open_codes: Iterable[str] = (),
    ) -> None:
        self._plain = (_tokens_of(terms) - _OF_OTHERS) | _tokens_of(vocabulary.plain_words)
        self._spelling: Spelling = vocabulary.make_once("spelling", lambda: _spell(vocabulary))
        self._stumps: Stumps = vocabulary.make_once("stumps", lambda: _cut_short(vocabulary))
        self._open = self._plain | _tokens_of(vocabulary.open_words)
        self._compounds = re.compile(
            rf"(?:{'|'.join(vocabulary.compound_parts)}){{1,2}}(?:{'|'.join(vocabulary.compound_adjectives)})s?"
        )
        stumps = {word[:length] for word in vocabulary.compound_adjectives for length in range(3, len(word))}
        self._cut_compounds = re.compile(rf"(?:{'|'.join(vocabulary.compound_parts)})(?:{'|'.join(sorted(stumps))})")
        systems = vocabulary.code_systems.by_name.values()
        self._codes = re.compile("|".join(s.procedure_codes for s in systems if s.procedure_codes) or r"(?!)", re.I)
        add_ons = (code for system in systems for code in system.add_ons)
        self._open_codes = frozenset(code.lower() for code in (*open_codes, *add_ons))
        self._imaging = frozenset(vocabulary.imaging_words)
        self._means = frozenset(vocabulary.means) - _tokens_of(agents)
        self._things = frozenset((*vocabulary.other_things, *vocabulary.other_services, *vocabulary.other_treatments))
        self._labels: PhraseFinder[None] = vocabulary.make_once("labels", lambda: _find_labels(vocabulary))
        self._orders = frozenset(normalise(label).strip() for label in vocabulary.order_labels)
        #: Finds other services and treatments: True, or one that may be a talk about this, False.
        self.services: PhraseFinder[bool] = vocabulary.make_once("services", lambda: _find_services(vocabulary))

    def are_plain(self, words: Iterable[str], *, before_a_name: bool = False, forgiving: bool = False) -> bool:
        """Tell that words are those of an order only, and so name no other service.

        `before_a_name`: a clinician may be named behind "per", "by" or "Dr". `forgiving`: typing errors are.
        """
        allowed = 0
        for word in words:
            if before_a_name and word in _BEFORE_A_NAME:
                allowed = _NAME_LENGTH
            elif self._is_plain(word) or (forgiving and self._is_meant(word)):
                continue
            elif allowed and word not in self._things:
                allowed -= 1
            else:
                return False
        return True

    def name_things(self, words: Iterable[str]) -> bool:
        """Tell that a word names another service, treatment or thing."""
        return any(word in self._things for word in words)

    def leave_out_doctor(self, words: Sequence[str]) -> Sequence[str]:
        """Return words without "Dr" and the surname behind it; a word that names a thing is none."""
        kept: list[str] = []
        is_awaited = False
        for word in words:
            if word in DOCTORS:
                is_awaited = True
                continue
            is_name = is_awaited and word.isalpha() and word not in self._things
            is_awaited = is_name and word in _PARTICLES
            if not is_name:
                kept.append(word)
        return kept

    def _is_plain(self, word: str) -> bool:
        is_known = word in self._plain or (is_number(word) and not self._is_of_another(word))
        is_complaint = bool(_COMPLAINT.search(word)) and word not in self._things
        return is_known or is_complaint or bool(self._compounds.fullmatch(word))

    def _is_meant(self, word: str) -> bool:
        """Tell whether a word is a plain one with a typing error, or cut short."""
        is_cut_short = self._stumps.know(word) or bool(self._cut_compounds.fullmatch(word))
        return (is_cut_short and word not in self._things) or self._spelling.knows(word)

    def _is_of_another(self, word: str) -> bool:
        """Tell whether a number may be the code of another procedure: of guidance, and of an injection, it is none."""
        return bool(self._codes.fullmatch(word)) and word not in self._open_codes

    def are_open(self, words: Iterable[str]) -> bool:
        """Tell that words name nothing, so that what is done has to be said elsewhere."""
        return all(word in self._open or is_number(word) for word in words)

    def order_imaging(self, words: Collection[str]) -> bool:
        """Tell that words of an open name are an order for imaging: "US R knee"; not "US guided injection"."""
        return not self._imaging.isdisjoint(words) and _DOING.isdisjoint(words)

    def serve(self, words: Sequence[str]) -> bool:
        """Tell that words name guidance or a drug and what it is for ("fluoroscopy for"): then that is ordered.

        A service's own agent is not meant: "dextrose for prolotherapy" is what the service is done with.
        """
        at = next((place for place, word in enumerate(words) if word in _SERVING), None)
        return at is not None and not self._means.isdisjoint(words[:at])

    def find_labels(self, tokens: Tokens) -> list[tuple[int, int]]:
        """Return the labels of a form in a text ("Type of injection?", "Site:"), as tokens."""
        if "?" not in tokens.words and ":" not in tokens.words:
            return []
        return sorted((hit.first, hit.end) for hit in self._labels.find_in(tokens))

    def is_order_label(self, label: tuple[int, int], tokens: Tokens) -> bool:
        """Tell whether what is ordered stands behind a label ("Procedure:"), not what goes with it ("Sedation:")."""
        first, end = label
        return self.head_orders(tokens.words[first : end - 1])

    def head_orders(self, words: Sequence[str]) -> bool:
        """Tell whether the words of a label or a heading say that what is ordered follows: "Plan", "P"."""
        return " ".join(words) in self._orders

    def find_services(self, tokens: Tokens) -> Iterator[Hit[bool]]:
        """Yield where words name another service or treatment: True, or one that may be a talk about this, False."""
        return self.services.find_in(tokens)


def is_number(word: str) -> bool:
    """Tell that a word is no word: a number, a measure, a sign. Text in a script that is not read here is not one.

    Of words that begin with a letter only levels, counts and order codes are numbers: HbA1c and B12 name something.
    """
    bare = word.translate(_KNOWN_SIGNS)
    if not bare.isascii() or bare.isalpha():
        return False
    return not bare[:1].isalpha() or bool(_COUNTED.fullmatch(bare))


def _tokens_of(terms: Iterable[str]) -> frozenset[str]:
    """Return the words of some terms, and of those that are no abbreviation the plurals."""
    found = {token for term in terms for token in normalise(term).split()}
    return frozenset(found | {form for word in found if len(word) >= _SHORTEST for form in variants(word)})
