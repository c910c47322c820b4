"""The first release: events, proposals, votes, leases, lock, incidents, postings."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything. Written out, so that later changes of the code leave it be."""
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("incident", sa.Integer, index=True),
        sa.Column("proposal", sa.String(120)),
        sa.Column("actor", sa.String(40)),
        sa.Column("action_hash", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    _decisions()
    _incidents()


def _decisions() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(120), primary_key=True),
        sa.Column("incident", sa.Integer, nullable=False, index=True),
        sa.Column("letter", sa.String(4), nullable=False),
        sa.Column("host", sa.String(63), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("requested_by", sa.String(40)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("expires_boot", sa.Float, nullable=False),
        sa.Column("boot_id", sa.String(36), nullable=False),
        sa.Column("state", sa.String(12), nullable=False, index=True),
        sa.Column("decided_by", sa.String(40)),
        sa.Column("decided_at", sa.String(32)),
        sa.Column("claimed_at", sa.String(32)),
        sa.Column("claimed_by", sa.String(120)),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("outcome", sa.Text),
    )
    op.create_table(
        "votes",
        sa.Column(
            "proposal", sa.String(120), sa.ForeignKey("proposals.id"), primary_key=True
        ),
        sa.Column("person", sa.String(40), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("until", sa.String(32)),
        sa.Column("until_boot", sa.Float),
        sa.Column("boot_id", sa.String(36)),
    )
    op.create_table(
        "bot_lock",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("host", sa.String(63), nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("phase", sa.String(12), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    still_open = sa.text("phase != 'resolved'")
    op.create_index(
        "one_open_incident_per_fingerprint",
        "incidents",
        ["fingerprint"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "postings",
        sa.Column("incident", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(24), nullable=False),
        sa.Column("ts", sa.String(32)),
        sa.Column("permalink", sa.Text, nullable=False, server_default=""),
        sa.Column("version", sa.Integer, nullable=False, server_default="0"),
        sa.Column("seq", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempting", sa.Integer, nullable=False, server_default="0"),
        sa.Column("doubtful", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "mutes",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("until", sa.String(32), nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
