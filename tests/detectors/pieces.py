"""A clock that stands still, a /proc made of files, and real children that misbehave."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.services import Service, Timer
from bot.host.host import Facts, HostContext, HostSampler
from bot.host.metrics import History
from bot.ports import Clock
from bot.runtime.clock import SystemClock
from remediation.moment import Moment
from remediation.target.cgroup import Place
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import Gone, Unobservable
from tests.fakes import things
from tests.fakes.services import FakeServices

HOST = "web-1"
START = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that is moved by hand."""

    boot: float = 1000.0
    boot_id: str = "boot-1"
    wall: datetime = START

    def now(self) -> Moment:
        return Moment(wall=self.wall, boot=self.boot, boot_id=self.boot_id)

    def forward(self, seconds: float) -> None:
        self.boot += seconds
        self.wall += timedelta(seconds=seconds)


@dataclass
class PaperProc:
    """A /proc made of files; ticks are hundredths of a second, pages 4 KiB."""

    root: Path
    clock: HandClock
    busy: int = 0
    polite: int = 0
    idle: int = 0
    iowait: int = 0
    steal: int = 0
    cores: int = 2
    forks: int = 0
    blocked: int = 0
    stacks: int = 1600
    swap_free: int = 400
    cpu: dict[int, int] = field(default_factory=dict)

    def write(self) -> None:
        cores = "".join(f"cpu{n} 0 0 0 0 0 0 0 0 0 0\n" for n in range(self.cores))
        line = f"{self.busy} {self.polite} 0 {self.idle} {self.iowait} 0 0 {self.steal} 0 0"
        counts = f"processes {self.forks}\nprocs_blocked {self.blocked}\n"
        text = f"cpu  {line}\n{cores}intr 1 2 3\n{counts}"
        (self.root / "stat").write_text(text)

    def spend(
        self, seconds: float, *, busy: float, iowait: float = 0, polite: float = 0
    ) -> None:
        """Let time pass with this fraction of all cores busy, and at low priority."""
        ticks = 100 * self.cores * seconds
        self.busy += round(ticks * busy)
        self.iowait += round(ticks * iowait)
        self.polite += round(ticks * polite)
        self.idle += round(ticks * (1 - busy - iowait - polite))
        self.clock.forward(seconds)
        self.write()

    def memory(self, *, total: int, available: int) -> None:
        (self.root / "meminfo").write_text(
            f"MemTotal: {total} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n"
            f"SwapTotal: 1000 kB\nSwapFree: {self.swap_free} kB\nKernelStack: {self.stacks} kB\n"
        )

    def process(
        self,
        pid: int,
        *,
        ticks: int = 0,
        start: int = 50,
        pages: int = 10,
        ppid: int = 1,
        comm: bytes = b"yes",
        anonymous: int | None = None,
        ended: int = 0,
        swapped: int = 0,
        state: bytes = b"R",
        threads: int = 1,
        reaped: int = 0,
        nice: int = 0,
    ) -> None:
        folder = self.root / str(pid)
        folder.mkdir(exist_ok=True)
        rest = [state, b"%d" % ppid, *[b"0"] * 6, b"%d" % reaped, *[b"0"] * 2]
        rest += [b"%d" % ticks, b"0", b"%d" % ended, b"0", b"20"]
        rest += [b"%d" % nice, b"%d" % threads, b"0"]
        rest += [b"%d" % start, b"0", b"%d" % pages, *[b"0"] * 28]
        text = b"%d (%s) %s\n" % (pid, comm, b" ".join(rest))
        (folder / "stat").write_bytes(text)
        if anonymous is not None:
            (folder / "status").write_text(
                f"Name:\tx\nRssAnon:\t{anonymous * 4} kB\nVmSwap:\t{swapped} kB\n"
            )

    def file(self, name: str, text: str) -> None:
        """Write a file of the host's."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def vmstat(self, **counts: int) -> None:
        """Write what the kernel counted since boot."""
        self.file("vmstat", "".join(f"{k} {n}\n" for k, n in counts.items()))

    def pressure(self, name: str, *, some: float, full: float = 0) -> None:
        """Say how much time was lost, the same over all windows."""
        lines = [("some", some), ("full", full)]
        text = [
            f"{k} avg10={v:.2f} avg60={v:.2f} avg300={v:.2f} total=1\n"
            for k, v in lines
        ]
        self.file(f"pressure/{name}", "".join(text))

    def calm(self) -> None:
        """Say that nothing loses time."""
        for name in ("cpu", "memory", "io"):
            self.pressure(name, some=0)

    def tasks(self, count: int, *, one: float = 0.1) -> None:
        """Say how many tasks there are, and how many wanted to run lately."""
        self.file("loadavg", f"{one:.2f} 0.10 0.10 1/{count} 4711\n")

    def end(self, pid: int) -> None:
        (self.root / str(pid) / "stat").unlink()
        (self.root / str(pid)).rmdir()


@dataclass
class PaperFacts:
    """Facts of the processes of a `PaperProc`; hidden ones cannot be looked at."""

    root: Path
    hidden: set[int] = field(default_factory=set)

    def read(self, pid: int) -> ProcessFacts:
        if pid in self.hidden:
            raise Unobservable(f"this bot may not look at pid {pid}")
        stat = self.root / str(pid) / "stat"
        if not stat.exists():
            raise Gone(f"pid {pid} has exited")
        fields = stat.read_bytes().rpartition(b")")[2].split()
        return facts_of(pid, int(fields[19]))

    def place(self, pid: int, start_ticks: int) -> Place | None:
        try:
            found = self.read(pid)
        except (Gone, Unobservable):
            return None
        is_same = found.identity.start_ticks == start_ticks
        place = Place(cgroup=found.cgroup, unit=found.unit, container=found.container)
        return place if is_same else None

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        del pid
        return ()


def facts_of(pid: int, start_ticks: int) -> ProcessFacts:
    """A build's process that has a unit and no pidfd inode."""
    identity = things.identity(
        pid, boot_id="boot-1", start_ticks=start_ticks, pidfd_inode=None
    )
    return things.process(
        pid,
        identity=identity,
        label="yes",
        user="build",
        cgroup="/system.slice/ci.service",
        unit="ci.service",
    )


def context(
    proc: Path,
    clock: Clock,
    facts: Facts,
    *,
    sampler: HostSampler | None = None,
    services: FakeServices | None = None,
    declared: tuple[Service, ...] = (),
    timers: tuple[Timer, ...] = (),
) -> HostContext:
    return HostContext(
        name=HOST,
        sampler=sampler or HostSampler(clock, proc=proc),
        facts=facts,
        history=History(),
        clock=clock,
        services=services or FakeServices(),
        declared=declared,
        timers=timers,
    )


def this_host() -> HostContext:
    """The real host, with its real clock."""
    return context(Path("/proc"), SystemClock(), FactReader(HOST))


BURN = "while True: pass\n"
BURST = (
    "import time\n"
    "end = time.monotonic() + 0.4\n"
    "while time.monotonic() < end: pass\n"
    "time.sleep(60)\n"
)
LEAK_SECONDS = 20
LEAK = (
    "import time\n"
    "kept = []\n"
    f"for _ in range({LEAK_SECONDS} * 20):\n"
    "    kept.append(bytearray(2_000_000))\n"
    "    time.sleep(0.05)\n"
    "time.sleep(60)\n"
)
WARM_UP = (
    "import time\n"
    "kept = [bytearray(60_000_000)]\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


@contextmanager
def child(code: str) -> Iterator[int]:
    """Run code in a child process; give its pid; end it by its handle."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.communicate()


as_root = os.geteuid() == 0


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a tmpfs on a new folder; skip where that is not possible."""
    if not as_root:
        pytest.skip("mounting a tmpfs needs root")
    folder.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["/usr/bin/umount", str(folder)], check=True)
