"""A runbook drafted from a resolved incident, for a person to finish."""

from collections.abc import Sequence

import yaml

from bot.config.policy import ActionKind
from bot.model import Incident
from bot.runbooks.page import TITLE_CHARACTERS
from bot.runbooks.prose import MAX_STEPS
from bot.text.markdown import cleaned, code, inert
from bot.text.words import amount, measured
from remediation.printable import printable

_EVENTS = 40
_WARNING = "A draft, made from incident {number} by Countersign: check it, then delete this line."


def draft(
    incident: Incident,
    events: Sequence[str],
    *,
    title: str = "",
    permits: Sequence[ActionKind] = (),
) -> str:
    """Return a runbook in Markdown that `page.parse` reads without a problem. Pure.

    events: the ledger's texts in order of time; they become the steps. title: a
    person's; without one the condition's. permits: the kinds of actions that helped.
    """
    name = _line(title) or f"{_spoken(incident)} on {incident.host}"
    front = {
        "title": name[:TITLE_CHARACTERS],
        "conditions": list(dict.fromkeys(f.detector for f in incident.findings)),
        "services": _services(incident),
        "symptoms": list(dict.fromkeys(_line(f.summary) for f in incident.findings)),
        "severity": "critical" if incident.level == "critical" else "warning",
        "actions": list(permits),
    }
    kept = {key: value for key, value in front.items() if value}
    head = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=1000)
    parts = (
        _WARNING.format(number=incident.number),
        f"## Meaning\n\n{_meaning(incident)}",
        f"## Look first\n\n{_evidence(incident)}",
        f"## Likely causes\n\n{_causes(incident)}",
        f"## Steps\n\n{_steps(incident, events)}",
        "## When to escalate\n\nWhen the steps above change nothing.",
        "## What not to do\n\nNothing is known yet.",
    )
    return f"---\n{head}---\n\n# {inert(name)}\n\n" + "\n\n".join(parts) + "\n"


def _spoken(incident: Incident) -> str:
    return incident.lead.detector.replace("_", " ").capitalize()


def _services(incident: Incident) -> list[str]:
    unit = incident.unit_name
    return [_line(unit)] if unit else []


def _line(text: str) -> str:
    return " ".join(cleaned(printable(text, limit=180)).split())


def _meaning(incident: Incident) -> str:
    rows = [
        f"* {inert(f.summary)} Measured {inert(measured(f))}; "
        f"warning from {inert(amount(f.limits.warning, f.unit))}, "
        f"critical from {inert(amount(f.limits.critical, f.unit))}."
        for f in incident.findings[:10]
    ]
    return "\n".join(rows)


def _evidence(incident: Incident) -> str:
    rows = [f"* {inert(item.title)}" for item in incident.evidence[:10]]
    return "\n".join(rows) or "* `countersign once` measures every condition now."


def _causes(incident: Incident) -> str:
    found = incident.diagnosis
    rows = [f"* {inert(h.cause)}" for h in found.hypotheses[:5]] if found else []
    if incident.culprit is not None:
        rows.append(f"* The process {code(incident.culprit.process.label)}.")
    return "\n".join(rows) or "* Not known yet."


def _steps(incident: Incident, events: Sequence[str]) -> str:
    told = [inert(text) for text in events if text.strip()][:_EVENTS]
    told.append(
        f"Confirm the end: {inert(incident.resolution or 'it is clear again')}."
    )
    return "\n".join(f"{n}. {text}" for n, text in enumerate(told[:MAX_STEPS], start=1))
