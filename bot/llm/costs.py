"""What language models cost: one row per diagnosis or review, and its sums.

Prices come from the package genai-prices, as of its release. Where it does not know
a model, the call is counted at an assumed price that few models reach, and marked.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    false,
    func,
    insert,
    select,
    update,
)

from bot.ports import ModelUnavailable
from remediation.ledger.tables import Instant

metadata = MetaData()

model_calls = Table(
    "model_calls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident", Integer, index=True),
    Column("at", Instant, nullable=False, index=True),
    Column("purpose", String(20), nullable=False),
    Column("model", String(100), nullable=False),
    Column("calls", Integer, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("tokens_thinking", Integer, nullable=False),
    Column("dollars", Float, nullable=False),
    Column("price_known", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", String(20), nullable=False),
)

ASSUMED_DOLLARS_IN: Final = 5.0
ASSUMED_DOLLARS_OUT: Final = 25.0
"""Dollars per million tokens where no price is known: above what most models cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider counted them. thinking: billed like out, not part of it."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_thinking: int = 0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.tokens_in + self.tokens_out + self.tokens_thinking

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            tokens_thinking=self.tokens_thinking + other.tokens_thinking,
        )


class AskedInVain(ModelUnavailable):
    """A server was asked and may bill it, but there is no usable answer.

    usage: what the server counted; None where it did not say.
    """

    def __init__(self, why: ModelUnavailable, usage: Usage | None = None) -> None:
        super().__init__(str(why), may_retry=why.may_retry)
        self.usage = usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money for some usage. known: whether from a price list, else assumed."""

    dollars: float
    known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One conversation with a model, to be counted.

    incident: None for a question that belongs to none. purpose: "diagnosis",
    "critic", … calls: requests that were answered, or may be billed. seconds: all of
    it. outcome: "asked" until it is known, then "answered" or "unavailable".
    """

    incident: int | None
    at: datetime
    purpose: str
    model: str
    calls: int
    usage: Usage
    price: Price
    seconds: float
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum over calls. all_known: whether every price in it is from a price list."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_thinking: int = 0
    dollars: float = 0.0
    seconds: float = 0.0
    all_known: bool = True


def price(model: str, usage: Usage) -> Price:
    """Return what the usage costs by the price list, or by the assumed price."""
    from genai_prices import Usage as Counted
    from genai_prices import calc_price

    out = usage.tokens_out + usage.tokens_thinking
    counted = Counted(input_tokens=usage.tokens_in, output_tokens=out)
    try:
        found = calc_price(counted, model_ref=model)
    except (LookupError, ValueError):
        assumed = usage.tokens_in * ASSUMED_DOLLARS_IN + out * ASSUMED_DOLLARS_OUT
        return Price(dollars=assumed / 1e6, known=False)
    return Price(dollars=float(found.total_price), known=True)


def record(tx: Connection, call: Call) -> int:
    """Write one call down, within the caller's transaction; return its row's id."""
    entry = insert(model_calls).values(**_row(call)).returning(model_calls.c.id)
    return int(tx.execute(entry).scalar_one())


def correct(tx: Connection, row: int, call: Call) -> None:
    """Write what a call took in place of what was held for it."""
    tx.execute(update(model_calls).where(model_calls.c.id == row).values(**_row(call)))


def book(tx: Connection, row: int, price: Price) -> None:
    """Let an entry count so much, the rest of it as it is."""
    values = {"dollars": price.dollars, "price_known": price.known}
    tx.execute(update(model_calls).where(model_calls.c.id == row).values(**values))


def booked(tx: Connection, row: int) -> float:
    """Return the dollars that an entry counts now."""
    query = select(model_calls.c.dollars).where(model_calls.c.id == row)
    return float(tx.execute(query).scalar_one())


def _row(call: Call) -> dict[str, object]:
    return {
        "incident": call.incident,
        "at": call.at,
        "purpose": call.purpose,
        "model": call.model[:100],
        "calls": call.calls,
        "tokens_in": call.usage.tokens_in,
        "tokens_out": call.usage.tokens_out,
        "tokens_thinking": call.usage.tokens_thinking,
        "dollars": call.price.dollars,
        "price_known": call.price.known,
        "seconds": call.seconds,
        "outcome": call.outcome,
    }


def spent(tx: Connection, day: datetime) -> float:
    """Return the dollars counted in the UTC day that holds the instant `day`."""
    start, end = _day(day)
    return _sum(tx, _within(start, end)).dollars


def by_incident(tx: Connection, number: int) -> Total:
    """Return what an incident has cost so far."""
    return _sum(tx, model_calls.c.incident == number)


def by_day(tx: Connection, day: datetime) -> Total:
    """Return the total of the UTC day that holds the instant."""
    return _sum(tx, _within(*_day(day)))


def by_month(tx: Connection, month: datetime) -> Total:
    """Return the total of the UTC month that holds the instant."""
    start = _day(month)[0].replace(day=1)
    end = (start + timedelta(days=32)).replace(day=1)
    return _sum(tx, _within(start, end))


def between(tx: Connection, start: datetime, end: datetime) -> Total:
    """Return the total from `start` to before `end`."""
    return _sum(tx, _within(start, end))


def models(tx: Connection, start: datetime, end: datetime) -> dict[str, Total]:
    """Return the totals of each model used from `start` to before `end`, by name."""
    query = select(model_calls.c.model).where(_within(start, end)).distinct()
    names = tx.execute(query.order_by(model_calls.c.model)).scalars().all()
    its = {name: model_calls.c.model == name for name in names}
    return {name: _sum(tx, and_(_within(start, end), its[name])) for name in names}


def _day(instant: datetime) -> tuple[datetime, datetime]:
    start = datetime.combine(instant.astimezone(UTC).date(), time.min, tzinfo=UTC)
    return start, start + timedelta(days=1)


def _within(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(model_calls.c.at >= start, model_calls.c.at < end)


def _sum(tx: Connection, where: ColumnElement[bool]) -> Total:
    c = model_calls.c
    query = select(
        func.coalesce(func.sum(c.calls), 0),
        func.coalesce(func.sum(c.tokens_in), 0),
        func.coalesce(func.sum(c.tokens_out), 0),
        func.coalesce(func.sum(c.tokens_thinking), 0),
        func.coalesce(func.sum(c.dollars), 0.0),
        func.coalesce(func.sum(c.seconds), 0.0),
        func.count().filter(c.price_known == false()),
    ).where(where)
    row = tx.execute(query).one()
    return Total(
        calls=int(row[0]),
        tokens_in=int(row[1]),
        tokens_out=int(row[2]),
        tokens_thinking=int(row[3]),
        dollars=float(row[4]),
        seconds=float(row[5]),
        all_known=row[6] == 0,
    )
