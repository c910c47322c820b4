"""The table of tracked connections is nearly full; then every new one is dropped.

Unit: percent of nf_conntrack_max that is used. Window: none, it is an amount. Limits: 80 and
95 % (node-mixin warns at 75 %, awesome-prometheus-alerts at 80 %, Netdata at 90 and 95 %).
A host whose kernel tracks no connections has no such table, and nothing is said. Culprits
and action: none; who fills it is an address, not a process.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel.roots import Roots, read_file
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount


class ConntrackSection(DetectorSection):
    """Limits in percent of the table."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(seconds=30), alias="for")
    warning: float = 80
    critical: float = 95


class Conntrack:
    """Measures how full the table of tracked connections is."""

    name = "conntrack"
    Section = ConntrackSection

    def __init__(self, section: ConntrackSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Tracked connections",
            unit="%",
            limits=section.limits(),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; nothing where no connections are tracked, unless it is watched."""
        taken = self._host.sampler.look(_table)
        at = taken.at.wall
        if taken.value is None:
            return [self._gauge.unknown(at)] if "" in watched else []
        count, most = taken.value
        used = 100 * count / most
        text = f"The table of connections of {self._host.name} is {amount(used, '%')} full."
        found = self._gauge.finding(used, text, at)
        if found.level is Level.OK:
            return [found]
        shown = self._gauge.said(used, found.level)
        return [
            replace(
                found,
                facts=(
                    Fact(label="Tracked connections", value=shown),
                    Fact(label="Entries", value=f"{count:,} of {most:,}"),
                ),
                no_action=NoAction(
                    rule="network",
                    reason="what fills the table is an address, and no process here",
                    by_hand="conntrack -S; sysctl net.netfilter.nf_conntrack_max",
                ),
            )
        ]


def _table(roots: Roots) -> tuple[int, int] | None:
    """Return how many are tracked and how many may be; None where there is no table."""
    folder = roots.proc / "sys/net/netfilter"
    try:
        count = int(read_file(folder / "nf_conntrack_count"))
        most = int(read_file(folder / "nf_conntrack_max"))
    except FileNotFoundError:
        return None
    if most <= 0:
        raise NotTold("this kernel tracks connections without a limit")
    return count, most


DETECTOR = Conntrack
