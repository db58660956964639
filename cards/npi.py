"""National Provider Identifiers, by which providers are told apart (CMS): where FHIR has them, and what is one."""

import re
from typing import Any, Final

#: The system of National Provider Identifiers, as FHIR writes it.
NPI: Final = "http://hl7.org/fhir/sid/us-npi"

#: The same as it is compared, and the OID of it.
_NPI_SYSTEMS: Final = frozenset({NPI.removeprefix("http://"), "2.16.840.1.113883.4.6"})
_SCHEME: Final = re.compile("https?://|urn:oid:", re.IGNORECASE)
_TEN_DIGITS: Final = re.compile("[0-9]{10}")


def is_npi(text: str) -> bool:
    """Tell whether a text is an NPI: ten digits, whose check digit is Luhn's of the prefix 80840 and the rest (CMS)."""
    if not _TEN_DIGITS.fullmatch(text):
        return False
    digits = [int(digit) for digit in f"80840{text}"[::-1]]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def npis(holder: Any) -> frozenset[str]:
    """Return the NPIs among the `identifier` of a Reference, which is one, or of a record, which are several."""
    held = holder.get("identifier") if isinstance(holder, dict) else None
    found = (one for one in (held if isinstance(held, list) else [held]) if isinstance(one, dict))
    stated = ((one.get("system"), one.get("value")) for one in found if one.get("use") != "old")
    return frozenset(
        value
        for system, value in stated
        if isinstance(system, str) and _fold(system) in _NPI_SYSTEMS and isinstance(value, str) and is_npi(value)
    )


def _fold(system: str) -> str:
    """Return the URI of a system without what is written in several ways."""
    return _SCHEME.sub("", system.strip(), count=1).rstrip("/").lower()
