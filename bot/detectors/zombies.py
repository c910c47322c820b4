"""Processes have ended and their parent does not ask how.

Unit: processes in state Z. Window: none, it is a count. Limits: a zombie costs a process
number and nothing else; some are there for an instant on every host. Fifty that stay are
a broken parent, a thousand are a part of `kernel.pid_max` worth an action (nobody ships a
rule for it: node_exporter only counts them). Five minutes, because a busy parent may be
slow. Processes are scanned when more tasks than usual have no kernel stack (see
`bot/kernel/stacks.py`), and once at the start. Culprit: the parent, since it is its end
that has them reaped; never pid 1, which adopted them.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.lineage import parents
from bot.blame.suspects import culprit_facts, culprits, percent, who
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, ProcessScan
from bot.kernel import loadavg, stacks
from bot.kernel.stacks import StackBasis
from bot.measuring.gauge import Gauge
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.text.words import amount
from remediation.printable import printable

_ADOPTED: Final = NoAction(
    rule="no culprit",
    reason="pid 1 has to reap them, and nothing may be done to it; or no parent has half",
    by_hand="ps -eo stat,ppid,pid,etime,comm | awk '$1 ~ /^Z/' | head -n 20",
)


class ZombiesSection(DetectorSection):
    """Limits in processes."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    warning: float = 50
    critical: float = 1000


class Zombies:
    """Counts zombies where there may be any."""

    name = "zombies"
    Section = ZombiesSection

    def __init__(self, section: ZombiesSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Zombies",
            unit="",
            limits=section.limits(),
        )
        self._basis: StackBasis | None = None

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        now = self._host.sampler.look(loadavg.read)
        tasks = now.value.tasks
        kilobytes = self._host.sampler.look(stacks.read).value
        ended = None if self._basis is None else self._basis.ended(tasks, kilobytes)
        enough = self._gauge.limits.clear_warning / 2
        if ended is not None and ended < enough and "" not in watched:
            return [self._gauge.finding(ended, self._summary(ended, ()), now.at.wall)]
        scan = self._host.sampler.processes()
        dead = {key: 1 for key, row in scan.rows.items() if row.state == b"Z"}
        if scan.at.boot >= now.at.boot:
            # A shared scan may be older than what was just read: it is no basis for it.
            self._basis = StackBasis(alive=tasks - len(dead), kilobytes=kilobytes)
        count = len(dead)
        found = self._gauge.finding(count, self._summary(count, ()), scan.at.wall)
        if found.level is Level.OK:
            return [found]
        suspects = parents(dead, scan.rows)
        blamed = culprits(suspects, self._host.facts, count)
        return [
            replace(
                found,
                summary=self._summary(count, blamed),
                facts=self._facts(found, scan, dead, blamed),
                culprits=blamed,
                no_action=_ADOPTED,
            )
        ]

    def _facts(
        self,
        found: Finding,
        scan: ProcessScan,
        dead: Collection[tuple[int, int]],
        blamed: Collection[Culprit],
    ) -> tuple[Fact, ...]:
        names = Counter(scan.rows[key].comm for key in dead).most_common(3)
        called = ", ".join(f"{printable(n, limit=20)} ({c})" for n, c in names)
        stopped = [c.process for c in blamed if c.process.state in ("T", "t")]
        return (
            Fact(
                label="Zombies",
                value=self._gauge.said(found.value or 0.0, found.level),
            ),
            Fact(label="They were", value=called),
            *culprit_facts([*blamed], "the zombies"),
            *(
                Fact(label="Is stopped", value=f"{who(process)}; resume it and they go")
                for process in stopped
            ),
        )

    def _summary(self, count: float, blamed: Collection[Culprit]) -> str:
        text = f"{self._host.name} has {amount(count, '')} zombies"
        for top in blamed:
            share = percent(top.share)
            return f"{text}; {who(top.process)} does not reap {share} of them."
        return f"{text}."


DETECTOR = Zombies
