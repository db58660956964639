"""What is answered: policies and payers, versions, what is said of what is not known, days and ids."""

import uuid
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import Folder, TimeZone

_PACKAGED: Final = Path(__file__).resolve().parent.parent.parent / "cards"


class AnswerSettings(BaseSettings):
    """What it answers"""

    policies: Folder = Field(_PACKAGED / "policies", description="folder of the policy files")
    payers: Folder = Field(_PACKAGED / "payers", description="folder of the payer files")
    vocabulary: Folder = Field(_PACKAGED / "vocabulary", description="folder of the vocabulary files")
    reload: float = Field(
        1.0,
        ge=0,
        le=3600,
        description="seconds between looks at these folders, whose changes are taken up; 0 reads them at start alone",
    )
    default_version: Literal["2.0", "2.1", "2.2"] = Field(
        "2.0", description="CRD version spoken with clients that request none: 2.0, 2.1 or 2.2"
    )
    fhir_check: Literal["lenient", "strict"] = Field(
        "lenient",
        description="orders that are not valid FHIR R4: lenient reads what can be read, strict answers 422",
    )
    unknown_payer: Literal["tell", "default-policy", "refuse"] = Field(
        "tell",
        description="".join(
            (
                "a payer not in the directory, with clients that speak CRD 2.0: tell says so on the order,",
                " default-policy adds a card of what would hold under the default payer (for demos), refuse",
                " answers 400; CRD 2.1 and 2.2 always refuse",
            )
        ),
    )
    annotate_supporting_hooks: bool = Field(
        default=False,
        description="1 writes coverage information onto orders on supporting hooks (order-select, encounter-*) too",
    )
    unmatched_orders: Literal["annotate", "silent"] = Field(
        "annotate",
        description="orders on primary hooks that no policy speaks of: annotate says so on them, silent says nothing",
    )
    heed_overrides: int = Field(
        0,
        ge=0,
        le=365,
        description="".join(
            (
                "days for which a card that was overridden with a reason is not shown again on order-select, for the",
                " same patient, order content and policy version; 0 shows it again",
            )
        ),
    )
    trace: Literal["off", "response"] = Field(
        "off",
        description="the steps of each decision: off keeps them inside, response adds them as an extension",
    )
    max_nesting: int = Field(64, ge=16, le=100, description="deepest nesting of a request's JSON, 16 to 100 levels")
    max_orders: int = Field(
        500, ge=1, le=10_000, description="most orders, or appointments, of one call, 1 to 10000; more get 413"
    )
    time_zone: TimeZone = Field("UTC", description="IANA time zone of the calendar day that answers are dated with")
    id_namespace: uuid.UUID = Field(
        uuid.UUID("5f0f4e0c-6e4c-5d57-9d1c-6f7a0a4f2b11"),
        description="UUID under which this deployment derives its ids; give each deployment its own",
    )
