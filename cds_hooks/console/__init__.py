"""Pages for people: try an order, see why it was answered so, read the policies, try one before it is live.

It stands beside the service as a client of it: what it shows of an answer came over HTTP, as an EHR would get it.
Nothing of it is imported before its first page is asked for, but `mount`.
"""
