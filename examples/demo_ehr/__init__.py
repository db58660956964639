"""A page that plays an EHR, for those who have none: a client of the service like any other.

It knows the service by its URL alone. Read it in this order to see how to call one: `hooks` (what is asked),
`prefetch` (what is sent along), `signing` (who asks), `service` (the call), `actions` (what is done with the answer).
"""
