"""What the kernel says about a process: everything that policy and people may need of it."""

import pwd
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from remediation import programs, signals
from remediation.printable import printable
from remediation.target import cgroup, cmdline, container, listening, procfs, respawn
from remediation.target.identity import (
    Gone,
    OpenProcess,
    ProcessIdentity,
    is_same_process,
    open_process,
    read_identity,
    reading,
)
from remediation.target.privilege import Gate, GateClosed, GateFailed, GateRefused

# Gone meanwhile, or hidden from this bot (the hidepid mount option of /proc).
_NOT_VISIBLE: Final = (FileNotFoundError, ProcessLookupError, PermissionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """A process as it is this second. Every text is printable, one line.

    name: what the process calls itself, 15 bytes at most; it may say anything.
    label: executable, script and names of long options; values of arguments never.
    user: account name, or the uid in digits where there is no account.
    ancestors: pids of its parents, nearest first, up to pid 1.
    state: the kernel's letter, R S D T t Z I.
    cgroup: path below the hierarchy's root; unit: the system's systemd unit in it.
    container: the container's id where the process lives in one, else None;
    container_name: what people call it, "" where that is not told.
    leads_terminal: it leads a session with a terminal, as a login shell does.
    ports: TCP and UDP ports it listens on. nice: -20 to 19.
    respawner: who would start it again if it died ("supervisord (pid 812)"), or None.
    denied: why this bot may not signal it (a missing privilege in words), or None.
    by_gate: it is the gate that may, and that saw what the bot's own user may not see.
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
    leads_terminal: bool = False
    started_at: datetime
    nice: int
    threads: int
    rss_bytes: int
    ports: tuple[int, ...]
    respawner: str | None
    denied: str | None
    by_gate: bool = False
    container_name: str = ""

    @property
    def home(self) -> str:
        """Where it lives, for people: its container, else its unit, else its cgroup."""
        if self.container is None:
            return self.unit or self.cgroup
        if not self.container_name:
            return f"container {self.container[:12]}"
        return f"container {self.container_name} ({self.container[:12]})"


class FactReader:
    """Reads facts from /proc, now, each time; keeps nothing.

    host: the name under which this machine is known to people. gate: asked about
    processes that the bot's own user may not see or signal; None where there is none.
    """

    def __init__(self, host: str, gate: Gate | None = None) -> None:
        self.host = host
        self.gate = gate

    def read(self, pid: int) -> ProcessFacts:
        """Return the facts of one process; raise `Gone` or `Unobservable`.

        Everything in them belongs to the process that the identity names. Takes about
        a millisecond; up to two seconds where systemd must be asked and is slow.
        """
        with open_process(pid) as process:
            return self._read(process)

    def read_open(self, process: OpenProcess) -> ProcessFacts:
        """Return the facts, identity included, of a process that is held open."""
        identity = read_identity(process.identity.pid, process.pidfd)
        return self._read(replace(process, identity=identity))

    def identity(self, process: OpenProcess) -> ProcessIdentity:
        """Read who it is now, through the gate where the bot may not see what it runs."""
        seen = read_identity(process.identity.pid, process.pidfd)
        if seen.exe or self.gate is None:
            return seen
        try:
            look = self.gate.look(seen.pid)
        except (GateClosed, GateRefused, GateFailed):
            return seen
        return look.identity if is_same_process(seen, look.identity) else seen

    def place(self, pid: int, start_ticks: int) -> cgroup.Place | None:
        """Return where this very process lives; None where it ended or is hidden.

        A hundredth of what all facts take: for questions about many processes.
        """
        try:
            found = cgroup.place(pid)
            is_same = procfs.stat(pid).start_ticks == start_ticks
        except (OSError, ValueError):
            return None
        return found if is_same else None

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        """Return children, their children and so on, by pid, as far as they live on."""
        return self._read_all(_below(pid))

    def _read(self, process: OpenProcess) -> ProcessFacts:
        with reading(process.identity.pid, process.pidfd):
            facts = _facts(process)
            if facts.denied is None or self.gate is None:
                return facts
            return _completed(facts, facts.denied, self.gate)

    def _read_all(self, pids: Iterable[int]) -> tuple[ProcessFacts, ...]:
        return tuple(facts for pid in pids for facts in self._read_if_there(pid))

    def _read_if_there(self, pid: int) -> Iterator[ProcessFacts]:
        try:
            yield self.read(pid)
        except Gone:
            return


def pids_below(pid: int) -> tuple[int, ...]:
    """Return the pids of children, their children and so on, ascending; zombies too."""
    return tuple(_below(pid))


def pids_in(path: str) -> tuple[int, ...]:
    """Return the pids in a cgroup and below it, ascending; none for the root."""
    if path == cgroup.ROOT:
        return ()
    return tuple(pid for pid in procfs.pids() if _lives_in(pid, path))


def account(uid: int) -> str:
    """Return the account's name, printable, or the number where there is none."""
    try:
        return printable(pwd.getpwuid(uid).pw_name, limit=64)
    except KeyError:
        return str(uid)


def _facts(process: OpenProcess) -> ProcessFacts:
    identity = process.identity
    pid = identity.pid
    stat = procfs.stat(pid)
    name = printable(stat.comm) or "(no name)"
    ancestors = _ancestors(stat.ppid)
    place = cgroup.place(pid)
    return ProcessFacts(
        identity=identity,
        name=name,
        label=_label(identity, name),
        user=account(identity.uid),
        ppid=stat.ppid,
        ancestors=ancestors,
        state=stat.state,
        cgroup=place.cgroup,
        unit=place.unit,
        container=place.container,
        kernel_thread=stat.kernel_thread,
        foreign_pid_namespace=_is_foreign(pid),
        leads_terminal=stat.session == pid and stat.terminal != 0,
        started_at=_started_at(stat.start_ticks),
        nice=stat.nice,
        threads=stat.threads,
        rss_bytes=stat.rss_bytes,
        ports=listening.ports(pid),
        respawner=_respawner(pid, place.unit, ancestors),
        denied=_denied(process, kernel_thread=stat.kernel_thread),
        container_name=container.name_of(place.container, ancestors)
        if place.container
        else "",
    )


def _completed(facts: ProcessFacts, denied: str, gate: Gate) -> ProcessFacts:
    """Add what the gate sees, if it sees the same process; else say why it does not."""
    try:
        look = gate.look(facts.identity.pid)
    except (GateClosed, GateRefused, GateFailed) as closed:
        return replace(facts, denied=f"{denied}; {closed}")
    if not is_same_process(facts.identity, look.identity):
        return replace(facts, denied=f"{denied}; the gate sees another process")
    return replace(
        facts,
        identity=look.identity,
        label=_label(look.identity, facts.name),
        ports=look.ports,
        respawner=look.respawner,
        foreign_pid_namespace=look.foreign_pid_namespace,
        denied=look.denied,
        by_gate=True,
        container_name=look.container_name or facts.container_name,
    )


def _label(identity: ProcessIdentity, name: str) -> str:
    if not identity.exe:
        return f"[{name}]"
    argv, whole = procfs.argv(identity.pid)
    return cmdline.label(identity.exe, argv, whole=whole)


def _ancestors(parent: int) -> tuple[int, ...]:
    found: list[int] = []
    # A parent that dies is replaced, so a walk can meet a pid twice.
    while parent > 0 and parent not in found:
        found.append(parent)
        try:
            parent = procfs.stat(parent).ppid
        except _NOT_VISIBLE:
            break
    return tuple(found)


def _below(pid: int) -> list[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for other in procfs.pids():
        try:
            children[procfs.stat(other).ppid].append(other)
        except _NOT_VISIBLE:
            continue
    found, waiting = [], list(children[pid])
    while waiting:
        child = waiting.pop()
        found.append(child)
        waiting.extend(children[child])
    return sorted(found)


def _lives_in(pid: int, path: str) -> bool:
    try:
        return cgroup.contains(path, cgroup.place(pid).cgroup)
    except _NOT_VISIBLE:
        return False


def _is_foreign(pid: int) -> bool:
    if len(procfs.status(pid).pids) > 1:
        return True
    own, link = procfs.PROC / "self/ns/pid", procfs.PROC / str(pid) / "ns/pid"
    try:
        return link.readlink() != own.readlink()
    except PermissionError:
        return False


def _started_at(start_ticks: int) -> datetime:
    since_boot = timedelta(seconds=start_ticks / procfs.TICKS_PER_SECOND)
    return datetime.fromtimestamp(procfs.boot_time(), UTC) + since_boot


def _respawner(pid: int, unit: str | None, ancestors: tuple[int, ...]) -> str | None:
    if found := respawn.supervisor(ancestors):
        return found
    return respawn.unit_restarts(pid, unit) if programs.systemd_runs() else None


def _denied(process: OpenProcess, *, kernel_thread: bool) -> str | None:
    uid = process.identity.uid
    try:
        signals.probe(process.pidfd)
    except PermissionError:
        return f"it belongs to {account(uid)}; signalling it needs CAP_KILL"
    except ProcessLookupError as error:
        raise Gone(f"pid {process.identity.pid} has exited") from error
    if not process.identity.exe and not kernel_thread:
        return f"it belongs to {account(uid)}; seeing what it runs needs CAP_SYS_PTRACE"
    return None
