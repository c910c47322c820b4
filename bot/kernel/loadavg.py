"""/proc/loadavg: how many tasks want a core, and how many there are; proc_loadavg(5)."""

import math
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

    def active_since(self, earlier: "LoadAverage", seconds: float) -> float:
        """Return how many tasks ran or waited since then; the average forgets slowly.

        The kernel folds what is active into the average of one minute with the weight
        1 - exp(-t/60) (kernel/sched/loadavg.c); here it is taken out again.
        """
        kept = math.exp(-seconds / 60)
        return max((self.one - earlier.one * kept) / (1 - kept), 0.0)


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
