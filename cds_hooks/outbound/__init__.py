"""Where outgoing calls may go, and what can go wrong with them; FHIR reads and the fetching of keys use it."""
