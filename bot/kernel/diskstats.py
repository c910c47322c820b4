"""/proc/diskstats: what each disk has done since boot; see iostats.rst of the kernel.

Whole disks only, as /sys/block lists them: no partitions, and nothing that is memory or a
file (`ram0`, `zram0`, `loop0`) or has a tray. Mapped and mirrored ones (`dm-0`, `md0`)
stand beside the disks below them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots, read_file

SECTOR_BYTES: Final = 512
_NO_DISKS: Final = re.compile(r"(loop|ram|zram|fd|sr|nbd)\d+")
_WRAP: Final = 1 << 32
"""The milliseconds are of 32 bits: they begin anew after 49 days of waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskCounters:
    """Reads and writes of one disk since boot.

    requests: that are done. waited_ms: all of them together, queue and device. busy_ms:
    time with any request under way. under_way: requests now. sectors: of 512 bytes.
    """

    requests: int
    waited_ms: int
    busy_ms: int
    under_way: int
    sectors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskWork:
    """What a disk did between two readings.

    wait_ms: per request, queue included. busy: percent of the time. queue: requests under
    way, on average.
    """

    requests_per_second: float
    wait_ms: float
    busy: float
    queue: float
    bytes_moved: int


def read(roots: Roots) -> Mapping[str, DiskCounters]:
    """Read the counters by name; lines that are not understood are left out."""
    text = read_file(roots.proc / "diskstats").decode(errors="replace")
    known = set(_named(roots))
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 14 or fields[2] not in known or _NO_DISKS.match(fields[2]):
            continue
        if all(field.isdecimal() for field in fields[3:14]):
            found[fields[2]] = _counters([int(field) for field in fields[3:14]])
    return found


def work(before: DiskCounters, now: DiskCounters, seconds: float) -> DiskWork | None:
    """Return what was done in between; None where a counter was set back."""
    requests = now.requests - before.requests
    sectors = now.sectors - before.sectors
    if requests < 0 or sectors < 0 or seconds <= 0:
        return None
    waited = (now.waited_ms - before.waited_ms) % _WRAP
    busy = min(100 * ((now.busy_ms - before.busy_ms) % _WRAP) / (1000 * seconds), 100)
    wait = waited / requests if requests else 0.0
    if not requests and now.under_way and before.under_way:
        # Nothing came back at all: who waits has waited for the whole time, or longer.
        # Since Linux 5.0 a disk is counted as busy only when a request begins or ends.
        wait, busy = 1000 * seconds, 100.0
    return DiskWork(
        requests_per_second=requests / seconds,
        wait_ms=wait,
        busy=busy,
        queue=waited / (1000 * seconds),
        bytes_moved=SECTOR_BYTES * sectors,
    )


def rotational(roots: Roots) -> frozenset[str]:
    """Return the disks that turn."""
    return frozenset(
        name
        for name, folder in _named(roots).items()
        if _said(folder / "queue/rotational") == b"1"
    )


def below(roots: Roots) -> Mapping[str, frozenset[str]]:
    """Return the disks that each mapped or mirrored one lies on."""
    found = {}
    for name, folder in _named(roots).items():
        slaves = folder / "slaves"
        lower = (
            {_name(slave) for slave in slaves.iterdir()} if slaves.is_dir() else set()
        )
        if lower:
            found[name] = frozenset(lower)
    return found


def _counters(numbers: list[int]) -> DiskCounters:
    reads, _, read_sectors, read_ms, writes, _, written_sectors, write_ms = numbers[:8]
    return DiskCounters(
        requests=reads + writes,
        waited_ms=read_ms + write_ms,
        busy_ms=numbers[9],
        under_way=numbers[8],
        sectors=read_sectors + written_sectors,
    )


def _named(roots: Roots) -> Mapping[str, Path]:
    return {_name(folder): folder for folder in (roots.sys / "block").iterdir()}


def _name(folder: Path) -> str:
    return folder.name.replace("!", "/")


def _said(file: Path) -> bytes:
    try:
        return read_file(file).strip()
    except OSError:
        return b""
