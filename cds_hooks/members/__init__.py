"""Whom a payer insures, and what it has authorized: loaded from its files, or asked of a service of its own."""
