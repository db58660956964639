"""Words of an order as text that is safe to show: on a card they are Markdown."""

import re
from typing import Final

#: An order's own words are shown up to this many characters.
_LONGEST: Final = 100

#: Letters, digits and the punctuation that means nothing to Markdown or HTML in the middle of a line stay: a colon that
#: begins no address, an ampersand that begins no entity.
_HARMFUL: Final = re.compile(r"[^\w,.;()/+%'°=?:&-]|_|:(?!\s|\Z)|&(?=[#\w]*;)")

#: A full stop between letters: GitHub-flavoured Markdown makes links of `www.x.y`.
_LINKING: Final = re.compile(r"\.(?=[^\W\d])")


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return words of an order as text that cannot be live Markdown, HTML or a link, on one line.

    What is not a letter, a digit or harmless punctuation becomes a space.
    """
    words = " ".join(_LINKING.sub(". ", _HARMFUL.sub(" ", text[: 4 * longest])).split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"
