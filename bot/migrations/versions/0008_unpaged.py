"""What was seen and called nobody, until the day's digest."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, empty."""
    op.create_table(
        "unpaged",
        sa.Column("condition", sa.Text, primary_key=True),
        sa.Column("why", sa.String(16), primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("last", sa.String(32), nullable=False),
    )
