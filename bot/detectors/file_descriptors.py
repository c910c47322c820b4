"""The host has nearly no file descriptors left; at its limit everything fails (ENFILE).

Unit: percent of fs.file-max that is given out. Window: none, it is an amount. Limits: 70
and 90 % (node-mixin's NodeFileDescriptorLimit). A host with systemd has a limit beyond all
reach; then this stays near zero. Culprits: what each process has open, as a part of all.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import culprit_facts, culprits, sharers
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel import descriptors
from bot.kernel.descriptors import Allotted
from bot.measuring.gauge import Gauge
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

ASKED: Final = 20_000
"""So many processes are asked for a culprit, the newest first."""
_NOBODY: Final = "no process has half of all descriptors open"
_HIDDEN: Final = "who it is is told to nobody but root"


class FileDescriptorsSection(DetectorSection):
    """Limits in percent of what the host may give out."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    warning: float = 70
    critical: float = 90


class FileDescriptors:
    """Measures how many descriptors the host has given out."""

    name = "file_descriptors"
    Section = FileDescriptorsSection

    def __init__(self, section: FileDescriptorsSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="File descriptors",
            unit="%",
            limits=section.limits(),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the host's own finding is always in the answer."""
        del watched
        taken = self._host.sampler.look(descriptors.allotted)
        now = taken.value
        used = min(100 * now.used / now.most, 100.0)
        text = (
            f"{self._host.name} has given out {amount(used, '%')} of its descriptors."
        )
        found = self._gauge.finding(used, text, taken.at.wall)
        return [found if found.level is Level.OK else self._explained(found, now)]

    def _explained(self, found: Finding, now: Allotted) -> Finding:
        told = self._culprits(now.used, found.value or 0.0)
        blamed = told or ()
        shown = self._gauge.said(found.value or 0.0, found.level)
        return replace(
            found,
            culprits=blamed,
            facts=(
                Fact(label="File descriptors", value=shown),
                Fact(label="Given out", value=f"{now.used:,} of {now.most:,}"),
                *culprit_facts(blamed, "all that are open"),
            ),
            no_action=NoAction(
                rule="no culprit",
                reason=_HIDDEN if told is None else _NOBODY,
                by_hand="sysctl fs.file-nr; lsof -n | awk '{print $1}' | sort | uniq -c",
            ),
        )

    def _culprits(self, used: int, percent: float) -> tuple[Culprit, ...] | None:
        """Return who has most open; None where that is not told."""
        sampler = self._host.sampler
        try:
            scan = sampler.processes()
            newest = sorted(scan.rows, reverse=True)[:ASKED]
            opened = descriptors.opened(sampler.roots, [pid for pid, _ in newest])
        except (OSError, ValueError, NotTold):
            return None
        held = {key: opened[key[0]] for key in newest if opened.get(key[0])}
        found = sharers(held, scan.rows, max(used, 1))
        return culprits(found, self._host.facts, percent)


DETECTOR = FileDescriptors
