"""Network cards: /proc/net/dev counts what went through, /sys/class/net tells of the link.

A card is what has a device behind it. Bridges, tunnels, bonds and what containers have
(`veth`) have none: what goes wrong there goes wrong on a card too, or is meant.
"""

from collections.abc import Collection, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots, read_file
from remediation.printable import printable

_FIELDS: Final = 16
_ROUTE: Final = 8
_UP: Final = 1  # IFF_UP, include/uapi/linux/if.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What went through one interface since it is there, or between two readings.

    errors: damaged frames and failed ones. dropped: whole ones that nobody took.
    """

    received_bytes: int
    received: int
    sent_bytes: int
    sent: int
    errors: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a card stands. is_up: somebody switched it on. has_carrier: it has a link.

    bits_per_second: the link's own speed each way; None where it does not say.
    """

    is_up: bool
    has_carrier: bool
    bits_per_second: int | None


def traffic(roots: Roots) -> Mapping[str, Traffic]:
    """Return the counters of every interface by its printable name."""
    found = {}
    for line in read_file(roots.proc / "net/dev").splitlines():
        name, colon, rest = line.partition(b":")
        fields = rest.split()
        if colon and len(fields) >= _FIELDS and all(f.isdigit() for f in fields):
            found[printable(name.strip())] = _traffic([int(f) for f in fields])
    return found


def between(before: Traffic, now: Traffic) -> Traffic | None:
    """Return what went through in between; None where a counter was set back."""
    received_bytes, received, sent_bytes, sent, errors, dropped = (
        after - earlier
        for earlier, after in zip(astuple(before), astuple(now), strict=True)
    )
    if min(received_bytes, received, sent_bytes, sent, errors, dropped) < 0:
        return None
    return Traffic(
        received_bytes=received_bytes,
        received=received,
        sent_bytes=sent_bytes,
        sent=sent,
        errors=errors,
        dropped=dropped,
    )


def links(roots: Roots, *, more: Collection[str] = ()) -> Mapping[str, Link]:
    """Return how the cards stand, by their printable names; `more`: others to look at."""
    found = {}
    for folder in (roots.sys / "class/net").iterdir():
        name = printable(folder.name)
        if (folder / "device").exists() or name in more:
            found[name] = _link(folder)
    return found


def default_routes(roots: Roots) -> frozenset[str]:
    """Return the interfaces of the default routes (IPv4), by their printable names."""
    try:
        lines = read_file(roots.proc / "net/route").splitlines()[1:]
    except OSError:
        return frozenset()
    routes = [fields for line in lines if len(fields := line.split()) >= _ROUTE]
    # Destination and mask; a route that refuses stands there with them too, by no card.
    return frozenset(
        printable(r[0]) for r in routes if int(r[1], 16) == int(r[7], 16) == 0
    )


def _traffic(fields: list[int]) -> Traffic:
    return Traffic(
        received_bytes=fields[0],
        received=fields[1],
        sent_bytes=fields[8],
        sent=fields[9],
        errors=fields[2] + fields[10],
        dropped=fields[3] + fields[11],
    )


def _link(folder: Path) -> Link:
    speed = _number(folder / "speed", 10)
    return Link(
        is_up=bool((_number(folder / "flags", 16) or 0) & _UP),
        has_carrier=_number(folder / "carrier", 10) == 1,
        bits_per_second=speed * 1_000_000 if speed and speed > 0 else None,
    )


def _number(file: Path, base: int) -> int | None:
    # Of a card that is switched off some are refused with "invalid argument".
    try:
        return int(read_file(file), base)
    except (OSError, ValueError):
        return None
