"""When the bot was last alive, and in which boot: what tells a reboot from a restart.

One line in the database, written every minute by the detector `reboot` and once more at an
orderly end. A host that is shut down ends the bot first; one that loses its power does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from bot.storage import store
from bot.storage.database import Database
from remediation.moment import Moment

KEY = "alive"
"""Where the sign of life is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """The last thing that is known of the boot before.

    at: when the bot last ran in it. is_ended: whether it was told to end. crashed: when
    the host came back from what nobody had asked for, lately. alive_before: when the bot
    last ran in the boot before it, where nobody had asked for this one.
    """

    boot_id: str
    at: datetime
    is_ended: bool = False
    crashed: Sequence[datetime] = ()
    alive_before: datetime | None = None


_SIGNS: TypeAdapter[SignOfLife] = TypeAdapter(SignOfLife)


class Boots:
    """Keeps the sign of life of this bot's host."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> SignOfLife | None:
        """Return the newest sign; None in an empty database."""
        with self._database.read() as tx:
            kept = store.recall(tx, KEY)
        try:
            return None if kept is None else _SIGNS.validate_json(kept)
        except ValidationError:
            return None

    def note(self, sign: SignOfLife) -> None:
        """Keep a newer sign."""
        with self._database.write() as tx:
            store.remember(tx, KEY, _SIGNS.dump_json(sign).decode())

    def end(self, now: Moment) -> None:
        """Note that the bot ends because somebody told it to."""
        last = self.last()
        sign = last or SignOfLife(boot_id=now.boot_id, at=now.wall)
        if sign.boot_id != now.boot_id:
            sign = replace(sign, boot_id=now.boot_id, alive_before=None)
        self.note(replace(sign, at=now.wall, is_ended=True))
