"""The members and authorizations that were loaded into the database: one indexed read for each question."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from cards import Authorization, CodeSystems, FoundMember, Identifier, LookUp, Member, MemberHint, choose_member
from cds_hooks.members.digests import Digests, digests_of
from cds_hooks.members.rows import decode_authorization, decode_member, to_authorization, to_member
from cds_hooks.store.database import StoreError, connect
from cds_hooks.store.encryption import RecordCipher, SealError
from cds_hooks.store.statements import Statements
from cds_hooks.telemetry.logs import record

#: The names of the directories.
MEMBERS: Final = "members"
AUTHORIZATIONS: Final = "authorizations"

#: One statement, so that the old or the new directory is read, never parts of both. The directory itself is in the
#: answer also where it has no such row: where there is no answer, none was loaded.
_FIND: Final = """
    SELECT d.generation, d.cipher_key, r.number, r.sealed FROM directories d
    LEFT JOIN directory_keys k ON k.generation = d.generation AND k.digest IN ({})
    LEFT JOIN directory_rows r ON r.generation = k.generation AND r.number = k.number
    WHERE d.name = ? AND d.is_current"""

_ABOUT: Final = "SELECT about FROM directories WHERE generation = ?"

#: So many rows are read of one look-up: an id that more share is nobody's.
MOST_ROWS: Final = 200


class DirectoryError(Exception):
    """The directory cannot tell: it was not loaded, or its key is not there; `args` is a code for the log."""


def about(generation: int, number: int) -> bytes:
    """Return what a row is about, which is sealed with it: no row can stand in another's place."""
    return b"directory%d.%d" % (generation, number)


class _Read(NamedTuple):
    """What was read of a directory: texts of rows, the digests that they were found by, and of which load."""

    texts: list[bytes]
    used: Digests
    generation: int


class DatabaseDirectory:
    """Finds members and authorizations; one for all threads of a process. Errors of its own are told, never raised."""

    def __init__(self, url: str, keys: Sequence[bytes]) -> None:
        self._statements = Statements(connect(url, each_alone=True, read_only=True))
        self._cipher = RecordCipher(keys)
        self._digests = digests_of(keys)

    def close(self) -> None:
        """Close all connections."""
        self._statements.close()

    def find_member(self, hint: MemberHint, deadline: float) -> FoundMember:  # noqa: ARG002 - a read takes no time
        """Return the member that is meant; FAILED where nobody can tell, as where its line could not be read."""
        values = hint.values
        if not values:
            return FoundMember(LookUp.NO_ID)
        try:
            read = self._read(MEMBERS, values)
            rows = [decode_member(text) for text in read.texts]
            if any(row.is_wrong for row in rows):
                return _be_unsure("a line about the member was set aside when members were loaded")
            born = read.used.of_birth_date(hint.birth_date) if hint.birth_date else None
            found = choose_member([to_member(row) for row in rows], hint, born)
            is_unsure = found.look_up is LookUp.NONE and self._has_unread(read.generation)
        except (StoreError, SealError, DirectoryError) as error:
            record("error", "members-not-read", reason=str(error))
            return FoundMember(LookUp.FAILED)
        return _be_unsure("lines of nobody knows whom were set aside when members were loaded") if is_unsure else found

    def has_member(self, member: Identifier) -> bool | None:
        """Tell whether a member with an id was loaded, or a wrong line of it; None where nobody can tell."""
        try:
            rows = [decode_member(text) for text in self._read(MEMBERS, [member.value]).texts]
        except (StoreError, SealError, DirectoryError):
            return None
        return any(row.is_wrong or member in to_member(row).ids for row in rows)

    def _has_unread(self, generation: int) -> bool:
        """Tell whether there were lines of which nobody knows whose they were: perhaps who is not found stood there."""
        found = self._statements.read(_ABOUT, generation)
        return any(orjson.loads(text).get("unread") for (text,) in found)

    def find_authorizations(
        self,
        member: Member,
        code_systems: CodeSystems,
        deadline: float,  # noqa: ARG002 - a read takes no time
    ) -> Sequence[Authorization] | None:
        """Return the authorizations of a member, by any of its ids; None where that cannot be told."""
        try:
            texts = self._read(AUTHORIZATIONS, sorted({mark.value for mark in member.ids})).texts
        except (StoreError, SealError, DirectoryError) as error:
            if str(error) == _NOT_LOADED:
                return ()
            record("error", "authorizations-not-read", reason=str(error))
            return None
        rows = [decode_authorization(text) for text in texts]
        mine = [row for row in rows if to_authorization(row, code_systems).member in member.ids]
        return None if any(row.is_wrong for row in mine) else [to_authorization(row, code_systems) for row in mine]

    def _read(self, name: str, values: Sequence[str]) -> _Read:
        """Return the texts of all rows that have one of some ids; DirectoryError where nobody can tell."""
        digests = [one.of_id(value) for one in self._digests for value in values]
        found = self._statements.read(_FIND.format(", ".join("?" * len(digests))), *digests, name)
        if not found:
            raise DirectoryError(_NOT_LOADED)
        used = next((one for one in self._digests if _same(one.name, found[0][1])), None)
        if used is None:
            raise DirectoryError("its key is not in CRD_AUDIT_KEYS")
        rows = {number: (generation, sealed) for generation, _, number, sealed in found if number is not None}
        if len(rows) > MOST_ROWS:
            raise DirectoryError("too many rows have one id")
        texts = [self._cipher.open(bytes(sealed), about(gen, number)) for number, (gen, sealed) in sorted(rows.items())]
        return _Read(texts, used, found[0][0])


def _be_unsure(reason: str) -> FoundMember:
    """Return that nobody can tell, and say to who runs the service what is to be mended: the file, not the service."""
    record("warning", "member-unsure", reason=reason)
    return FoundMember(LookUp.FAILED)


_NOT_LOADED: Final = "none was loaded"


def _same(name: bytes | None, kept: Any) -> bool:
    return name == (bytes(kept) if kept is not None else None)
