"""A typing error is forgiven in a word that is known, and looking for one costs little for any word."""

import tracemalloc

from cards.matching.spelling import Spelling


def test_a_word_much_longer_than_any_known_one_is_not_taken_apart() -> None:
    """All shortenings of a word of a hundred thousand letters would be ten gigabytes: one order would stop a service."""
    spelling = Spelling(["prolotherapy"], frozenset())
    tracemalloc.start()
    is_known = spelling.knows("prolotherapy" * 300)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert not is_known
    assert peak < 100_000


def test_one_letter_too_many_is_forgiven_in_the_longest_word_too() -> None:
    spelling = Spelling(["prolotherapy"], frozenset())

    assert spelling.knows("prolotherrapy")
    assert not spelling.knows("prolotherrrapy")
