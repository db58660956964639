"""What every page of the console rests on: the rules of the moment, the deployment, and the way to the service."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from flask import Flask, current_app

from cds_hooks.answering.deployment import Deployment
from cds_hooks.console.attempts import Attempts
from cds_hooks.console.records import Records
from cds_hooks.console.service_client import ServiceClient
from cds_hooks.rules.loading import Rules
from cds_hooks.rules.reload import RuleReloader
from cds_hooks.settings import Settings

_KEY: Final = "crd.console"


@dataclass(frozen=True)
class Parts:
    """The parts of one console."""

    deployment: Deployment
    watch: RuleReloader
    service: ServiceClient

    @cached_property
    def records(self) -> Records:
        """What is kept, opened by the first page that needs it."""
        return Records(self.deployment.settings)

    @cached_property
    def attempts(self) -> Attempts:
        """How often who tried to log in."""
        return Attempts(self.deployment.settings.rate_store)

    @property
    def settings(self) -> Settings:
        """The settings of the service."""
        return self.deployment.settings

    @property
    def rules(self) -> Rules:
        """The rules that a call of this moment is answered by."""
        return self.watch.current()

    @property
    def today(self) -> date:
        """The calendar day of the service."""
        return self.deployment.today()

    def read_day(self, text: str) -> date:
        """Return a day that a link names, today where it names none."""
        try:
            return date.fromisoformat(text)
        except ValueError:
            return self.today


def keep_parts(app: Flask, found: Parts) -> None:
    """Let the views of an application find its parts."""
    app.extensions[_KEY] = found


def parts() -> Parts:
    """Return the parts of the console that answers now."""
    found: Parts = current_app.extensions[_KEY]
    return found
