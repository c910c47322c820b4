"""Why somebody approved alone, what is in maintenance, and what was deployed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody who voted before broke a glass."""
    glass = sa.Column("glass", sa.Text, nullable=False, server_default="")
    op.add_column("votes", glass)
