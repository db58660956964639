"""Markdown of a card is rendered, and can do nothing."""

import pytest

from cds_hooks.console.markdown import render


def test_markdown_is_rendered_as_github_does() -> None:
    html = render("**Not covered.** See\n\n* one\n* two\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n~~old~~")

    for part in ("<strong>Not covered.</strong>", "<li>one</li>", "<td>1</td>", "<s>old</s>"):
        assert part in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://tracker.example.org/pixel.png)",
        '<a href="https://example.org" onclick="alert(1)">x</a>',
        "<style>body{display:none}</style>",
        "<iframe src=https://example.org></iframe>",
    ],
)
def test_markdown_can_neither_run_nor_fetch_anything(text: str) -> None:
    html = str(render(text))

    for danger in (
        "<script",
        "<img",
        "<style",
        "<iframe",
        'href="javascript',
        'href="data',
        '<a href="https://example.org" onclick',
    ):
        assert danger not in html


def test_links_lead_out_without_telling_from_where() -> None:
    assert 'rel="noopener noreferrer nofollow"' in render("[policy](https://example.org/policy)")
