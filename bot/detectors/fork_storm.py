"""Processes are made faster than any work needs them.

Unit: processes and threads made per second and core (`processes` of /proc/stat). Window:
the last 20 s. Limits: measured on two cores, `make -j8` of the smallest C files makes
about 70, a shell that starts /bin/true without end about 850 of them; so 1,000 warns and
3,000, which only copies of itself reach, is critical. It must last five minutes, in which
a `configure` or a suite of shell tests is done; but where most of what was made is still
there (a fork bomb ends in seconds), 20 s. Culprits: whose descendants are new, else who
waited, round by round, for those that ended already.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.lineage import makers, reaped, young
from bot.blame.suspects import Suspect, culprit_facts, culprits, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import LONGEST, SHORTEST, HostContext, ProcessScan, Taken
from bot.kernel import loadavg, stat
from bot.kernel.stat import Activity
from bot.measuring.gauge import Gauge
from bot.measuring.rolling import Rolling
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.text.words import amount

WINDOW: Final = timedelta(seconds=20)
_ROUNDS: Final = 3
"""Scans of as many rounds tell who goes on and who only was there at the end."""
_LEAST_FAULTS: Final = 10
"""A process that does nothing but end has more page faults; a thread tells of none."""
_NOBODY: Final = NoAction(
    rule="no culprit",
    reason="it is not known who made half of them",
    by_hand="ps -eo ppid= | sort | uniq -c | sort -rn | head",
)


class ForkStormSection(DetectorSection):
    """Limits in processes and threads that are made per second and core."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=5
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 1000
    critical: float = 3000


class ForkStorm:
    """Measures how fast processes are made."""

    name = "fork_storm"
    Section = ForkStormSection

    def __init__(self, section: ForkStormSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Processes made",
            unit="per s and core",
            limits=section.limits(),
        )
        self._rolling: Rolling[Taken[Activity]] = Rolling(
            WINDOW, section.interval, lambda taken: [taken.value.forks]
        )
        self._tasks: Rolling[Taken[loadavg.LoadAverage]] = Rolling(
            WINDOW, section.interval
        )
        self._scans: deque[ProcessScan] = deque(maxlen=_ROUNDS)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.look(stat.read)
        before = self._rolling.exchange(now)
        if before is None:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        cpu = self._host.sampler.sample().cpu
        made = now.value.forks - before.value.forks
        rate = made / (now.at.boot - before.at.boot) / (cpu.cores if cpu else 1)
        stay = self._is_growing(made)
        found = self._gauge.finding(rate, self._summary(rate, ()), now.at.wall)
        found = replace(found, looks_back=WINDOW)
        blamed = self._culprits(rate, found.level)
        if found.level is Level.OK:
            return [found]
        facts = (
            Fact(label="Rate", value=self._gauge.said(rate, found.level)),
            Fact(label="Most of them", value="still there" if stay else "end again"),
            *culprit_facts(blamed, "what was made"),
        )
        return [
            replace(
                found,
                summary=self._summary(rate, blamed),
                facts=facts,
                culprits=blamed,
                hold_for=min(WINDOW, self.section.for_) if stay else None,
                no_action=_NOBODY,
            )
        ]

    def _is_growing(self, made: int) -> bool:
        """Say whether at least half of what was made in the window is still there."""
        now = self._host.sampler.look(loadavg.read)
        before = self._tasks.exchange(now)
        return before is not None and now.value.tasks - before.value.tasks >= made / 2

    def _culprits(self, rate: float, level: Level) -> tuple[Culprit, ...]:
        # Scans begin well below the limit, so that a window is there when it is passed.
        if rate < self._gauge.limits.clear_warning / 2:
            self._scans.clear()
            return ()
        self._keep(self._host.sampler.processes())
        if len(self._scans) < _ROUNDS or level is Level.OK:
            return ()
        return culprits(_suspects(self._scans, rate), self._host.facts, rate)

    def _keep(self, scan: ProcessScan) -> None:
        """Keep the last three scans, as long as they are of one stretch of rounds."""
        if self._scans:
            last = self._scans[-1].at
            gap = scan.at.boot - last.boot
            if 0 <= gap < SHORTEST:
                return
            longest = LONGEST * self.section.interval.total_seconds()
            if last.boot_id != scan.at.boot_id or not 0 < gap <= longest:
                self._scans.clear()
        self._scans.append(scan)

    def _summary(self, rate: float, blamed: Collection[Culprit]) -> str:
        text = (
            f"{self._host.name} makes {amount(rate, '')} processes per second and core"
        )
        for top in blamed:
            return f"{text}, most of them below {who(top.process)}."
        return f"{text}."


def _suspects(scans: Sequence[ProcessScan], rate: float) -> list[Suspect]:
    before, now = scans[0], scans[-1]
    new = young(before, now)
    made = rate * now.cpu.cores * (now.at.boot - before.at.boot)
    if 2 * len(new) >= made:
        return makers(new, now.rows, copies=new)
    # What ended at once is in no scan; whoever waited for it tells of it.
    gone = reaped(scans)
    told = sum(gone.values()) * (len(scans) - 1)
    if 2 * told < _LEAST_FAULTS * made:
        return []
    return makers(gone, now.rows, copies=new)


DETECTOR = ForkStorm
