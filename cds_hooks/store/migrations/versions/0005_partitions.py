"""Partitions of calls by month in PostgreSQL; the tables that were there become the first. SQLite has none."""

from alembic import op

from cds_hooks.store.partition_adoption import adopt

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Put partitioned tables in the place of the others."""
    adopt(op.get_bind())
