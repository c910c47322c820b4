"""/proc/stat beyond the CPU's time: what was forked and what waits; proc_stat(5)."""

import re
from dataclasses import dataclass
from typing import Final

from bot.kernel.roots import Roots, read_file

_LINE: Final = re.compile(rb"^(processes|procs_blocked) (\d{1,19})$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """forks: processes and threads made since boot. blocked: tasks that wait for a disk."""

    forks: int
    blocked: int


def read(roots: Roots) -> Activity:
    """Read it; raise `ValueError` where a line is missing."""
    found = {k: int(v) for k, v in _LINE.findall(read_file(roots.proc / "stat"))}
    if len(found) < 2:
        raise ValueError("/proc/stat does not count the processes")
    return Activity(forks=found[b"processes"], blocked=found[b"procs_blocked"])
