"""What the team's rules are asked about a proposal, under which policy, and voters' groups."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was proposed before has none of it."""
    for table, column in (
        ("proposals", sa.Column("asked", sa.Text, nullable=False, server_default="")),
        (
            "proposals",
            sa.Column("policy", sa.String(64), nullable=False, server_default=""),
        ),
        ("votes", sa.Column("groups", sa.Text, nullable=False, server_default="")),
    ):
        op.add_column(table, column)
