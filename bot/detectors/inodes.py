"""A file system has nearly no inodes left: no file can be made, though there is space.

Unit: percent used as `df -i` counts them. Window: none, it is an amount. Limits: 85 and
95 %, as for space (Netdata has 90 and 98, node-mixin 95 and 97 %, both later); it clears
two points inside a limit. File systems that make inodes
as they need them (btrfs) have no such figure and are left out. Culprits: none; nobody
counts who makes files. Old files may be deleted, which frees inodes as it frees space.
"""

from collections.abc import Collection

from bot.host.host import HostContext
from bot.host.mounts import Filesystem
from bot.measuring.fullness import Fullness, FullnessSection, Used
from bot.measuring.gauge import Gauge
from bot.model import Finding


class Inodes:
    """Measures how many of its inodes each file system has used."""

    name = "inodes"
    Section = FullnessSection

    def __init__(self, section: FullnessSection, host: HostContext) -> None:
        self.section = section
        gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Inodes of",
            unit="%",
            limits=section.limits(),
        )
        self._fullness = Fullness(gauge, host, _inodes, what="of its inodes")

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the file systems that can be written, and the watched ones."""
        return self._fullness.check(watched)


def _inodes(filesystem: Filesystem) -> Used | None:
    if filesystem.used_inodes_percent is None:
        return None
    return Used(
        percent=filesystem.used_inodes_percent,
        free=f"{filesystem.free_inodes:,}",
        total=f"{filesystem.inodes:,}",
    )


DETECTOR = Inodes
