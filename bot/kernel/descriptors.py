"""File descriptors: /proc/sys/fs/file-nr for the host, /proc/PID/fd and limits for each.

Since Linux 6.2 the size of /proc/PID/fd is how many are open (7 µs); before, they are
counted one by one, which of others only root may.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots, read_file
from bot.ports import NotTold

_LIMIT: Final = re.compile(rb"^Max open files +(\d+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotted:
    """What the host has given out of what it may give: open files, over all processes."""

    used: int
    most: int


def allotted(roots: Roots) -> Allotted:
    """Read file-nr; raise `ValueError` where it says something else."""
    used, free, most = map(int, read_file(roots.proc / "sys/fs/file-nr").split())
    if most <= 0 or used < 0:
        raise ValueError("/proc/sys/fs/file-nr holds no limit")
    return Allotted(used=max(used - free, 0), most=most)


def pids(roots: Roots) -> list[int]:
    """Return all processes that are visible now, ascending."""
    return sorted(int(p.name) for p in roots.proc.iterdir() if p.name.isdecimal())


def opened(roots: Roots, of: Collection[int]) -> Mapping[int, int]:
    """Return how many each of these has open; who ended or is hidden is left out.

    Raises `NotTold` where the kernel refuses it of somebody and tells nobody's by size.
    """
    found: dict[int, int] = {}
    is_refused = False
    if not of:
        return found
    proc = os.open(roots.proc, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for pid in of:
            try:
                size = os.stat(f"{pid}/fd", dir_fd=proc).st_size
                found[pid] = size or _counted(roots.proc / str(pid) / "fd")
            except (FileNotFoundError, ProcessLookupError):
                continue
            except OSError:
                is_refused = True
    finally:
        os.close(proc)
    if is_refused and not _has_sizes(roots):
        raise NotTold("this kernel tells file descriptors of others to root only")
    return found


def soft_limit(roots: Roots, pid: int) -> int | None:
    """Return how many a process may open; None where it has no limit or is gone."""
    try:
        found = _LIMIT.search(read_file(f"{roots.proc}/{pid}/limits"))
    except OSError:
        return None
    return int(found[1]) if found else None


def _counted(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _has_sizes(roots: Roots) -> bool:
    """Say whether the folder's size is a count; this process has some open for sure."""
    try:
        return (roots.proc / "self/fd").stat().st_size > 0
    except OSError:
        return True
