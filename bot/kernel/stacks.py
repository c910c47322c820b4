"""How many tasks still hold a stack of the kernel's: /proc/meminfo, proc_meminfo(5).

A task that ended gives its stack back at once, and its number only when its parent has
asked how it ended. So tasks without a stack are zombies, counted without any process.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from bot.kernel.roots import Roots, read_file

_LINE: Final = re.compile(rb"^KernelStack: +(\d{1,15}) kB$", re.MULTILINE)


def read(roots: Roots) -> int:
    """Return the kibibytes of all stacks; raise `ValueError` where they are not told."""
    found = _LINE.search(read_file(roots.proc / "meminfo"))
    if found is None:
        raise ValueError("/proc/meminfo does not tell the size of the kernel's stacks")
    return int(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class StackBasis:
    """What once was counted: so many living tasks had so many kibibytes of stacks."""

    alive: int
    kilobytes: int

    def ended(self, tasks: int, kilobytes: int) -> int:
        """Return how many of `tasks` have no stack, as of about eight for each core."""
        # Its size is a power of two that depends on the processor: 8, 16, 32 or 64 KiB.
        each = self.kilobytes / max(self.alive, 1)
        size = 2.0 ** round(math.log2(min(max(each, 4), 64)))
        living = self.alive + (kilobytes - self.kilobytes) / size
        return max(round(tasks - living), 0)
