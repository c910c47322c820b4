"""What is never signalled, decided by what the kernel says of a process.

A process can call itself anything, so no rule asks for the name it gives itself: rules
look at the executable, the systemd
unit, the cgroup, the account and kernel flags. Rules are asked before a button is
offered and again at the instant of the signal. Some kinds can be lifted, by the exact
path of an executable or the exact name of a unit; the others never.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from remediation.rules.drilled import Drilled
from remediation.rules.kinds import FIXED, OVERRIDABLE, SHELLS, Kind
from remediation.target import cgroup, cmdline, procfs
from remediation.target.facts import ProcessFacts

_LOGIN_DEFS: Final = Path("/etc/login.defs")
_UID_MIN: Final = 1000
# systemd's DynamicUser= (61184-65519), nobody (65534) and -1: see UIDS-GIDS.md of systemd.
_SYSTEM_RANGE: Final = range(61184, 65536)


@cache
def first_ordinary_uid() -> int:
    """Return UID_MIN of /etc/login.defs, 1000 where it says nothing."""
    try:
        text = _LOGIN_DEFS.read_text(errors="replace")
    except OSError:
        return _UID_MIN
    for line in text.splitlines():
        match line.split():
            case ["UID_MIN", number, *_] if number.isdecimal():
                return int(number)
    return _UID_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectSettings:
    """What the operator decides about protection.

    users: accounts (names, or uids in digits) whose processes may be acted on; None
    for every account of a person. System accounts, root and nobody among them, are
    included only by being named.
    protect: further patterns (fnmatch, case counts) of executable paths, unit names
    or cgroup paths; nothing lifts them.
    allow: exact executable paths or unit names that lift the overridable kinds.
    first_uid: where the accounts of people begin.
    """

    users: frozenset[str] | None = None
    protect: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    first_uid: int = field(default_factory=first_ordinary_uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTree:
    """The bot's own processes: itself, those above it, and the service it runs in.

    service: the cgroup of its own systemd service; None when it runs in a scope, a
    slice or the root group, which it may share with anything. drilled: the child of a
    drill. is_in_drill: whether the drill's own action is judged, for which alone it counts.
    """

    pid: int
    ancestors: frozenset[int]
    service: str | None
    drilled: Drilled = field(default_factory=Drilled)
    is_in_drill: bool = False

    @classmethod
    def read(cls) -> "OwnTree":
        """Look at the process that calls; the wiring does it once, at the start."""
        own = os.getpid()
        place = cgroup.place(own)
        in_service = place.unit is not None and place.unit.endswith(".service")
        shared = place.unit is not None and place.unit.startswith("user@")
        return cls(
            pid=own,
            ancestors=frozenset(_above(own)),
            service=place.cgroup if in_service and not shared else None,
        )

    def in_drill(self) -> "OwnTree":
        """Return it as the action of a drill is judged by it."""
        return replace(self, is_in_drill=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """Why a process is left alone.

    rule: a short stable name ("protected.kernel_thread"). reason: for people.
    """

    rule: str
    reason: str


def protection(
    facts: ProcessFacts, settings: ProtectSettings, own: OwnTree
) -> Protected | None:
    """Return the first rule that protects this process, or None."""
    for found in _rules(facts, settings, own):
        return found
    return None


def _rules(
    facts: ProcessFacts, settings: ProtectSettings, own: OwnTree
) -> Iterator[Protected]:
    # Nothing but the whole identity: not a pid, not a name, not an account.
    is_drilled = own.is_in_drill and own.drilled.is_child(facts.identity)
    yield from _by_the_kernel(facts)
    if not is_drilled:
        yield from _own(facts, own)
    yield from _of_kinds(facts, FIXED)
    yield from _by_patterns(facts, settings)
    if not is_drilled:
        yield from _by_account(facts, settings)
    exe = facts.identity.exe.removesuffix(" (deleted)")
    if exe in settings.allow or facts.unit in settings.allow:
        return
    if facts.leads_terminal and _program(facts) in SHELLS:
        yield Protected(
            rule="protected.login_shell", reason="somebody's login shell runs in it"
        )
    yield from _of_kinds(facts, OVERRIDABLE)


def _by_the_kernel(facts: ProcessFacts) -> Iterator[Protected]:
    if facts.identity.pid == 1:
        yield Protected(rule="protected.pid_1", reason="pid 1 is the system itself")
    if facts.kernel_thread:
        yield Protected(
            rule="protected.kernel_thread", reason="it is a part of the kernel"
        )
    if facts.foreign_pid_namespace:
        where = (
            f"container {facts.container[:12]}" if facts.container else "a container"
        )
        yield Protected(
            rule="protected.foreign_pid_namespace",
            reason=f"it lives in {where}, in a pid namespace of its own",
        )
    if not facts.identity.exe and not facts.kernel_thread:
        yield Protected(
            rule="protected.unreadable",
            reason="this bot cannot see what it runs, so nobody can tell what it is",
        )


def _own(facts: ProcessFacts, own: OwnTree) -> Iterator[Protected]:
    pid = facts.identity.pid
    if pid == own.pid:
        yield Protected(rule="protected.own_process", reason="it is Countersign itself")
    if pid in own.ancestors:
        yield Protected(rule="protected.own_parent", reason="Countersign runs below it")
    if own.pid in facts.ancestors:
        yield Protected(rule="protected.own_child", reason="Countersign started it")
    if own.service is not None and cgroup.contains(own.service, facts.cgroup):
        yield Protected(
            rule="protected.own_service",
            reason="it belongs to Countersign's own service",
        )


def _by_patterns(facts: ProcessFacts, settings: ProtectSettings) -> Iterator[Protected]:
    for pattern in settings.protect:
        if any(fnmatchcase(text, pattern) for text in _places(facts)):
            yield Protected(
                rule="protected.pattern", reason=f"the configuration protects {pattern}"
            )


def _by_account(facts: ProcessFacts, settings: ProtectSettings) -> Iterator[Protected]:
    if not _permits(settings, facts):
        yield Protected(
            rule="protected.user",
            reason=f"processes of {facts.user} are not among those that may be acted on",
        )


def _of_kinds(facts: ProcessFacts, kinds: tuple[Kind, ...]) -> Iterator[Protected]:
    for kind in kinds:
        if kind.covers(
            exe=facts.identity.exe.removesuffix(" (deleted)"),
            script=cmdline.script_of(facts.label),
            unit=facts.unit,
        ):
            yield Protected(rule=kind.rule, reason=kind.reason)


def _permits(settings: ProtectSettings, facts: ProcessFacts) -> bool:
    uid = facts.identity.uid
    if settings.users is not None:
        return facts.user in settings.users or str(uid) in settings.users
    return uid >= settings.first_uid and uid not in _SYSTEM_RANGE


def _places(facts: ProcessFacts) -> Iterator[str]:
    yield facts.identity.exe
    # After an upgrade the running program's file is gone, and it is the same program.
    yield facts.identity.exe.removesuffix(" (deleted)")
    yield facts.cgroup
    if facts.unit is not None:
        yield facts.unit


def _program(facts: ProcessFacts) -> str:
    return cmdline.basename(facts.identity.exe).removesuffix(" (deleted)")


def _above(pid: int) -> Iterator[int]:
    while (pid := procfs.stat(pid).ppid) > 0:
        yield pid
