"""Which pattern counts a case that was folded, so that it can be taken out again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: what was folded before cannot be told apart."""
    op.create_table(
        "case_traces",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("pattern", sa.String(120), nullable=False, index=True),
    )
