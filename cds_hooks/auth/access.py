"""Who is let in: the settings' modes of authentication, the registrations, and the public URLs tokens are made for."""

from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cds_hooks.auth.caller import ANYONE, Caller, Mode, read_modes
from cds_hooks.auth.rate_limits import open_rates
from cds_hooks.errors import AuthenticationError, NotEntitledError, StartError
from cds_hooks.settings import Settings

if TYPE_CHECKING:
    from cds_hooks.auth.authenticator import Authenticator


class AccessControl:
    """Lets callers in to the services with these ids, or not; one for all threads of a process."""

    def __init__(
        self,
        settings: Settings,
        service_ids: frozenset[str],
        refused: Callable[[AuthenticationError], None] = lambda _: None,
    ) -> None:
        """`refused` is told of each token that is no good."""
        self._refused = refused
        self.modes = read_modes(settings.auth)
        _check(self.modes, settings)
        self._rates = open_rates(settings.rate, settings.rate_store)
        self._is_open = self.modes == ("none",)
        self._discovery_is_open = self._is_open or settings.discovery == "open"
        self._base = settings.public_base_url
        if not self._is_open:
            self._authenticator = _authenticator(self.modes, settings, service_ids)

    def admit(self, authorization: str | None, service_id: str, peer: str) -> Caller:
        """Return who calls a service from an address.

        AuthenticationError or NotEntitledError where the caller is not let in; ThrottledError where it calls too often.
        """
        if self._is_open:
            return self._count_anyone(peer)
        return self._authenticate(authorization, f"{self._base}/cds-services/{service_id}", service_id, peer)

    def admit_to_feedback(self, authorization: str | None, service_id: str, peer: str) -> Caller:
        """Return who reports what was done with a service's cards: its token is made for that URL."""
        if self._is_open:
            return self._count_anyone(peer)
        url = f"{self._base}/cds-services/{service_id}/feedback"
        return self._authenticate(authorization, url, service_id, peer)

    def admit_to_discovery(self, authorization: str | None, peer: str) -> Caller:
        """Return who asks what services there are; the setting may leave that open to anybody."""
        if self._discovery_is_open:
            return self._count_anyone(peer)
        return self._authenticate(authorization, f"{self._base}/cds-services", None, peer)

    def _authenticate(self, authorization: str | None, url: str, service_id: str | None, peer: str) -> Caller:
        """Let a caller in by its token; one that calls too often is told so before its token is used up."""
        self._rates.refuse_failing(peer)
        try:
            return self._authenticator.authenticate(authorization, (url,), service_id, partial(self._count, peer=peer))
        except (AuthenticationError, NotEntitledError) as error:
            self._rates.count_failure(peer)
            if isinstance(error, AuthenticationError):
                self._refused(error)
            raise

    def _count(self, caller: Caller, peer: str) -> None:
        if caller.registration:
            self._rates.count_client(caller.client, caller.registration.rate)
        else:
            self._rates.count_peer(peer)

    def _count_anyone(self, peer: str) -> Caller:
        self._rates.count_peer(peer)
        return ANYONE


def _authenticator(modes: tuple[Mode, ...], settings: Settings, service_ids: frozenset[str]) -> "Authenticator":
    """Return what tells callers by their tokens; a service that asks for none is not to load cryptography for it."""
    from cds_hooks.auth.authenticator import Authenticator
    from cds_hooks.auth.jwks_cache import KeyCache
    from cds_hooks.auth.jwks_fetch import JwksFetcher
    from cds_hooks.auth.registration_file import ClientFile
    from cds_hooks.auth.replay_guard import ReplayGuard, ReplayStoreError

    if settings.clients is None:
        raise StartError(f"CRD_AUTH={settings.auth}: needs CRD_CLIENTS, the file of registered clients")
    clients = ClientFile(settings.clients, service_ids)
    keys = KeyCache(JwksFetcher(private=settings.allow_private_jwks).fetch)
    if "cds-hooks-jwt" not in modes:
        return Authenticator(modes, clients.current, keys)
    try:
        return Authenticator(
            modes, clients.current, keys, ReplayGuard(settings.database_url, may_migrate=settings.may_migrate)
        )
    except ReplayStoreError as error:
        raise StartError(f"CRD_DATABASE_URL: the store of used tokens cannot be opened ({error})") from None


def _check(modes: tuple[Mode, ...], settings: Settings) -> None:
    """Refuse settings that would let in whom they should not, or nobody."""
    if "none" in modes and not is_loopback(settings.host) and not settings.allow_unauthenticated:
        raise StartError(
            " ".join(
                (
                    f"CRD_AUTH={settings.auth} on CRD_HOST={settings.host}: anybody who reaches it could call.",
                    "Set CRD_AUTH=cds-hooks-jwt with CRD_CLIENTS and CRD_PUBLIC_BASE_URL, or, where a gateway in front",
                    "authenticates every call, CRD_ALLOW_UNAUTHENTICATED=1.",
                )
            )
        )
    if "cds-hooks-jwt" in modes and not settings.public_base_url:
        raise StartError("CRD_AUTH=cds-hooks-jwt: needs CRD_PUBLIC_BASE_URL, the URL that clients call, for `aud`")


def is_loopback(host: str) -> bool:
    """Tell whether an address, or a name of one, is this machine's own."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
