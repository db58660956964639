"""A card as a person reads it."""

import re
from typing import Any


def sentences(card: dict[str, Any]) -> list[str]:
    """The sentences of a card's summary and detail."""
    return [part for part in re.split(r"(?<=[.!?])\s+|\n+", f"{card['summary']}.\n{card['detail']}") if part]
