"""The lock by which a program says that it is at work in a folder, such as apt's.

Standard library only. The lock is one of the open file (fcntl(2), F_OFD_SETLK), which
meets the programs' own POSIX locks like any other; a POSIX lock of ours would belong to
the whole process, and whoever of its threads is done first would let go of it for all.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from remediation.acts.folder import Held, holding

LOCKS: Final = {"/var/cache/apt/archives": "lock"}
"""Folders of programs that lock them while they are at work, with the lock's name."""

DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What the kernel says where this user may not."""

_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FLOCK: Final = struct.Struct("hhqqi4x")  # type, whence, start, length, pid (0: ours)


class NotPermitted(Exception):
    """The kernel denies it to this user; somebody else may be asked."""


class AtWork(Exception):
    """A program has locked the folder; its text names the lock."""


def over(folder: str, locks: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the locks whose folder lies below this one, or holds it."""
    for locked, name in locks.items():
        inner, outer = f"{locked}/", f"{folder}/"
        if inner.startswith(outer) or outer.startswith(inner):
            yield locked, name


@contextmanager
def locked(folder: str, name: str) -> Iterator[None]:
    """Hold the lock; raise `AtWork`, `NotPermitted` or `OSError`."""
    try:
        with holding(folder) as held, _denials():
            lock = _opened(held, name)
    except FileNotFoundError:
        lock = None  # no such folder, so nobody works in it
    if lock is None:
        yield
        return
    try:
        with _denials():
            _take(lock, f"{folder}/{name}")
        yield
    finally:
        os.close(lock)


@contextmanager
def _denials() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in DENIED:
            raise NotPermitted from error
        raise


def _opened(held: Held, name: str) -> int | None:
    """Open the lock's file, made where it is missing; None where the disk is too full.

    Nobody holds a lock on a file that is not there.
    """
    try:
        return os.open(name, _OPEN, dir_fd=held.descriptor)
    except FileNotFoundError:
        pass
    try:
        return os.open(name, _OPEN | os.O_CREAT, 0o640, dir_fd=held.descriptor)
    except OSError as error:
        if error.errno in _FULL:
            return None
        raise


def _take(lock: int, path: str) -> None:
    whole = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(lock, fcntl.F_OFD_SETLK, whole)
    except BlockingIOError as error:
        raise AtWork(f"another program holds {path}") from error
