"""An incident in the words of memory, and what memory says in the words of a card. Pure."""

from collections.abc import Sequence

from bot.lore import FALSE_ALARM, RULES, PastCase
from bot.measuring.series import DETECTOR as PROMETHEUS
from bot.measuring.series import Subject
from bot.model import Incident, Phase
from bot.text.words import seconds
from memory.case import Case, Outcome, Recollection, Symptoms, TrackRecord
from remediation.action import Action, kind_of, name_of
from remediation.ledger.proposal import Proposal, State
from remediation.verify import Verdict

_MEASURED = {
    Verdict.RECOVERED: Outcome.FIXED,
    Verdict.UNCHANGED: Outcome.NO_EFFECT,
    Verdict.WORSE: Outcome.WORSE,
    Verdict.UNKNOWN: Outcome.UNKNOWN,
}
_SAID = {
    Outcome.FIXED: "it helped",
    Outcome.NO_EFFECT: "it did not help",
    Outcome.WORSE: "it got worse",
    Outcome.REJECTED: "rejected",
    Outcome.BY_ITSELF: "it passed by itself",
    Outcome.FALSE_ALARM: "a false alarm",
    Outcome.UNKNOWN: "whether it helped is not known",
}


def symptoms_of(incident: Incident) -> Symptoms:
    """Return the question to memory: what is seen, by which condition, of what."""
    return Symptoms(
        condition=condition_of(incident),
        host=incident.host,
        service=service_of(incident),
        text=_seen(incident),
    )


def case_of(incident: Incident, proposals: Sequence[Proposal]) -> Case:
    """Return a closed incident as it is remembered: rejections and failures too."""
    shown = _told(incident, proposals)
    feedback = incident.feedback
    return Case(
        key=str(incident.number),
        incident=incident.number,
        closed_at=incident.resolved_at or incident.opened_at,
        host=incident.host,
        service=service_of(incident),
        condition=condition_of(incident),
        symptoms=_seen(incident),
        cause=_cause(incident),
        action=_action(shown),
        action_kind=kind_of(shown.action) if shown else "",
        outcome=_outcome(incident, shown),
        # Who corrects the cause vouches for the correction.
        confirmed=(True if feedback.cause else feedback.is_right) if feedback else None,
        took=incident.verification.took if incident.verification else None,
    )


def condition_of(incident: Incident) -> str:
    """Return the condition's name: the detector's, of Prometheus with the rule's."""
    lead = incident.lead
    if lead.detector != PROMETHEUS:
        return lead.detector
    return f"{PROMETHEUS} {Subject.of(lead.subject).name}"


def service_of(incident: Incident) -> str:
    """Return what the incident is about: unit or program, else what was measured."""
    if incident.unit_name is not None:
        return incident.unit_name
    if incident.lead.detector == PROMETHEUS:
        return ""  # the rule is the condition, and a series no more than a host of it
    culprit = incident.culprit
    return culprit.process.label if culprit else incident.lead.subject


def past(found: Recollection) -> PastCase:
    """Return a recollection as the card shows it."""
    case = found.case
    return PastCase(
        incident=case.incident,
        closed_at=case.closed_at,
        symptoms=case.symptoms,
        cause=case.cause,
        action=case.action,
        outcome=_SAID[case.outcome],
        seen=found.seen,
        tried=found.tried,
        worked=found.worked,
        warns=found.counter_example,
    )


def retold(found: Sequence[Recollection]) -> str:
    """Tell recollections in lines, for whoever reads them as evidence."""
    told = [_line(one.case, one) for one in found]
    return "\n".join(told) or "Nothing similar is remembered."


def _line(case: Case, found: Recollection) -> str:
    done = f"; {case.action}, {_SAID[case.outcome]}" if case.action else ""
    times = f", seen {found.seen} times" if found.seen > 1 else ""
    cause = f" Cause: {case.cause}" if case.cause else ""
    return (
        f"Incident {case.incident} of {case.closed_at:%Y-%m-%d}{times}: "
        f"{case.symptoms}{done}.{cause}"
    )


def track_words(record: TrackRecord, kind: str) -> str:
    """Say how often an action helped: `terminate worked 4 of 5 times, median 38 s`."""
    if not record.tried:
        return ""
    word = kind.replace("_", " ")
    took = f", median {seconds(record.median)}" if record.median is not None else ""
    return f"{word} worked {record.worked} of {record.tried} times{took}"


def _seen(incident: Incident) -> str:
    joined = (finding.summary for finding in incident.findings[:5])
    return " ".join((incident.title, *joined))


def _cause(incident: Incident) -> str:
    if incident.feedback and incident.feedback.cause:
        return incident.feedback.cause
    # What the rules say is the symptom again, in other words.
    opinion = incident.diagnosis
    return opinion.summary if opinion and opinion.author != RULES else ""


def _told(incident: Incident, proposals: Sequence[Proposal]) -> Proposal | None:
    """Return the proposal that the story is about: carried out, else rejected."""
    if incident.verification is not None:
        wanted = incident.verification.proposal
        return next((p for p in proposals if p.id == wanted), None)
    for states in ((State.DONE, State.FAILED, State.INTERRUPTED), (State.REJECTED,)):
        ended = [p for p in proposals if p.state in states]
        if ended:
            return ended[-1]
    return None


def _action(proposal: Proposal | None) -> str:
    if proposal is None:
        return ""
    why = f" (rejected: {proposal.note})" if proposal.note else ""
    return f"{_kind(proposal.action)}{why}"


def _kind(action: Action) -> str:
    return f"{kind_of(action).replace('_', ' ')} {name_of(action)}".strip()


def _outcome(incident: Incident, told: Proposal | None) -> Outcome:
    if incident.resolution == FALSE_ALARM:
        return Outcome.FALSE_ALARM
    helped = incident.feedback.helped if incident.feedback else None
    if helped is not None and told is not None and told.state is not State.REJECTED:
        return Outcome.FIXED if helped else Outcome.NO_EFFECT
    if incident.verification is not None:
        return _MEASURED[incident.verification.verdict]
    if told is not None:
        rejected = told.state is State.REJECTED
        return Outcome.REJECTED if rejected else Outcome.UNKNOWN
    ended = incident.phase is Phase.RESOLVED
    return Outcome.BY_ITSELF if ended else Outcome.UNKNOWN
