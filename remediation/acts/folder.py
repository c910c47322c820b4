"""A folder held open, and its sub-folders: no link is followed, no other mount entered.

Standard library only. A path that is looked up twice may lead to two places; what is
held open stays where it is, whatever is renamed around it. A dead mount answers nobody,
so of what is mounted inside nothing is opened, and nothing asked but the mount's number.
"""

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from remediation.target.area import parts_of

# O_PATH asks for no right to read: whoever may pass through a folder may hold it.
_WALK: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATIENCE: Final = 2.0
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


class OtherMount(Exception):
    """What lies at a name is on another mount or file system than its area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An open folder. device: its file system. mount: the kernel's number of its mount.

    path: where it was opened. points: where anything is mounted on this host.
    """

    descriptor: int
    device: int
    mount: int
    path: str
    points: frozenset[bytes]

    def leads_away(self, name: str) -> bool:
        """Say whether something is mounted at this name, without asking that for it."""
        return os.fsencode(f"{self.path}/{name}") in self.points


@contextmanager
def holding(folder: str) -> Iterator[Held]:
    """Open an absolute path, name by name; raise `OSError` where one is a link."""
    descriptor = os.open("/", _WALK)
    try:
        for name in parts_of(folder.removeprefix("/")):
            descriptor = _entered(descriptor, name)
        yield Held(
            descriptor=descriptor,
            device=os.fstat(descriptor).st_dev,
            mount=_mount_of(descriptor),
            path=folder,
            points=_points(),
        )
    finally:
        os.close(descriptor)


def is_silent(folder: str, seconds: float = _PATIENCE) -> bool:
    """Say whether a folder's file system gives no answer, as a dead one never does.

    It is asked in a thread of its own, which then ends no program later.
    """
    asks = threading.Thread(target=_ask, args=(folder,), daemon=True)
    asks.start()
    asks.join(seconds)
    return asks.is_alive()


def _ask(folder: str) -> None:
    with suppress(OSError), holding(folder) as held:
        os.fstatvfs(held.descriptor)


@contextmanager
def inside(top: Held, names: Sequence[str]) -> Iterator[Held]:
    """Open a sub-folder in the same way; raise `OSError` or `OtherMount`."""
    descriptor = os.open(".", _WALK, dir_fd=top.descriptor)
    found = top
    try:
        for name in names:
            if found.leads_away(name):
                raise OtherMount
            descriptor = _entered(descriptor, name)
            found = _within(top, descriptor, f"{found.path}/{name}")
        yield replace(found, descriptor=descriptor)
    finally:
        os.close(descriptor)


def _within(top: Held, descriptor: int, path: str) -> Held:
    """Return the sub-folder; raise `OtherMount` before a dead mount would be asked."""
    if _mount_of(descriptor) != top.mount:
        raise OtherMount
    # A subvolume is another file system without being another mount.
    if os.fstat(descriptor).st_dev != top.device:
        raise OtherMount
    return replace(top, descriptor=descriptor, path=path)


def _points() -> frozenset[bytes]:
    """Return all mount points of proc_pid_mountinfo(5)."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    named = (line.split(b" ", 5)[4] for line in lines)
    return frozenset(
        _OCTAL.sub(lambda code: bytes([int(code[1], 8)]), point) for point in named
    )


def _mount_of(descriptor: int) -> int:
    """Return the kernel's number of the mount that an open file lies on."""
    with Path(f"/proc/self/fdinfo/{descriptor}").open("rb") as info:
        for line in info:
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    raise OSError(0, "the kernel does not tell the mount")


def _entered(descriptor: int, name: str) -> int:
    """Return the folder of this name, in the place of the one that it lies in."""
    inner = os.open(name, _WALK, dir_fd=descriptor)
    os.close(descriptor)
    return inner
