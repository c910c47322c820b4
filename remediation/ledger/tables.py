"""The trust kernel's tables: events, anchors, proposals, votes, leases, the lock."""

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, stored as text of fixed width that sorts like time.

    SQLite drops time zones and PostgreSQL has its own; text is the same in both,
    readable in a shell, and hashed as it stands.
    """

    impl = String(32)
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> str | None:
        """Write UTC with microseconds."""
        del dialect
        return None if value is None else as_text(value)

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> datetime | None:
        """Read it back as an aware time."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


def as_text(moment: datetime) -> str:
    """Return the stored form of an aware time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


events = Table(
    "events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("incident", Integer, index=True),
    Column("proposal", String(120)),
    Column("actor", String(40)),
    Column("action_hash", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)

anchors = Table(
    "audit_anchors",
    metadata,
    # Events that were purged: the first and last number, the hash before, the last's.
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("prev", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("incident", Integer, nullable=False, index=True),
    Column("letter", String(4), nullable=False),
    Column("host", String(63), nullable=False),
    Column("target", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("needed", Integer, nullable=False),
    Column("requested_by", String(40)),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("expires_boot", Float, nullable=False),
    Column("boot_id", String(36), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("decided_by", String(40)),
    Column("decided_at", Instant),
    Column("claimed_at", Instant),
    Column("claimed_by", String(120)),
    Column("note", Text, nullable=False, server_default=""),
    Column("outcome", Text),
    Column("asked", Text, nullable=False, server_default=""),
    Column("policy", String(64), nullable=False, server_default=""),
)

votes = Table(
    "votes",
    metadata,
    Column("proposal", ForeignKey("proposals.id"), primary_key=True),
    Column("person", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("groups", Text, nullable=False, server_default=""),
    Column("glass", Text, nullable=False, server_default=""),
)

leases = Table(
    "leases",
    metadata,
    Column("key", Text, primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("until", Instant),
    Column("until_boot", Float),
    Column("boot_id", String(36)),
)

lock = Table(
    "bot_lock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("by", String(40), nullable=False),
    Column("at", Instant, nullable=False),
    Column("why", Text, nullable=False),
)
