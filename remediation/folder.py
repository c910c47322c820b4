"""A folder held open, and its sub-folders: no link is followed, no other mount entered.

Standard library only. A path that is looked up twice may lead to two places; what is
held open stays where it is, whatever is renamed around it.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from remediation.area import parts_of

# O_PATH asks for no right to read: whoever may pass through a folder may hold it.
_WALK: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class OtherMount(Exception):
    """A sub-folder lies on another mount or file system than its area."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An open folder. device: its file system. mount: the kernel's number of its mount."""

    descriptor: int
    device: int
    mount: int


@contextmanager
def holding(folder: str) -> Iterator[Held]:
    """Open an absolute path, name by name; raise `OSError` where one is a link."""
    descriptor = os.open("/", _WALK)
    try:
        for name in parts_of(folder.removeprefix("/")):
            descriptor = _entered(descriptor, name)
        yield _held(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def inside(top: Held, names: Sequence[str]) -> Iterator[Held]:
    """Open a sub-folder in the same way; raise `OSError` or `OtherMount`."""
    descriptor = os.open(".", _WALK, dir_fd=top.descriptor)
    try:
        found = top
        for name in names:
            descriptor = _entered(descriptor, name)
            found = _held(descriptor)
            if (found.device, found.mount) != (top.device, top.mount):
                raise OtherMount
        yield Held(descriptor=descriptor, device=found.device, mount=found.mount)
    finally:
        os.close(descriptor)


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


def _held(descriptor: int) -> Held:
    device = os.fstat(descriptor).st_dev
    return Held(descriptor=descriptor, device=device, mount=_mount_of(descriptor))
