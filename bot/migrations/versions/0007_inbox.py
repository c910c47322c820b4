"""The alerts that other systems told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the inbox, empty."""
    op.create_table(
        "inbox",
        sa.Column("source", sa.String(16), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("starts_at", sa.String(32), nullable=False),
        sa.Column("is_firing", sa.Boolean, nullable=False, index=True),
        sa.Column("is_seen", sa.Boolean, nullable=False),
        sa.Column("heard_at", sa.String(32), nullable=False),
        sa.Column("grouped", sa.String(16), nullable=False),
        sa.Column("left_out", sa.Integer, nullable=False),
        sa.Column("polled", sa.String(40), nullable=False),
        sa.Column("change", sa.Integer, nullable=False, index=True),
        sa.Column("body", sa.Text, nullable=False),
    )
