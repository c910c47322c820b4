"""The incident that a person opens by asking for an action. Pure."""

from bot.model import (
    REQUEST,
    Culprit,
    Fact,
    Finding,
    Incident,
    Level,
    Limits,
    Person,
    Phase,
)
from bot.service_words import facts_of
from bot.target import Suspect
from remediation.action import OperateUnit
from remediation.moment import Moment
from remediation.unit import UnitFacts

_NO_LIMITS = Limits(warning=0, critical=0, clear_warning=0, clear_critical=0)


def process_requested(
    number: int, host: str, suspect: Suspect, now: Moment, who: Person
) -> Incident:
    """Return the incident for ending a process that somebody named."""
    process = suspect.process
    pid, ticks = process.identity.pid, process.identity.start_ticks
    culprit = Culprit(process=process, share=1.0, amount=0.0)
    finding = Finding(
        detector=REQUEST,
        host=host,
        subject=f"process:{pid}:{ticks}",
        label="Requested action",
        unit="",
        value=None,
        limits=_NO_LIMITS,
        level=Level.WARNING,
        summary=f"A teammate asked to terminate {process.label} (pid {pid})",
        at=now.wall,
        series="",
        facts=(
            Fact(label="Process", value=f"{process.label} (pid {pid})"),
            Fact(label="User", value=process.user),
            Fact(label="Unit", value=process.unit or process.cgroup),
        ),
        culprits=(culprit,),
    )
    return _incident(number, f"terminate pid {pid}", finding, now, who)


def service_requested(
    number: int, action: OperateUnit, service: UnitFacts, now: Moment, who: Person
) -> Incident:
    """Return the incident for operating a service that somebody named."""
    finding = Finding(
        detector=REQUEST,
        host=action.host,
        # Two requests about one service may follow each other within one boot.
        subject=f"service:{service.name}:{now.boot:.0f}",
        label="Requested action",
        unit="",
        value=None,
        limits=_NO_LIMITS,
        level=Level.WARNING,
        summary=f"A teammate asked to {action.verb} {service.name}",
        at=now.wall,
        series="",
        facts=facts_of(service, now.wall),
        service=service,
    )
    return _incident(number, f"{action.verb} {service.name}", finding, now, who)


def _incident(
    number: int, what: str, finding: Finding, now: Moment, who: Person
) -> Incident:
    return Incident(
        number=number,
        host=finding.host,
        fingerprint=finding.key,
        phase=Phase.OPEN,
        level=Level.WARNING,
        title=f"Request: {what} on {finding.host}",
        since=now.wall,
        opened_at=now.wall,
        findings=(finding,),
        culprit=finding.culprit,
        service=finding.service,
        owner=who.id,
    )
