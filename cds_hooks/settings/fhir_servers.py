"""What may be read from clients' FHIR servers."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import BaseUrls


class FhirServerSettings(BaseSettings):
    """Clients' FHIR servers"""

    fhir_servers: BaseUrls = Field(
        "", description="base URLs of the FHIR servers that may be read from, separated by commas; empty for any"
    )
    fhir_time_budget: float = Field(
        3.0,
        ge=0.1,
        le=5.0,
        description="seconds that all reads from a client's FHIR server may take in one call, 0.1 to 5",
    )
    max_fhir_bytes: int = Field(
        4 * 1024 * 1024,
        ge=1024,
        le=256 * 1024 * 1024,
        description="largest answer of a client's FHIR server in bytes, 1 KiB to 256 MiB",
    )
    anonymous_fhir: Literal["refuse", "allow"] = Field(
        "refuse",
        description="calls that name a FHIR server but bring no token: allow reads without one, refuse does not",
    )
    allow_private_fhir_servers: bool = Field(
        default=False,
        description="1 allows FHIR servers at private and loopback addresses, and http there; else refused",
    )
