"""There is hardly room for one more process or thread.

Unit: percent of the tasks that the kernel takes at most (the smaller of `kernel.pid_max`
and `kernel.threads-max`; proc_sys_kernel(5)). Window: none, it is an amount, read from
/proc/loadavg. Limits: Netdata's `active_processes` warns at 85 % and is critical at 90 %
of pid_max; here the warning comes at 75 %, because at 100 % not even a login works, and
what grows by itself needs minutes or less for the rest. No work of a sound host comes
near it. Culprits: who has the threads, or made the processes that have them.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.lineage import makers
from bot.blame.suspects import culprit_facts, culprits, percent, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel import loadavg, tasklimits
from bot.measuring.gauge import Gauge
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.text.words import amount

_NOBODY: Final = NoAction(
    rule="no culprit",
    reason="no process has half of them, neither alone nor with its children",
    by_hand="ps -eo ppid= | sort | uniq -c | sort -rn | head",
)


class TasksSection(DetectorSection):
    """Limits in percent of the tasks that the kernel takes."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(seconds=20), alias="for")
    warning: float = 75
    critical: float = 90


class Tasks:
    """Measures how many tasks there are, against how many there may be."""

    name = "tasks"
    Section = TasksSection

    def __init__(self, section: TasksSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Processes and threads",
            unit="%",
            limits=section.limits(),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        now = self._host.sampler.look(loadavg.read)
        most, limit = self._host.sampler.look(tasklimits.read).value.tighter
        used = min(100 * now.value.tasks / most, 100.0)
        summary = f"{self._host.name} has {now.value.tasks:,} tasks, {amount(used, '%')} of {limit}"
        found = self._gauge.finding(used, f"{summary}.", now.at.wall)
        if found.level is Level.OK:
            return [found]
        blamed = self._culprits(used)
        shown = self._gauge.said(used, found.level)
        of = f"{now.value.tasks:,} of {most:,} ({limit})"
        facts = (
            Fact(label="Room used", value=shown),
            Fact(label="Tasks", value=of),
            *culprit_facts(blamed, "the tasks"),
        )
        return [
            replace(
                found,
                summary=f"{summary}{_by(blamed)}.",
                facts=facts,
                culprits=blamed,
                no_action=_NOBODY,
            )
        ]

    def _culprits(self, used: float) -> tuple[Culprit, ...]:
        rows = self._host.sampler.processes().rows
        threads = {key: row.threads for key, row in rows.items()}
        return culprits(makers(threads, rows), self._host.facts, used)


def _by(blamed: Collection[Culprit]) -> str:
    for top in blamed:
        return (
            f"; {who(top.process)} and its children have {percent(top.share)} of them"
        )
    return ""


DETECTOR = Tasks
