"""Why somebody approved alone, what is done in a maintenance, what was changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nobody who voted before broke a glass, what was quiet was muted."""
    for table, name in (("votes", "glass"), ("mutes", "why")):
        column = sa.Column(name, sa.Text, nullable=False, server_default="")
        op.add_column(table, column)
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(32), nullable=False, index=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("host", sa.String(63), nullable=False, server_default=""),
        sa.Column("service", sa.String(255), nullable=False, server_default=""),
        sa.Column("by", sa.String(63), nullable=False, server_default=""),
    )
