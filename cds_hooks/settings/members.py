"""Who is asked whom the payers insure."""

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import File, MemberSource


class MemberSettings(BaseSettings):
    """Members"""

    members: MemberSource = Field(
        "off",
        description="".join(
            (
                "whom the payers insure: off takes the Coverage's word for it; database asks what `crd members load`",
                " has put into CRD_DATABASE_URL; the base URL of a service asks that; see docs/members.md",
            )
        ),
    )
    members_time_budget: float = Field(
        1.0, ge=0.05, le=2.0, description="seconds that all questions about members may take in one call, 0.05 to 2"
    )
    members_token: File | None = Field(
        None, description="file of the bearer token for the service that CRD_MEMBERS names; none sends no token"
    )
    allow_private_members: bool = Field(
        default=False,
        description="1 allows that service at private and loopback addresses, and http there; else refused",
    )
