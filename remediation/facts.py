"""What the kernel says about a process: everything that policy and people may need of it."""

from dataclasses import dataclass
from datetime import datetime

from remediation.identity import ProcessIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """A process as it is this second. Every text is printable ASCII, one line.

    label: executable, script and names of long options; values of arguments never.
    user: account name, or the uid in digits where there is no account.
    cgroup: path below the hierarchy's root; unit: the systemd unit in it, or None.
    container: the container's id where the process lives in one, else None.
    ports: TCP and UDP ports it listens on. nice: -20 to 19.
    ancestors: pids of its parents, nearest first, up to pid 1.
    respawner: who would start it again if it died ("supervisord (pid 812)"), or None.
    denied: why this bot may not signal it (a missing privilege in words), or None.
    """

    identity: ProcessIdentity
    name: str
    label: str
    user: str
    ppid: int
    ancestors: tuple[int, ...]
    state: str
    cgroup: str
    unit: str | None
    container: str | None
    kernel_thread: bool
    foreign_pid_namespace: bool
    started_at: datetime
    nice: int
    threads: int
    rss_bytes: int
    ports: tuple[int, ...]
    respawner: str | None
    denied: str | None
