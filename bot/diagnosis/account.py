"""The book in which models' work is entered: money, tokens and steps.

An entry stands before anybody is asked; its money is held turn by turn (`till.py`).
"""

from dataclasses import dataclass, replace

from bot.config.model import Budget
from bot.diagnosis.meter import Meter
from bot.diagnosis.till import Till
from bot.llm import costs
from bot.llm.costs import Call, Price, Usage
from bot.ports import Clock
from bot.runtime import tracing
from bot.runtime.tracing import Export, Trace
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One diagnosis, review, conversation or postmortem under way.

    row: the id of its entry in the book. entry: as it was opened.
    """

    row: int
    entry: Call
    meter: Meter
    trace: Trace


class Account:
    """Opens an entry for each work, and enters what the work took.

    export: where traces go besides the database.
    """

    def __init__(
        self, database: Database, clock: Clock, *, export: Export | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._export = export

    def begin(self, incident: int, purpose: str, model: str, budget: Budget) -> Work:
        """Open an entry, and return work whose meter knows the budget and the caps.

        incident: 0 for work that belongs to none; only the day's cap holds for it.
        """
        entry = Call(
            incident=incident or None,
            at=self._clock.now().wall,
            purpose=purpose,
            model=model,
            calls=0,
            usage=Usage(),
            price=Price(dollars=0.0, known=True),
            seconds=0,
            outcome="asked",
        )
        with self._database.write() as tx:
            row = costs.record(tx, entry)
        till = Till(self._database, row, entry, budget)
        meter = Meter(budget, model=model, till=till, clock=self._clock)
        return Work(row=row, entry=entry, meter=meter, trace=Trace(self._clock))

    def enter(self, work: Work, outcome: str) -> None:
        """Correct the entry to what the work took; add and export its steps."""
        meter, steps = work.meter, work.trace.steps
        call = replace(
            work.entry,
            calls=meter.rounds,
            usage=meter.usage,
            price=meter.price,
            seconds=meter.seconds,
            outcome=outcome,
        )
        with self._database.write() as tx:
            costs.correct(tx, work.row, call)
            if call.incident is not None:
                tracing.save(tx, call.incident, steps)
        if self._export is not None:
            self._export.send(call.incident or 0, call.purpose, steps)
