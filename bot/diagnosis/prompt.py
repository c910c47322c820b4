"""What a model is told: instructions from a file, and fields that are listed here.

Nothing reaches a prompt because it is part of an incident; it does because a function
below names it. Texts from outside are redacted, everything is one JSON document, and
the fence around it cannot be closed from inside because `<` and `>` are escaped.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from bot.diagnosis.excerpt import excerpt
from bot.model import Culprit, EvidenceItem, Finding, Incident
from bot.text.redact import LONGEST, redact
from remediation.target.unit import UnitFacts, end_in_words, state_in_words

VERSION: Final = "diagnose.v1"
CRITIC_VERSION: Final = "critic.v1"

_SHORT: Final = 200
_ITEM_LIMIT: Final = 2500
_ITEMS: Final = 16
_ROWS: Final = 10
_FINDINGS: Final = 5
_POLICY_LIMIT: Final = 12_000

Candidate = tuple[str, str]
"""A proposal as a model sees it: its letter and its action in words."""


def instructions(version: str) -> str:
    """Return the text of a prompt; one that a release has used is never changed."""
    folder = files("bot.diagnosis").joinpath("prompts")
    return folder.joinpath(f"{version}.md").read_text(encoding="utf-8")


def question(
    incident: Incident,
    candidates: Sequence[Candidate],
    context: Sequence[EvidenceItem],
) -> str:
    """Return the incident as fenced data."""
    items = (*incident.evidence, *context)[:_ITEMS]
    return _fenced(
        {
            "incident": _incident(incident),
            "evidence": [_item(item) for item in items],
            "candidates": _candidates(candidates),
        }
    )


def review(incident: Incident, candidates: Sequence[Candidate], policy: str) -> str:
    """Return the policy and the proposals as fenced data."""
    return _fenced(
        {
            "policy": redact(policy, limit=_POLICY_LIMIT),
            "now": f"{incident.lead.at:%A %Y-%m-%d %H:%M} UTC",
            "incident": _incident(incident),
            "proposals": _candidates(candidates),
        }
    )


def reading(id_: str, text: str) -> str:
    """Return what a tool read, as fenced data with an id to cite it by."""
    return _fenced({"id": id_, "text": redact(text)})


def document(text: str, most: int) -> str:
    """Return a Markdown document as fenced data, its long sections cut to fit."""
    # Redacted whole: a secret that is cut in two is recognised by nothing.
    return _fenced({"text": excerpt(redact(text, limit=LONGEST), most)})


def _fenced(data: Mapping[str, object]) -> str:
    text = json.dumps(data, ensure_ascii=True)
    closed = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return f"<data>\n{closed}\n</data>"


def _short(text: str) -> str:
    return redact(text, limit=_SHORT).replace("\n", " ")


def _candidates(candidates: Sequence[Candidate]) -> list[dict[str, str]]:
    return [{"letter": letter, "action": _short(words)} for letter, words in candidates]


def _incident(incident: Incident) -> dict[str, object]:
    return {
        "host": _short(incident.host),
        "level": incident.level.value,
        "since": incident.since.isoformat(timespec="seconds"),
        "flapping": incident.flapping,
        "findings": [_finding(found) for found in incident.findings[:_FINDINGS]],
        "culprit": _culprit(incident.culprit),
        "service": _service(incident.service),
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "detector": _short(finding.detector),
        "figure": _short(finding.label),
        "series": _short(finding.series),
        "value": finding.value,
        "unit": _short(finding.unit),
        "warning": finding.limits.warning,
        "critical": finding.limits.critical,
        "level": finding.level.value,
        "at": finding.at.isoformat(timespec="seconds"),
        "facts": {_short(f.label): _short(f.value) for f in finding.facts[:8]},
    }


def _culprit(culprit: Culprit | None) -> dict[str, object] | None:
    if culprit is None:
        return None
    process = culprit.process
    return {
        "pid": process.identity.pid,
        "program": _short(process.label),
        "owner": _short(process.user),
        "unit": _short(process.unit or ""),
        "state": _short(process.state),
        "threads": process.threads,
        "nice": process.nice,
        "rss_bytes": process.rss_bytes,
        "started": process.started_at.isoformat(timespec="seconds"),
        "would_be_restarted_by": _short(process.respawner or ""),
        "share_of_the_problem": round(culprit.share, 3),
    }


def _service(service: UnitFacts | None) -> dict[str, object] | None:
    if service is None:
        return None
    return {
        "name": _short(service.name),
        "state": _short(state_in_words(service)),
        "why_it_ended": _short(end_in_words(service)),
        "started_again_by_itself": _short(service.restart),
        "automatic_restarts": service.restarts,
        "needed_by": [_short(name) for name in service.needed_by[:8]],
        "definition_changed_on_disk": service.stale,
    }


def _item(item: EvidenceItem) -> dict[str, object]:
    shown: dict[str, object] = {"id": item.id, "title": _short(item.title)}
    if item.text:
        shown["text"] = redact(item.text, limit=_ITEM_LIMIT)
    if item.table is not None:
        shown["columns"] = [_short(name) for name in item.table.columns]
        shown["rows"] = [
            [_short(cell) for cell in row] for row in item.table.rows[:_ROWS]
        ]
    return shown
