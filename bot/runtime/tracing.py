"""What was done about an incident, step by step, with durations and tokens.

Stored beside the incident for people; sent to an OpenTelemetry collector too where
`OTEL_EXPORTER_OTLP_ENDPOINT` names one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    insert,
    select,
)

from bot.ports import Clock
from remediation.ledger.tables import Instant

metadata = MetaData()

trace_steps = Table(
    "trace_steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident", Integer, nullable=False, index=True),
    Column("name", String(80), nullable=False),
    Column("at", Instant, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("tokens", Integer, nullable=False),
)

EXPORT_SECONDS: Final = 5
_NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was done: when it began, how long it took, tokens it used."""

    name: str
    at: datetime
    seconds: float
    tokens: int = 0


@dataclass(slots=True)
class Running:
    """A step under way; whoever knows its tokens writes them here."""

    tokens: int = 0


class Trace:
    """Collects the steps of one piece of work, in the order in which they end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Running]:
        """Measure the block; it counts whether or not it raises."""
        start, running = self._clock.now(), Running()
        try:
            yield running
        finally:
            took = max(self._clock.now().boot - start.boot, 0.0)
            self._steps.append(
                Step(name=name[:80], at=start.wall, seconds=took, tokens=running.tokens)
            )

    @property
    def steps(self) -> tuple[Step, ...]:
        """What has ended so far."""
        return tuple(self._steps)


def save(tx: Connection, incident: int, done: Sequence[Step]) -> None:
    """Write the steps down, within the caller's transaction."""
    for step in done:
        tx.execute(
            insert(trace_steps).values(
                incident=incident,
                name=step.name,
                at=step.at,
                seconds=step.seconds,
                tokens=step.tokens,
            )
        )


def steps(tx: Connection, incident: int, *, limit: int = 200) -> tuple[Step, ...]:
    """Return the incident's steps, the oldest first, at most `limit`."""
    query = select(trace_steps).where(trace_steps.c.incident == incident)
    rows = tx.execute(query.order_by(trace_steps.c.id).limit(limit))
    return tuple(
        Step(name=row.name, at=row.at, seconds=row.seconds, tokens=row.tokens)
        for row in rows
    )


class Export:
    """Sends steps as spans to an OpenTelemetry collector (OTLP over HTTP).

    endpoint: as in OTEL_EXPORTER_OTLP_ENDPOINT, without `/v1/traces`. Sending happens
    in a thread of its own, so a collector that hangs delays nobody.
    """

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        sender = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "countersign"}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(sender))

    def send(self, incident: int, name: str, done: Sequence[Step]) -> None:
        """Queue one span for the work and one below it for each step."""
        from opentelemetry.trace import set_span_in_context

        if not done:
            return
        tracer = self._provider.get_tracer("countersign")
        start = min(_nanoseconds(step.at) for step in done)
        whole = tracer.start_span(
            name, start_time=start, attributes={"countersign.incident": incident}
        )
        within = set_span_in_context(whole)
        ends = []
        for step in done:
            begun = _nanoseconds(step.at)
            ends.append(begun + int(step.seconds * _NANO))
            span = tracer.start_span(
                step.name,
                context=within,
                start_time=begun,
                attributes={"gen_ai.usage.total_tokens": step.tokens},
            )
            span.end(ends[-1])
        whole.end(max(ends))

    def close(self) -> None:
        """Send what is queued and stop; takes seconds where nobody answers."""
        self._provider.shutdown()


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
