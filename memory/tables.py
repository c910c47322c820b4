"""What memory keeps in the database."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("incident", Integer, nullable=False, index=True),
    Column("closed_at", String(32), nullable=False, index=True),
    Column("host", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("symptoms", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("action_kind", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("confirmed", Boolean),
    Column("took_seconds", Float),
    Column("weight", Integer, nullable=False),
    Index("cases_alike", "condition", "service", "action_kind", "outcome", "weight"),
)

case_vectors = Table(
    "case_vectors",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("part", String(10), primary_key=True),
    # Little-endian float32, L2-normalised.
    Column("vector", LargeBinary, nullable=False),
)

case_traces = Table(
    "case_traces",
    metadata,
    # A case that was folded, and the key of the pattern that counts it.
    Column("key", String(120), primary_key=True),
    Column("pattern", String(120), nullable=False, index=True),
)

memory_meta = Table(
    "memory_meta",
    metadata,
    # "embedder": whose vectors these are. "revision": grows with every change.
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
