"""The CDS Hooks service: hears the question over HTTP and carries the answer that `cards` decides.

`create_app()` returns the WSGI application; the command `crd serve` runs it.
"""

from cds_hooks.app import create_app

__all__ = ["create_app"]
