"""Who has how many file descriptors open, without asking everybody in each round.

Everybody is asked once at the start, and again when the host gave out more than it had at
its lowest since. In between only those are asked that somebody is interested in. What is
only copied (dup, fork) costs the host nothing and is not noticed by it.
"""

import math
from collections.abc import Collection, Mapping
from typing import Final

from bot.host.host import HostSampler
from bot.kernel import descriptors
from bot.ports import NotTold

AT_ONCE: Final = 20_000
"""So many processes are asked in a round; the others follow in the next ones."""


class Holding:
    """Counts descriptors by pid.

    margin: by how much the host's own figure must rise before everybody is asked.
    """

    def __init__(self, sampler: HostSampler, margin: int) -> None:
        self._sampler = sampler
        self._margin = margin
        self._lowest = -math.inf
        self._waiting: list[int] = []
        self._boot_id = ""

    def measure(self, also: Collection[int]) -> Mapping[int, int]:
        """Return the counts of `also`, and of everybody where that is worth it.

        Raises `NotTold` and `ValueError` as the host's own figure does.
        """
        taken = self._sampler.look(descriptors.allotted)
        used, roots = taken.value.used, self._sampler.roots
        if taken.at.boot_id != self._boot_id:
            self._boot_id, self._lowest = taken.at.boot_id, -math.inf
        # Whoever waits still is asked first, or the last of many never would be.
        if not self._waiting and used - self._lowest >= self._margin:
            self._waiting = descriptors.pids(roots)
            self._lowest = used
        self._lowest = min(self._lowest, used)
        asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            return descriptors.opened(roots, {*asked, *also})
        except NotTold:
            self._lowest = -math.inf  # the next round is told the same, and no zero
            raise

    def limit(self, pid: int) -> int | None:
        """Return how many a process may open; None where it may open any number."""
        return descriptors.soft_limit(self._sampler.roots, pid)
