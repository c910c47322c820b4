"""/proc/mdstat: arrays of disks that have redundancy, and how many members they lack."""

import re
from dataclasses import dataclass, replace
from typing import Final

from bot.kernel.roots import Roots, read_file
from remediation.printable import printable

# md0 : active raid5 sdd1[3] sdc1[2](F) sdb1[1]
_ARRAY: Final = re.compile(rb"^(\S+) : active (?:\([^)]*\) )?(raid\d+) (.*)$")
#       1953260544 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [_UU]
_MEMBERS: Final = re.compile(rb"\[(\d{1,5})/(\d{1,5})\]")
_REBUILD: Final = re.compile(rb"(recovery|resync|reshape|check) *= *(\d+\.\d+%)")
_FAILED: Final = re.compile(rb"(\S+)\[\d+\]\(F\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """One array as /proc/mdstat tells it. failed: the disks it threw out."""

    name: str
    level: str
    wanted: int
    there: int
    failed: tuple[str, ...]
    rebuild: str

    @property
    def used_up(self) -> float:
        """Percent of the redundancy that is gone."""
        spare = {"raid1": self.wanted - 1, "raid6": 2}.get(self.level, 1)
        return 100 * (self.wanted - self.there) / max(spare, 1)


def read(roots: Roots) -> list[Array]:
    """Read /proc/mdstat: the arrays that have redundancy."""
    return parse(read_file(roots.proc / "mdstat"))


def parse(text: bytes) -> list[Array]:
    """Return the arrays; what is inactive or has no redundancy is none."""
    found: list[Array] = []
    head: re.Match[bytes] | None = None
    for line in text.splitlines():
        head = _ARRAY.match(line) or (head if line.startswith(b" ") else None)
        members = _MEMBERS.search(line) if head and line.startswith(b" ") else None
        rebuild = _REBUILD.search(line)
        if head and members:
            found.append(_array(head, members))
        elif found and rebuild:
            words = b" at ".join(rebuild.groups()).decode()
            found[-1] = replace(found[-1], rebuild=words)
    return found


def _array(head: re.Match[bytes], members: re.Match[bytes]) -> Array:
    disks = _FAILED.findall(head[3])
    return Array(
        name=printable(head[1], limit=40),
        level=head[2].decode(),
        wanted=int(members[1]),
        there=int(members[2]),
        failed=tuple(printable(disk, limit=40) for disk in disks[:20]),
        rebuild="",
    )
