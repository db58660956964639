"""Finding terms in what clinicians write, and the cues near them."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.matching.sessions import Ordered
from cards.matching.text import TermFinder
from cards.matching.tokens import STOP, normalise, read_tokens
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


@pytest.mark.parametrize(
    "text",
    [
        "Failed PT &amp; prolotherapy", "No&nbsp;prolotherapy", "No&amp;nbsp;prolotherapy", "No &amp;amp;nbsp; prolotherapy",
        "Don&#39;t do prolotherapy", "Don&#x27;t do prolotherapy", "No&nbsp prolotherapy", "<b>No</b> prolotherapy", "<p>No <i>prolotherapy</i></p>",
        "Refused:<br/>prolotherapy", "<s>prolotherapy</s>", "<del>prolotherapy</del>", "<span style='x'>No</span><!-- x --> prolotherapy",
    ],
)  # fmt: skip
def test_markup_hides_no_cue(text: str, finder: TermFinder) -> None:
    assert [bool(mention.cues) for mention in finder.find(text)] == [True]


@pytest.mark.parametrize("text", ["<p>Prolotherapy R neck</p>", "Prolotherapy&nbsp;R&nbsp;neck", "Prolotherapy <b>R</b> neck", "Prolotherapy &lt;b&gt;R&lt;/b&gt; neck"])  # fmt: skip
def test_markup_makes_no_doubt(text: str, finder: TermFinder) -> None:
    assert [(mention.cues, mention.ordered) for mention in finder.find(text)] == [((), True)]


@pytest.mark.parametrize("text", ["No <prolotherapy>", "x < 5, no prolotherapy", "no R&D; prolotherapy declined", "no &unknown prolotherapy"])  # fmt: skip
def test_what_is_no_markup_stays(text: str, finder: TermFinder) -> None:
    assert [bool(mention.cues) for mention in finder.find(text)] == [True]


ITEMS = "\n".join(f"{number}. item {number}" for number in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        "Previously tried:\n1. Prolotherapy\n2. PT", "Previously tried:\n\n- PT\n- Prolotherapy", "DECLINED\n- Prolotherapy", "DECLINED:\n- PT\n- Prolotherapy R knee",
        "Failed\n\u2022 PT\n\u2022 Prolotherapy", "**Failed**\n- Prolotherapy", "## Previously tried\n- PT\n- Prolotherapy", "Avoid:\n  prolotherapy",
        "Contraindicated\n\n* steroid\n* prolotherapy", "Tried and failed:\r\n\r\n1) PT\r\n2) prolotherapy", "Treatments tried\n----------\nPT\nprolotherapy",
        f"Failed:\n{ITEMS}\n30. Prolotherapy", "Failed:\n" + "a\n" * 30 + "Prolotherapy", "Failed therapies (see below):\n  o PT\n  o prolotherapy",
        "Previously tried: 1. Prolotherapy 2. PT", "Previously tried: 1. PT 2. NSAIDs 3. Prolotherapy", "Failed: PT\n- Prolotherapy", "No red flags. Has tried:\n- Prolotherapy",
        "<h3>Previously tried</h3><ul><li>PT</li><li>Prolotherapy</li></ul>", "<p>Previously tried:</p><p>PT</p><p>Prolotherapy</p>", "Off the list:\n- Prolotherapy, contraindicated",
        "Previously tried:\nProlotherapy: x3\nPT: x6", "If PT fails:\n- Prolotherapy", "Failed\n- PT\n- Prolotherapy", "Options:\n- PT\n- Prolotherapy",
    ],
)  # fmt: skip
def test_a_heading_rules_over_its_list(text: str, finder: TermFinder) -> None:
    assert [bool(mention.cues) for mention in finder.find(text)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "Previously tried:\n- PT\n\nProlotherapy R knee", "Previously tried:\n- PT\nPlan:\n- Prolotherapy R knee", "Previously tried:\n- PT\nPLAN: Prolotherapy R knee",
        "Plan:\n- Prolotherapy R knee", "No relief with NSAIDs. Plan:\n- Prolotherapy R knee", "Failed PT, schedule:\n- Prolotherapy R knee",
        "Failed PT\n\nProlotherapy R knee",
    ],
)  # fmt: skip
def test_a_heading_rules_until_a_blank_line_after_its_list_or_the_next_heading(text: str, finder: TermFinder) -> None:
    assert [mention.cues for mention in finder.find(text)] == [()]


@pytest.mark.parametrize(
    "text",
    ["Prolotherapy \u0928\u0939\u0940\u0902", "Prolotherapy \u0e44\u0e21\u0e48", "\u0644\u0627 prolotherapy", "\u4e0d prolotherapy", "n\u043e prolotherapy", "n\u0336o\u0336 prolotherapy", "Prolotherapy \u05dc\u05d0"],
)  # fmt: skip
def test_a_script_that_is_not_read_is_not_plain(text: str, finder: TermFinder) -> None:
    [mention] = finder.find(text)

    assert not mention.ordered
    assert finder.read(text).has_unread_script


@pytest.mark.parametrize("text", ["Prolotherapy R neck, 15\u202f%, \xb130\xb0", "Prolotherapy \xbd ml", "\uff30rolotherapy \uff32 neck", "Prolotherapy \u2014 R neck \u2265 2"])  # fmt: skip
def test_the_signs_of_a_plain_order_stay_plain(text: str, finder: TermFinder) -> None:
    [mention] = finder.find(text)

    assert mention.ordered
    assert not finder.read(text).has_unread_script


@pytest.mark.parametrize(
    "text", ["Prolotherapy \u274c", "\u274cProlotherapy", "\u2717 Prolotherapy", "\U0001f6ab Prolotherapy", "Prolotherapy \u26d4"]
)  # fmt: skip
def test_a_cross_is_a_no(text: str, finder: TermFinder) -> None:
    [mention] = finder.find(text)

    assert mention.cues or not mention.ordered


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("No relief; prolotherapy today", "prolotherapy"),
        ("R&amp;D, &lt;b&gt;prolo&#8209;therapy&lt;/b&gt; x", "prolo&#8209;therapy"),
        ("<p>a</p><b>Prolo\ntherapy</b>", "Prolo\ntherapy"),
        ("\ufb01rst \xdf \u0130 \xbd \uff30\uff32\uff2f\uff2c\uff2f, e\u0301", "\uff30\uff32\uff2f\uff2c\uff2f"),
        ("joint  sclerotherapies.", "joint  sclerotherapies"),
    ],
)
def test_a_mention_knows_its_characters_in_the_text_as_sent(text: str, words: str, finder: TermFinder) -> None:
    [mention] = finder.find(text)

    assert text[slice(*mention.span)] == words


@given(st.text())
def test_tokens_stand_in_the_text_one_after_the_other(text: str) -> None:
    tokens = read_tokens(text)
    spans = [tokens.span(index, index + 1) for index in range(len(tokens.words))]

    assert all(0 <= start < end <= max(len(text), 1) for start, end in spans)
    assert spans == sorted(spans)
    assert "  " not in tokens.joined.strip()


@given(st.text(alphabet="ab.,;:!?\n -()[]1&<>/", max_size=80))
def test_every_token_has_a_sentence_and_a_line(text: str) -> None:
    tokens = read_tokens(text)

    for index, word in enumerate(tokens.words):
        first, end = tokens.clause_range(index)
        assert STOP not in tokens.words[first:end]
        assert word == STOP or first <= index < end
        assert 0 <= tokens.line(index) < len(tokens.lines)


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
        "\u0315\u0300",
        "no fever ",
        "&amp;",
        "<b",
        "<!--",
        "tried:\n",
        ": 1. ",
        "- no prolotherapy\n",
        "\xdf",
        "\u0928\u0939\u0940\u0902 ",
        "¶ ",
    ],
)
def test_cost_is_linear_in_the_length_whatever_the_text(unit: str, finder: TermFinder) -> None:
    """100 kB may cost at most 40 times 10 kB (10 if exactly linear; the margin is for a busy machine)."""

    def cost(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            finder.find(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(100_000) < 40 * cost(10_000) + 0.05


@pytest.mark.parametrize(
    "unit",
    [
        "declined ",
        "maybe, ",
        "hold, ok to schedule ",
        "Sedation: not needed ",
        "asked about sedation, said no. US guided. ",
    ],
)
def test_so_is_the_cost_of_telling_whether_an_order_stands(unit: str, finder: TermFinder) -> None:
    def cost(size: int) -> float:
        best = float("inf")
        for _ in range(3):
            reading = finder.read(unit * (size // len(unit)), is_name=False)
            start = time.process_time()
            reading.liveness(Ordered(), is_paid=False)
            best = min(best, time.process_time() - start)
        return best

    assert cost(40_000) < 40 * cost(4_000) + 0.2


@pytest.mark.parametrize("text", ["Alternatives\n- Prolotherapy", "Ideas:\n- Prolotherapy", "Wishes\n1. Prolotherapy R neck", "Menu:\n\nProlotherapy"])  # fmt: skip
def test_a_list_under_a_heading_that_is_not_plain_is_no_order(text: str, finder: TermFinder) -> None:
    assert [mention.ordered for mention in finder.find(text)] == [False]


@pytest.mark.parametrize("text", ["Order:\n- Prolotherapy R neck", "Plan today\n- Prolotherapy", "Neck pain\n- Prolotherapy R neck", "Menu:\n- schedule prolotherapy"])  # fmt: skip
def test_a_list_under_a_plain_heading_or_an_action_is_an_order(text: str, finder: TermFinder) -> None:
    assert [(mention.cues, mention.ordered) for mention in finder.find(text)] == [((), True)]


@pytest.mark.parametrize(
    "text",
    ["( ) prolotherapy", "(-) prolotherapy", "prolotherapy ( )", "prolotherapy x 0", "No\u200bprolotherapy", "No&#8203;prolotherapy", "n\u200bo prolotherapy"],
)  # fmt: skip
def test_an_empty_box_a_minus_and_a_zero_leave_a_doubt(text: str, finder: TermFinder) -> None:
    assert [bool(mention.cues) or not mention.ordered for mention in finder.find(text)] == [True]
