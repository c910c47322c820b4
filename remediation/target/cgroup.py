"""Where a process lives: its cgroup, and the systemd unit or container that this names."""

import re
from dataclasses import dataclass
from typing import Final

from remediation.printable import printable
from remediation.target import procfs

ROOT: Final = "/"
_PATH_LIMIT: Final = 1000
_NAME_LIMIT: Final = 256
_UNIT: Final = re.compile(r"[^/]+\.(?:service|scope)")

# docker-ID.scope, cri-containerd-ID.scope, …:cri-containerd:ID, crio-ID.scope,
# libpod-ID.scope, /docker/ID, /kubepods/…/ID
_CONTAINER_ID: Final = re.compile(r"[/:-]([0-9a-f]{64})(?:\.scope)?(?=/|$)")
# /lxc/NAME, /lxc.payload/NAME, /lxc.payload.NAME; not the monitor that runs outside
_LXC_NAME: Final = re.compile(r"/lxc(?:\.payload)?[./]([^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A cgroup and what its path says; every text is printable.

    unit: the unit of the *system* manager (`user@1000.service` for whatever a user's
    own manager runs), so that nobody gets a system unit's name by using it for their own.
    """

    cgroup: str
    unit: str | None
    container: str | None


def place(pid: int) -> Place:
    """Read the place of a process; raises `OSError` as `procfs` does."""
    text = (procfs.PROC / str(pid) / "cgroup").read_bytes()
    return parse(text.decode(errors="surrogateescape"))


def parse(text: str) -> Place:
    """Read /proc/PID/cgroup of version 2, version 1 and of both mixed."""
    path = _path(text)
    container = _CONTAINER_ID.search(path) or _LXC_NAME.search(path)
    unit = _system_unit(path)
    return Place(
        cgroup=printable(path, limit=_PATH_LIMIT),
        unit=None if unit is None else printable(unit, limit=_NAME_LIMIT),
        container=None
        if container is None
        else printable(container[1], limit=_NAME_LIMIT),
    )


def contains(outer: str, inner: str) -> bool:
    """Say whether `inner` is `outer` or below it; nothing is below the root here."""
    return inner == outer or (outer != ROOT and inner.startswith(f"{outer}/"))


def _path(text: str) -> str:
    """Choose the hierarchy that tells most: systemd's own first, the root last."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    for hierarchy in ("", "name=systemd", "pids", "memory", "cpu"):
        if paths.get(hierarchy, ROOT) != ROOT:
            return paths[hierarchy]
    return ROOT


def _system_unit(path: str) -> str | None:
    """Return what sd_pid_get_unit(3) does: the first part that is not a slice."""
    for part in path.split("/"):
        if part and not part.endswith(".slice"):
            return part if _UNIT.fullmatch(part) else None
    return None
