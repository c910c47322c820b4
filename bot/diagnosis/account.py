"""The book in which models' work is entered: money, tokens and steps.

Money is reserved before anybody is asked, so that a bot that dies meanwhile has counted
it, and two works at once cannot both spend what is left.
"""

from dataclasses import dataclass
from datetime import datetime

from bot import costs, tracing
from bot.costs import Call, Price, Usage
from bot.database import Database
from bot.diagnosis.meter import Meter
from bot.model_section import Budget
from bot.ports import Clock
from bot.tracing import Export, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One diagnosis or review under way.

    row, at: its entry in the book. incident: 0 where it has no number yet.
    """

    row: int
    at: datetime
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
        """Reserve money, and return work whose meter knows what is left.

        The reservation is what the budget's tokens cost at most, or all that is left.
        """
        at = self._clock.now().wall
        most = costs.most(model, budget.tokens)
        with self._database.write() as tx:
            its = costs.by_incident(tx, incident).dollars if incident else 0.0
            today = costs.spent(tx, at)
            left = min(
                budget.dollars_per_incident - its, budget.dollars_per_day - today
            )
            reserved = Price(dollars=max(min(left, most.dollars), 0), known=most.known)
            asked = Call(
                incident=incident or None,
                at=at,
                purpose=purpose,
                model=model,
                calls=0,
                usage=Usage(),
                price=reserved,
                seconds=0,
                outcome="asked",
            )
            row = costs.record(tx, asked)
        return Work(
            row=row,
            at=at,
            incident=incident,
            purpose=purpose,
            model=model,
            meter=Meter(budget, model=model, dollars=left, clock=self._clock),
            trace=Trace(self._clock),
        )

    def was_asked(self, incident: int, purpose: str) -> bool:
        """Say whether such work was begun for the incident, whatever came of it."""
        with self._database.read() as tx:
            return costs.was_asked(tx, incident, purpose)

    def enter(self, work: Work, outcome: str) -> None:
        """Correct the reservation to what the work took; add and export its steps."""
        meter, steps = work.meter, work.trace.steps
        call = Call(
            incident=work.incident or None,
            at=work.at,
            purpose=work.purpose,
            model=work.model,
            calls=meter.rounds,
            usage=meter.usage,
            price=meter.price,
            seconds=meter.seconds,
            outcome=outcome,
        )
        with self._database.write() as tx:
            costs.correct(tx, work.row, call)
            if work.incident:
                tracing.save(tx, work.incident, steps)
        if self._export is not None:
            self._export.send(work.incident, work.purpose, steps)
