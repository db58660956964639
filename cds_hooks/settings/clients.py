"""Who may call, and how often."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import BaseUrl, File, Origins, Rate, RateStore


class ClientSettings(BaseSettings):
    """Who may call"""

    auth: str = Field(
        "none",
        description="".join(
            (
                "how clients prove who they are, tried in order: cds-hooks-jwt, oauth2, none; none alone asks for",
                " no proof",
            )
        ),
    )
    clients: File | None = Field(None, description="file of the registered clients (JSON); see docs/clients.md")
    public_base_url: BaseUrl = Field(
        "", description="URL under which clients call this service; what tokens are made for (aud)"
    )
    discovery: Literal["open", "closed"] = Field(
        "open", description="who may ask what services there are: open to anybody, closed to registered clients"
    )
    allow_unauthenticated: bool = Field(
        default=False, description="1 lets anybody call at an address that is not loopback: a gateway must authenticate"
    )
    allow_private_jwks: bool = Field(
        default=False, description="1 allows keys of clients at private and loopback addresses; else refused"
    )
    cors_origins: Origins = Field(
        "*",
        description="origins that browsers may call from, separated by commas, or *; listed ones with credentials, too",
    )
    rate: Rate = Field(
        "200/second", description="calls that each client may make, as in 200/second or 5000/minute, or none for any"
    )
    rate_store: RateStore = Field(
        "memory", description="where calls are counted: memory, by each worker for itself, or the URL of a Valkey"
    )
