"""What people read: an order's own words never become live Markdown, HTML or a link."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cards.payer_selection import CoverageProblem
from cards.response.plain_text import plain
from cards.response.wording import tell_problem

#: GitHub-flavoured Markdown with HTML and bare links, as the CDS Hooks sandbox renders a card's detail.
GFM = MarkdownIt("gfm-like", {"html": True})


@given(st.text(min_size=1))
@example("<img src=x onerror=alert(1)>")
@example("[click](javascript:alert(1))")
@example("![x](http://evil.example/x.png)")
@example("see www.evil.example or http://evil.example/x or a@evil.example")
@example("**bold** `code` ~~no~~ | a | b |\n|---|---|\n# head\n- item\n1. one")
@example("&lt;b&gt; &#60;")
def test_order_text_is_only_text(text: str) -> None:
    """HK-85."""
    shown = f"Order: {plain(text)}. Based on code M0076.\n\n- Order: {plain(text)}."

    tokens = GFM.parse(shown)

    inline = [child.type for token in tokens for child in token.children or ()]
    assert set(inline) <= {"text"}
    paragraph = ["paragraph_open", "inline", "paragraph_close"]
    item = ["list_item_open", *paragraph, "list_item_close"]
    assert [token.type for token in tokens] == [*paragraph, "bullet_list_open", *item, "bullet_list_close"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Prolotherapy, right knee", "Prolotherapy, right knee"),
        ("12.5% dextrose (R knee) +/- US", "12.5% dextrose (R knee) +/- US"),
        ("Infiltración articular, genou à 90°", "Infiltración articular, genou à 90°"),
        ("a\n b\tc", "a b c"),
        ("<b>x</b>", "b x /b"),
    ],
)
def test_ordinary_words_stay_readable(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_long_words_end_in_an_ellipsis() -> None:
    assert len(plain("word " * 1000)) <= 100
    assert plain("word " * 1000).endswith("…")


@pytest.mark.parametrize("problem", CoverageProblem)
def test_what_is_not_known_of_a_coverage_is_told_as_a_sentence(problem: CoverageProblem) -> None:
    assert tell_problem(problem).casefold() == f"{problem.value}.".casefold()
    assert tell_problem(problem)[0] == problem.value[0].upper()
