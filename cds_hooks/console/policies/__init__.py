"""Policies: their pages, what each payer answers for each code, and drafts before they are live."""
