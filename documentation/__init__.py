"""Builds the documentation site from docs/, the code and the data: `make docs`, or `python -m documentation`."""
