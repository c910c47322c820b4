"""What /proc says about one process, parsed; the only readers of those files here.

Every function raises `OSError` as the kernel gives it: `FileNotFoundError` or
`ProcessLookupError` when the process is gone, `PermissionError` when the bot may not
look. `identity.open_process` is where those become `Gone` and `Unobservable`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_PF_KTHREAD: Final = 0x00200000  # include/linux/sched.h
_ARGV_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """The fields of /proc/PID/stat that matter here; see proc_pid_stat(5).

    comm: the name as bytes, at most 15 of any value. state: the kernel's letter.
    session: the session's leader. terminal: the controlling terminal's device, 0 for
    none. start_ticks: clock ticks since boot. code, stack: where the kernel put the
    program; (1, 0) or (0, 0) where the bot may not know or there is no program.
    """

    comm: bytes
    state: str
    ppid: int
    session: int
    terminal: int
    kernel_thread: bool
    nice: int
    threads: int
    start_ticks: int
    rss_bytes: int
    code: int
    stack: int

    @property
    def has_program(self) -> bool:
        """Whether the addresses of the program could be read."""
        return self.code > 1 and self.stack > 0


def stat(pid: int, thread: int | None = None) -> Stat:
    """Read /proc/PID/stat, or that of one of its threads."""
    text = (_place(pid, thread) / "stat").read_bytes()
    # The name may hold spaces, brackets and anything else: it ends at the last ")".
    opened, closed = text.index(b"("), text.rindex(b")")
    fields = text[closed + 2 :].split()
    return Stat(
        comm=text[opened + 1 : closed],
        state=fields[0].decode(),
        ppid=int(fields[1]),
        session=int(fields[3]),
        terminal=int(fields[4]),
        kernel_thread=bool(int(fields[6]) & _PF_KTHREAD),
        nice=int(fields[16]),
        threads=int(fields[17]),
        start_ticks=int(fields[19]),
        rss_bytes=int(fields[21]) * PAGE_BYTES,
        code=int(fields[23]),
        stack=int(fields[25]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Who a process is, from /proc/PID/status.

    uid: effective. pids: its pid in every pid namespace from ours inwards, so more
    than one means that it lives in a namespace below ours.
    """

    uid: int
    pids: tuple[int, ...]


def status(pid: int) -> Status:
    """Read /proc/PID/status; a kernel without NSpid counts as one namespace."""
    uid = 0
    pids: tuple[int, ...] = (pid,)
    for line in (PROC / str(pid) / "status").read_bytes().splitlines():
        if line.startswith(b"Uid:"):
            uid = int(line.split()[2])
        elif line.startswith(b"NSpid:"):
            pids = tuple(map(int, line.split()[1:]))
    return Status(uid=uid, pids=pids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """The file a process executes: its path as the kernel says it, and which file."""

    path: str
    device: int
    inode: int


def executable(pid: int, thread: int | None = None) -> Executable | None:
    """Follow /proc/PID/exe; None for what runs no file (kernel threads, zombies)."""
    link = _place(pid, thread) / "exe"
    try:
        path, file = str(link.readlink()), link.stat()
    except FileNotFoundError:
        return None
    return Executable(path=path, device=file.st_dev, inode=file.st_ino)


def threads(pid: int) -> tuple[int, ...]:
    """List the thread ids of a process, the leader's first."""
    return tuple(
        sorted(int(task.name) for task in (PROC / str(pid) / "task").iterdir())
    )


def thread_states(pid: int) -> list[str]:
    """Return the state of each thread, the leader's first."""
    return [stat(pid, thread).state for thread in threads(pid)]


def argv(pid: int) -> tuple[tuple[bytes, ...], bool]:
    """Return the first arguments and whether these are all.

    At most 16 KiB are read; an argument that does not end within them is left out.
    """
    with (PROC / str(pid) / "cmdline").open("rb") as file:
        text = file.read(_ARGV_BYTES)
    whole = len(text) < _ARGV_BYTES
    words = text.split(b"\0")
    return tuple(words if whole and words[-1] else words[:-1]), whole


def pids() -> tuple[int, ...]:
    """List all processes that are visible now, by pid."""
    return tuple(
        sorted(int(place.name) for place in PROC.iterdir() if place.name.isdigit())
    )


def boot_time() -> int:
    """Return when the machine was booted, in seconds since 1970."""
    for line in (PROC / "stat").read_bytes().splitlines():
        if line.startswith(b"btime "):
            return int(line.split()[1])
    raise OSError("no btime in /proc/stat")


def _place(pid: int, thread: int | None) -> Path:
    place = PROC / str(pid)
    return place if thread is None else place / "task" / str(thread)
