"""What can be wrong with the data that `cards` is asked to read."""


class CardsError(Exception):
    """Base of all errors of this package; never raised itself."""


class DocumentError(CardsError):
    """A policy, payer or vocabulary document contradicts itself or another one.

    `path` is the JSON path of the fault (`$.versions`), `reason` one sentence for the analyst who wrote it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class CardLimitError(CardsError):
    """A card breaks a limit of CDS Hooks; the text is refused, never cut silently."""
