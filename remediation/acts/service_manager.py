"""What manages services on a host, asked and told through one protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from remediation.target.unit import UnitFacts, UnitIdentity, Verb

LOOK_EVERY: Final = 0.25
"""Seconds between two looks where a look takes a millisecond."""

OnWait = Callable[[timedelta], None]
"""Told now and then how long a job has been under way. What it raises ends the wait."""


class ManagerUnavailable(Exception):
    """Nobody manages services here, or gives no answer; the text says which, printable."""


class NoSuchUnit(Exception):
    """There is no such service; its text says so, printable."""


class NotPermitted(Exception):
    """The operating system does not permit it to the bot's user; nothing was done."""


class JobFailed(Exception):
    """The manager did not do it; its text says what it answered, printable."""


class StillUnderWay(Exception):
    """The job has not ended within the time given; it goes on without us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """One service as a list shows it."""

    name: str
    load: str
    active: str
    sub: str


class ServiceManager(Protocol):
    """The one that starts and stops services on one host.

    look_every: seconds between two looks of somebody who watches. Every method but
    `is_present` raises `ManagerUnavailable`.
    """

    name: str
    look_every: float

    def is_present(self) -> bool:
        """Say whether it manages this machine; it may still not answer."""

    def rows(self) -> Sequence[UnitRow]:
        """Return every unit that is known now, by name."""

    def facts(self, name: str) -> UnitFacts:
        """Return how a service stands, found by any of its names; raise `NoSuchUnit`."""

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        """Return how often each was started again by itself; without unknown ones."""

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        """Return when each timer started its service last; None before the first time.

        Without those that are not known, or not active.
        """

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        """Forget earlier starts, so that it may be started; raise `NotPermitted`."""

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Do it and wait for the end of the job; return how long it took.

        Raises `NotPermitted`, `JobFailed`, `StillUnderWay`, `NoSuchUnit`.
        """
