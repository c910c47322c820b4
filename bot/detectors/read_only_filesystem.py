"""A file system turned read-only: the kernel met an error and stopped writing to it.

Unit: none; 1 where nothing can be written any more, 0 where it can. Window: none. Limits:
it is always critical, as the runbook's steps have no time. It is bad where this bot saw it writable before, where fstab(5) mounts it writable,
and where the kernel says that it gave up; what is meant to be read-only (images, a mount
that was never anything else) is left alone, and of what fstab mounts `ro` only the kernel's
own word counts: who remounted it to write puts it back. A mount that only this bot sees
read-only is none (systemd's ProtectSystem). Culprits and action: none, it is the device.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.host.mounts import Mount, parse, real
from bot.kernel.roots import Roots
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, Limits, NoAction
from remediation.printable import printable

TOLD: Final = 20
"""So many file systems are told of in a round, beside the watched ones."""
_ONE: Final = Limits(warning=1, critical=1, clear_warning=1, clear_critical=1)
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


class ReadOnlySection(DetectorSection):
    """It has no limits. fstab: where it stands what is mounted writable."""

    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(seconds=15), alias="for")
    warning: float = 1
    critical: float = 1
    fstab: Path = Path("/etc/fstab")


class ReadOnlyFilesystem:
    """Looks at which file systems are mounted read-only, and should not be."""

    name = "read_only_filesystem"
    Section = ReadOnlySection

    def __init__(self, section: ReadOnlySection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name, host=host.name, label="Writing", unit="", limits=_ONE
        )
        self._writable: set[tuple[bytes, bytes]] = set()
        """Device and point of what was writable when this bot looked."""

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Look once: what turned read-only, and the watched ones."""
        taken = self._host.sampler.look(_mounted)
        found = {mount.name: mount for mount in taken.value}
        self._writable = {_key(m) for m in taken.value if self._was_writable(m)}
        turned = sorted(name for name, m in found.items() if self._turned(m, watched))
        subjects = set(turned[:TOLD]) | set(watched)
        self._gauge.keep(subjects)
        at = taken.at.wall
        return [self._judged(s, found.get(s), watched, at) for s in sorted(subjects)]

    def _was_writable(self, mount: Mount) -> bool:
        return not mount.read_only or _key(mount) in self._writable

    def _turned(self, mount: Mount, watched: Collection[str]) -> bool:
        """Say whether it is read-only and was not meant to be."""
        if not mount.read_only:
            return False
        if mount.gave_up:
            return True
        points = by_fstab(self.section.fstab)
        if points.get(mount.point) == "ro":
            return False
        known = mount.name in watched or _key(mount) in self._writable
        return known or points.get(mount.point) == "rw"

    def _judged(
        self,
        subject: str,
        mount: Mount | None,
        watched: Collection[str],
        at: datetime,
    ) -> Finding:
        if mount is None:
            text = f"{subject} is not mounted any more."
            return self._named(self._gauge.finding(None, text, at, subject))
        if not self._turned(mount, watched):
            can = "is meant to be read-only" if mount.read_only else "can be written"
            text = f"{subject} {can}."
            found = self._named(self._gauge.finding(0.0, text, at, subject))
            return replace(found, shown="read-only" if mount.read_only else "writable")
        text = f"{subject} turned read-only; {_because(mount)}."
        found = self._named(self._gauge.finding(1.0, text, at, subject))
        return replace(
            found,
            shown="read-only",
            facts=(
                Fact(label="Writing", value="read-only"),
                Fact(label="Device", value=printable(mount.source, limit=80)),
                Fact(label="Kind", value=mount.kind),
            ),
            no_action=NoAction(
                rule="device error",
                reason="nothing that this bot may do mends a device or what is on it",
                by_hand=f"findmnt {quote(subject)}; journalctl -k -p err --since -6h",
            ),
        )

    def _named(self, found: Finding) -> Finding:
        label = f"Writing to {found.subject}"
        return replace(found, label=label, is_passing=found.level is not Level.UNKNOWN)


def by_fstab(fstab: Path) -> Mapping[bytes, str]:
    """Return how fstab(5) mounts its mount points, "ro" or "rw"; none without one."""
    try:
        lines = fstab.read_bytes().splitlines()
    except OSError:
        return {}
    entries = [line.split() for line in lines if not line.lstrip().startswith(b"#")]
    return {
        _OCTAL.sub(lambda code: bytes([int(code[1], 8)]), entry[1]): "ro"
        if b"ro" in entry[3].split(b",")
        else "rw"
        for entry in entries
        if len(entry) >= 4
    }


def _because(mount: Mount) -> str:
    if mount.gave_up:
        return "the kernel met an error and stopped writing to it"
    return "it was writable, or fstab says that it should be"


def _key(mount: Mount) -> tuple[bytes, bytes]:
    return mount.device, mount.point


def _mounted(roots: Roots) -> list[Mount]:
    return real(parse((roots.proc / "self/mountinfo").read_bytes()))


DETECTOR = ReadOnlyFilesystem
