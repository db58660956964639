"""One call as it is kept: what was asked, what was answered, what was decided, and by which ids it is found."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from cds_hooks.store.encryption import RecordCipher


class PolicySummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy that a decision rests on: its version's key, how surely the order is for it, and on what that rests."""

    version: str
    strength: str
    rests_on: str


class DecisionSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was decided on one order under one coverage, and why. `problem` is what was not known of the coverage.

    `member` is whom the payer's directory had, as `system|id`, `authorization` the number of the one that was on file.
    `pa_needed` is what a policy says of prior authorization where its service is not refused; "" where it says nothing,
    None where nobody noted it. With `supposed`, `policies` did not give the answer, since the coverage cannot be
    told: cards said what they would say if the patient were covered.
    """

    order: str
    covered: str
    basis: str
    payer: str
    on: str
    coverage: str | None = None
    assertion: str | None = None
    policies: tuple[PolicySummary, ...] = ()
    problem: str | None = None
    reasons: tuple[str, ...] = ()
    member: str | None = None
    authorization: str | None = None
    pa_needed: str | None = None
    supposed: bool = False

    @property
    def answered_by(self) -> str:
        """The version of the policy that gave the answer, the most binding; "" where none did."""
        return self.policies[0].version if self.policies and not self.supposed else ""

    @property
    def may_be_authorized(self) -> bool:
        """Whether a policy answered, and prior authorization may be a matter of its service."""
        return self.covered in ("covered", "conditional") and bool(self.answered_by)


class CardSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card that was sent: its uuid, the orders it is about and the versions of policies it rests on.

    `about` is the keyed digest that an override of it is heeded by, in hexadecimal; None where overrides are not.
    """

    id: str
    orders: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    about: str | None = None


class Summary(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a call without reading its bodies.

    `rules` is the digest of the policies and payers that it was judged by, `error` the kind of error that ended it.
    `left_out` are the keys of prefetch that were announced and did not come; None where nobody looked. `withheld` are
    cards that were not sent, since they had been overridden before.
    """

    hook_instance: str | None = None
    decisions: tuple[DecisionSummary, ...] = ()
    cards: tuple[CardSummary, ...] = ()
    rules: str | None = None
    error: str | None = None
    left_out: tuple[str, ...] | None = None
    withheld: tuple[CardSummary, ...] = ()


class Bodies(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was received (without its access token; None where it was not JSON), sent, and read for it elsewhere."""

    request: bytes | None
    response: bytes
    read: tuple[bytes, ...] = ()


class CallRecord(msgspec.Struct, frozen=True):
    """One call. `at` is in microseconds since 1970, `duration` in microseconds."""

    id: bytes
    at: int
    client: str
    service: str
    hook: str
    version: str | None
    status: int
    duration: int
    request_id: str
    summary: Summary
    bodies: Bodies


#: What a call can be found by: the part that all ids of its answer begin with, its orders and its hookInstance. Three
#: entries of the index for a call of one order, where an entry for each assertion and card made recording a fifth
#: slower.
CALL: Final = "call"
ORDER: Final = "order"
HOOK: Final = "hook"
CARD: Final = "card"

#: So many characters are the same in all ids of one patient's day: 48 bits. Calls that share them are told apart by
#: their summaries: a card keeps its id from call to call.
CALL_PART: Final = 13

_SUMMARY: Final = b"summary"
_BODIES: Final = b"bodies"

#: The sealed columns of a call, with what each is about behind the call's id.
SEALED: Final = {"summary": _SUMMARY, "bodies": _BODIES}
_DIGEST: Final = 16

write_summary: Final = msgspec.json.Encoder().encode
write_bodies: Final = msgspec.msgpack.Encoder().encode
_read_summary: Final = msgspec.json.Decoder(Summary)
_read_bodies: Final = msgspec.msgpack.Decoder(Bodies)


def make_id(at: int) -> bytes:
    """Return a new UUID of version 7 for a time in microseconds since 1970.

    Twelve bits tell the parts of the millisecond (RFC 9562, 6.2, method 3), so that ids are in the order of time.
    """
    milliseconds, rest = divmod(at, 1000)
    drawn = bytearray(os.urandom(8))
    drawn[0] = 0x80 | drawn[0] & 0x3F
    return milliseconds.to_bytes(6, "big") + (0x7000 | rest * 4096 // 1000).to_bytes(2, "big") + drawn


def first_id(at: int) -> bytes:
    """Return what no id of this time or later is less than."""
    return max(0, at // 1000).to_bytes(6, "big") + bytes(10)


def digest_of(kind: str, value: str) -> bytes:
    """Return the digest by which something that a call mentions is found."""
    return hashlib.blake2b(f"{kind}\0{value}".encode(errors="surrogatepass"), digest_size=_DIGEST).digest()


def mentions_of(summary: Summary) -> list[bytes]:
    """Return the digests of all that a call can be found by, each once."""
    ids = [card.id for card in summary.cards]
    ids += [decision.assertion for decision in summary.decisions if decision.assertion]
    found = {digest_of(CALL, part) for part in {identity[:CALL_PART] for identity in ids}}
    found.update([digest_of(ORDER, decision.order) for decision in summary.decisions])
    if summary.hook_instance is not None:
        found.add(digest_of(HOOK, summary.hook_instance))
    return list(found)


def split_mentions(joined: bytes) -> list[bytes]:
    """Return the digests that a row has, joined, in `mentions`."""
    return [joined[start : start + _DIGEST] for start in range(0, len(joined), _DIGEST)]


#: Rows to insert, by the name of their table.
Rows = dict[str, list[dict[str, Any]]]


def to_rows(kept: Sequence[CallRecord | Rows], cipher: RecordCipher) -> Rows:
    """Return the rows of some calls, and of what else is kept."""
    rows: Rows = {"exchanges": [], "mentions": []}
    for one in kept:
        if isinstance(one, CallRecord):
            mentions = mentions_of(one.summary)
            rows["exchanges"].append(_to_row(one, b"".join(mentions), cipher))
            rows["mentions"] += [{"digest": digest, "exchange": one.id} for digest in mentions]
        else:
            for name, some in one.items():
                rows.setdefault(name, []).extend(some)
    return rows


def _to_row(exchange: CallRecord, mentions: bytes, cipher: RecordCipher) -> dict[str, Any]:
    identity, summary, bodies = exchange.id, exchange.summary, exchange.bodies
    texts = ((write_summary(summary), identity + _SUMMARY), (write_bodies(bodies), identity + _BODIES))
    sealed_summary, sealed_bodies = cipher.seal(texts)
    return {
        "id": identity,
        "at": exchange.at,
        "client": exchange.client,
        "service": exchange.service,
        "hook": exchange.hook,
        "version": exchange.version,
        "status": exchange.status,
        "duration": exchange.duration,
        "request_id": exchange.request_id,
        "mentions": mentions,
        "summary": sealed_summary,
        "bodies": sealed_bodies,
    }


def open_summary(identity: bytes, sealed: bytes, cipher: RecordCipher) -> Summary:
    """Return what is known of a call; SealError where it cannot be opened."""
    return _read_summary.decode(cipher.open(sealed, identity + _SUMMARY))


def open_bodies(identity: bytes, sealed: bytes, cipher: RecordCipher) -> Bodies:
    """Return what was said in a call; SealError where it cannot be opened."""
    return _read_bodies.decode(cipher.open(sealed, identity + _BODIES))


def reseal_call(row: Mapping[str, Any], cipher: RecordCipher) -> dict[str, bytes]:
    """Return the sealed texts of a row with the current key; nothing where they are sealed with it."""
    if all(cipher.is_current(row[name]) for name in SEALED):
        return {}
    return {name: cipher.reseal(row[name], row["id"] + part) for name, part in SEALED.items()}
