"""Directories that a payer loads: members and authorizations, each row sealed and found by digests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "directories",
        sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("is_current", sa.Boolean, nullable=False),
        sa.Column("cipher_key", sa.LargeBinary(8)),
        sa.Column("about", sa.Text, nullable=False),
    )
    op.create_table(
        "directory_rows",
        sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "directory_keys",
        sa.Column("generation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(12), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
