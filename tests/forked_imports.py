"""What services and commands import, and services build beside their first calls: tests fork them from all this."""

import gc
from importlib import import_module

import tests.fixed_day_service  # noqa: F401 - imported to be there
from cds_hooks.commands.main import COMMANDS
from cds_hooks.fhir.schema_derivation import derive_definitions

for command in COMMANDS.values():
    import_module(command.module)
derive_definitions()
gc.freeze()
