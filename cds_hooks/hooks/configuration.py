"""The options a client can set (`davinci-crd.configuration`), and how discovery announces them (dev-4 to dev-17)."""

from typing import Any, Final, NamedTuple


class Option(NamedTuple):
    """One configuration option: its code is a CRD card type, but for `max-cards`; `default` has the type's type."""

    code: str
    type: str
    name: str
    description: str
    default: bool | int

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `davinci-crd.configuration-options` (CRD-110 to 114)."""
        return self._asdict()


#: One boolean for each type of response this service returns, and how many cards (CRD-115, 116; dev-5).
OPTIONS: Final = (
    Option(
        "coverage-info",
        "boolean",
        "Coverage Information",
        "Whether the ordered service is covered, written onto the order; what is missing where that cannot be told.",
        True,
    ),
    Option(
        "off-guideline",
        "boolean",
        "Off Guideline",
        "A card with a link to the guideline where the plan does not cover the ordered service.",
        True,
    ),
    Option(
        "guideline",
        "boolean",
        "Guideline",
        "A card with a link to the guideline where the plan covers the ordered service or sets terms for it.",
        True,
    ),
    Option(
        "max-cards",
        "integer",
        "Maximum cards",
        "As many cards as are returned at most, the most important first; annotations of orders are no cards.",
        10,
    ),
)

#: The topic of what was determined without being asked for: here a prior authorization that is on file.
UNSOLICITED: Final = "unsolicited-determ"

#: What is offered besides where members are looked up: without them nothing of the kind is returned (CRD-115).
OF_MEMBERS: Final = Option(
    UNSOLICITED,
    "boolean",
    "Unsolicited Determination",
    "Whether prior authorization that was given already is told; a call that only tries something out wants none.",
    True,
)

_BY_CODE: Final = {option.code: option for option in (*OPTIONS, OF_MEMBERS)}
_TYPES: Final = {"boolean": bool, "integer": int}
_MAX_CARDS: Final = int(_BY_CODE["max-cards"].default)


class Configuration(NamedTuple):
    """What the client set: topics it declines, how many cards it takes, and the options it set to nonsense."""

    declined: frozenset[str] = frozenset()
    max_cards: int = _MAX_CARDS
    nonsense: tuple[str, ...] = ()


_DEFAULT: Final = Configuration()


def read_configuration(given: Any) -> Configuration:
    """Read the client's configuration; never an error (dev-6, dev-15).

    Unknown options are ignored (CRD-131). A value of the wrong type, or a negative number, is left at the default and
    named in `nonsense`, which is logged (CRD-118, 119).
    """
    if given is None:
        return _DEFAULT
    if not isinstance(given, dict):
        return Configuration(nonsense=("davinci-crd.configuration",))
    known = {code: value for code, value in given.items() if code in _BY_CODE}
    good = {code: value for code, value in known.items() if _is_sensible(_BY_CODE[code], value)}
    return Configuration(
        frozenset(code for code, value in good.items() if value is False),
        good.get("max-cards", _MAX_CARDS),
        tuple(sorted(known.keys() - good.keys())),
    )


def _is_sensible(option: Option, value: Any) -> bool:
    return type(value) is _TYPES[option.type] and (not isinstance(value, int) or value >= 0)
