"""Who is calling: the client's CDS Hooks JWT, an OAuth 2.0 access token, or nobody in particular (HK-176, HK-177).

Each token is verified step by step as docs/clients.md lists them, and every failure is one AuthenticationError.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, Protocol

from cds_hooks.auth.caller import ANYONE, Caller, Mode
from cds_hooks.auth.jwk import Key, Style
from cds_hooks.auth.jwt_checks import check_audience, check_signature, check_times, text_claim
from cds_hooks.auth.jwt_reader import Token, bearer_token, read_token
from cds_hooks.auth.registrations import AuthorizationServer, Client, Clients, JwtTerms, Trust
from cds_hooks.auth.replay_guard import ReplayStoreError
from cds_hooks.errors import AuthenticationError, Cause, Issue, NotEntitledError, NotRecordedError
from cds_hooks.telemetry.logs import record

#: The `typ` of access tokens: RFC 9068 has its own, most servers write `JWT` or nothing.
_ACCESS_TOKEN_TYPES: Final = (None, "jwt", "at+jwt")

_PRINTABLE: Final = re.compile(r"[ -~]{1,256}")


class Keys(Protocol):
    """Keys that clients publish, as `jwks_cache.KeyCache` has them."""

    def find(self, url: str, kid: str, style: Style) -> tuple[Key, ...] | None:
        """Return the keys with this `kid` at a URL; None where its document cannot be had."""


class Replays(Protocol):
    """Tokens that were used, as `replay_guard.ReplayGuard` has them."""

    def first_use(self, issuer: str, jti: str, until: float) -> bool:
        """Remember a token, and say whether it was unknown."""


class NoKeys:
    """Stands in where a mode needs no keys: nothing is published."""

    def find(self, *_: str) -> None:
        """Return None: there is no document."""


class NoReplayStore:
    """Stands in where a mode remembers no tokens: one that needs to be remembered is refused."""

    def first_use(self, *_: Any) -> bool:
        """Raise, so that a token which does need the store is refused."""
        raise ReplayStoreError("none")


class _Once(NamedTuple):
    """A token that is good for one call: its `jti`, until when (seconds since 1970) it is remembered, its terms."""

    jti: str
    until: float
    terms: JwtTerms


class _Verified(NamedTuple):
    """Who calls, by a token that has passed all checks; `once` of one that may be used once only (step 8)."""

    caller: Caller
    once: _Once | None = None


class Authenticator:
    """Tells who calls; one for all threads of a process. `clients` gives the registrations of the moment."""

    def __init__(
        self,
        modes: Sequence[Mode],
        clients: Callable[[], Clients] = Clients,
        keys: Keys = NoKeys(),  # noqa: B008 (has no state)
        replays: Replays = NoReplayStore(),  # noqa: B008 (has no state)
        now: Callable[[], float] = time.time,
    ) -> None:
        self._modes = tuple(modes)
        self._clients = clients
        self._keys = keys
        self._replays = replays
        self._now = now

    def authenticate(
        self,
        authorization: str | None,
        urls: Sequence[str],
        service_id: str | None = None,
        count: Callable[[Caller], None] = lambda _: None,
    ) -> Caller:
        """Return who sends this Authorization header to the endpoint with these public URLs.

        Raises AuthenticationError, or NotEntitledError where the caller is known but may not use the service. With
        `none` after other modes only calls without a token are let in unproven; a token that is wrong is refused.
        `count` is given the caller once all but the first use of the token is known; what it raises leaves the token
        unused, so that the same call may be sent again.
        """
        text = bearer_token(authorization)
        if self._modes == ("none",) or (text is None and "none" in self._modes):
            count(ANYONE)
            return ANYONE
        verified = self._verify(text, urls)
        caller = verified.caller
        if service_id is not None and caller.registration and not caller.registration.may_use(service_id):
            raise NotEntitledError(caller.client)
        count(caller)
        return self._use(verified)

    def _verify(self, text: str | None, urls: Sequence[str]) -> _Verified:
        """Return the caller by the first mode that accepts the token, or raise what tells most of why none did."""
        if text is None:
            raise AuthenticationError(Cause.NO_TOKEN)
        token = read_token(text)
        refusals = []
        for mode in self._modes:
            if mode != "none":
                verify = self._by_jwt if mode == "cds-hooks-jwt" else self._by_access_token
                try:
                    return verify(token, urls)
                except AuthenticationError as error:
                    refusals.append(error)
        raise next((refusal for refusal in refusals if refusal.claimed), refusals[0])

    def _by_jwt(self, token: Token, urls: Sequence[str]) -> _Verified:
        """Verify a CDS Hooks JWT (CDS Hooks 2.0, Trusting CDS Clients)."""
        if token.type != "jwt":
            raise AuthenticationError(Cause.TYPE)
        client = self._clients().by_issuer(text_claim(token.claims, "iss"), token.claims.get("tenant"))
        if client is None or client.jwt is None:
            raise AuthenticationError(Cause.UNKNOWN_ISSUER)
        try:
            return self._check_jwt(token, client, client.jwt, urls)
        except AuthenticationError as error:
            error.claimed = client.id
            raise

    def _check_jwt(self, token: Token, client: Client, terms: JwtTerms, urls: Sequence[str]) -> _Verified:
        """Take steps 3 to 7."""
        expires = self._check(token, terms.trust, (*urls, *terms.trust.audiences))
        tenant = _allowed_claim(token, "tenant", terms.tenants, Cause.TENANT)
        _allowed_claim(token, "sub", terms.subjects, Cause.SUBJECT)
        once = _Once(text_claim(token.claims, "jti"), expires + terms.trust.clock_skew, terms)
        return _Verified(Caller(client.id, "cds-hooks-jwt", client, tenant), once)

    def _by_access_token(self, token: Token, _: Sequence[str]) -> _Verified:
        """Verify an access token (RFC 9068). It is made to be used often, so `jti` is not looked at."""
        if token.type not in _ACCESS_TOKEN_TYPES:
            raise AuthenticationError(Cause.TYPE)
        clients = self._clients()
        server = clients.servers.get(text_claim(token.claims, "iss"))
        if server is None:
            raise AuthenticationError(Cause.UNKNOWN_ISSUER)
        try:
            # Its `jku` is no concern of ours: where a server has its keys is registered.
            self._check(replace(token, jku=None), server.trust, server.trust.audiences)
            client = _client_of(token, server, clients)
        except AuthenticationError as error:
            error.claimed = server.trust.issuer
            raise
        return _Verified(Caller(client.id, "oauth2", client))

    def _check(self, token: Token, trust: Trust, audiences: Sequence[str]) -> float:
        """Take steps 3 to 6, and return when the token expires."""
        if token.algorithm not in trust.algorithms:
            raise AuthenticationError(Cause.ALGORITHM)
        check_signature(token, self._keys_of(token, trust))
        check_audience(token.claims, audiences)
        return check_times(token.claims, self._now(), trust.clock_skew, trust.longest)

    def _keys_of(self, token: Token, trust: Trust) -> tuple[Key, ...]:
        """Return the keys with the token's `kid`: from the registered file, or a registered URL (step 3, HK-199).

        Where URLs are registered, a `jku` must be one of them. Where none is, keys come from the file whatever it
        says: nothing is ever fetched from a URL that only a token names.
        """
        if token.jku is not None and trust.urls and token.jku not in trust.urls:
            raise AuthenticationError(Cause.JKU_NOT_REGISTERED)
        if token.key_id in trust.keys:
            return trust.keys[token.key_id]
        is_unreachable = False
        for url in trust.urls if token.jku is None else trust.urls and (token.jku,):
            keys = self._keys.find(url, token.key_id, trust.style)
            if keys:
                return keys
            is_unreachable = is_unreachable or keys is None
        raise AuthenticationError(Cause.JWKS_UNREACHABLE if is_unreachable else Cause.UNKNOWN_KEY)

    def _use(self, verified: _Verified) -> Caller:
        """Take step 8 for a token that is good for one call, and return its caller."""
        caller, once = verified
        if once is None or self._is_first_use(once):
            return caller
        if once.terms.replay == "reject":
            raise AuthenticationError(Cause.REPLAYED, caller.client)
        return replace(caller, replayed=True)

    def _is_first_use(self, once: _Once) -> bool:
        """Remember the token, after all other checks (step 8); without its store nothing passes, unless replays may.

        That is no fault of the caller, whose token was verified by now: NotRecordedError, not 401.
        """
        try:
            return self._replays.first_use(once.terms.trust.issuer, once.jti, once.until)
        except ReplayStoreError:
            is_lost = once.terms.replay == "reject"
        if is_lost:
            record("error", "used-token-not-recorded")
            raise NotRecordedError(Issue("transient", "whether the token was used cannot be told now; try again later"))
        return True


def _allowed_claim(token: Token, name: str, allowed: frozenset[str], cause: Cause) -> str | None:
    """Return a claim; where a registration lists values, it must be there and one of them (step 7)."""
    value: Any = token.claims.get(name)
    if allowed and (not isinstance(value, str) or value not in allowed):
        raise AuthenticationError(cause)
    return value if isinstance(value, str) and _PRINTABLE.fullmatch(value) else None


def _client_of(token: Token, server: AuthorizationServer, clients: Clients) -> Client:
    """Return the client that an access token names, once it has the scopes that are asked for."""
    if not server.scopes <= _scopes(token):
        raise AuthenticationError(Cause.SCOPE)
    client = clients.by_client_id(server.trust.issuer, text_claim(token.claims, server.client_claim))
    if client is None:
        raise AuthenticationError(Cause.UNKNOWN_CLIENT)
    return client


def _scopes(token: Token) -> frozenset[str]:
    """Return the scopes of `scope` or `scp`, which are one string or an array of them."""
    name = "scope" if token.claims.get("scope") is not None else "scp"
    found = token.claims.get(name) or ""
    listed = found.split() if isinstance(found, str) else found
    return frozenset(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else frozenset()
