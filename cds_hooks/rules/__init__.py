"""Policies, payers and words as data: loaded, checked, compared, exported, and taken up when they change."""
