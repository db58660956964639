"""Whose state a clause tells of: the patient's, or one of the family's."""

from collections.abc import Sequence
from typing import Final

#: What happens to people, and who else they may be than the patient.
_CONDITIONS: Final = frozenset(
    ("died", "deceased", "pregnant", "passed", "covid", "flu", "hospice", "admitted", "hospital", "hospitalized")
)
_FAMILY: Final = frozenset(
    (
        *("mother", "mom", "father", "dad", "sister", "brother", "wife", "husband", "son", "daughter", "spouse"),
        *("partner", "friend", "aunt", "uncle", "cousin", "grandmother", "grandfather", "neighbor", "child"),
    )
)
_IS: Final = frozenset({"is", "was", "has", "have", "had", "just", "now", "recently", "in", "the", "been"})


def is_of_family(said: Sequence[str], before: Sequence[str]) -> bool:
    """Tell that it is one of the family who is ill, or died: "mom died last year", "wife is pregnant".

    `said` are the words that tell of the state, `before` those before them.
    """
    who = [word for word in before if word not in _IS][-1:]
    return not _CONDITIONS.isdisjoint(said) and not _FAMILY.isdisjoint((*who, *said))
