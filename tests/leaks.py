"""Tells whether something that was written down holds what it must not: marked names, ids and tokens, in any disguise."""

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote


def leaks(written: str, marks: Iterable[str]) -> list[str]:
    """Return each mark that is in a text, with what stands around it: plain, in any case, escaped, in base64 or hex."""
    folded = written.casefold()
    return [
        f"{mark!r} in {written[max(0, place - 60) : place + 60]!r}"
        for mark in marks
        for form, is_exact in _forms(mark)
        if (place := (written if is_exact else folded).find(form)) >= 0
    ]


def _forms(mark: str) -> Iterator[tuple[str, bool]]:
    """Yield how a mark may be written, and whether its case counts; base64 at each of its three offsets."""
    assert len(mark) >= 6, f"{mark!r} is too short to be told from chance"
    plain = mark.encode()
    written = (mark, quote(mark), quote(mark, safe=""), ascii(mark)[1:-1], json.dumps(mark)[1:-1], plain.hex())
    yield from ((form.casefold(), False) for form in dict.fromkeys(written))
    for offset in range(3):
        skipped = (4 * offset + 2) // 3
        shifted = base64.b64encode(b"x" * offset + plain).decode().rstrip("=")
        inner = shifted[skipped : -1 if (len(plain) + offset) % 3 else None]
        yield from ((form, True) for form in dict.fromkeys((inner, inner.replace("+", "-").replace("/", "_"))))
