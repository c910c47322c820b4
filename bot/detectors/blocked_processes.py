"""Processes wait inside the kernel and do not get on (state D).

Unit: processes that were in state D in two rounds and used no CPU time in between.
Window: one round. Limits: the kernel itself complains of a task that waits for 120 s
(`hung_task_timeout_secs`, admin-guide/sysctl/kernel.rst); five are a pile-up, in most
cases behind one dead disk or mount. What reads much from a slow disk is in state D most
of the time, but it gets on, so a backup is none of them. The kernel's own threads are
left out, and so is a thread that is not its process's first. Processes are scanned only
while tasks wait for a disk, or while more tasks are active (see `bot/kernel/loadavg.py`)
than the busy cores explain. Culprits: none, since most waits let no signal through.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, HostSample, Previous, ProcessScan, Taken
from bot.host.procfs import ProcessRow
from bot.kernel import loadavg, stat
from bot.kernel.loadavg import LoadAverage
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from remediation.target.procfs import TICKS_PER_SECOND

_UNEXPLAINED: Final = 0.3
"""Tasks beyond the busy cores; what rounds at the edge of the kernel's 5 s make is less."""
_KERNEL: Final = 2
_NAMED: Final = 5
_READ: Final = 20
_PLACES: Final = (
    (("nfs", "rpc_"), "a network file system"),
    (("cifs", "smb"), "a network file system"),
    (("fuse_", "request_wait_answer"), "a program behind a FUSE mount"),
    (("io_schedule", "blk_", "bio_", "jbd2", "xfs_", "ext4_", "btrfs_"), "a disk"),
    (("percpu_rwsem", "__percpu_down", "sb_start"), "a file system that is frozen"),
    (("kernel_clone", "do_fork"), "a child that has not begun its program"),
)


class BlockedSection(DetectorSection):
    """Limits in processes."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(seconds=90), alias="for")
    warning: float = 1
    critical: float = 5


class BlockedProcesses:
    """Counts the processes that hang in the kernel."""

    name = "blocked_processes"
    Section = BlockedSection

    def __init__(self, section: BlockedSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Blocked processes",
            unit="",
            limits=section.limits(),
        )
        self._previous: Previous[HostSample] = Previous(section.interval)
        self._load: Previous[Taken[LoadAverage]] = Previous(section.interval)
        self._scan: Previous[ProcessScan] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        now = self._host.sampler.look(stat.read)
        waits = now.value.blocked > 0 or self._active() - self._busy() >= _UNEXPLAINED
        if not waits and "" not in watched:
            return [self._finding((), now.at.wall)]
        scan = self._host.sampler.processes()
        before = self._scan.exchange(scan)
        if before is None:
            # The first scan only begins the window.
            hangs = any(map(_is_waiting, scan.rows.values()))
            if hangs and "" in watched:
                return [self._gauge.unknown(scan.at.wall)]
            return [self._finding((), scan.at.wall)]
        stuck = [row for row in scan.rows.values() if _hangs(row, before)]
        return [self._finding(stuck, scan.at.wall)]

    def _active(self) -> float:
        """Return how many tasks wanted a core or waited since the round before."""
        now = self._host.sampler.look(loadavg.read)
        before = self._load.exchange(now)
        if before is None:
            return now.value.one
        return now.value.active_since(before.value, now.at.boot - before.at.boot)

    def _busy(self) -> float:
        """Return how many cores worked since the round before; none where unknown."""
        now = self._host.sampler.sample()
        before = self._previous.exchange(now)
        if before is None or before.cpu is None or now.cpu is None:
            return 0.0
        window = now.at.boot - before.at.boot
        return max(now.cpu.busy - before.cpu.busy, 0) / TICKS_PER_SECOND / window

    def _finding(self, stuck: Sequence[ProcessRow], at: datetime) -> Finding:
        hang = "process hangs" if len(stuck) == 1 else "processes hang"
        text = f"{len(stuck)} {hang} in the kernel on {self._host.name}"
        found = self._gauge.finding(len(stuck), f"{text}.", at)
        if found.level is Level.OK or not stuck:
            return found
        oldest = sorted(stuck, key=lambda row: row.start_ticks)
        said = ", ".join(f"{row.name} (pid {row.pid})" for row in oldest[:_NAMED])
        more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
        shown = self._gauge.said(len(stuck), found.level)
        return replace(
            found,
            summary=f"{text}: {said}{more}.",
            facts=(
                Fact(label="Blocked processes", value=shown),
                Fact(label="They are", value=f"{said}{more}"),
                Fact(label="They wait in", value=self._places(oldest[:_READ])),
            ),
            no_action=_no_signal_helps(oldest[0]),
        )

    def _places(self, stuck: Sequence[ProcessRow]) -> str:
        named = [self._host.sampler.waits_in(row.pid) for row in stuck]
        places = Counter(name for name in named if name).most_common(3)
        said = ", ".join(f"{name} ({count}){_meaning(name)}" for name, count in places)
        return said or "the bot may not see where"


def _is_waiting(row: ProcessRow) -> bool:
    return row.state == b"D" and _KERNEL not in (row.pid, row.ppid)


def _hangs(row: ProcessRow, before: ProcessScan) -> bool:
    earlier = before.rows.get(row.key)
    if earlier is None or not (_is_waiting(row) and _is_waiting(earlier)):
        return False
    return row.cpu_ticks == earlier.cpu_ticks


def _meaning(place: str) -> str:
    known = (what for heads, what in _PLACES if place.startswith(heads))
    what = next(known, "")
    return f": {what}" if what else ""


def _no_signal_helps(row: ProcessRow) -> NoAction:
    return NoAction(
        rule="state D",
        reason="most waits inside the kernel let no signal through; of a network or FUSE "
        "mount a KILL may. It goes on when what it waits for answers",
        by_hand=f"cat /proc/{row.pid}/stack; findmnt -t nfs,nfs4,cifs,fuse",
    )


DETECTOR = BlockedProcesses
