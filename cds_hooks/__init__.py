"""The CDS Hooks service: hears the question over HTTP and carries the answer that `cards` decides.

`create_app()` returns the WSGI application; the command `crd serve` runs it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cds_hooks.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """Load the application when it is asked for: `crd --help` needs nothing of it."""
    if name == "create_app":
        from cds_hooks.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
