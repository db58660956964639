"""Settings: each with its unit, its default and what is allowed, in a module for each thing that they are about."""

from cds_hooks.settings.environment import (
    PREFIX,
    Clock,
    Settings,
    describe_settings,
    fields_by_group,
    nearest_setting,
    read_settings,
    unknown_variables,
)
from cds_hooks.settings.values import Network, read_base_url, read_list, read_networks, read_rate

__all__ = [
    "PREFIX",
    "Clock",
    "Network",
    "Settings",
    "describe_settings",
    "fields_by_group",
    "nearest_setting",
    "read_base_url",
    "read_list",
    "read_networks",
    "read_rate",
    "read_settings",
    "unknown_variables",
]
