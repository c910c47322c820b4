"""What is usual on a host."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the habits, empty."""
    op.create_table(
        "habits",
        sa.Column("host", sa.String(63), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
