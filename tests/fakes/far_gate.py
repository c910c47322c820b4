"""The gate of another host that has services, and may be cut off before or after a job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from signal import Signals

from remediation.target.area import FileIdentity, Spared
from remediation.target.identity import ProcessIdentity
from remediation.target.privilege import GateClosed, Look, Reniced
from remediation.target.unit import UnitFacts, UnitIdentity, Verb
from tests.fakes.services import FakeServices

OnWait = Callable[[timedelta], None]


@dataclass
class FarGate:
    """The gate of a host with these services. unseen, undone: raised in place of answers.

    asked: the jobs that were sent, whatever became of them.
    """

    host: FakeServices
    unseen: Exception | None = None
    undone: Exception | None = None
    ends: bool = True
    asked: list[str] = field(default_factory=list)

    def unit(self, name: str) -> UnitFacts:
        if self.unseen is not None:
            raise self.unseen
        return self.host.facts(name)

    def operate(
        self, verb: str, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> bool:
        if isinstance(self.undone, GateClosed):
            raise self.undone
        self.asked.append(verb)
        if self.undone is not None:
            raise self.undone
        if verb != "reset-failed":
            self.host.run(Verb(verb), unit, on_wait=on_wait, deadline=deadline)
        return self.ends

    def look(self, pid: int) -> Look:
        raise NotImplementedError

    def signal(self, process: ProcessIdentity, number: Signals) -> None:
        raise NotImplementedError

    def pause(self, process: ProcessIdentity, span: timedelta) -> int:
        raise NotImplementedError

    def renice(self, process: ProcessIdentity, nice: int) -> Reniced:
        raise NotImplementedError

    def clean(
        self,
        boot_id: str,
        folder: str,
        files: Sequence[FileIdentity],
        *,
        on_wait: OnWait,
    ) -> Mapping[str, Spared]:
        raise NotImplementedError
