"""Values to build tests from: a process, a finding, an incident, an action."""

from dataclasses import replace
from datetime import timedelta

from bot.model import (
    Culprit,
    Fact,
    Finding,
    Incident,
    Level,
    Limits,
    Phase,
)
from remediation.action import Action, Terminate
from remediation.ledger.proposal import Proposal, State
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen
from remediation.rules.rule import Voter
from remediation.target.facts import ProcessFacts
from remediation.target.identity import ProcessIdentity, boot_id
from tests.fakes.clock import START

APPROVER = "U07ALICE001"
LIMITS = Limits(warning=85, critical=95, clear_warning=75, clear_critical=85)


def identity(pid: int = 4242, **changes: object) -> ProcessIdentity:
    made = ProcessIdentity(
        boot_id=boot_id(),
        pid=pid,
        start_ticks=pid * 10,
        pidfd_inode=pid + 7,
        exe="/usr/bin/python3.11",
        image="8:1 1000 2000",
        uid=1000,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def process(pid: int = 4242, **changes: object) -> ProcessFacts:
    made = ProcessFacts(
        identity=identity(pid),
        name="python3",
        label="python3.11 burn.py",
        user="deploy",
        ppid=1,
        ancestors=(1,),
        state="R",
        cgroup="/user.slice/session.scope",
        unit=None,
        container=None,
        kernel_thread=False,
        foreign_pid_namespace=False,
        started_at=START - timedelta(minutes=5),
        nice=0,
        threads=1,
        rss_bytes=12_000_000,
        ports=(),
        respawner=None,
        denied=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def terminate(pid: int = 4242, **changes: object) -> Terminate:
    made = Terminate(host="web-1", process=identity(pid), label="python3.11 burn.py")
    return replace(made, **changes)  # type: ignore[arg-type]


def finding(**changes: object) -> Finding:
    made = Finding(
        detector="cpu",
        host="web-1",
        subject="",
        label="CPU",
        unit="%",
        value=98.0,
        limits=LIMITS,
        level=Level.CRITICAL,
        summary="The CPU of web-1 is 98 % busy.",
        at=START,
        series="cpu",
        facts=(Fact(label="CPU", value="98 % (limit 95 %)"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def culprit(pid: int = 4242, share: float = 0.9, **changes: object) -> Culprit:
    return Culprit(process=process(pid, **changes), share=share, amount=90.0)


def incident(**changes: object) -> Incident:
    made = Incident(
        number=12,
        host="web-1",
        fingerprint="web-1/cpu/",
        phase=Phase.OPEN,
        level=Level.CRITICAL,
        title="CPU 98 % on web-1",
        since=START,
        opened_at=START,
        findings=(finding(),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def proposal(
    state: State = State.PENDING, action: Action | None = None, **changes: object
) -> Proposal:
    """A proposal of incident 12; whatever became of it, the approver decided."""
    ended = state in (State.DONE, State.FAILED, State.REFUSED, State.INTERRUPTED)
    made = Proposal(
        id="web-1~abc123~0123456789abcdef",
        incident=12,
        letter="a",
        action=action or terminate(),
        digest="f" * 64,
        rule="policy.processes.terminate",
        needed=1,
        requested_by=None,
        created_at=START,
        expires=Moment(wall=START, boot=0, boot_id="b"),
        state=state,
        votes=(Voter(id=APPROVER),) if state is not State.PENDING else (),
        decided_by=APPROVER if state is not State.PENDING else None,
        outcome=Outcome(result=Result.DONE, seen=Seen.EXITED, summary="It ended.")
        if ended
        else None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
