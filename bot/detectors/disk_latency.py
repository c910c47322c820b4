"""A disk answers slowly, and somebody waits for it.

Unit: milliseconds for each request, its time in the queue included (iostat's await).
Window: one round. Limits: 100 ms as in awesome-prometheus-alerts, and 500 ms, at which
databases and leases time out; twice that for disks that turn. A busy disk alone is normal
(a backup, a compile), and so is a slow one that is hardly used: it counts while the disk is
busy at least half of the time and, where the kernel measures it (PSI), tasks wait for
disks; otherwise it is well. Five minutes are longer than what is flushed at once. Culprits:
what processes read and wrote in the round, where this disk moved most of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from heapq import nlargest
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import culprit_facts, culprits, sharers
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Previous, Taken
from bot.kernel import diskstats, process_io
from bot.kernel.diskstats import DiskCounters, DiskWork
from bot.measuring.gauge import Gauge
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

TOLD: Final = 20
"""So many disks are told of in a round, the slowest first, beside the watched ones."""
BUSY: Final = 50.0
"""Percent of the time below which a slow disk makes nobody wait."""
WAITING: Final = 5.0
"""Percent of the last 10 s in which some task waited for a disk."""
_NOBODY: Final = "no process makes half of what the disk does; it may be the device"
_HIDDEN: Final = "who it is is told to nobody but root, if it is not the device"

Work = Mapping[str, DiskWork]
Moved = Taken[Mapping[int, int]]


class DiskLatencySection(DetectorSection):
    """Limits in milliseconds per request.

    turning: by how much the limits are multiplied for disks that turn.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=2)
    warning: float = 100
    critical: float = 500
    turning: Annotated[float, Field(ge=1)] = 2


class DiskLatency:
    """Measures how long requests take on each disk."""

    name = "disk_latency"
    Section = DiskLatencySection

    def __init__(self, section: DiskLatencySection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._previous: Previous[Taken[Mapping[str, DiskCounters]]] = Previous(
            section.interval
        )
        self._moved: Previous[Moved] = Previous(section.interval)
        self._gauge = self._gauge_of(1)
        self._turning = self._gauge_of(section.turning)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the slowest disks and the watched ones; the first round none."""
        now = self._host.sampler.look(diskstats.read)
        if not now.value:
            raise NotTold("no disk of its own here")
        before = self._previous.exchange(now)
        works = _works(before, now) if before else {}
        slowest = nlargest(TOLD, works, key=lambda disk: works[disk].wait_ms)
        subjects = set(slowest) | set(watched)
        for gauge in (self._gauge, self._turning):
            gauge.keep(subjects)
        suffering = self._suffering(works, subjects)
        found = [
            self._measure(s, works.get(s), now, is_slow=s in suffering)
            for s in sorted(subjects)
        ]
        return self._explained(found, works)

    def _suffering(self, works: Work, subjects: Collection[str]) -> set[str]:
        """Return the disks that somebody waits for; of a stack the lowest ones."""
        waiting = self._host.sampler.sample().pressure.get("io")
        if waiting is not None and waiting.some < WAITING:
            return set()
        slow = {s for s in subjects if s in works and self._is_slow(works[s])}
        stacks = self._host.sampler.look(diskstats.below).value if slow else {}
        return {s for s in slow if not slow & stacks.get(s, frozenset())}

    def _is_slow(self, work: DiskWork) -> bool:
        near = work.wait_ms >= self._gauge.limits.clear_warning
        return near and work.busy >= BUSY

    def _measure(
        self,
        disk: str,
        work: DiskWork | None,
        now: Taken[Mapping[str, DiskCounters]],
        *,
        is_slow: bool,
    ) -> Finding:
        gauge = self._gauge
        if is_slow and disk in self._host.sampler.look(diskstats.rotational).value:
            gauge = self._turning
        label = f"Disk {disk} per request"
        if work is None:
            return replace(gauge.unknown(now.at.wall, disk), label=label)
        # A disk that is not busy, or that nobody waits for, is well however slow.
        judged = work.wait_ms if is_slow else 0.0
        said = amount(work.wait_ms, "ms")
        summary = f"The disk {disk} takes {said} for a request."
        found = gauge.finding(judged, summary, now.at.wall, disk)
        shown = gauge.said(work.wait_ms, found.level)
        return replace(
            found,
            label=label,
            value=work.wait_ms,
            facts=_facts(shown, work),
        )

    def _explained(self, found: list[Finding], works: Work) -> list[Finding]:
        """Name who moves most, and what to look at where nobody does."""
        near = [f for f in found if f.level in (Level.WARNING, Level.CRITICAL)]
        if not near:
            return found
        stacks = self._host.sampler.look(diskstats.below).value
        whole = sum(w.bytes_moved for disk, w in works.items() if disk not in stacks)
        blamed = self._culprits(works, whole)
        return [
            self._with(f, blamed if 2 * works[f.subject].bytes_moved >= whole else ())
            if f in near
            else f
            for f in found
        ]

    def _with(self, finding: Finding, blamed: tuple[Culprit, ...]) -> Finding:
        roots = self._host.sampler.roots
        by_hand = f"iostat -xz 1 5; journalctl -k -p warning -g {finding.subject}"
        return replace(
            finding,
            culprits=blamed,
            facts=finding.facts + culprit_facts(blamed, "what disks moved"),
            no_action=NoAction(
                rule="no culprit",
                reason=_HIDDEN if process_io.is_hidden(roots) else _NOBODY,
                by_hand=by_hand,
            ),
        )

    def _culprits(self, works: Work, whole: int) -> tuple[Culprit, ...]:
        """Return who read and wrote most in this round, with its share of the bytes."""
        try:
            now = self._host.sampler.look(process_io.read)
            scan = self._host.sampler.processes()
        except (OSError, ValueError, NotTold):
            return ()
        before = self._moved.exchange(now)
        if before is None or whole <= 0:
            return ()
        used = {
            key: now.value[key[0]] - before.value[key[0]]
            for key in scan.rows
            if key[0] in now.value and key[0] in before.value
        }
        used = {key: moved for key, moved in used.items() if moved > 0}
        largest = max(work.wait_ms for work in works.values())
        return culprits(sharers(used, scan.rows, whole), self._host.facts, largest)

    def _gauge_of(self, times: float) -> Gauge:
        limits = self.section.limits()
        return Gauge(
            detector=self.name,
            host=self._host.name,
            label="Disk per request",
            unit="ms",
            limits=replace(
                limits,
                warning=times * limits.warning,
                critical=times * limits.critical,
                clear_warning=times * limits.clear_warning,
                clear_critical=times * limits.clear_critical,
            ),
        )


def _works(
    before: Taken[Mapping[str, DiskCounters]], now: Taken[Mapping[str, DiskCounters]]
) -> Work:
    seconds = now.at.boot - before.at.boot
    both = now.value.keys() & before.value.keys()
    found = {d: diskstats.work(before.value[d], now.value[d], seconds) for d in both}
    return {disk: work for disk, work in found.items() if work is not None}


def _facts(shown: str, work: DiskWork) -> tuple[Fact, ...]:
    return (
        Fact(label="Per request", value=shown),
        Fact(label="Busy", value=f"{amount(work.busy, '%')} of the time"),
        Fact(label="Queue", value=f"{amount(work.queue, '')} requests on average"),
        Fact(label="Requests", value=f"{amount(work.requests_per_second, '')} per s"),
    )


DETECTOR = DiskLatency
