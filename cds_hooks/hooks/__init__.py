"""CDS Hooks' own words: services, requests, prefetch, configuration, and the limits of a request."""
