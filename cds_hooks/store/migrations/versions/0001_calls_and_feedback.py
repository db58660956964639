"""Calls, feedback and accesses. Tables of used tokens made before there were migrations stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    if not sa.inspect(op.get_bind()).has_table("used_tokens"):
        op.create_table(
            "used_tokens",
            sa.Column("digest", sa.LargeBinary(32), primary_key=True),
            sa.Column("until", sa.Float, nullable=False),
            sqlite_with_rowid=False,
        )
        op.create_index("ix_used_tokens_until", "used_tokens", ["until"])
    op.create_table(
        "exchanges",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("hook", sa.String(255), nullable=False),
        sa.Column("version", sa.String(16)),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("duration", sa.Integer, nullable=False),
        sa.Column("request_id", sa.String(255), nullable=False),
        sa.Column("mentions", sa.LargeBinary, nullable=False),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.Column("bodies", sa.LargeBinary, nullable=False),
    )
    op.create_index("exchanges_of_client", "exchanges", ["client", "id"])
    op.create_table(
        "mentions",
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("exchange", sa.LargeBinary(16), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("client", sa.String(255), nullable=False),
        sa.Column("service", sa.String(255), nullable=False),
        sa.Column("card", sa.LargeBinary(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(255)),
        sa.Column("exchange", sa.LargeBinary(16)),
        sa.Column("policies", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("entry", sa.LargeBinary, nullable=False),
    )
    op.create_index("feedback_of_card", "feedback", ["card"])
    op.create_table(
        "accesses",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("exchange", sa.LargeBinary(16)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_index("accesses_of_exchange", "accesses", ["exchange"])
    if op.get_bind().dialect.name == "postgresql":
        for column in ("summary", "bodies"):  # compressed already
            op.execute(f"ALTER TABLE exchanges ALTER COLUMN {column} SET STORAGE EXTERNAL")
