"""Finding terms in what clinicians write, and the cues near them."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.matching.text import TermFinder
from cards.matching.tokens import normalise
from cds_hooks.rules.loading import Rules


@pytest.fixture(name="finder")
def _finder(rules: Rules) -> TermFinder:
    return TermFinder({"prolotherapy": rules.vocabulary.lists["prolotherapy"]}, {"prolotherapy"}, rules.vocabulary)


@pytest.mark.parametrize(
    "text",
    [
        "Prolotherapy", "PROLOTHERAPY", "prolo-therapy", "prolo\u2011therapy", "Prolo  therapy", "prolotherapies",
        "\uff30rolotherapy", "prolo", "(prolotherapy)", "\u201cprolotherapy\u201d", "R knee/prolotherapy", "non-surgical ligament reconstruction",
        "proliferant injections", "prolo\u00adtherapy", "joint\nsclerotherapy", "inj:prolotherapy,R knee",
    ],
)  # fmt: skip
def test_a_term_is_found_however_it_is_written(text: str, finder: TermFinder) -> None:
    mentions = finder.find(text)

    assert len(mentions) == 1
    assert not mentions[0].cues


@pytest.mark.parametrize(
    "text",
    [
        "aromatherapy",
        "brachytherapy",
        "prolonged therapy",
        "Prolia",
        "prolapse",
        "proliferative retinopathy",
        "",
        " ",
        "sclerotherapy",
    ],
)
def test_what_only_resembles_a_term_is_not_found(text: str, finder: TermFinder) -> None:
    assert finder.find(text) == []


def test_the_longest_term_counts(finder: TermFinder) -> None:
    assert [mention.term for mention in finder.find("prolo therapy")] == ["prolo therapy"]


@pytest.mark.parametrize(
    "text",
    [
        "no prolotherapy", "not a candidate for prolotherapy", "prolotherapy declined", "failed prior prolotherapy",
        "h/o prolotherapy", "s/p prolotherapy x3", "PRP instead of prolotherapy", "steroid rather than prolotherapy",
        "alternative to prolotherapy", "avoid prolotherapy", "evaluate for prolotherapy", "discuss prolotherapy",
        "Prolotherapy. Declined.", "prolotherapy?", "NO\nPROLOTHERAPY", "mother had prolotherapy", "if PT fails, prolotherapy",
        "[ ] prolotherapy", "patient doesn't want prolotherapy", "prolotherapy was not discussed",
    ],
)  # fmt: skip
def test_a_cue_near_a_term_reaches_it(text: str, finder: TermFinder) -> None:
    assert all(mention.cues for mention in finder.find(text))
    assert finder.find(text)


@pytest.mark.parametrize(
    "text",
    [
        "No fever. Denies numbness. Prolotherapy L SIJ today.", "no relief from PT, schedule prolotherapy",
        "not only PRP but also prolotherapy", "No allergies; prolotherapy R knee", "No change in plan: prolotherapy today",
    ],
)  # fmt: skip
def test_a_cue_of_another_statement_does_not_reach_it(text: str, finder: TermFinder) -> None:
    assert [mention.cues for mention in finder.find(text)] == [()]


@given(st.text())
def test_normalising_never_fails_and_leaves_one_space_between_words(text: str) -> None:
    words = normalise(text)

    assert words.startswith(" ")
    assert words.endswith(" ")
    assert "  " not in words.strip()


@given(st.text(alphabet="ab.,;:!?\n -()[]", max_size=60))
def test_normalised_text_is_unicode_normal(text: str) -> None:
    assert unicodedata.is_normalized("NFKC", normalise(text))


@pytest.mark.parametrize(
    "unit",
    [
        "prolotherapy ",
        "no ",
        "no prolotherapy ",
        "a",
        ". ",
        "\n",
        " \n\t",
        "no, prolotherapy and schedule ",
        "[ ] ",
        "\u0301",
        "¶ ",
    ],
)
def test_cost_is_linear_in_the_length_whatever_the_text(unit: str, finder: TermFinder) -> None:
    """100 kB may cost at most 40 times 10 kB (10 if exactly linear; the margin is for a busy machine)."""

    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            finder.find(text)
            best = min(best, time.perf_counter() - start)
        return best

    assert cost(100_000) < 40 * cost(10_000) + 0.05
