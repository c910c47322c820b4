"""Diagnosis without a model: what the figures themselves allow to say."""

from bot.lore import RULES, Diagnosis, Hypothesis
from bot.measuring.series import DETECTOR as PROMETHEUS
from bot.model import Culprit, Incident, Level
from bot.text.words import seconds
from remediation.target.unit import UnitFacts, end_in_words


class RuleDiagnoser:
    """Says which process explains the problem and what speaks for it."""

    def diagnose(self, incident: Incident) -> Diagnosis:
        """Return an opinion that cites the evidence it rests on."""
        cited = tuple(item.id for item in incident.evidence)
        if incident.lead.level is Level.UNKNOWN:
            return _opinion("The figure cannot be read, so nothing is known.", cited, 0)
        service = incident.service
        is_known = service is not None and not service.is_running
        if incident.lead.detector == PROMETHEUS and not is_known:
            return _opinion(
                "Prometheus tells the figure; what causes it is not known here.",
                cited,
                0,
            )
        if service is not None:
            return _opinion(_service_words(service), cited, 0.7)
        if incident.culprit is None:
            return _opinion(_unexplained_words(incident), cited, 0.3)
        return _opinion(_culprit_words(incident, incident.culprit), cited, 0.8)


def _unexplained_words(incident: Incident) -> str:
    lead = incident.lead
    if lead.mount:
        return f"Who fills {lead.mount} is not counted by the kernel; look what grew."
    if lead.no_action is not None and not lead.culprits:
        return f"No process is named: {lead.no_action.reason}."
    return (
        "No single process explains this; it may be many small ones, the kernel, or the "
        "load itself."
    )


def _service_words(service: UnitFacts) -> str:
    why = end_in_words(service)
    said = f"{service.name} is {service.active}"
    if service.gave_up:
        again = f"systemd gave up after {service.restarts} automatic restarts"
    elif service.restart == "":
        again = "whether anything starts it again is not known"
    elif service.restart == "no":
        again = "nothing starts it again by itself"
    else:
        again = f"it is started again by itself ({service.restart})"
    stale = " Its unit file changed after it was read." if service.stale else ""
    return f"{said}{f': it {why}' if why else ''}; {again}.{stale}"


def _culprit_words(incident: Incident, culprit: Culprit) -> str:
    process = culprit.process
    age = incident.since - process.started_at
    when = (
        f"started {seconds(age)} before" if age.total_seconds() > 0 else "just started"
    )
    back = (
        f"{process.respawner} would start it again"
        if process.respawner
        else "nothing is known that would start it again"
    )
    return (
        f"{process.label} (pid {process.identity.pid}) explains {culprit.share:.0%} "
        f"of it. It {when}; {back}."
    )


def _opinion(summary: str, cited: tuple[str, ...], confidence: float) -> Diagnosis:
    hypothesis = Hypothesis(cause=summary, evidence=cited)
    return Diagnosis(
        summary=summary,
        hypotheses=(hypothesis,),
        confidence=confidence,
        author=RULES,
    )
