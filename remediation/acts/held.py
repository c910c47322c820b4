"""The process that was approved, held open, and compared again before every signal."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from signal import Signals
from typing import TypeVar

from remediation import signals
from remediation.attempt import Attempt, Refused
from remediation.outcome import Seen
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import (
    Gone,
    OpenProcess,
    ProcessIdentity,
    Unobservable,
    Unreaped,
    boot_id,
    changed,
    open_process,
)
from remediation.target.privilege import Gate, GateClosed, GateRefused

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An approved process and the pidfd that holds it.

    name: for people, "python3.11 burn.py (pid 4242)".
    """

    approved: ProcessIdentity
    name: str
    held: OpenProcess
    reader: FactReader

    @property
    def pid(self) -> int:
        """The pid that was approved."""
        return self.approved.pid

    def check(self, attempt: Attempt) -> ProcessFacts:
        """Ask everybody who must agree; raise `Refused` unless all do, now.

        Reads the facts, compares the identity, asks policy and lock.
        """
        with _refusing():
            facts = self.reader.read_open(self.held)
        self._compare(facts.identity)
        if reason := attempt.recheck(facts):
            raise Refused(reason, Seen.ALIVE)
        return facts

    def send(self, number: Signals) -> float:
        """Compare once more, then signal; return the time of it (monotonic seconds).

        Between the comparison and the signal lie microseconds, in which the process
        can still execute another program, but not become another process.
        Where the kernel does not permit it to the bot's user, the gate is asked, which
        compares for itself. Raises `Refused`, and `Unanswered` as `through` does.
        """
        self.confirm()
        try:
            signals.send(self.held.pidfd, number)
        except ProcessLookupError as error:
            raise Refused("it has already exited", Seen.EXITED) from error
        except PermissionError:
            self.through(lambda gate: gate.signal(self.approved, number))
        return time.monotonic()

    def through(self, ask: Callable[[Gate], Answer]) -> Answer:
        """Have the gate do what the kernel does not permit to the bot's own user.

        Raises `Refused` where there is no gate or it says no, and `Unanswered` when it
        may have acted or not.
        """
        gate = self.reader.gate
        if gate is None:
            reason = "the kernel does not permit the signal (CAP_KILL is missing)"
            raise Refused(reason, Seen.ALIVE)
        try:
            return ask(gate)
        except (GateClosed, GateRefused) as error:
            raise Refused(str(error), Seen.ALIVE) from error

    def confirm(self) -> None:
        """Raise `Refused` unless this is still exactly what was approved."""
        with _refusing():
            live = self.reader.identity(self.held)
        self._compare(live)

    def exited(self, timeout: float = 0.0) -> bool:
        """Wait up to `timeout` seconds for the end of it."""
        return signals.exited(self.held.pidfd, timeout)

    def _compare(self, live: ProcessIdentity) -> None:
        if difference := changed(self.approved, live):
            raise Refused(difference, Seen.CHANGED)


@contextmanager
def holding(
    approved: ProcessIdentity, *, label: str, reader: FactReader
) -> Iterator[Target]:
    """Open what has the approved pid; raise `Refused` when that is nobody any more.

    Whether it is the approved process is asked by `check` and before each signal.
    """
    if approved.boot_id != boot_id():
        raise Refused(
            "the host has been booted since, or it is another host", Seen.CHANGED
        )
    with ExitStack() as stack:
        with _refusing():
            held = stack.enter_context(open_process(approved.pid))
        name = f"{label} (pid {approved.pid})" if label else f"pid {approved.pid}"
        yield Target(approved=approved, name=name, held=held, reader=reader)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Unreaped as error:
        raise Refused(
            f"it has already exited; its parent, pid {error.parent}, must reap it",
            Seen.ZOMBIE,
        ) from error
    except Gone as error:
        raise Refused("it has already exited", Seen.EXITED) from error
    except Unobservable as error:
        raise Refused(str(error), Seen.UNKNOWN) from error
