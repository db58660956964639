"""Facts that Insights reads, overrides that are heeded, and who is logged in to the console."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "facts",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        *[sa.Column(name, sa.String(255), primary_key=True) for name in ("hook", "client", "payer", "policy")],
        *[sa.Column(name, sa.String(255), primary_key=True) for name in ("version", "what", "why")],
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("milliseconds", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fact_progress",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
    )
    op.create_table(
        "overrides",
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("overrides_by_time", "overrides", ["at"])
    op.create_table(
        "logins",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("operator", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
