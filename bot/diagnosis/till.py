"""The money of one work: what the caps still leave it, and what its next turn holds.

Money is held before a turn and corrected after it, so that a bot that dies meanwhile has
counted it. Reading what is left and holding a part of it is one transaction: works at
once never hold the same dollar, and together never more than the caps allow.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from bot.config.model import Budget
from bot.llm import costs
from bot.llm.costs import Call, Price
from bot.ports import ModelUnavailable
from bot.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Dollars for a turn: below `least` it is useless, `enough` serves, `most` is all.

    is_known: whether they are from a price list.
    """

    least: float
    enough: float
    most: float
    is_known: bool


class Till:
    """Holds money in a row of the book. entry: that row as it was written."""

    def __init__(
        self, database: Database, row: int, entry: Call, budget: Budget
    ) -> None:
        self._database = database
        self._row = row
        self._entry = entry
        self._budget = budget

    def left(self, spent: Price) -> float:
        """Return what the work may still spend, having spent so much."""
        with self._database.read() as tx:
            return self._left(tx, spent)

    def hold(self, spent: Price, wanted: Wanted) -> float:
        """Hold money for one turn and return how much; raise `ModelUnavailable`.

        Beyond what is enough it takes half of what is left, so that a conversation and
        a diagnosis about one incident can ask at the same time.
        """
        with self._database.write() as tx:
            left = self._left(tx, spent)
            if left <= 0 or left < wanted.least:
                reason = "the model's budget of money is used up"
                raise ModelUnavailable(reason, may_retry=False)
            held = min(wanted.most, max(left / 2, wanted.enough), left)
            known = spent.known and wanted.is_known
            booked = Price(dollars=spent.dollars + held, known=known)
            costs.book(tx, self._row, booked)
        return held

    def release(self, spent: Price) -> None:
        """Hold nothing beyond what was spent."""
        with self._database.write() as tx:
            costs.book(tx, self._row, spent)

    def _left(self, tx: Connection, spent: Price) -> float:
        entry, caps = self._entry, self._budget
        left = caps.dollars_per_day - costs.spent(tx, entry.at)
        if entry.incident is not None:
            its = costs.by_incident(tx, entry.incident).dollars
            left = min(left, caps.dollars_per_incident - its)
        # The sums hold what this work has booked itself.
        return left + costs.booked(tx, self._row) - spent.dollars
