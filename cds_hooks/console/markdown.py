"""Markdown of cards as an EHR may show it: rendered on the server, without HTML of its own, and sanitised."""

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

#: GitHub-flavoured Markdown, as CDS Hooks has it (HK-84); what looks like HTML is text.
_RENDERER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

_TAGS: Final = {"p", "br", "em", "strong", "s", "del", "code", "pre", "blockquote", "hr", "ul", "ol", "li", "a"} | {
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}

#: Images are left out: one would be fetched from elsewhere when the card is read.
_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "ol": {"start"}},
    url_schemes={"https", "http", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
)


def render(markdown: str) -> Markup:
    """Return Markdown as HTML that is safe to show."""
    return Markup(_CLEANER.clean(_RENDERER.render(markdown)))  # noqa: S704 - this is where it is made safe
