"""What is kept, where and how long."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from cds_hooks.settings.values import DatabaseUrl, File


class RecordSettings(BaseSettings):
    """What is kept"""

    database_url: DatabaseUrl = Field(
        "sqlite:///crd.sqlite3",
        description="database of calls, feedback and used tokens, as a URL: SQLite (a file) or PostgreSQL",
    )
    migrations: Literal["start", "command"] = Field(
        "start",
        description="".join(
            (
                "who makes and changes the tables there: start, each service where it is due; command, `crd store",
                " migrate` alone, and the service does not start before",
            )
        ),
    )
    audit: Literal["durable", "written", "queued", "off"] = Field(
        "durable",
        description="".join(
            (
                "when an answer leaves: durable, once its record is on disk; written, once it is written (a machine",
                " that goes down may lose the last moment); queued, at once (a killed process loses what waits); off",
                " keeps nothing",
            )
        ),
    )
    audit_keys: File | None = Field(
        None,
        description="file of keys to encrypt what is kept of calls, the current one first (`crd audit new-key`)",
    )
    audit_days: int = Field(
        0, ge=0, le=36525, description="days after which calls and feedback are deleted; 0 keeps them for good"
    )
    facts: Literal["on", "off"] = Field(
        "on",
        description="counts of calls, answers, cards and tokens by day, which Insights shows: on, or off for none",
    )
    facts_days: int = Field(
        0, ge=0, le=36525, description="days after which facts are deleted; 0 keeps them for good: they name no patient"
    )
