"""The client's FHIR server: what is read there, over which connections, and what it understands."""
