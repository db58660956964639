"""Whom a deployment asks about members, as its settings say."""

from cds_hooks.members.database_directory import DatabaseDirectory
from cds_hooks.members.service_client import MemberService, read_token
from cds_hooks.members.source import MemberSource
from cds_hooks.settings import Settings
from cds_hooks.store.encryption import read_keys


def open_members(settings: Settings) -> MemberSource | None:
    """Return whom to ask about members; None where that is switched off."""
    if settings.members == "off":
        return None
    if settings.members != "database":
        token = read_token(settings.members_token) if settings.members_token else None
        return MemberService(settings.members, token, settings.allow_private_members, settings.threads)
    keys = read_keys(settings.audit_keys)
    return DatabaseDirectory(settings.database_url, keys)
