"""All settings, read from the environment once at start."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsConfigDict

from cds_hooks.errors import StartError
from cds_hooks.settings.answers import AnswerSettings
from cds_hooks.settings.clients import ClientSettings
from cds_hooks.settings.console import ConsoleSettings
from cds_hooks.settings.fhir_servers import FhirServerSettings
from cds_hooks.settings.members import MemberSettings
from cds_hooks.settings.records import RecordSettings
from cds_hooks.settings.serving import ServingSettings

PREFIX: Final = "CRD_"

#: Gives the time in a zone.
Clock = Callable[[ZoneInfo], datetime]


class Settings(
    ServingSettings,
    AnswerSettings,
    ClientSettings,
    FhirServerSettings,
    MemberSettings,
    RecordSettings,
    ConsoleSettings,
):
    """Every setting, as the environment variable `CRD_` plus its name in upper case; each base is a group of them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    @property
    def may_migrate(self) -> bool:
        """Whether who opens the store may make and change its tables."""
        return self.migrations == "start"

    def today(self, clock: Clock = datetime.now) -> date:
        """Return the calendar day of this deployment, by a clock that gives the time in a zone."""
        return clock(ZoneInfo(self.time_zone)).date()


def read_settings(**overrides: Any) -> Settings:
    """Return the settings of the environment; `overrides` (of a command line) win. StartError names every fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise StartError("\n".join(_explain(fault) for fault in error.errors())) from None


def unknown_variables() -> list[str]:
    """Return the `CRD_` variables of the environment that are no setting: a typo, or set by an orchestrator."""
    known = _variables()
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


#: Variables that Kubernetes sets for a Service of the name `crd`.
_OF_KUBERNETES: Final = re.compile(rf"{PREFIX}(SERVICE_(HOST|PORT)|PORT_\d+_)")


def nearest_setting(name: str) -> dict[str, str]:
    """Return the setting that a misspelt variable may mean, as `did_you_mean`; nothing where none is like it."""
    found = [] if _OF_KUBERNETES.match(name) else get_close_matches(name, _variables(), n=1, cutoff=0.8)
    return {"did_you_mean": found[0]} if found else {}


def fields_by_group() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield each setting: what its group is about, its name and what is known of it."""
    for group in Settings.__bases__:
        for name in group.__annotations__:
            yield group.__doc__ or "", name, Settings.model_fields[name]


def _variables() -> list[str]:
    return [PREFIX + field.upper() for field in Settings.model_fields]


#: The password in a URL, which is nobody's business but the database's.
_PASSWORD: Final = re.compile(r"(://[^:/@]*):[^@]*@")


def _without_password(value: Any) -> str:
    return _PASSWORD.sub(r"\1:***@", str(value))


def describe_settings(settings: Settings) -> list[dict[str, str]]:
    """Return each setting with its group, its value, where that came from, its default and what it means."""
    given = {variable.upper() for variable, value in os.environ.items() if value}
    return [
        {
            "group": group,
            "name": PREFIX + name.upper(),
            "value": _without_password(getattr(settings, name)),
            "from": "environment" if PREFIX + name.upper() in given else "default",
            "default": str(field.default),
            "meaning": field.description or "",
        }
        for group, name, field in fields_by_group()
    ]


def _explain(fault: Any) -> str:
    name = str(fault["loc"][0])
    allowed = Settings.model_fields[name].description if name in Settings.model_fields else "not a setting"
    said = fault["msg"].removeprefix("Value error, ")  # pydantic's word for what a validator of ours says
    return f"{PREFIX}{name.upper()}={_without_password(fault['input'])}: {said} ({allowed})"
