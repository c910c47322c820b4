"""/proc/vmstat: what the kernel had to do for lack of memory, since boot; proc_vmstat(5)."""

import re
from dataclasses import dataclass
from typing import Final

from bot.kernel.roots import Roots, read_file

# Since Linux 5.9 refaults are told apart; before, there is one figure without an ending.
_LINE: Final = re.compile(
    rb"^(oom_kill|pswpin|pswpout|pgmajfault|workingset_refault(?:_anon|_file)?)"
    rb" (\d{1,19})$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEvents:
    """Counted since boot; None is what this kernel does not count.

    swapped_in, swapped_out: pages. major_faults: page faults that had to wait for a disk.
    refaults: pages that came back soon after they were dropped or swapped out.
    """

    oom_kills: int | None
    swapped_in: int | None
    swapped_out: int | None
    major_faults: int | None
    refaults: int | None


def read(roots: Roots) -> MemoryEvents:
    """Read it; raise `ValueError` where nothing of it is there."""
    found = {k: int(v) for k, v in _LINE.findall(read_file(roots.proc / "vmstat"))}
    if not found:
        raise ValueError("/proc/vmstat counts nothing that is known")
    refaults = [n for name, n in found.items() if name.startswith(b"workingset")]
    return MemoryEvents(
        oom_kills=found.get(b"oom_kill"),
        swapped_in=found.get(b"pswpin"),
        swapped_out=found.get(b"pswpout"),
        major_faults=found.get(b"pgmajfault"),
        refaults=sum(refaults) if refaults else None,
    )
