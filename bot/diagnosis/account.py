"""The book in which models' work is entered: money, tokens and steps, in one transaction."""

from dataclasses import dataclass

from bot import costs, tracing
from bot.costs import Call
from bot.database import Database
from bot.diagnosis.meter import Meter
from bot.model_section import Budget
from bot.ports import Clock
from bot.tracing import Export, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One diagnosis or review under way. incident: 0 where it has no number yet."""

    incident: int
    purpose: str
    model: str
    meter: Meter
    trace: Trace


class Account:
    """Begins work with the money that is left, and enters what it took.

    export: where traces go besides the database.
    """

    def __init__(
        self, database: Database, clock: Clock, *, export: Export | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._export = export

    def begin(self, incident: int, purpose: str, model: str, budget: Budget) -> Work:
        """Return work whose meter knows what was spent on the incident and today."""
        with self._database.read() as tx:
            its = costs.by_incident(tx, incident).dollars if incident else 0.0
            today = costs.spent(tx, self._clock.now().wall)
        left = min(budget.dollars_per_incident - its, budget.dollars_per_day - today)
        return Work(
            incident=incident,
            purpose=purpose,
            model=model,
            meter=Meter(budget, model=model, dollars=left, clock=self._clock),
            trace=Trace(self._clock),
        )

    def enter(self, work: Work, outcome: str) -> None:
        """Write the work and its steps down; export the steps."""
        meter, steps = work.meter, work.trace.steps
        call = Call(
            incident=work.incident or None,
            at=self._clock.now().wall,
            purpose=work.purpose,
            model=work.model,
            calls=meter.rounds,
            usage=meter.usage,
            price=meter.price,
            seconds=meter.seconds,
            outcome=outcome,
        )
        with self._database.write() as tx:
            costs.record(tx, call)
            if work.incident:
                tracing.save(tx, work.incident, steps)
        if self._export is not None:
            self._export.send(work.incident, work.purpose, steps)
