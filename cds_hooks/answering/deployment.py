"""What all calls to one running service share."""

from dataclasses import dataclass
from datetime import date

from cds_hooks.fhir.client import FhirClient
from cds_hooks.fhir.validation import FhirCheck
from cds_hooks.hooks.request import HookSchema
from cds_hooks.members.source import MemberSource
from cds_hooks.settings import Clock, Settings


@dataclass(frozen=True)
class Deployment:
    """What a running service has for good: settings, checks, its way to FHIR servers, the clock; and whom to ask
    about members, where that is switched on.

    The rules may change while it runs, so each call is given those of its moment. The clock is only asked for the day.
    """

    settings: Settings
    fhir_check: FhirCheck
    fhir_client: FhirClient
    schemas: dict[str, HookSchema]
    clock: Clock
    members: MemberSource | None = None

    def today(self) -> date:
        """Return the calendar day of this deployment."""
        return self.settings.today(self.clock)
