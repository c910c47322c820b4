"""The one reader of this host: a sample of its figures, shared by all detectors.

A sample holds counters since boot with the instant they were read. A detector keeps
the one of its own round before, so its window is its own; `Previous` says whether
the two can be compared. The process scan and the file systems are read only when
somebody asks, and are shared within the same instant too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from bot.config.alerts import AlertsSection
from bot.config.prometheus import Rule
from bot.config.services import Service, Timer
from bot.host import procfs
from bot.host.backdrop import Backdrops
from bot.host.boots import Boots
from bot.host.metrics import History
from bot.host.mounts import Filesystem, Mounts
from bot.host.procfs import CpuTimes, MemoryAmounts, Pressure, ProcessRow
from bot.host.shared_reading import SPARING, Shared
from bot.host.unusual import Unusual
from bot.inbound.inbox import KeptAlert
from bot.inbound.told import ToldAlert
from bot.kernel.roots import PROC, SYS, Roots
from bot.logs.lines import LogSource
from bot.model import Finding
from bot.ports import Clock, NotTold
from bot.prometheus.server import Server
from bot.storage.marks import Mark
from remediation.acts.service_manager import ServiceManager
from remediation.moment import Moment
from remediation.target.cgroup import Place
from remediation.target.facts import ProcessFacts

SHARED: Final = timedelta(seconds=0.1)
"""What was read at most this long ago is shared; rounds are at least 0.2 s apart."""
SHORTEST: Final = 0.15
"""Seconds below which a window is too coarse for counters of 10 ms."""
LONGEST: Final = 10
"""Intervals above which a window is not one round's but a suspended machine's."""


class Stamped(Protocol):
    """Something that was read at one instant."""

    @property
    def at(self) -> Moment:
        """When it was read."""


Reading = TypeVar("Reading", bound=Stamped)
Read = TypeVar("Read")


class Previous(Generic[Reading]):
    """Keeps one detector's reading of the round before.

    interval: of its rounds. Windows that are no round of it are not judged: after a
    reboot, a clock that stood still, a suspended machine (more than ten intervals).
    """

    def __init__(self, interval: timedelta) -> None:
        self._longest = LONGEST * interval.total_seconds()
        self._kept: Reading | None = None

    def exchange(self, now: Reading) -> Reading | None:
        """Keep `now`; return the reading before, or None if no window lies between."""
        before = self._kept
        if before is None or before.at.boot_id != now.at.boot_id:
            self._kept = now
            return None
        window = now.at.boot - before.at.boot
        if 0 <= window < SHORTEST:
            return None
        self._kept = now
        return before if 0 < window <= self._longest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSample:
    """The host's counters at one instant; None is what could not be read.

    pressure: by `cpu`, `memory`, `io`; empty where the kernel does not measure it.
    """

    at: Moment
    cpu: CpuTimes | None
    memory: MemoryAmounts | None
    pressure: Mapping[str, Pressure]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessScan:
    """All processes at one instant, by (pid, start_ticks), and the host's CPU time."""

    at: Moment
    cpu: CpuTimes
    rows: Mapping[tuple[int, int], ProcessRow]


@dataclass(frozen=True, slots=True)
class Taken(Generic[Read]):
    """What a reader of `bot/kernel/` returned, and when."""

    at: Moment
    value: Read


class HostSampler:
    """Reads the host; safe to use from several threads.

    proc, sys: where /proc and /sys are. cgroups: where version 2 of the cgroups may be
    mounted. max_age: readings that are younger are shared.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        proc: Path = PROC,
        sys: Path = SYS,
        cgroups: Sequence[Path] = procfs.CGROUPS,
        max_age: timedelta = SHARED,
    ) -> None:
        self._clock = clock
        self._proc = proc
        self._roots = Roots(proc, sys)
        self._max_age = max_age
        self._looks: dict[object, Shared[Any]] = {}
        self._cgroups = cgroups
        self._mounts = Mounts(proc)
        self._sample: Shared[HostSample] = Shared(clock, max_age)
        self._scan: Shared[ProcessScan] = Shared(clock, max_age, SPARING)
        self._filesystems: Shared[tuple[Filesystem, ...]] = Shared(clock, max_age)

    @property
    def roots(self) -> Roots:
        """Where the kernel's files are, for whoever asks for a few processes only."""
        return self._roots

    def sample(self) -> HostSample:
        """Return the host's counters now: about 0.1 ms. Never raises."""
        return self._sample.get(self._read_sample)[1]

    def look(self, read: Callable[[Roots], Read]) -> Taken[Read]:
        """Return what a reader of `bot/kernel/` says now, shared like a sample.

        Raises `NotTold` where the file or the right is missing, `OSError` and
        `ValueError` as the reader does otherwise.
        """
        shared = self._looks.setdefault(read, Shared(self._clock, self._max_age))
        return cast(Taken[Read], shared.get(lambda: self._taken(read))[1])

    def processes(self) -> ProcessScan:
        """Return all processes now: about 13 µs each. Raises `OSError`, `ValueError`."""
        return self._scan.get(self._read_scan)[1]

    def process(self, pid: int) -> ProcessRow | None:
        """Return one process now, as a scan of all would; None where it is gone or hidden."""
        return _unless_missing(procfs.process, pid, self._proc)

    def two_scans(self) -> tuple[ProcessScan | None, ProcessScan]:
        """Return the scan that somebody made before, if any, and one of now."""
        return self._scan.get(self._read_scan)

    def filesystems(self) -> tuple[Filesystem, ...]:
        """Return the file systems now, within two seconds. Raises `OSError`."""
        return self._filesystems.get(self._mounts.read)[1]

    def anonymous_bytes(self, pid: int) -> int | None:
        """Return what ending one process would free; None where that is unknown."""
        return procfs.anonymous_bytes(pid, self._proc)

    def swapped_bytes(self, pid: int) -> int | None:
        """Return what lies in swap of one process; None where that is unknown."""
        return procfs.swapped_bytes(pid, self._proc)

    def waits_in(self, pid: int) -> str:
        """Return where in the kernel a process waits; "" where that is not told."""
        return procfs.waits_in(pid, self._proc)

    def cgroup_left_bytes(self, cgroup: str) -> int | None:
        """Return the room below the nearest memory limit of a cgroup; None without."""
        return procfs.cgroup_left_bytes(cgroup, self._cgroups)

    def _taken(self, read: Callable[[Roots], Read]) -> Taken[Read]:
        at = self._clock.now()
        try:
            return Taken(at, read(self._roots))
        except FileNotFoundError as error:
            raise NotTold(f"this kernel has no {error.filename}") from error
        except PermissionError as error:
            raise NotTold(f"the bot may not read {error.filename}") from error

    def _read_sample(self) -> HostSample:
        pressures = {
            resource: found
            for resource in ("cpu", "memory", "io")
            if (found := _unless_missing(procfs.pressure, resource, self._proc))
        }
        return HostSample(
            at=self._clock.now(),
            cpu=_unless_missing(procfs.cpu_times, self._proc),
            memory=_unless_missing(procfs.memory, self._proc),
            pressure=pressures,
        )

    def _read_scan(self) -> ProcessScan:
        return ProcessScan(
            at=self._clock.now(),
            cpu=procfs.cpu_times(self._proc),
            rows=procfs.processes(self._proc),
        )


class Facts(Protocol):
    """Reads live processes, a few at a time (`remediation.target.facts.FactReader`)."""

    def read(self, pid: int) -> ProcessFacts:
        """Return the facts; raise `Gone` or `Unobservable`."""

    def place(self, pid: int, start_ticks: int) -> Place | None:
        """Return where this very process lives; None where it ended or is hidden."""

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        """Return its children and theirs, ordered by pid."""


def _no_marks(
    _host: str, _service: str, _since: datetime, _until: datetime
) -> Sequence[Mark]:
    return ()


def _all_taken(_missed: Sequence[ToldAlert]) -> None:
    """Forget what was missed where there is no inbox."""


def _unheard(_finding: Finding) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContext:
    """What every detector and evidence source of this host is given.

    name: what people call the host. services: whoever starts and stops services here.
    declared, timers: the services that the team says should run here, and the timers.
    rules: what is asked of Prometheus, each with the server that is asked. servers: all
    that may be asked, in the team's order.
    marks: what people said they changed, of a host and a service, from one time to another.
    backdrops: what the charts of Prometheus' figures are drawn against.
    inbox: the alerts that others told and that fire. missed: told which of them led to
    nothing when they were looked at last. alerts: how they are read.
    deaf: why their Alertmanager cannot be asked, "" where it can or there is none.
    logs: where the lines of other hosts' services are kept, if they are.
    boots: when the bot was last alive here, where there is a database.
    unusual: which figures of this host are improbable now. lone: told of what is unusual
    and calls nobody.
    unseen: why figures and processes are not this host's and not read; "" where they are.
    """

    name: str
    sampler: HostSampler
    facts: Facts
    history: History
    clock: Clock
    services: ServiceManager
    declared: Sequence[Service] = ()
    timers: Sequence[Timer] = ()
    rules: Sequence[tuple[Rule, Server]] = ()
    servers: Sequence[Server] = ()
    marks: Callable[[str, str, datetime, datetime], Sequence[Mark]] = _no_marks
    backdrops: Backdrops = field(default_factory=Backdrops)
    inbox: Callable[[], Sequence[KeptAlert]] = tuple
    missed: Callable[[Sequence[ToldAlert]], None] = _all_taken
    alerts: AlertsSection = field(default_factory=AlertsSection)
    deaf: Callable[[], str] = str
    logs: LogSource | None = None
    boots: Boots | None = None
    unusual: Callable[[], Unusual] = Unusual
    lone: Callable[[Finding], None] = _unheard
    unseen: str = ""


def _unless_missing(read: Callable[..., Read], *args: object) -> Read | None:
    try:
        return read(*args)
    except (OSError, ValueError):
        return None
