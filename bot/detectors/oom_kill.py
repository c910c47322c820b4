"""The kernel killed a process because memory was gone.

Unit: kills in the last ten minutes (`oom_kill` of /proc/vmstat). Window: those ten
minutes, for which the event stays; it fires at once, since nothing of it passes by
itself. Limits: one is one too many (awesome-prometheus-alerts: HostOomKillDetected, any
in a minute; Netdata's `oom_kill` warns at one in 30 min), three mean that it goes on.
Victims: from /dev/kmsg or the journal, where the bot may read one of them, and only those
that are newer than the round before; else the cgroups that count kills. What was done is done, so no action is offered.
"""

import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Taken
from bot.kernel import oomlog, vmstat
from bot.kernel.oomlog import Victim
from bot.kernel.vmstat import MemoryEvents
from bot.logs.journal import JOURNALCTL, NoJournal, newest
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, NoAction
from bot.ports import NotTold
from remediation.moment import Moment

STAYS: Final = timedelta(minutes=10)
_NAMED: Final = 5
_LINES: Final = 40
_IT_IS_OVER: Final = NoAction(
    rule="it is over",
    reason="the kernel has ended a process already, and what it held is free again",
    by_hand="journalctl -k --since -1h | grep -A 40 'invoked oom-killer'",
)


class OomKillSection(DetectorSection):
    """Limits in kills within ten minutes."""

    for_: Duration = Field(default=timedelta(seconds=5), alias="for")
    warning: float = 1
    critical: float = 3


class OomKill:
    """Tells of kills and of whom they hit."""

    name = "oom_kill"
    Section = OomKillSection

    def __init__(
        self,
        section: OomKillSection,
        host: HostContext,
        *,
        kmsg: Path = oomlog.KMSG,
        journalctl: Path = JOURNALCTL,
    ) -> None:
        self.section = section
        self._host = host
        self._kmsg = kmsg
        self._journalctl = journalctl
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="OOM kills",
            unit="",
            limits=section.limits(),
        )
        self._before: Taken[MemoryEvents] | None = None
        self._named = -1
        """The newest record of the kernel's log that is no news."""
        self._kills: list[tuple[Moment, int]] = []
        self._facts: tuple[Fact, ...] = ()

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        now = self._host.sampler.look(vmstat.read)
        if now.value.oom_kills is None:
            raise NotTold("this kernel does not count OOM kills")
        self._kills = [kill for kill in self._kills if _is_recent(kill[0], now.at)]
        if self._before is None:
            self._named = self._newest()
        since, rise = self._before, self._rise(now)
        if rise > 0 and since is not None:
            self._kills.append((now.at, rise))
            self._facts = (*self._whom(rise, since.at), *self._facts)[:_NAMED]
        elif not self._kills:
            self._facts = ()
        return [self._finding(now.at)]

    def _rise(self, now: Taken[MemoryEvents]) -> int:
        """Return the kills since the round before; none where the counter began anew."""
        before, self._before = self._before, now
        if before is None or before.at.boot_id != now.at.boot_id:
            return 0
        return max((now.value.oom_kills or 0) - (before.value.oom_kills or 0), 0)

    def _finding(self, at: Moment) -> Finding:
        count = sum(kills for _, kills in self._kills)
        name = self._host.name
        if not count:
            summary = f"No process of {name} was killed for memory lately."
            return self._gauge.finding(0, summary, at.wall)
        times = "a process" if count == 1 else f"{count} processes"
        summary = f"The kernel of {name} killed {times} because memory was gone."
        found = self._gauge.finding(count, summary, at.wall)
        return replace(
            found, facts=self._facts, hold_for=timedelta(0), no_action=_IT_IS_OVER
        )

    def _newest(self) -> int:
        try:
            lines = oomlog.kernel_lines(self._kmsg)
            return max(map(oomlog.number, lines), default=-1)
        except OSError:
            return -1

    def _whom(self, rise: int, since: Moment) -> tuple[Fact, ...]:
        """Say who was killed since the round before, as far as the bot may know."""
        wanted = min(rise, _NAMED)
        unknown = "the kernel's log does not say who"
        try:
            found = self._from_log(rise)[-wanted:]
        except OSError:
            unknown = "the bot may read neither the kernel's log nor the journal"
            found = self._from_journal(wanted, since)
        if found:
            return tuple(Fact(label="Killed", value=_said(victim)) for victim in found)
        places = self._host.sampler.look(oomlog.counted).value[:_NAMED]
        return (
            Fact(label="Killed", value=unknown),
            *([Fact(label="Kills counted in", value=", ".join(places))] * bool(places)),
        )

    def _from_log(self, rise: int) -> Sequence[Victim]:
        """Return so many that nobody has heard of, the oldest first."""
        lines = oomlog.kernel_lines(self._kmsg)
        new = (line for line in lines if oomlog.number(line) > self._named)
        # A newer one than the counter knows of is named in the next round.
        found = oomlog.victims(new, sys.maxsize)[:rise]
        self._named = found[-1].number if found else self._named
        return found

    def _from_journal(self, wanted: int, since: Moment) -> Sequence[Victim]:
        begin = f"--since=@{int(since.wall.timestamp())}"
        matches = ("_TRANSPORT=kernel", "--grep=oom-kill:", begin)
        try:
            lines = newest(*matches, lines=_LINES, program=self._journalctl)
        except NoJournal:
            return []
        return oomlog.victims(lines, wanted)


def _is_recent(kill: Moment, now: Moment) -> bool:
    return (
        kill.boot_id == now.boot_id
        and 0 <= now.boot - kill.boot < STAYS.total_seconds()
    )


def _said(victim: Victim) -> str:
    limit = "its cgroup's limit" if victim.of_cgroup else "the host's memory"
    return f"{victim.name} (pid {victim.pid}) of {victim.place}, for {limit}"


DETECTOR = OomKill
