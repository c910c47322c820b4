"""What the gate does about one request: look, compare, ask the rules, act, tell.

Standard library only, and with root's rights: so everything is read anew here, from the
kernel and systemd, and nothing that the request says is believed but whom it means.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from signal import Signals
from typing import assert_never

from remediation import signals
from remediation.acts import renice
from remediation.acts.folder import is_silent
from remediation.acts.folder_lock import LOCKS, AtWork, NotPermitted
from remediation.acts.held import Target, holding
from remediation.acts.sweep import Sweep, sweeping
from remediation.attempt import Attempt, Refused, TargetFacts
from remediation.gate import systemctl as jobs
from remediation.gate import unit_told
from remediation.gate.request import (
    Answer,
    CleanOut,
    LookAt,
    LookAtUnit,
    Operate,
    PauseFor,
    Renice,
    Request,
    SendSignal,
    Verdict,
)
from remediation.gate.rules import (
    AllowList,
    refuse_folder,
    refuse_job,
    refuse_process,
)
from remediation.outcome import Seen
from remediation.rules.protect import OwnTree
from remediation.rules.verdict import Refusal
from remediation.target import unit_look
from remediation.target.area import FileIdentity, Spared
from remediation.target.facts import FactReader, ProcessFacts
from remediation.target.identity import Gone, Unobservable, boot_id
from remediation.target.unit import UnitIdentity, Verb, changed_unit

_READER = FactReader("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. name: for the log. cgroup: of its service, None where it has none here.

    waits: whether it still waits for the answer; asked right before the act, so that
    nothing is done for somebody who has given up.
    """

    name: str
    cgroup: str | None
    waits: Callable[[], bool]


def answer(
    request: Request, caller: Caller, *, allowed: AllowList, own: OwnTree
) -> Answer:
    """Do it if everything agrees; what is refused is an answer too. Never raises."""
    try:
        return _answer(request, caller, allowed, own)
    except _Forbidden as forbidden:
        return _refused(forbidden.by.rule, forbidden.by.reason)
    except (Refused, Gone, Unobservable, signals.NotArmed) as refused:
        return _refused("gate.target", str(refused))
    except (jobs.NotDone, unit_look.Unreadable) as failed:
        return Answer(verdict=Verdict.FAILED, rule="gate.systemctl", reason=str(failed))
    except OSError as error:
        reason = f"the kernel says: {error.strerror}"
        return Answer(verdict=Verdict.FAILED, rule="gate.kernel", reason=reason)


class _Forbidden(Exception):
    """A rule says no."""

    def __init__(self, by: Refusal) -> None:
        super().__init__(by.reason)
        self.by = by


def _answer(
    request: Request, caller: Caller, allowed: AllowList, own: OwnTree
) -> Answer:
    match request:
        case LookAt():
            return _look(request, caller, allowed, own)
        case LookAtUnit():
            return _look_at_unit(request, allowed, own)
        case SendSignal() | PauseFor() | Renice():
            return _act(request, caller, allowed, own)
        case Operate():
            return _operate(request, caller, allowed, own)
        case CleanOut():
            return _clean(request, caller, allowed)
    assert_never(request)


def _refused(rule: str, reason: str) -> Answer:
    return Answer(verdict=Verdict.REFUSED, rule=rule, reason=reason)


def _look(request: LookAt, caller: Caller, allowed: AllowList, own: OwnTree) -> Answer:
    facts = _READER.read(request.pid)
    refusal = refuse_process(facts, allowed, own, caller.cgroup)
    seen = {
        "identity": asdict(facts.identity),
        "ports": facts.ports,
        "respawner": facts.respawner,
        "foreign_pid_namespace": facts.foreign_pid_namespace,
        "denied": f"{refusal.rule}: {refusal.reason}" if refusal else None,
        "container_name": facts.container_name,
    }
    return Answer(verdict=Verdict.DONE, seen=seen)


def _look_at_unit(request: LookAtUnit, allowed: AllowList, own: OwnTree) -> Answer:
    name = request.name
    # Who took the bot over learns nothing of what is not listed.
    if name not in allowed.units:
        return _refused("gate.units", f"the gate's list does not name {name}")
    facts = unit_look.look(name)
    row = jobs.UnitRow(
        name=facts.name,
        names=facts.names,
        load=facts.load,
        active=facts.active,
        invocation=facts.identity.invocation,
        cgroup=facts.cgroup,
        needed_by=facts.needed_by,
    )
    found = {v: refuse_job(jobs.JobVerb(v), name, row, allowed, own) for v in Verb}
    denied = {v: f"{r.rule}: {r.reason}" for v, r in found.items() if r is not None}
    return Answer(verdict=Verdict.DONE, seen=unit_told.told(facts, denied))


def _act(
    request: SendSignal | PauseFor | Renice,
    caller: Caller,
    allowed: AllowList,
    own: OwnTree,
) -> Answer:
    """Hold the process open, compare all of it, ask the rules, then act through the pidfd."""

    def recheck(facts: TargetFacts) -> str | None:
        if not isinstance(facts, ProcessFacts):
            raise TypeError("a process is judged by what the kernel says of it")
        if found := refuse_process(facts, allowed, own, caller.cgroup):
            raise _Forbidden(found)
        return None if caller.waits() else "who asked for it waits no longer"

    attempt = Attempt(recheck=recheck, progress=_unheard, now=_now)
    with holding(request.process, label="", reader=_READER) as target:
        facts = target.check(attempt)
        match request:
            case SendSignal(number=number):
                target.send(number)
                return Answer(verdict=Verdict.DONE)
            case PauseFor(seconds=seconds):
                _refuse_pause(facts)
                return _pause(target, seconds)
            case Renice(nice=nice):
                target.confirm()
                return _renice(target, nice, attempt)
    assert_never(request)


def _refuse_pause(facts: ProcessFacts) -> None:
    if facts.ports:
        ports = ", ".join(map(str, facts.ports[:5]))
        raise Refused(f"it listens on port {ports}; callers would hang", Seen.RUNNING)


def _pause(target: Target, seconds: float) -> Answer:
    deadline = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
    armed = signals.arm_resume(target.held.pidfd, deadline)
    target.send(Signals.SIGSTOP)
    return Answer(verdict=Verdict.DONE, seen={"helper_pid": armed.helper_pid})


def _renice(target: Target, nice: int, attempt: Attempt) -> Answer:
    threads = renice.set_all(target, nice, attempt)
    if target.exited():
        renice.give_back(target.pid, nice, attempt)
        reason = "it exited while its priority was changed"
        return Answer(verdict=Verdict.FAILED, rule="gate.target", reason=reason)
    others = [found for found in renice.nices(target.pid) if found != nice]
    seen = {"threads": threads, "others": len(others)}
    return Answer(verdict=Verdict.DONE, seen=seen)


def _operate(
    request: Operate, caller: Caller, allowed: AllowList, own: OwnTree
) -> Answer:
    unit = request.unit
    row = jobs.show(unit.name)
    if found := refuse_job(request.job, unit.name, row, allowed, own):
        raise _Forbidden(found)
    live = UnitIdentity(boot_id=boot_id(), name=row.name, invocation=row.invocation)
    if difference := changed_unit(unit, live):
        raise Refused(difference, Seen.CHANGED)
    if not caller.waits():
        raise Refused("who asked for it waits no longer", Seen.UNKNOWN)
    span = timedelta(seconds=request.seconds)
    ended = jobs.run(request.job, unit.name, deadline=span)
    return Answer(verdict=Verdict.DONE if ended else Verdict.UNDER_WAY)


def _clean(request: CleanOut, caller: Caller, allowed: AllowList) -> Answer:
    if request.boot_id != boot_id():
        reason = "the host has been booted since, or it is another host"
        raise Refused(reason, Seen.CHANGED)
    area = refuse_folder(request.folder, allowed)
    if isinstance(area, Refusal):
        raise _Forbidden(area)
    if is_silent(area.folder):
        raise Refused("its file system gives no answer", Seen.UNKNOWN)
    left: dict[str, Spared] = {}
    try:
        with sweeping(area, LOCKS) as sweep:
            for file in request.files:
                why = _removed(sweep, file) if caller.waits() else Spared.HALTED
                if why is not None:
                    left[file.path] = why
    except AtWork as working:
        raise Refused(str(working), Seen.LEFT) from working
    except NotPermitted as denied:
        raise Refused("the gate may not work in the folder", Seen.LEFT) from denied
    kept = ", ".join(f"{path}: {why}" for path, why in left.items())
    reason = f"left {kept}" if left else ""
    return Answer(verdict=Verdict.DONE, reason=reason, seen={"left": left})


def _removed(sweep: Sweep, file: FileIdentity) -> Spared | None:
    try:
        return sweep.remove(file)
    except NotPermitted:
        return Spared.DENIED


def _unheard(_: str) -> None:
    """Take no note: the steps are the caller's to tell."""


def _now() -> datetime:
    return datetime.now(UTC)
