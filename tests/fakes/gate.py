"""A gate that remembers what it was asked and answers as it is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from signal import Signals

from remediation.target.area import FileIdentity, Spared
from remediation.target.identity import ProcessIdentity
from remediation.target.privilege import GateClosed, Look, Reniced
from remediation.target.unit import UnitIdentity


@dataclass
class FakeGate:
    """failure: raised by everything. looks: what it sees, by pid. ends: whether jobs do.

    left: which files it spares.
    """

    failure: Exception | None = None
    looks: dict[int, Look] = field(default_factory=dict)
    ends: bool = True
    left: Mapping[str, Spared] = field(default_factory=dict)
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

    def clean(
        self,
        boot_id: str,
        folder: str,
        files: Sequence[FileIdentity],
        *,
        on_wait: Callable[[timedelta], None],
    ) -> Mapping[str, Spared]:
        del boot_id
        on_wait(timedelta(0))
        self._ask(f"clean {len(files)}", folder)
        return self.left

    def _ask(self, what: str, whom: str) -> None:
        self.asked.append((what, whom))
        if self.failure is not None:
            raise self.failure
