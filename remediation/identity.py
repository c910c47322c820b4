"""Which process exactly: the identity that an approval is bound to, and how it is read.

A pid is a number that the kernel gives away again. An identity is not: it also
holds when the process started, the kernel's own number of the process where there
is one (the pidfd's inode, kernel 6.9 and later), which program image runs in it and
whose it is. `process.py` compares it at the instant of the signal.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process of one boot of one host.

    start_ticks: field 22 of /proc/PID/stat, clock ticks since boot.
    pidfd_inode: unique per process and boot on kernels >= 6.9, else None.
    exe: the executable's path as the kernel reports it, made printable.
    image: the running program image (executable file and where the kernel put its
    stack); changes at every execve(), also to the same executable.
    uid: the effective user id.
    """

    boot_id: str
    pid: int
    start_ticks: int
    pidfd_inode: int | None
    exe: str
    image: str
    uid: int
