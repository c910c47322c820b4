"""A software RAID lost disks: how many more may fail before its data is lost.

Unit: % of the array's redundancy that is used up: its missing members over those that may
be missing (md(4): all but one of raid1, one of raid4 and raid5, two of raid6; of raid10 one,
as a second may be the other copy). Window: none. Limits: whatever is missing is a warning,
100 % critical, when the next disk takes the data with it; node-mixin's `NodeRAIDDegraded` is
critical at once. Two minutes, for a disk that is only swapped. A rebuild leaves it as it is
until it is done. Culprits and action: none, a disk has to be replaced by hand.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel import mdstat
from bot.kernel.mdstat import Array
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction


class RaidSection(DetectorSection):
    """Limits in percent of the redundancy."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=30
    )
    for_: Duration = Field(default=timedelta(minutes=2), alias="for")
    warning: float = 1
    critical: float = 100
    clear_warning: float | None = 1
    clear_critical: float | None = 100


class Raid:
    """Looks at which arrays have fewer members than they want."""

    name = "raid"
    Section = RaidSection

    def __init__(self, section: RaidSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Redundancy used up",
            unit="%",
            limits=section.limits(),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Look once: what lacks a disk, and the watched ones."""
        taken = self._host.sampler.look(mdstat.read)
        found = {array.name: array for array in taken.value}
        lacking = {name for name, array in found.items() if array.used_up > 0}
        subjects = lacking | set(watched)
        self._gauge.keep(subjects)
        at = taken.at.wall
        return [self._judged(name, found.get(name), at) for name in sorted(subjects)]

    def _judged(self, name: str, array: Array | None, at: datetime) -> Finding:
        if array is None:
            text = f"{self._host.name} has no array {name} any more."
            return replace(self._gauge.finding(None, text, at, name), is_passing=False)
        has = f"has {array.there} of {array.wanted} disks"
        text = f"The {array.level} {name} of {self._host.name} {has}."
        found = self._gauge.finding(array.used_up, text, at, name)
        found = replace(found, label=f"Redundancy of {name} used up", is_passing=True)
        if found.level is Level.OK:
            return found
        return replace(
            found,
            facts=(
                Fact(label="Array", value=f"{name}, {array.level}, {has}"),
                Fact(label="Thrown out", value=", ".join(array.failed) or "gone"),
                Fact(label="Rebuild", value=array.rebuild or "none is under way"),
            ),
            no_action=NoAction(
                rule="hardware",
                reason="a disk has to be replaced by hand",
                by_hand=f"mdadm --detail /dev/{name}; journalctl -k -g md/ -n 20",
            ),
        )


DETECTOR = Raid
