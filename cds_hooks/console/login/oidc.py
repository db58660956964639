"""Logging in at an OpenID Connect provider: the code flow with PKCE, by Authlib (OpenID Connect Core 1.0, 3.1)."""

from collections.abc import Mapping
from typing import Any, Final

from flask import current_app
from requests import RequestException

from cds_hooks.auth.operators import OPERATOR, READER, Operator
from cds_hooks.console.parts import parts
from cds_hooks.settings import Settings, read_list

_KEY: Final = "crd.oidc"

#: Seconds that the provider may take for each answer.
_TIMEOUT: Final = 5

#: Signatures by a key that the provider alone has.
_SIGNATURES: Final = (
    "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split()  # noqa: SIM905 - a list of names
)


class ProviderError(Exception):
    """Nobody is logged in by what the provider said. `text` is for the page, `reason`, a code, for the log."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(reason)
        self.text = text
        self.reason = reason


class Provider:
    """One provider; what it says of itself is read when somebody goes there first."""

    def __init__(self, settings: Settings, app: Any) -> None:
        from authlib.integrations.flask_client import OAuth  # only where there is a provider

        self._settings = settings
        how: dict[str, Any] = {"scope": "openid profile", "code_challenge_method": "S256", "timeout": _TIMEOUT}
        secret = settings.oidc_secret.get_secret_value()
        self._client = OAuth(app).register(
            "oidc",
            client_id=settings.oidc_client,
            client_secret=secret or None,
            server_metadata_url=f"{settings.oidc_issuer}/.well-known/openid-configuration",
            client_kwargs=how if secret else {**how, "token_endpoint_auth_method": "none"},
        )

    def send(self, callback: str) -> Any:
        """Return what sends the browser there; it comes back to `callback`."""
        try:
            self._check_metadata()
            return self._client.authorize_redirect(callback)
        except (RequestException, RuntimeError, ValueError, KeyError) as error:
            raise _not_there(error) from None

    def receive(self) -> Operator:
        """Return who came back; ProviderError where that is not certain, or has no role here."""
        from authlib.integrations.base_client import OAuthError
        from joserfc.errors import JoseError

        try:
            self._check_metadata()
            claims = self._client.authorize_access_token().get("userinfo")
        except OAuthError as error:
            code = error.error if isinstance(error.error, str) and error.error.isidentifier() else "oauth-error"
            raise ProviderError("The provider did not let you in, or this took too long. Try again.", code) from None
        except (JoseError, ValueError, KeyError) as error:
            text = "What the provider said could not be verified. Try again."
            raise ProviderError(text, type(error).__name__) from None
        except (RequestException, RuntimeError) as error:
            raise _not_there(error) from None
        if not claims or not isinstance(claims.get("sub"), str):
            raise ProviderError("The provider does not say who you are.", "no-id-token")
        return self._operator(claims)

    def _operator(self, claims: Mapping[str, Any]) -> Operator:
        settings = self._settings
        values = _values(claims, settings.oidc_claim)
        roles = ((OPERATOR, settings.oidc_operators), (READER, settings.oidc_readers))
        role = next((role for role, named in roles if values & set(read_list(named))), None)
        if role is None:
            text = "You have no role here. Whoever runs the provider can give you one."
            raise ProviderError(text, "no-role")
        name = claims.get("preferred_username") or claims.get("email") or "somebody"
        return Operator(f"{name} ({claims['sub']})", role)

    def _check_metadata(self) -> None:
        """Read what the provider says of itself; it must be of the issuer asked for (OpenID Connect Discovery, 4.3)."""
        metadata = self._client.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self._settings.oidc_issuer:
            self._client.server_metadata.clear()
            raise ValueError("issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in _SIGNATURES]


def _not_there(error: Exception) -> ProviderError:
    return ProviderError("The provider cannot be reached. Try again later.", type(error).__name__)


def _values(claims: Mapping[str, Any], path: str) -> set[str]:
    """Return the values of a claim, which may be a list or one text; a dot leads into an object."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return {value for value in values if isinstance(value, str)}


def provider() -> Provider | None:
    """Return the provider of the console that answers now; None where there is none."""
    app, settings = current_app, parts().settings
    if not settings.oidc_issuer:
        return None
    if _KEY not in app.extensions:
        app.extensions[_KEY] = Provider(settings, app)
    found: Provider = app.extensions[_KEY]
    return found
