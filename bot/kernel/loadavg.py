"""/proc/loadavg: how many tasks want a core, and how many there are; proc_loadavg(5)."""

import re
from dataclasses import dataclass
from typing import Final

from bot.kernel.roots import Roots, read_file

_LINE: Final = re.compile(rb"(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) (\d+)/(\d+) \d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadAverage:
    """one, five, fifteen: tasks that ran, waited for a core or for a disk, over minutes.

    running: tasks that run or wait for a core at this instant. tasks: all threads.
    """

    one: float
    five: float
    fifteen: float
    running: int
    tasks: int


def read(roots: Roots) -> LoadAverage:
    """Read it; raise `ValueError` where it says something else."""
    found = _LINE.match(read_file(roots.proc / "loadavg"))
    if found is None:
        raise ValueError("/proc/loadavg holds no load")
    one, five, fifteen = (float(found[n]) for n in (1, 2, 3))
    return LoadAverage(
        one=one,
        five=five,
        fifteen=fifteen,
        running=int(found[4]),
        tasks=int(found[5]),
    )
