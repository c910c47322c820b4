"""The incident that a person opens by asking for an action. Pure."""

from dataclasses import replace

from bot.actions.target import Suspect
from bot.model import REQUEST, Culprit, Fact, Finding, Incident, Level, Limits, Phase
from bot.person import Person
from bot.text.service_words import facts_of
from remediation.action import OperateUnit
from remediation.moment import Moment
from remediation.target.unit import UnitFacts

_NO_LIMITS = Limits(warning=0, critical=0, clear_warning=0, clear_critical=0)


def process_requested(
    number: int, host: str, suspect: Suspect, now: Moment, who: Person
) -> Incident:
    """Return the incident for ending a process that somebody named."""
    process = suspect.process
    pid, ticks = process.identity.pid, process.identity.start_ticks
    about = _request(host, f"process:{pid}:{ticks}", now)
    finding = replace(
        about,
        summary=f"A teammate asked to terminate {process.label} (pid {pid})",
        facts=(
            Fact(label="Process", value=f"{process.label} (pid {pid})"),
            Fact(label="User", value=process.user),
            Fact(label="Unit", value=process.unit or process.cgroup),
        ),
        culprits=(Culprit(process=process, share=1.0, amount=0.0),),
    )
    return _incident(number, f"terminate pid {pid}", finding, now, who)


def service_requested(
    number: int, action: OperateUnit, service: UnitFacts, now: Moment, who: Person
) -> Incident:
    """Return the incident for operating a service that somebody named."""
    # Two requests about one service may follow each other within one boot.
    about = _request(action.host, f"service:{service.name}:{now.boot:.0f}", now)
    finding = replace(
        about,
        summary=f"A teammate asked to {action.verb} {service.name}",
        facts=facts_of(service, now.wall),
        service=service,
    )
    return _incident(number, f"{action.verb} {service.name}", finding, now, who)


def _request(host: str, subject: str, now: Moment) -> Finding:
    return Finding(
        detector=REQUEST,
        host=host,
        subject=subject,
        label="Requested action",
        unit="",
        value=None,
        limits=_NO_LIMITS,
        level=Level.WARNING,
        summary="",
        at=now.wall,
        series="",
    )


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
