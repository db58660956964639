"""What policies would have said of a year of orders: FHIR bulk data in, a report out, on one machine or on many.

Needs the extra `impact` of the package (`spark` for a cluster besides); the service itself imports nothing of it.
"""
