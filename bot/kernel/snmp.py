"""/proc/net/snmp and /proc/net/netstat: what the network code has counted since boot.

Each has pairs of lines: a protocol with names, the same protocol with numbers.
"""

from collections.abc import Mapping
from itertools import pairwise

from bot.kernel.roots import Roots, read_file


def read(roots: Roots) -> Mapping[str, int]:
    """Return the counters by protocol and name: `Tcp.RetransSegs`."""
    found: dict[str, int] = {}
    for file in ("net/snmp", "net/netstat"):
        lines = read_file(roots.proc / file).decode(errors="replace").splitlines()
        for names, numbers in pairwise(lines):
            found |= _paired(names, numbers)
    return found


def _paired(names: str, numbers: str) -> dict[str, int]:
    protocol, _, words = names.partition(": ")
    again, _, values = numbers.partition(": ")
    # Some figures (Tcp.MaxConn) are -1; none that is counted is.
    if protocol != again or not values[:1].isdecimal():
        return {}
    pairs = zip(words.split(), values.split(), strict=False)
    return {f"{protocol}.{name}": int(v) for name, v in pairs if v.isdecimal()}
