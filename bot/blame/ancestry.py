"""Who started whom, in one scan: the one place that walks up from a process.

A parent is always older than its child; a younger one has got the pid of one that ended.
Pid 1 and pid 2 are nobody's doing: they adopt what others made, and lead all there is.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from bot.host.procfs import ProcessRow

NOBODY: Final = 2
"""Up to this pid: the first process, and the one that leads the kernel's threads."""
_DEEPEST: Final = 64
"""So many parents are followed; deeper trees are somebody's loop."""


class Ancestry:
    """The parents of all processes in one scan's rows."""

    def __init__(self, rows: Iterable[ProcessRow]) -> None:
        self.by_pid = {row.pid: row for row in rows}

    def parent(self, row: ProcessRow) -> ProcessRow | None:
        """Return who started it; None where that is nobody, or has ended."""
        above = self.by_pid.get(row.ppid) if row.ppid > NOBODY else None
        is_older = above is not None and above.start_ticks <= row.start_ticks
        return above if is_older else None

    def line(self, row: ProcessRow) -> Iterator[ProcessRow]:
        """Yield a process, who started it, who started that one, and so on."""
        above: ProcessRow | None = row
        for _ in range(_DEEPEST):
            if above is None:
                return
            yield above
            above = self.parent(above)
