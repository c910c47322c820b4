"""A gate that remembers what it was asked and answers as it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from signal import Signals

from remediation.identity import ProcessIdentity
from remediation.privilege import GateClosed, Look, Reniced
from remediation.unit import UnitIdentity


@dataclass
class FakeGate:
    """failure: raised by everything. looks: what it sees, by pid. ends: whether jobs do."""

    failure: Exception | None = None
    looks: dict[int, Look] = field(default_factory=dict)
    ends: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    def look(self, pid: int) -> Look:
        self._ask("look", str(pid))
        if pid not in self.looks:
            raise GateClosed("the gate sees nobody")
        return self.looks[pid]

    def signal(self, process: ProcessIdentity, number: Signals) -> None:
        self._ask(number.name, str(process.pid))

    def pause(self, process: ProcessIdentity, span: timedelta) -> int:
        self._ask(f"pause {span.total_seconds():g}", str(process.pid))
        return 4711

    def renice(self, process: ProcessIdentity, nice: int) -> Reniced:
        self._ask(f"nice {nice}", str(process.pid))
        return Reniced(threads=1, others=0)

    def operate(
        self,
        verb: str,
        unit: UnitIdentity,
        *,
        on_wait: Callable[[timedelta], None],
        deadline: timedelta,
    ) -> bool:
        del deadline
        on_wait(timedelta(0))
        self._ask(str(verb), unit.name)
        return self.ends

    def _ask(self, what: str, whom: str) -> None:
        self.asked.append((what, whom))
        if self.failure is not None:
            raise self.failure
