"""What a service imports, and builds beside its first calls; the process that services are forked from imports this."""

import gc

import tests.fixed_day_service  # noqa: F401 - imported to be there
from cds_hooks.fhir.schema_derivation import derive_definitions

derive_definitions()
gc.freeze()
