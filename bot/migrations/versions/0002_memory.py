"""Incident memory: cases, their vectors, whose vectors they are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "cases",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("incident", sa.Integer, nullable=False, index=True),
        sa.Column("closed_at", sa.String(32), nullable=False, index=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("symptoms", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("action_kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("confirmed", sa.Boolean),
        sa.Column("took_seconds", sa.Float),
        sa.Column("weight", sa.Integer, nullable=False),
    )
    op.create_index(
        "cases_alike",
        "cases",
        ["condition", "service", "action_kind", "outcome", "weight"],
    )
    op.create_table(
        "case_vectors",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("part", sa.String(10), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "memory_meta",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
