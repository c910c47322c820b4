"""Which ports a process answers on: TCP sockets that listen, UDP sockets that are bound."""

from itertools import islice
from typing import Final

from remediation.target import procfs

_LISTEN: Final = b"0A"
_UNBOUND: Final = b"07"
_TABLES: Final = (
    ("tcp", _LISTEN),
    ("tcp6", _LISTEN),
    ("udp", _UNBOUND),
    ("udp6", _UNBOUND),
)
_MAX_LINES: Final = 65_536
_MAX_FILES: Final = 65_536


def ports(pid: int) -> tuple[int, ...]:
    """Return the ports in ascending order; empty where the bot may not look.

    Sockets that merely wait for a peer of their own are not counted: TCP only in
    state LISTEN, which stand first in their tables, UDP only without a fixed peer. At
    most 65,536 lines of each table and 65,536 open files are read.
    """
    try:
        inodes = _socket_inodes(pid)
        return tuple(sorted(set(_ports(pid, inodes)))) if inodes else ()
    except PermissionError:
        return ()


def _socket_inodes(pid: int) -> set[bytes]:
    inodes = set()
    for link in islice((procfs.PROC / str(pid) / "fd").iterdir(), _MAX_FILES):
        try:
            target = bytes(link.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        if target.startswith(b"socket:["):
            inodes.add(target[8:-1])
    return inodes


def _ports(pid: int, inodes: set[bytes]) -> list[int]:
    found = []
    for table, wanted in _TABLES:
        path = procfs.PROC / str(pid) / "net" / table
        if not path.exists():  # a kernel without IPv6
            continue
        with path.open("rb") as lines:
            for line in islice(lines, 1, _MAX_LINES):
                fields = line.split()
                if fields[3] != wanted and wanted == _LISTEN:
                    break  # of a hundred thousand connections none listens
                if fields[3] == wanted and fields[9] in inodes:
                    found.append(int(fields[1].rpartition(b":")[2], 16))
    return found
