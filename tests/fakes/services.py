"""A manager of services that does in memory what it is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from remediation.acts.fleet import Fleet
from remediation.acts.service_manager import (
    LOOK_EVERY,
    NoSuchUnit,
    OnWait,
    ServiceManager,
    UnitRow,
)
from remediation.target.identity import boot_id
from remediation.target.unit import UnitFacts, UnitIdentity, Verb
from tests.fakes.clock import START


def service(name: str = "nginx.service", **changes: object) -> UnitFacts:
    """A service that failed a minute ago."""
    made = UnitFacts(
        identity=UnitIdentity(boot_id=boot_id(), name=name, invocation="a1" * 16),
        names=(name,),
        description="A web server",
        load="loaded",
        active="failed",
        sub="failed",
        result="exit-code",
        type="simple",
        main_pid=0,
        exit_code=1,
        exit_status=1,
        restarts=0,
        restart="no",
        enabled="enabled",
        cgroup="",
        needed_by=(),
        file=f"/etc/systemd/system/{name}",
        drop_ins=(),
        stale=False,
        can_reload=False,
        may_start=True,
        may_stop=True,
        burst=5,
        interval=timedelta(seconds=10),
        start_timeout=timedelta(seconds=90),
        stop_timeout=timedelta(seconds=90),
        last_start=None,
        changed_at=START - timedelta(minutes=1),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def running(name: str = "nginx.service", **changes: object) -> UnitFacts:
    """The same service, up."""
    up = {"active": "active", "sub": "running", "result": "success", "main_pid": 812}
    return service(name, **{**up, **changes})


@dataclass
class FakeServices:
    """Units by name. failure: raised by everything that asks. after: what a job leaves.

    done: the jobs, in order. cleared: the names whose start limit was cleared.
    """

    units: dict[str, UnitFacts] = field(default_factory=dict)
    failure: Exception | None = None
    job_failure: Exception | None = None
    after: Callable[[Verb, UnitFacts], UnitFacts] | None = None
    done: list[tuple[Verb, str]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    runs: dict[str, datetime | None] = field(default_factory=dict)
    present: bool = True
    name: str = "fake"
    look_every: float = LOOK_EVERY

    def is_present(self) -> bool:
        return self.present

    def rows(self) -> Sequence[UnitRow]:
        self._fail()
        return [
            UnitRow(name=u.name, load=u.load, active=u.active, sub=u.sub)
            for u in self.units.values()
        ]

    def facts(self, name: str) -> UnitFacts:
        self._fail()
        for unit in self.units.values():
            if name in unit.names:
                return unit
        raise NoSuchUnit(f"there is no service {name}")

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        self._fail()
        return {n: self.units[n].restarts for n in names if n in self.units}

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        self._fail()
        return {t: self.runs[t] for t in timers if t in self.runs}

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        self._fail()
        self.cleared.append(unit.name)

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        del on_wait, deadline
        self._fail()
        if self.job_failure is not None:
            raise self.job_failure
        before = self.facts(unit.name)
        self.done.append((verb, unit.name))
        self.units[before.name] = (self.after or done)(verb, before)
        return timedelta(seconds=0.1)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def done(verb: Verb, before: UnitFacts) -> UnitFacts:
    """What a manager makes of a well-behaved service."""
    if verb is Verb.STOP:
        return replace(before, active="inactive", sub="dead", result="success")
    if verb is Verb.RELOAD:
        return before
    number = int(before.identity.invocation[:8] or "0", 16) + 1
    identity = replace(before.identity, invocation=f"{number:08x}" * 4)
    return running(before.name, identity=identity, names=before.names)


def fleet(
    own: ServiceManager | None = None, *, here: str = "web-1", **others: ServiceManager
) -> Fleet:
    """This host and, by name (`_` for `-`), others."""
    named = {name.replace("_", "-"): manager for name, manager in others.items()}
    return Fleet(here=here, own=own or FakeServices(), others=named)
