"""The pages for people, and who may log in."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import AbsolutePath, BaseUrl, File, SiteFolder


class ConsoleSettings(BaseSettings):
    """Console and login"""

    console: Literal["local", "login", "off"] = Field(
        "local",
        description="".join(
            (
                "the pages for people, at / of `crd serve`: local shows them to this machine alone, where the service",
                " listens on a loopback address; login to whoever logs in, wherever it listens; off has none",
            )
        ),
    )
    console_key: SecretStr = Field(
        SecretStr(""), description="secret that signs the console's forms; empty draws one at each start"
    )
    console_sign: File | None = Field(
        None,
        description="".join(
            (
                "file of the private key (`crd jwks new`) that the console signs its calls with where CRD_AUTH asks",
                " for tokens; CRD_CONSOLE_ISSUER is then registered with its public key",
            )
        ),
    )
    console_issuer: str = Field("", description="issuer (iss) that the console signs its calls as")
    console_minutes: int = Field(
        30,
        ge=1,
        le=720,
        description="minutes after which a login that is not used ends, 1 to 720; any ends in 12 hours",
    )
    docs: SiteFolder = Field(
        "",
        description="".join(
            (
                "folder of the documentation site, shown at /docs/ of `crd serve`; empty takes the one that",
                " `make docs` built in this checkout, if it did; off shows none",
            )
        ),
    )
    operators: AbsolutePath | None = Field(
        None, description="file of those who may log in with a password; `crd operators add` makes it"
    )
    oidc_issuer: BaseUrl = Field(
        "", description="URL of the OpenID Connect provider that operators log in at; empty for none"
    )
    oidc_client: str = Field("", description="id of this service at that provider (client_id)")
    oidc_secret: SecretStr = Field(
        SecretStr(""), description="its secret there (client_secret); empty for a public client, with PKCE alone"
    )
    oidc_claim: str = Field(
        "roles", min_length=1, description="claim of the ID token that has the roles; a dot leads into an object"
    )
    oidc_readers: str = Field("crd-reader", description="values of that claim, by commas, that make a reader")
    oidc_operators: str = Field("crd-operator", description="values of that claim, by commas, that make an operator")
