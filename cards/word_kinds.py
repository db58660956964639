"""The kinds of words that tell what an order's words are for, as the files of the vocabulary name them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class BystanderWords(NamedTuple):
    """Words by which what looks like a withdrawal is of another thing, or may be (withdrawals.json)."""

    of_the_order: frozenset[str]
    things_asked: frozenset[str]
    refusals: frozenset[str]
    payers: frozenset[str]
    authorizing: frozenset[str]
    saying_no: frozenset[str]
    not_paying: frozenset[str]
    meaning: frozenset[str]
    strong: frozenset[str]
    twice: frozenset[str]
    stopped: frozenset[str]
    pausing: frozenset[str]
    judging: frozenset[str]
    events: frozenset[str]
    of_any: frozenset[str]
    ended: frozenset[str]
    of_things: frozenset[str]
    in_place: frozenset[str]
    of_therapy: frozenset[str]
    earlier: frozenset[str]
    of_earlier: frozenset[str]


class AntecedentWords(NamedTuple):
    """Words that tell what "it", or nothing, stands for in a sentence on another thing (withdrawals.json)."""

    asking: frozenset[str]
    small: frozenset[str]
    reasons: frozenset[str]
    answers: frozenset[str]
    pronouns: frozenset[str]
    nouns: frozenset[str]
    other_kinds: frozenset[str]
    determiners: frozenset[str]
    kin: frozenset[str]
    off_on: frozenset[str]
    offering: frozenset[str]
    behind_an_offer: frozenset[str]
    operated: frozenset[str]
    earlier: frozenset[str]
    pulling: frozenset[str]
    supplies: frozenset[str]
    entered: frozenset[str]
    persons: frozenset[str]
    being: frozenset[str]
    breaks: frozenset[str]
    leaving: frozenset[str]
    lists: frozenset[str]
    wishing: frozenset[str]
    labels: frozenset[str]
    proceeding: frozenset[str]
    replacing: frozenset[str]


@dataclass(frozen=True, slots=True)
class WithdrawalWords:
    """How people take an order back, put it off, or say that it is over or another's (see withdrawals.schema.json)."""

    statements: tuple[str, ...]
    switches: tuple[str, ...]
    verbs: tuple[str, ...]
    states: tuple[str, ...]
    hints: tuple[str, ...]
    harmless: tuple[str, ...]
    reinstatements: tuple[str, ...]
    renewals: tuple[str, ...]
    directions: tuple[str, ...]
    movements: tuple[str, ...]
    paying: tuple[str, ...]
    objects: frozenset[str]
    subjects: frozenset[str]
    others: frozenset[str]
    boundaries: frozenset[str]
    conditions: frozenset[str]
    negations: frozenset[str]
    days: frozenset[str]
    past: frozenset[str]
    left: frozenset[str]
    right: frozenset[str]
    bystanders: BystanderWords
    antecedents: AntecedentWords


class HeadWords(NamedTuple):
    """Plain words that are ordered themselves where they lead to a service's name, by kind (plain-words.json)."""

    heads: tuple[str, ...]
    checks: tuple[str, ...]
    returns: tuple[str, ...]
    outcomes: tuple[str, ...]
    compounds: tuple[str, ...]
    results: tuple[str, ...]
    doing: tuple[str, ...]


class ExplicitWords(NamedTuple):
    """Words by which a note orders a service in so many words, and those by which it does not (plain-words.json)."""

    small: frozenset[str]
    called: frozenset[str]
    stating: frozenset[str]
    verbs: frozenset[str]
    no_verbs: frozenset[str]
    leading: frozenset[str]
    directions: frozenset[str]
    how: frozenset[str]
    remarking: frozenset[str]
    requesting: frozenset[str]
    asking: frozenset[str]
    clinicians: frozenset[str]
    speaking: frozenset[str]
    uncertain: frozenset[str]
    light_labels: frozenset[str]
    past: frozenset[str]
    family: frozenset[str]
    telling: frozenset[str]
    subjects: frozenset[str]
    being: frozenset[str]
    ordering: frozenset[str]
    not_ordering: frozenset[str]
    persons: frozenset[str]
    asked_for: frozenset[str]
    procedures: frozenset[str]
    referrals: frozenset[str]
    forms: frozenset[str]
    offices: frozenset[str]
    chatter: frozenset[str]
    of_the_service: frozenset[str]
    outsiders: frozenset[str]
    events: frozenset[str]
    saying: frozenset[str]
    treatment_only: frozenset[str]


class LearnedWeights(NamedTuple):
    """The weights of a logistic regression by feature (cards/matching/features.py)."""

    intercept: float
    weights: Mapping[str, float]


class LearnedLimits(NamedTuple):
    """How likely a learned reading has to call something before it overrules the rules (learned.schema.json)."""

    accept: float
    accept_name: float
    accept_passed_over: float
    ask: float
    refuse_name: float
    refuse_note: float
    silent: float
    stands: float
    clear: float
    told: float
    falls: float


class LearnedWords(NamedTuple):
    """What was learned of one service's names: is it ordered, does an order for it stand, is it concerned at all?"""

    ordered: LearnedWeights
    stands: LearnedWeights
    concerns: LearnedWeights
    limits: LearnedLimits
