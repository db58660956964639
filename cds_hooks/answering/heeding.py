"""Cards that were overridden with a reason are not shown again on order-select, where CRD_HEED_OVERRIDES says so.

The same card is one for the same patient of the same client, the same content of the orders (whatever their ids), the
same versions of policies and the same answer. order-sign shows and annotates as ever. Patient and orders are known
here by a keyed digest alone. Where the store cannot tell, the card is shown.
"""

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from cards import Answered, HookResponse
from cds_hooks.answering.summary import Ids
from cds_hooks.hooks.request import HookRequest
from cds_hooks.settings import Settings
from cds_hooks.store.database import StoreError
from cds_hooks.store.overrides import find_overrides
from cds_hooks.telemetry.logs import record

#: The hook on which a card is withheld: orders are still being chosen.
HOOK: Final = "order-select"

#: More than there can be.
ALL_CARDS: Final = 1_000_000

_DAY: Final = 86_400_000_000


class Heeded(NamedTuple):
    """A response without the cards that are withheld; what each card is known again by, and which are withheld.

    `steps` is what a trace says of those.
    """

    response: HookResponse
    about: Mapping[str, str]
    withheld: Collection[str]
    steps: list[dict[str, Any]]


class Heed:
    """Knows cards again, and looks up which were overridden; one for all threads of a process."""

    def __init__(self, settings: Settings, keys: Sequence[bytes], engine: sa.Engine) -> None:
        self.days = settings.heed_overrides
        secrets = keys or (settings.id_namespace.bytes,)
        self._keys = [hashlib.sha256(b"crd overrides key\0" + secret).digest() for secret in secrets]
        self._engine = engine

    def digest(self, text: str, key: bytes | None = None) -> bytes:
        """Return what a card is known again by, of what it is about."""
        said = text.encode(errors="surrogatepass")
        return hashlib.blake2b(said, digest_size=16, key=key or self._keys[0]).digest()

    def find(self, texts: Iterable[str]) -> dict[str, int]:
        """Return which cards were overridden of late, and when; under whichever key that was written down."""
        by_digest = {self.digest(text, key): text for text in texts for key in self._keys}
        since = time.time_ns() // 1000 - self.days * _DAY
        try:
            found = find_overrides(self._engine, list(by_digest), since)
        except StoreError as error:
            record("error", "overrides-not-read", reason=str(error))
            return {}
        return {by_digest[digest]: at for digest, at in found.items()}


class Heeding(NamedTuple):
    """Heeds overrides in one call of a client, which wants so many cards at the most."""

    heed: Heed
    client: str
    max_cards: int

    def withhold(self, response: HookResponse, call: HookRequest, answered: Sequence[Answered], ids: Ids) -> Heeded:
        """Return a response as it is to be sent, and what its cards are known again by."""
        parts = {identity: parts for parts, identity in ids.derived.items()}
        told = {
            card.uuid: _tell((card.summary, *parts[card.uuid]), call, self.client, answered) for card in response.cards
        }
        found = self.heed.find(told.values()) if call.hook == HOOK and told else {}
        withheld = {identity: found[text] for identity, text in told.items() if text in found}
        cards = [card for card in response.cards if card.uuid not in withheld][: self.max_cards]
        about = {identity: self.heed.digest(text).hex() for identity, text in told.items()}
        return Heeded(replace(response, cards=tuple(cards)), about, withheld, self._tell_steps(withheld))

    def _tell_steps(self, withheld: Mapping[str, int]) -> list[dict[str, Any]]:
        days = f"CRD_HEED_OVERRIDES is {self.heed.days} days"
        said = [
            ("withheld", f"the card {identity}: it was overridden with a reason at {_instant(at)}; {days}")
            for identity, at in withheld.items()
        ]
        return [{"order": "context.selections", "steps": said}] if said else []


def _tell(parts: Iterable[str], call: HookRequest, client: str, answered: Sequence[Answered]) -> str:
    """Return what a card is about, without the ids that orders have for the time being."""
    references = {decision.order.reference for item in answered for decision in item.decisions}
    said = "\0".join((client, call.fhir_base or "", call.patient_id, *parts))
    for reference in sorted(references, key=len, reverse=True):
        said = said.replace(reference, reference.partition("/")[0])
    return said


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
