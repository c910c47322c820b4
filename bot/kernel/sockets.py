"""/proc/net/tcp and tcp6: which sockets listen, and who waits to be accepted there.

Of a listening socket `rx_queue` is how many connections wait for the program (tcp_diag in
the kernel says the same); how many may wait is not in these files.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots

_LISTEN: Final = b"0A"
_LINES: Final = 65_536
"""Listening sockets stand first; beyond it nothing is looked for."""
_FILES: Final = 262_144
"""So many open files are looked at for the holder of a socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One socket that listens. waiting: connections that nobody has accepted yet."""

    port: int
    waiting: int
    inode: int


def listeners(roots: Roots) -> list[Listener]:
    """Return the sockets that listen, over both kinds of addresses."""
    return [
        found
        for table in ("net/tcp", "net/tcp6")
        for line in _lines(roots.proc / table)
        if (found := _listener(line)) is not None
    ]


def holders(roots: Roots, inodes: Collection[int]) -> Mapping[int, list[int]]:
    """Return the pids that hold each socket; what is hidden or too far off is left out."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, list[int]] = {}
    for pid, target in islice(_open_files(roots.proc), _FILES):
        inode = wanted.get(target)
        if inode is not None and pid not in found.get(inode, []):
            found.setdefault(inode, []).append(pid)
    return found


def _lines(table: Path) -> Iterator[bytes]:
    try:
        with table.open("rb") as file:
            yield from islice(file, 1, _LINES)
    except FileNotFoundError:  # a kernel without IPv6
        return


def _listener(line: bytes) -> Listener | None:
    fields = line.split()
    if len(fields) < 10 or fields[3] != _LISTEN:
        return None
    try:
        return Listener(
            port=int(fields[1].rpartition(b":")[2], 16),
            waiting=int(fields[4].rpartition(b":")[2], 16),
            inode=int(fields[9]),
        )
    except ValueError:
        return None


def _open_files(proc: Path) -> Iterator[tuple[int, str]]:
    """Give what each process has open, the oldest pids first, as they hold listeners."""
    for pid in sorted(int(p.name) for p in proc.iterdir() if p.name.isdecimal()):
        try:
            names = list((proc / str(pid) / "fd").iterdir())
        except OSError:  # gone, or of somebody else
            continue
        for name in names:
            try:
                yield pid, str(name.readlink())
            except OSError:
                continue
