"""What /proc says about the whole host, parsed: CPU time, memory, pressure, processes.

Counters are cumulative since boot; whoever wants a rate keeps the reading before.
Every reader raises `OSError` as the kernel gives it. One process's own files are read
in `remediation/target/procfs.py`.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bot.kernel.roots import PROC, read_file
from remediation.printable import printable
from remediation.target.procfs import PAGE_BYTES

_GONE: Final = (FileNotFoundError, ProcessLookupError, PermissionError)
_MEMORY: Final = re.compile(
    rb"^(MemTotal|MemAvailable|SwapTotal|SwapFree): +(\d+) kB$", re.MULTILINE
)
_PRESSURE: Final = re.compile(rb"^(some|full) avg10=([\d.]+)", re.MULTILINE)
_ANONYMOUS: Final = re.compile(rb"^RssAnon:\s+(\d+) kB$", re.MULTILINE)
_SWAPPED: Final = re.compile(rb"^VmSwap:\s+(\d+) kB$", re.MULTILINE)
_DROPPABLE: Final = re.compile(rb"^inactive_file (\d+)$", re.MULTILINE)
CGROUPS: Final = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """CPU time of all cores together since boot, in clock ticks; see proc_stat(5).

    busy: user, nice, system, interrupts (guests are part of user). polite: the part of it
    at low priority, which gives way to all others. idle and iowait: nothing to do. steal:
    the hypervisor gave the core to somebody else.
    """

    busy: int
    polite: int = 0
    idle: int
    iowait: int
    steal: int
    cores: int

    @property
    def urgent(self) -> int:
        """What was busy and gave way to nobody."""
        return self.busy - self.polite

    @property
    def total(self) -> int:
        """All ticks, the stolen ones too: cores times seconds awake times ticks."""
        return self.busy + self.idle + self.iowait + self.steal


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAmounts:
    """Memory in bytes. available: what could be had without swapping (kernel's guess)."""

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int

    @property
    def available_percent(self) -> float:
        """Percent of the total that is available."""
        return 100 * self.available_bytes / self.total_bytes

    @property
    def used_bytes(self) -> int:
        """What is not available."""
        return self.total_bytes - self.available_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Percent of the last 10 s in which some, or all, tasks waited for a resource."""

    some: float
    full: float


Key = tuple[int, int]
"""Which process of this boot: (pid, start_ticks)."""


class ProcessRow(NamedTuple):
    """One process in a scan. A tuple, because thousands are made in each scan.

    start_ticks: clock ticks since boot. cpu_ticks: user and system, its threads
    included. comm: what it calls itself, any bytes. state: the kernel's letter.
    ended_ticks: of its children that ended and theirs, of all their lives.
    threads: how many it has. reaped_faults: minor page faults of the children that
    ended and that it waited for. nice: above 0 it gives way to the others.
    """

    pid: int
    start_ticks: int
    cpu_ticks: int
    rss_pages: int
    ppid: int
    state: bytes
    comm: bytes
    ended_ticks: int = 0
    threads: int = 1
    reaped_faults: int = 0
    nice: int = 0

    @property
    def name(self) -> str:
        """What it calls itself, printable."""
        return printable(self.comm, limit=60) or "(no name)"

    @property
    def rss_bytes(self) -> int:
        """Resident memory, shared pages and mapped files included."""
        return self.rss_pages * PAGE_BYTES

    @property
    def key(self) -> Key:
        """Which process of this boot it is: (pid, start_ticks)."""
        return self.pid, self.start_ticks


def cpu_times(proc: Path = PROC) -> CpuTimes:
    """Read /proc/stat; raise `ValueError` where it holds no CPU line."""
    text = read_file(f"{proc}/stat")
    head, _, rest = text.partition(b"\n")
    fields = head.split()
    if len(fields) < 9 or fields[0] != b"cpu":
        raise ValueError("/proc/stat holds no figures of the CPU")
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields[1:9])
    return CpuTimes(
        busy=user + nice + system + irq + softirq,
        polite=nice,
        idle=idle,
        iowait=iowait,
        steal=steal,
        cores=max(rest.count(b"\ncpu") + rest.startswith(b"cpu"), 1),
    )


def memory(proc: Path = PROC) -> MemoryAmounts:
    """Read /proc/meminfo; raise `ValueError` before Linux 3.14 (no MemAvailable)."""
    kilobytes = dict(_MEMORY.findall(read_file(f"{proc}/meminfo")))
    if b"MemAvailable" not in kilobytes or not int(kilobytes.get(b"MemTotal", 0)):
        raise ValueError("/proc/meminfo does not say what is available")
    found = {name: int(amount) * 1024 for name, amount in kilobytes.items()}
    return MemoryAmounts(
        total_bytes=found[b"MemTotal"],
        available_bytes=min(found[b"MemAvailable"], found[b"MemTotal"]),
        swap_total_bytes=found.get(b"SwapTotal", 0),
        swap_free_bytes=found.get(b"SwapFree", 0),
    )


def pressure(resource: str, proc: Path = PROC) -> Pressure:
    """Read /proc/pressure/`cpu`, `memory` or `io`; `OSError` where PSI is off."""
    shares = dict(_PRESSURE.findall(read_file(f"{proc}/pressure/{resource}")))
    return Pressure(
        some=float(shares.get(b"some", 0)), full=float(shares.get(b"full", 0))
    )


def processes(proc: Path = PROC) -> Mapping[tuple[int, int], ProcessRow]:
    """Read /proc/PID/stat of every visible process, by (pid, start_ticks).

    A process that ends meanwhile is left out. Any other failure (no file descriptor
    left, for one) is raised: an incomplete scan must not look like ended processes.
    """
    folder = os.open(proc, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found: dict[tuple[int, int], ProcessRow] = {}
    try:
        for name in os.listdir(folder):  # noqa: PTH208 (thousands of Paths cost more than the reading)
            if name[0] > "9":
                continue
            try:
                text = read_file(f"{name}/stat", folder)
            except _GONE:
                continue
            row = parse_process(int(name), text)
            found[row[0], row[1]] = row
    finally:
        os.close(folder)
    return found


def process(pid: int, proc: Path = PROC) -> ProcessRow:
    """Read /proc/PID/stat of one process."""
    return parse_process(pid, read_file(f"{proc}/{pid}/stat"))


def parse_process(pid: int, text: bytes) -> ProcessRow:
    """Parse one /proc/PID/stat; the name may hold spaces, brackets and anything else.

    Raises `ValueError` where it is cut short or holds no figures.
    """
    end = text.rindex(b")")
    fields = text[end + 2 :].split(b" ", 22)
    if len(fields) < 22:
        raise ValueError(f"/proc/{pid}/stat is cut short")
    return ProcessRow(
        pid,
        int(fields[19]),
        int(fields[11]) + int(fields[12]),
        int(fields[21]),
        int(fields[1]),
        fields[0],
        text[text.index(b"(") + 1 : end],
        int(fields[13]) + int(fields[14]),
        int(fields[17]),
        int(fields[8]),
        int(fields[16]),
    )


def anonymous_bytes(pid: int, proc: Path = PROC) -> int | None:
    """Return the memory that ending the process would free; None where unknown.

    Its anonymous pages: no files, which the kernel can drop, no shared memory.
    """
    return _status_bytes(_ANONYMOUS, pid, proc)


def swapped_bytes(pid: int, proc: Path = PROC) -> int | None:
    """Return what lies in swap of the process; None where unknown."""
    return _status_bytes(_SWAPPED, pid, proc)


def _status_bytes(line: re.Pattern[bytes], pid: int, proc: Path) -> int | None:
    try:
        found = line.search(read_file(f"{proc}/{pid}/status"))
    except _GONE:
        return None
    return int(found[1]) * 1024 if found else None


def waits_in(pid: int, proc: Path = PROC) -> str:
    """Return the kernel's function that a process waits in; "" where it is not told."""
    try:
        name = read_file(f"{proc}/{pid}/wchan")
    except OSError:
        return ""
    return "" if name in (b"", b"0") else printable(name, limit=60)


def cgroup_left_bytes(cgroup: str, roots: Sequence[Path] = CGROUPS) -> int | None:
    """Return the room below the nearest memory limit of a cgroup (version 2) or None.

    cgroup: path below the hierarchy's root. File pages that can be dropped are room.
    """
    root = next((top for top in roots if (top / "cgroup.controllers").exists()), None)
    if root is None:
        return None
    parts = [part for part in cgroup.split("/") if part not in ("", "..")]
    folders = [root.joinpath(*parts[:depth]) for depth in range(len(parts), 0, -1)]
    found = [left for folder in folders if (left := _left(folder)) is not None]
    return min(found, default=None)


def _left(folder: Path) -> int | None:
    try:
        limit = int((folder / "memory.max").read_text())
        current = int((folder / "memory.current").read_text())
        droppable = _DROPPABLE.search((folder / "memory.stat").read_bytes())
    except (OSError, ValueError):  # there is no such file, or the limit is "max"
        return None
    return max(limit - current + int(droppable[1] if droppable else 0), 0)
