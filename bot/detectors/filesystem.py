"""A file system is nearly full.

Unit: percent used as df(1) counts it: blocks kept for root are not free. Window: none,
it is an amount. Limits: at 85 % file systems fragment and clean-up jobs still have
time; at 95 % a day's logs may not fit (Netdata has 90 and 98, node-mixin 95 and 97 %,
both without a button to clean). It clears two points inside a limit, since disks are
freed in steps. One subject for each real file system, however often it is mounted.
"""

from collections.abc import Collection

from bot.host.host import HostContext
from bot.host.mounts import Filesystem
from bot.measuring.fullness import Fullness, FullnessSection, Used
from bot.measuring.gauge import Gauge
from bot.model import Finding
from bot.text.words import amount


class FilesystemDetector:
    """Measures how full each file system is."""

    name = "filesystem"
    Section = FullnessSection

    def __init__(self, section: FullnessSection, host: HostContext) -> None:
        self.section = section
        gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Disk",
            unit="%",
            limits=section.limits(),
        )
        self._fullness = Fullness(gauge, host, _space)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the file systems that can be written, and the watched ones."""
        return self._fullness.check(watched)


def _space(filesystem: Filesystem) -> Used | None:
    if filesystem.used_percent is None:
        return None
    return Used(
        percent=filesystem.used_percent,
        free=amount(filesystem.free_bytes, "B"),
        total=amount(filesystem.total_bytes, "B"),
    )


DETECTOR = FilesystemDetector
