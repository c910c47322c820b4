"""Which process exactly: the identity that an approval is bound to, and how it is read.

A pid is a number that the kernel gives away again. An identity is not: it also
holds when the process started, the kernel's own number of the process where there
is one (the pidfd's inode, kernel 6.9 and later), which program image runs in it and
whose it is. `acts/held.py` compares it at the instant of the signal.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from remediation import signals
from remediation.printable import printable
from remediation.target import procfs

_PATH_LIMIT: Final = 4096
_SAID_LIMIT: Final = 120
# What pidfd_open(2) says to the number of a thread; ENOENT since Linux 6.15.
_NOT_A_PROCESS: Final = frozenset({errno.EINVAL, errno.ENOENT})


class Gone(Exception):
    """There is no such process any more; its text says so, printable."""


class Unreaped(Gone):
    """The process has exited and its parent has not taken notice (a zombie).

    parent: the pid of the process that must reap it.
    """

    def __init__(self, pid: int, parent: int) -> None:
        super().__init__(
            f"pid {pid} has exited; its parent, pid {parent}, must reap it"
        )
        self.parent = parent


class Unobservable(Exception):
    """The process exists but cannot be looked at; its text says why, printable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process of one boot of one host.

    start_ticks: field 22 of /proc/PID/stat, clock ticks since boot.
    pidfd_inode: unique per process and boot on kernels >= 6.9, else None.
    exe: the executable's path as the kernel reports it, made printable; empty for
    a kernel thread and where the bot may not read it.
    image: the running program image (executable file and where the kernel put its
    code and stack); changes at every execve(), also to the same executable, unless
    address randomisation is off. Empty where `exe` is.
    uid: the effective user id.
    """

    boot_id: str
    pid: int
    start_ticks: int
    pidfd_inode: int | None
    exe: str
    image: str
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProcess:
    """A process held by its pidfd: signals through it reach this process or none."""

    pidfd: int
    identity: ProcessIdentity

    def has_exited(self) -> bool:
        """Say whether every thread of it has ended; a zombie has exited."""
        return signals.exited(self.pidfd)


@contextmanager
def open_process(pid: int) -> Iterator[OpenProcess]:
    """Open a process and read its identity; what was read belongs to the open one.

    The pidfd is opened first, then /proc is read, then the pidfd is asked whether its
    process still lives: the pid cannot have changed hands in between.
    Raises `Gone` (`Unreaped` for a zombie) or `Unobservable`. Threads are not processes.
    """
    pidfd = _open(pid)
    try:
        yield OpenProcess(pidfd=pidfd, identity=read_identity(pid, pidfd))
    finally:
        os.close(pidfd)


def read_identity(pid: int, pidfd: int) -> ProcessIdentity:
    """Read who the process of this pidfd is now; raise as `open_process` does."""
    with reading(pid, pidfd):
        stat, status = procfs.stat(pid), procfs.status(pid)
        exe, image = _program(pid, stat)
        return ProcessIdentity(
            boot_id=boot_id(),
            pid=pid,
            start_ticks=stat.start_ticks,
            pidfd_inode=os.fstat(pidfd).st_ino if pidfd_inodes_are_unique() else None,
            exe=exe,
            image=image,
            uid=status.uid,
        )


@contextmanager
def reading(pid: int, pidfd: int) -> Iterator[None]:
    """Guard reads of /proc/PID: afterwards the process of the pidfd must still live.

    Turns what the kernel says to a reader that comes too late into `Gone`, and what
    it says to one that may not look into `Unobservable`.
    """
    try:
        yield
    except (FileNotFoundError, ProcessLookupError) as error:
        _raise_if_exited(pid, pidfd)
        raise Unobservable(f"/proc does not show pid {pid}, which is alive") from error
    except PermissionError as error:
        _raise_if_exited(pid, pidfd)
        raise Unobservable(f"this bot may not look at pid {pid}") from error
    _raise_if_exited(pid, pidfd)


def is_same_process(approved: ProcessIdentity, live: ProcessIdentity) -> bool:
    """Say whether both are one process, whatever it runs and as whom."""
    return approved.boot_id == live.boot_id and not _another_process(approved, live)


def changed(approved: ProcessIdentity, live: ProcessIdentity) -> str | None:
    """Say in plain words how a live process differs from the approved one, or None.

    A path alone is not a difference: a running executable that was deleted or renamed
    is still the same file in the same memory.
    """
    if approved.boot_id != live.boot_id:
        return "the host has been booted since, or it is another host"
    if _another_process(approved, live):
        return f"pid {live.pid} now belongs to another process"
    if approved.image != live.image:
        if approved.exe != live.exe:
            return f"it now runs {_program_name(live)} instead of {_program_name(approved)}"
        return "it executed itself anew"
    if approved.uid != live.uid:
        return f"it now runs as uid {live.uid} instead of {approved.uid}"
    return None


@cache
def boot_id() -> str:
    """Return the kernel's random id of this boot."""
    return (procfs.PROC / "sys/kernel/random/boot_id").read_text().strip()


@cache
def pidfd_inodes_are_unique() -> bool:
    """Say whether this kernel numbers pidfds by process (6.9 and later).

    Tried, not guessed: two different processes must differ. A process that sees no
    other one compares itself with an event counter, whose inode older kernels share.
    """
    own = os.getpid()
    for other in procfs.pids():
        if other == own:
            continue
        try:
            return _inode(own) != _inode(other)
        except ProcessLookupError:
            continue
    counter = os.eventfd(0)
    try:
        return _inode(own) != _number(counter)
    finally:
        os.close(counter)


def _open(pid: int) -> int:
    if pid <= 0:
        raise Gone(f"{pid} is no pid")
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError as error:
        raise Gone(f"pid {pid} no longer exists") from error
    except OSError as error:
        if error.errno in _NOT_A_PROCESS:
            raise Gone(f"{pid} is a thread or no pid at all") from error
        raise Unobservable(f"pid {pid} cannot be opened: {error.strerror}") from error


def _program(pid: int, stat: procfs.Stat) -> tuple[str, str]:
    """Return the printable path and the image of what runs in the process."""
    if stat.kernel_thread:
        return "", ""
    try:
        file = procfs.executable(pid)
    except PermissionError:
        return "", ""
    if file is not None:
        return _seen_program(file, stat)
    # A leader that ended before its threads has no program; they still have it.
    for thread in procfs.threads(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            file = procfs.executable(pid, thread)
            if file is not None:
                return _seen_program(file, procfs.stat(pid, thread))
    return "", ""


def _seen_program(file: procfs.Executable, stat: procfs.Stat) -> tuple[str, str]:
    address = f"{stat.code:x}:{stat.stack:x}" if stat.has_program else "0:0"
    path = printable(file.path, limit=_PATH_LIMIT)
    return path, f"{file.device:x}:{file.inode}:{address}"


def _raise_if_exited(pid: int, pidfd: int) -> None:
    if not signals.exited(pidfd):
        return
    try:
        stat = procfs.stat(pid)
    except OSError:
        raise Gone(f"pid {pid} has exited") from None
    if stat.state == "Z":
        raise Unreaped(pid, stat.ppid)
    raise Gone(f"pid {pid} has exited")


def _another_process(approved: ProcessIdentity, live: ProcessIdentity) -> bool:
    if (approved.pid, approved.start_ticks) != (live.pid, live.start_ticks):
        return True
    if approved.pidfd_inode is None or live.pidfd_inode is None:
        return False
    return approved.pidfd_inode != live.pidfd_inode


def _program_name(identity: ProcessIdentity) -> str:
    shown = printable(identity.exe, limit=_SAID_LIMIT)
    return shown or "a program that this bot may not see"


def _inode(pid: int) -> tuple[int, int]:
    pidfd = os.pidfd_open(pid)
    try:
        return _number(pidfd)
    finally:
        os.close(pidfd)


def _number(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino
