"""From decisions to the response: cards for people, coverage information on orders, and what differs by version."""
