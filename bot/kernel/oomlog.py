"""What the kernel's log says of OOM kills, and which cgroups count any.

The bot may read /dev/kmsg only where `kernel.dmesg_restrict` is 0; the journal, which
`bot/detectors/oom_kill.py` asks then, has the same lines.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots, read_file
from remediation.printable import printable
from remediation.target.cgroup import parse

KMSG: Final = Path("/dev/kmsg")
_RECORD: Final = 8192
_RECORDS: Final = 1_000_000
"""More than the longest ring holds: the newest stand at its end."""
_CGROUPS: Final = 2000
# mm/oom_kill.c: dump_oom_summary() since 5.0, before that __oom_kill_process() alone.
_KILL: Final = re.compile(
    r"oom-kill:constraint=(\w+),.*task_memcg=(.*?),task=(.*),pid=(\d+),uid=\d+"
)
# Priority and number of a record, Documentation/ABI/testing/dev-kmsg.
_HEAD: Final = re.compile(r"\d+,(\d+),")
_COUNTED: Final = re.compile(rb"^oom_kill ([1-9]\d*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A process that the kernel killed. Every text is printable.

    place: its unit, else its cgroup. of_cgroup: whether its cgroup's limit was reached,
    and not the host's memory. number: of its record in the kernel's log; -1 elsewhere.
    """

    name: str
    pid: int
    place: str
    of_cgroup: bool
    number: int = -1


def kernel_lines(path: Path = KMSG) -> Iterator[str]:
    """Yield the kernel's log, the oldest line first; raise `OSError`."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(_RECORDS):
            try:
                record = os.read(file, _RECORD)
            except BrokenPipeError:  # what was next has been overwritten
                continue
            except BlockingIOError:
                return
            if not record:
                return
            yield from record.decode(errors="replace").splitlines()
    finally:
        os.close(file)


def victims(lines: Iterable[str], newest: int) -> Sequence[Victim]:
    """Return the newest kills that the lines tell of, the oldest of them first."""
    found = [
        _victim(kill, number(line)) for line in lines if (kill := _KILL.search(line))
    ]
    return found[-newest:] if newest > 0 else []


def number(line: str) -> int:
    """Return the number of a record in the kernel's log; -1 where it has none."""
    head = _HEAD.match(line)
    return int(head[1]) if head else -1


def counted(roots: Roots) -> Sequence[str]:
    """Return the units or cgroups that count OOM kills since they began (version 2)."""
    top = roots.sys / "fs" / "cgroup"
    found = []
    for folder in _folders(top):
        try:
            kills = _COUNTED.search(read_file(folder / "memory.events"))
        except OSError:
            continue
        if kills is not None:
            found.append(_place(f"/{folder.relative_to(top)}"))
    return list(dict.fromkeys(found))


def _folders(top: Path) -> Iterator[Path]:
    for seen, (folder, below, _) in enumerate(os.walk(top)):
        if seen >= _CGROUPS:
            return
        if below:  # a parent counts its children's as well, and names nobody
            continue
        yield Path(folder)


def _victim(kill: re.Match[str], number: int) -> Victim:
    return Victim(
        name=printable(kill[3], limit=60),
        pid=int(kill[4]),
        place=_place(kill[2]),
        of_cgroup=kill[1] == "CONSTRAINT_MEMCG",
        number=number,
    )


def _place(cgroup: str) -> str:
    return parse(f"0::{cgroup}").unit or printable(cgroup, limit=120)
