"""One module per response type of the CRD guide, each with `build(...)` from decisions to what is sent.

They do not know each other; `cards.response.respond` runs them in order.
"""
