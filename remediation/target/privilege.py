"""Whoever acts with rights that the bot's own user has not: the gate, as its callers see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from signal import Signals
from typing import Protocol

from remediation.target.area import FileIdentity, Spared
from remediation.target.identity import ProcessIdentity
from remediation.target.unit import UnitFacts, UnitIdentity


class GateClosed(Exception):
    """The gate is down, slow or not the gate; nothing was asked of it. Text: printable."""


class GateRefused(Exception):
    """The gate said no, and nothing was done; its text says why, printable."""


class GateFailed(Exception):
    """The gate tried and it did not work; its text says what was seen, printable."""


class Unanswered(Exception):
    """The gate was asked to act and its answer got lost: it may have acted or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A process as the gate sees it.

    ports, respawner, foreign_pid_namespace, container_name: as in `ProcessFacts`. denied: why the gate
    would not act on it, in words; None where it would.
    """

    identity: ProcessIdentity
    ports: tuple[int, ...]
    respawner: str | None
    foreign_pid_namespace: bool
    denied: str | None
    container_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reniced:
    """What became of a process's threads. others: threads that have another value."""

    threads: int
    others: int


class Gate(Protocol):
    """Asked where the kernel or polkit denies something to the bot's own user.

    Every method raises `GateClosed`, `GateRefused` or `GateFailed`; those that act also
    `Unanswered`. The gate compares the whole identity itself before it acts.
    """

    def look(self, pid: int) -> Look:
        """Return who a process is; the caller compares it with what it holds open."""

    def signal(self, process: ProcessIdentity, number: Signals) -> None:
        """Send SIGTERM, SIGKILL or SIGCONT."""

    def pause(self, process: ProcessIdentity, span: timedelta) -> int:
        """Arm the resume, then stop it; return the pid of the helper that resumes."""

    def renice(self, process: ProcessIdentity, nice: int) -> Reniced:
        """Give all its threads this nice value, 0 to 19."""

    def clean(
        self,
        boot_id: str,
        folder: str,
        files: Sequence[FileIdentity],
        *,
        on_wait: Callable[[timedelta], None],
    ) -> Mapping[str, Spared]:
        """Delete files of a folder; return which were left, by path, and why.

        on_wait: told how long, twice a second. What it raises is passed on, and the
        gate then goes no further than the file that it is at.
        """

    def unit(self, name: str) -> UnitFacts:
        """Return how a listed service stands there."""

    def operate(
        self,
        verb: str,
        unit: UnitIdentity,
        *,
        on_wait: Callable[[timedelta], None],
        deadline: timedelta,
    ) -> bool:
        """Run a job on a service; say whether it has ended within the deadline.

        verb: of `Verb`, or "reset-failed". on_wait: told how long, now and then.
        """
