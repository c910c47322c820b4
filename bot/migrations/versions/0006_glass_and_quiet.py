"""Why somebody approved alone, what is done in a maintenance, what was changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add column and tables; nobody who voted before broke a glass."""
    glass = sa.Column("glass", sa.Text, nullable=False, server_default="")
    op.add_column("votes", glass)
    op.create_table(
        "maintenance",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("by", sa.String(40), primary_key=True),
        sa.Column("until", sa.String(32), nullable=False),
        sa.Column("until_boot", sa.Float, nullable=False),
        sa.Column("boot_id", sa.String(36), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False, index=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("host", sa.String(63), nullable=False, server_default=""),
        sa.Column("service", sa.String(255), nullable=False, server_default=""),
        sa.Column("by", sa.String(63), nullable=False, server_default=""),
    )
