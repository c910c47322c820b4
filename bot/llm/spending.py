"""What the language model has cost: today, this month, and for the latest incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from bot.llm import costs
from bot.llm.costs import Total, model_calls
from bot.storage.record import Record

LATEST = 10
"""So many incidents are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCost:
    """What one incident has cost, and the models that were asked about it."""

    number: int
    models: tuple[str, ...]
    total: Total


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Sums in dollars, tokens and seconds; days and months in UTC.

    model: the configured one, "" where there is none. per_day: dollars that a day may
    cost. models: this month's totals by name. incidents: the latest first.
    """

    model: str
    per_day: float
    today: Total
    month: Total
    models: Mapping[str, Total]
    incidents: tuple[IncidentCost, ...]


class Purse:
    """Reads what was spent. model, per_day: as in `Spending`."""

    def __init__(self, *, record: Record, model: str, per_day: float) -> None:
        self._database = record.database
        self._clock = record.clock
        self._model = model
        self._per_day = per_day

    def spending(self) -> Spending:
        """Return what was spent until now."""
        now = self._clock.now().wall
        first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = (first + timedelta(days=32)).replace(day=1)
        with self._database.read() as tx:
            return Spending(
                model=self._model,
                per_day=self._per_day,
                today=costs.by_day(tx, now),
                month=costs.by_month(tx, now),
                models=costs.models(tx, first, end),
                incidents=tuple(_latest(tx)),
            )


def _latest(tx: Connection) -> list[IncidentCost]:
    number, at = model_calls.c.incident, func.max(model_calls.c.at)
    query = select(number).where(number.is_not(None)).group_by(number)
    rows = tx.execute(query.order_by(at.desc()).limit(LATEST)).scalars().all()
    return [
        IncidentCost(
            number=found, models=_models(tx, found), total=costs.by_incident(tx, found)
        )
        for found in rows
    ]


def _models(tx: Connection, number: int) -> tuple[str, ...]:
    name = model_calls.c.model
    query = select(name).where(model_calls.c.incident == number).distinct()
    return tuple(tx.execute(query.order_by(name)).scalars())
