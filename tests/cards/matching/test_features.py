"""What an order's words are read as before they are weighed: runs of words, where they stand, and of which kind."""

import time
from collections.abc import Sequence
from itertools import product

from cards.elements import Place
from cards.matching.features import FeatureReader, Words
from cards.matching.phrases import PhraseFinder
from cards.matching.sentence_ends import STOP

READER = FeatureReader(
    PhraseFinder([("physical therapy", True), ("mri", True), ("consult", False)]), ["knee", "right", "hip"]
)


def name(text: str, *mentions: tuple[int, int, bool]) -> Words:
    return Words(Place.CODE_TEXT, text.split(), mentions, is_name=True)


def note(text: str, *mentions: tuple[int, int, bool]) -> Words:
    return Words(Place.NOTE, text.replace(" .", f" {STOP}").split(), mentions, is_name=False)


def read(*texts: Words) -> frozenset[str]:
    return READER.read(texts)


def test_words_of_a_kind_stand_for_it_so_that_what_is_learned_of_a_knee_holds_for_a_hip() -> None:
    for place in ("right knee", "right hip"):
        found = read(name(f"prolo {place}", (0, 1, False)))

        assert {"named", "named name: ^ SERVICE PLACE", f"named name: {place.split()[1]}"} <= found

    told = read(name("procedure"), note("after physical therapy x 12 , a consult and prolo", (9, 10, False)))
    assert {"unnamed", "after OTHER x", "x # ,", "a TALK and", "before: and", "after: $", "in: note"} <= told
    assert "physical" in told  # the words themselves count, too


def test_what_is_near_the_service_is_no_mention_of_it() -> None:
    found = read(name("prolozone knee", (0, 1, True)))

    assert "unnamed" in found
    assert "name: NEAR PLACE" in found


def test_the_sentences_of_a_mention_and_at_both_ends_are_told_apart() -> None:
    found = read(name("procedure"), note("seen today . prolo knee friday . thanks", (3, 4, False)))

    assert {
        "first: seen",
        "sentence before: today",
        "same: PLACE friday",
        "sentence after: thanks",
        "last: thanks",
    } <= found
    assert "same: seen" not in found


def test_what_is_left_out_between_two_parts_makes_no_run_across_the_gap() -> None:
    words = ["".join(letters) for letters in product("abcdefgh", repeat=3)]
    found = read(name("procedure"), note(" ".join([*words, "prolo"]), (512, 513, False)))

    assert f"{words[38]} {words[39]}" in found
    assert f"{words[472]} {words[473]}" in found
    assert words[40] not in found
    assert f"{words[39]} {words[472]}" not in found


def test_a_long_text_costs_no_more_than_what_is_read_of_it() -> None:
    """No order can slow the others: of a megabyte as much is read as of a page."""

    def cost(words: int) -> float:
        text = note("word " * words + "prolo", (words, words + 1, False))
        start = time.process_time()
        for _ in range(20):
            read(name("procedure"), text)
        return time.process_time() - start

    assert cost(200_000) < 20 * max(cost(1_000), 0.002)


def test_sentences_are_told_with_their_tokens() -> None:
    text = note("seen today . prolo knee friday .", (3, 4, False))
    found: Sequence[tuple[int, int]] = [(one.first, one.end) for one in READER.sentences(text)]

    assert found == [(0, 2), (3, 6)]
