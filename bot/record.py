"""What every transaction of the story needs: the database, the ledger in it, the time."""

from dataclasses import dataclass

from bot.database import Database
from bot.ports import Clock
from remediation.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where things are written down, by whose rules, and when."""

    database: Database
    ledger: Ledger
    clock: Clock
