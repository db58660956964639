"""Try it: an order is written, sent to the service as an EHR does, and its answer shown."""
