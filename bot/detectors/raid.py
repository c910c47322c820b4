"""A software RAID lost disks: how many more may fail before its data is lost.

Unit: % of the array's redundancy that is used up: its missing members over those that may
be missing (md(4): all but one of raid1, one of raid4 and raid5, two of raid6; of raid10 one,
as a second may be the other copy). Window: none. Limits: whatever is missing is a warning,
100 % critical, when the next disk takes the data with it; node-mixin's `NodeRAIDDegraded` is
critical at once. Two minutes, for a disk that is only swapped. A rebuild leaves it as it is
until it is done. Culprits and action: none, a disk has to be replaced by hand.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.durations import Duration
from bot.gauge import Gauge
from bot.host import HostContext
from bot.kernel.roots import Roots, read_file
from bot.model import Fact, Finding, Level, NoAction
from bot.settings import DetectorSection
from remediation.printable import printable

# md0 : active raid5 sdd1[3] sdc1[2](F) sdb1[1]
_ARRAY: Final = re.compile(rb"^(\S+) : active (?:\([^)]*\) )?(raid\d+) (.*)$")
#       1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [_UU]
_MEMBERS: Final = re.compile(rb"\[(\d{1,5})/(\d{1,5})\]")
_REBUILD: Final = re.compile(rb"(recovery|resync|reshape|check) *= *(\d+\.\d+%)")
_FAILED: Final = re.compile(rb"(\S+)\[\d+\]\(F\)")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """One array as /proc/mdstat tells it. failed: the disks it threw out."""

    name: str
    level: str
    wanted: int
    there: int
    failed: tuple[str, ...]
    rebuild: str

    @property
    def used_up(self) -> float:
        """Percent of the redundancy that is gone."""
        spare = {"raid1": self.wanted - 1, "raid6": 2}.get(self.level, 1)
        return 100 * (self.wanted - self.there) / max(spare, 1)


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
        taken = self._host.sampler.look(read)
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


def read(roots: Roots) -> list[Array]:
    """Read /proc/mdstat: the arrays that have redundancy."""
    return parse(read_file(roots.proc / "mdstat"))


def parse(text: bytes) -> list[Array]:
    """Return the arrays; what is inactive or has no redundancy is none."""
    found: list[Array] = []
    head: re.Match[bytes] | None = None
    for line in text.splitlines():
        head = _ARRAY.match(line) or (head if line.startswith(b" ") else None)
        members = _MEMBERS.search(line) if head and line.startswith(b" ") else None
        rebuild = _REBUILD.search(line)
        if head and members:
            found.append(_array(head, members))
        elif found and rebuild:
            words = b" at ".join(rebuild.groups()).decode()
            found[-1] = replace(found[-1], rebuild=words)
    return found


def _array(head: re.Match[bytes], members: re.Match[bytes]) -> Array:
    disks = _FAILED.findall(head[3])
    return Array(
        name=printable(head[1], limit=40),
        level=head[2].decode(),
        wanted=int(members[1]),
        there=int(members[2]),
        failed=tuple(printable(disk, limit=40) for disk in disks[:20]),
        rebuild="",
    )


DETECTOR = Raid
