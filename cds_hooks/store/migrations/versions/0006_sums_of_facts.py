"""Sums of facts by month, and how often the facts of each month were changed.

Beside a version that does not note changes: it changes facts of the last two days only, which are not summed yet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "fact_sums",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        *[sa.Column(name, sa.String(255), primary_key=True) for name in ("hook", "client", "payer", "policy")],
        *[sa.Column(name, sa.String(255), primary_key=True) for name in ("version", "what", "why")],
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("changes", sa.BigInteger, nullable=False),
        sa.Column("summed", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
