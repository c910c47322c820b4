"""Deleting approved files one by one, each only if it is exactly what was approved.

Standard library only: the bot and the gate run the same. A file goes when its folder is
still the one on the same mount, when name, inode, size and times are as they were
approved, when it has no other name, is old enough, and nobody has it open: a write lease
is had only on what nobody else has open or mapped (fcntl(2), F_SETLEASE).
"""

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from remediation.acts.folder import Held, OtherMount, holding, inside
from remediation.acts.folder_lock import DENIED, LOCKS, NotPermitted, locked, over
from remediation.target.area import Area, FileIdentity, Spared, parts_of

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Sweep:
    """The area's folder, held open."""

    def __init__(self, area: Area, top: Held) -> None:
        self._area = area
        self._top = top

    def remove(self, file: FileIdentity) -> Spared | None:
        """Delete the file; say why it was left, None if it is gone.

        Raises `NotPermitted`; then it was not touched.
        """
        if not self._area.has(file.path):
            return Spared.NOT_LISTED
        *above, name = parts_of(file.path)
        with _reasons() as left, inside(self._top, above) as folder:
            left.append(self._removed(file, name, folder))
        return left[-1]

    def _removed(self, file: FileIdentity, name: str, folder: Held) -> Spared | None:
        if (reason := self._objection(file, name, folder)) is not None:
            return reason
        descriptor = os.open(name, _READ, dir_fd=folder.descriptor)
        try:
            if not _is_same(file, os.fstat(descriptor)):
                return Spared.CHANGED
            if (lacking := _leased(descriptor)) is not None:
                return lacking
            # Whoever opens it now waits until it is gone; what it was is asked once more.
            if (reason := self._objection(file, name, folder)) is not None:
                return reason
            os.unlink(name, dir_fd=folder.descriptor)
        finally:
            os.close(descriptor)
        return None

    def _objection(self, file: FileIdentity, name: str, folder: Held) -> Spared | None:
        if (reason := _difference(file, name, folder)) is not None:
            return reason
        is_young = self._area.is_young(file.mtime_ns / 1e9, file.ctime_ns / 1e9)
        return Spared.YOUNG if is_young else None


def standing(
    folder: str, files: Sequence[FileIdentity]
) -> dict[FileIdentity, Spared | None]:
    """Look at each listed file, None is as it was; raise `OSError` without the folder."""
    with holding(folder) as top:
        return {file: _seen(top, file) for file in files}


def _seen(top: Held, file: FileIdentity) -> Spared | None:
    *above, name = parts_of(file.path)
    try:
        with _reasons() as left, inside(top, above) as folder:
            left.append(_difference(file, name, folder))
    except NotPermitted:
        return Spared.DENIED
    return left[-1]


@contextmanager
def _reasons() -> Iterator[list[Spared | None]]:
    """Collect what is said of a file; what the kernel says instead is the last word."""
    left: list[Spared | None] = []
    try:
        yield left
    except OtherMount:
        left.append(Spared.OTHER_MOUNT)
    except OSError as error:
        left.append(_reason(error))


def _difference(file: FileIdentity, name: str, folder: Held) -> Spared | None:
    if folder.leads_away(name):
        return Spared.OTHER_MOUNT
    found = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode) or found.st_ino != file.inode:
        return Spared.CHANGED
    # A second name changes the file's times too, but says more.
    if found.st_nlink != 1:
        return Spared.LINKED
    return None if _is_same(file, found) else Spared.CHANGED


@contextmanager
def sweeping(area: Area, locks: Mapping[str, str] = LOCKS) -> Iterator[Sweep]:
    """Hold the area's folder open, and the locks of programs that work in it.

    Raises `AtWork`, `NotPermitted`, and `OSError` where the folder cannot be opened.
    """
    with ExitStack() as stack:
        top = stack.enter_context(holding(area.folder))
        for folder, name in over(area.folder, locks):
            stack.enter_context(locked(folder, name))
        yield Sweep(area, top)


def _leased(descriptor: int) -> Spared | None:
    """Take a write lease, which nobody gets on what another has open; say why not."""
    try:
        # Whoever opens it breaks the lease: by default with a signal that ends us.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        return Spared.IN_USE
    except OSError as error:
        if error.errno in DENIED:
            raise
        return Spared.NO_LEASE
    return None


def _is_same(file: FileIdentity, found: os.stat_result) -> bool:
    return (file.device, file.inode, file.size, file.mtime_ns, file.ctime_ns) == (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _reason(error: OSError) -> Spared:
    match error.errno:
        case errno.ENOENT:
            return Spared.GONE
        case errno.ELOOP | errno.ENOTDIR:
            return Spared.CHANGED
        case errno.EAGAIN:  # another program's lease: it has it open
            return Spared.IN_USE
        case errno.EBUSY:  # it is a mount of its own
            return Spared.OTHER_MOUNT
        case denied if denied in DENIED:
            raise NotPermitted from error
        case _:
            return Spared.FAILED
