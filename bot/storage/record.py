"""What every transaction of the story needs: the database, the ledger in it, the time."""

from dataclasses import dataclass, replace

from bot.ports import Clock
from bot.storage.database import Database
from remediation.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where things are written down, by whose rules, and when.

    leading: the same database for writers that must lead; None where nobody else could.
    """

    database: Database
    ledger: Ledger
    clock: Clock
    leading: Database | None = None

    @property
    def led(self) -> "Record":
        """The record for what only one of several bots does."""
        return replace(self, database=self.leading or self.database)
