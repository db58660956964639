"""Who read, exported or deleted of what is kept, and why: written before anything is shown or removed (CRD-79, 80)."""

import getpass
import os
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from cds_hooks.store.calls import make_id
from cds_hooks.store.hash_chain import link_access
from cds_hooks.store.tables import ACCESSES


def note_access(
    connection: sa.Connection,
    actor: str,
    action: str,
    reason: str | None,
    detail: Mapping[str, Any],
    exchange: bytes | None = None,
) -> None:
    """Write one access, linked to the one before; `detail` are ids, counts and times."""
    at = time.time_ns() // 1000
    row = {
        "id": make_id(at),
        "at": at,
        "actor": actor[:255],
        "action": action,
        "exchange": exchange,
        "detail": msgspec.json.encode(detail).decode(),
        "reason": reason,
    }
    connection.execute(sa.insert(ACCESSES), row)
    link_access(connection, row)


def system_user() -> str:
    """Return who gives a command, as far as the system knows: sudo's user, else this process's."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
