"""A case that a person makes up: `restart nginx`, as facts that the policy can judge. Pure."""

import pwd
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from remediation.action import (
    Action,
    CleanFiles,
    LowerPriority,
    OperateUnit,
    Pause,
    ProcessAction,
    Terminate,
)
from remediation.attempt import TargetFacts
from remediation.policy import Rules
from remediation.target.area import Area
from remediation.target.facts import ProcessFacts
from remediation.target.identity import ProcessIdentity
from remediation.target.unit import (
    UnitFacts,
    UnitIdentity,
    Verb,
    is_service_name,
    unit_name,
)

_KINDS = ("terminate", "lower_priority", "pause")
_VERBS = tuple(Verb)
_PID = 1 << 22
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An action on something that need not exist, with its facts; and in words."""

    words: str
    action: Action
    facts: TargetFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said of it: `restart nginx`, the host, and of a process whose and which."""

    words: str
    host: str
    user: str | None = None
    exe: str | None = None


def case_of(said: Said, rules: Rules) -> Case:
    """Return the case; raise `ValueError` that says what was expected.

    A service is taken to stand so that the verb makes sense; a process to be one that
    nothing protects but its user and executable.
    """
    verb, _, target = said.words.strip().partition(" ")
    verb = "terminate" if verb == "kill" else verb
    if verb in _VERBS and target:
        return _service(Verb(verb), unit_name(target.strip()), said.host)
    if verb == "clean" and target:
        return _area(target.strip(), said.host, rules)
    exe = said.exe or (target.strip() if target.strip().startswith("/") else None)
    if verb in _KINDS and exe is not None and exe.startswith("/"):
        return _process(verb, exe, said, rules)
    if verb in _KINDS:
        raise ValueError("a process is named by its executable: --exe /usr/bin/x")
    verbs = ", ".join((*_VERBS, *_KINDS, "clean"))
    raise ValueError(f'an action is written like "restart nginx"; verbs: {verbs}')


def _service(verb: Verb, name: str, host: str) -> Case:
    if not is_service_name(name):
        raise ValueError("a service's name was expected, such as nginx.service")
    identity = UnitIdentity(boot_id="", name=name, invocation="")
    runs = verb is not Verb.START
    facts = UnitFacts(
        identity=identity,
        names=(name,),
        load="loaded",
        active="active" if runs else "inactive",
        sub="running" if runs else "dead",
        result="success",
        type="simple",
        cgroup=f"/system.slice/{name}",
        can_reload=True,
        may_start=True,
        may_stop=True,
    )
    action = OperateUnit(host=host, unit=identity, verb=verb)
    return Case(words=f"{verb} {name}", action=action, facts=facts)


def _area(name: str, host: str, rules: Rules) -> Case:
    # One that is not listed is refused by the policy, which says so.
    unknown = Area(name=name, folder="", files=(), older_than=timedelta(0))
    area = next((area for area in rules.areas if area.name == name), unknown)
    action = CleanFiles(
        host=host,
        boot_id="",
        area=area.name,
        folder=area.folder,
        older_than=area.older_than,
        files=(),
    )
    return Case(words=f"clean {name}", action=action, facts=area)


def _process(kind: str, exe: str, said: Said, rules: Rules) -> Case:
    user = said.user or min(rules.protect.users or ("somebody",))
    identity = ProcessIdentity(
        boot_id="",
        pid=_PID,
        start_ticks=0,
        pidfd_inode=None,
        exe=exe,
        image="",
        uid=_uid(user, rules.protect.first_uid),
    )
    facts = ProcessFacts(
        identity=identity,
        name="",
        label=exe,
        user=user,
        ppid=1,
        ancestors=(1,),
        state="R",
        cgroup="/",
        unit=None,
        container=None,
        kernel_thread=False,
        foreign_pid_namespace=False,
        started_at=_LONG_AGO,
        nice=0,
        threads=1,
        rss_bytes=0,
        ports=(),
        respawner=None,
        denied=None,
    )
    words = f"{kind} {exe} of {user}"
    return Case(words=words, action=_on(kind, said.host, identity), facts=facts)


def _on(kind: str, host: str, process: ProcessIdentity) -> ProcessAction:
    label = process.exe
    match kind:
        case "terminate":
            return Terminate(host=host, process=process, label=label)
        case "lower_priority":
            return LowerPriority(host=host, process=process, label=label, nice=19)
        case _:
            span = timedelta(minutes=1)
            return Pause(host=host, process=process, label=label, duration=span)


def _uid(user: str, otherwise: int) -> int:
    """Return the account's number on this machine; of a stranger, a person's."""
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return otherwise
