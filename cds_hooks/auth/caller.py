"""Who calls, and how that was proven."""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from cds_hooks.auth.registrations import Client
from cds_hooks.errors import StartError

#: How a caller may prove who it is. `none` is no proof.
Mode = Literal["cds-hooks-jwt", "oauth2", "none"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: `client` is the id of its registration; `anonymous` has none. `replayed` is of the mode `observe`."""

    client: str
    mode: Mode
    registration: Client | None = None
    tenant: str | None = None
    replayed: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """What may be logged of the caller."""
        return {"client": self.client, "auth": self.mode} | ({"replayed": True} if self.replayed else {})


ANYONE: Final = Caller("anonymous", "none")


def read_modes(text: str) -> tuple[Mode, ...]:
    """Return the modes of the setting CRD_AUTH, in order; `none` can only be the last resort."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    modes = tuple(mode for name in names for mode in get_args(Mode) if mode == name)
    if not modes or len(set(modes)) != len(names) or "none" in modes[:-1]:
        known = ", ".join(get_args(Mode))
        raise StartError(f"CRD_AUTH={text}: must list some of {known}, each once, none at the end")
    return modes
